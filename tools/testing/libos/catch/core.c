// SPDX-License-Identifier: GPL-2.0
/*
 * core.c - a core for tests of the catcher, which shows that a call was caught:
 * getppid is 4242; descriptors from 500 on have made-up bytes, 777 none ever;
 * getpgid(4242) tells how many calls came here; exit passes the host by too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <asm/unistd.h>
#include <nuse/catch.h>

#define hidden __attribute__((visibility("hidden")))

hidden const uint64_t *nuse_fds;

static long calls, births, children;

static long host(long nr, const long a[6])
{
	return host_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long made_up(char *to, long size)
{
	long i;

	for (i = 0; i < size; i++)
		to[i] = 'a' + i % 26;
	return size;
}

hidden bool nuse_wants(long nr)
{
	switch (nr) {
	case __NR_getppid:
	case __NR_read:
	case __NR_recvfrom:
	case __NR_openat:
	case __NR_poll:
	case __NR_getpgid:
	case __NR_mmap:
		return true;
	}
	return false;
}

hidden long nuse_call(long nr, const long a[6])
{
	calls++;
	switch (nr) {
	case __NR_getppid:
		return 4242;
	case __NR_getpgid:
		if (a[0] == 4242)
			return calls;
		if (a[0] == 4243)
			return births * 1000 + children;
		break;
	case __NR_read:
	case __NR_recvfrom:
		if ((int)a[0] == 777)
			return host_call(__NR_futex, &(int){ 0 }, 0, 0, 0, 0, 0);
		if ((int)a[0] >= 500)
			return made_up((char *)a[1], a[2]);
		break;
	}
	return host(nr, a);
}

hidden void nuse_clone_begin(uint64_t flags)
{
	(void)flags;
	__atomic_add_fetch(&births, 1, __ATOMIC_RELAXED);
}

hidden void nuse_clone_end(uint64_t flags, long ret)
{
	(void)flags;
	if (ret < 0)
		__atomic_sub_fetch(&births, 1, __ATOMIC_RELAXED);
}

hidden void nuse_new_thread(uint64_t flags)
{
	(void)flags;
	__atomic_add_fetch(&children, 1, __ATOMIC_RELAXED);
}

hidden uintptr_t nuse_fault(uintptr_t ip, uintptr_t addr)
{
	(void)ip;
	(void)addr;
	return 0;
}

hidden const char *nuse_run_path(void)
{
	return NUSE_RUN;
}

hidden const char *nuse_preload_path(void)
{
	return NUSE_PRELOAD;
}

hidden size_t nuse_note(char *note, size_t size)
{
	(void)size;
	*note = 'x';
	return 1;
}

hidden int nuse_start(const char *note)
{
	return *note != 'x';
}
