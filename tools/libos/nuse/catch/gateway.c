// SPDX-License-Identifier: GPL-2.0
/*
 * gateway.c - makes the gateway's page.
 *
 * It is the first thing of ours in a process, and marks it: who finds the page
 * there knows that the catcher is armed, and by whom. The one call made here
 * outside the gateway is a mapping at its address, which the filter lets pass.
 */
#include <linux/mman.h>
#include "inner.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

_Static_assert(NUSE_GATEWAY == GATEWAY_ADDRESS && NUSE_GATEWAY_WAIT == GATEWAY_WAIT, "catch.h");
_Static_assert((uintptr_t)NUSE_HEAD == NUSE_GATEWAY + GATEWAY_HEAD, "catch.h");

/* Of late.c, which is not wherever a gateway is */
uint32_t late_threads;

extern const char gateway_code[] hidden, gateway_code_end[] hidden;

static long map_page(void)
{
	register long flags asm("r10") = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	register long fd asm("r8") = -1;
	register long offset asm("r9") = 0;
	long ret;

	asm volatile("syscall" : "=a" (ret)
		     : "0" (__NR_mmap), "D" (NUSE_GATEWAY), "S" (GATEWAY_SIZE),
		       "d" (PROT_READ | PROT_WRITE | PROT_EXEC), "r" (flags), "r" (fd), "r" (offset)
		     : "rcx", "r11", "memory");
	return ret;
}

void gateway_end_wait(struct sigcontext *regs)
{
	uint64_t at = regs->rip - NUSE_GATEWAY;

	if (at >= GATEWAY_WAIT && at <= GATEWAY_WAIT_CALL)
		regs->rip = NUSE_GATEWAY + GATEWAY_WAIT_ENDED;
}

int gateway_make(void)
{
	struct nuse_head *head = (struct nuse_head *)NUSE_HEAD;
	long page = map_page();

	if (page == -EEXIST)
		return head->magic == NUSE_MAGIC ? -EEXIST : -EADDRINUSE;
	if (page < 0)
		return page;
	memcpy((void *)NUSE_GATEWAY, gateway_code, gateway_code_end - gateway_code);
	head->magic = NUSE_MAGIC;
	head->call = nuse_call;
	head->fds = &nuse_fds;
	head->late = &late_threads;
	return host_call(__NR_mprotect, NUSE_GATEWAY, GATEWAY_SIZE, PROT_READ | PROT_EXEC, 0, 0, 0);
}
