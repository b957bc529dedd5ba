// SPDX-License-Identifier: GPL-2.0
/*
 * map.c - an instance that others have made appears in this process.
 *
 * All lies at fixed addresses, which have to be free. The page of host functions
 * is private: who attaches fills it in.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include "catch.h"
#include "share.h"

#define PAGE	4096UL

static int map(uint64_t addr, uint64_t size, int prot, int flags, int fd, uint64_t offset)
{
	long got;

	/* mmap() has six arguments, the number not counted. */
	got = host_call(__NR_mmap, addr, size, prot, flags, fd, offset);
	return got == (long)addr ? 0 : got < 0 ? got : -EEXIST;
}

int share_map_host_page(void)
{
	return map((uint64_t)share->kernel.host_page, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

int share_map(int fd_base)
{
	int rw = PROT_READ | PROT_WRITE, rx = PROT_READ | PROT_EXEC;
	int flags = MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, err;

	err = map(SHARE_CONTROL, sizeof(struct share_control), rw, flags, fd_base + FD_CONTROL, 0);
	if (err)
		return err;
	err = map(SHARE_BASE, share->text_size, rx, MAP_PRIVATE | MAP_FIXED_NOREPLACE,
		  fd_base + FD_TEXT, 0);
	if (!err)
		err = map(SHARE_BASE + share->text_size, share->kernel.image_size, rw, flags,
			  fd_base + FD_DATA, 0);
	if (!err)
		err = map(SHARE_MEMORY, share->kernel.memory_size, rw, flags, fd_base + FD_MEMORY, 0);
	if (!err)
		err = share_map_host_page();
	/* For share_let_in(); children inherit it. Without, it keeps nobody out for long. */
	host_call(__NR_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0, 0, 0, 0);
	return err;
}
