// SPDX-License-Identifier: GPL-2.0
/* core.c - see core.h */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <nuse/catch.h>
#include "core.h"

#define hidden __attribute__((visibility("hidden")))

static const uint64_t fds[NUSE_FDS / 64] = { [FD_SEEN / 64] = ~0UL << FD_SEEN % 64 };

hidden const uint64_t *nuse_fds = fds;

_Static_assert(FD_SEEN / 64 == FD_LAST / 64 && FD_LAST % 64 == 63, "fds");

hidden bool nuse_wants(long nr)
{
	(void)nr;
	return false;
}

static long seen(long nr, const long a[6])
{
	int i;

	RECORD->nr = nr;
	for (i = 0; i < 6; i++)
		RECORD->args[i] = a[i];
	return SEEN;
}

static long wait_inside(void)
{
	struct catch_thread *self = catch_thread();
	enum catch_ran ran;

	do {
		catch_enter(self);
		__atomic_store_n(&RECORD->waits, 1, __ATOMIC_RELEASE);
		host_wait(&self->signal, __NR_ppoll, 0, 0, 0, 0, 0, 0);
		catch_leave(self);
		ran = self->signal ? catch_signals(self, NULL) : SIGNALS_NONE;
	} while (ran == SIGNALS_RESTART);
	return -EINTR;
}

hidden long nuse_call(long nr, const long a[6])
{
	int fd = a[0];

	if (nr == __NR_poll && a[1])
		fd = *(int *)a[0];
	if (nr == __NR_splice || nr == __NR_epoll_ctl)
		fd = fd == FD_SEEN ? fd : a[2];
	if (nr == __NR_sendfile)
		fd = fd == FD_SEEN ? fd : a[1];
	switch (fd) {
	case FD_SEEN:
		return seen(nr, a);
	case FD_AGAIN:
		return -EAGAIN;
	case FD_WAITS:
		__atomic_store_n(&RECORD->waits, 1, __ATOMIC_RELEASE);
		return host_pass(__NR_ppoll, (long[6]) { 0 });
	case FD_INSIDE:
		return wait_inside();
	}
	return host_pass(nr, a);
}

hidden uintptr_t nuse_fault(uintptr_t ip, uintptr_t addr)
{
	(void)ip;
	(void)addr;
	return 0;
}

hidden long nuse_clone_begin(uint64_t flags)
{
	(void)flags;
	return 0;
}

hidden void nuse_clone_end(uint64_t flags, long word, long ret)
{
	(void)flags;
	(void)word;
	(void)ret;
}

hidden void nuse_new_thread(uint64_t flags, long word)
{
	(void)flags;
	(void)word;
}

hidden void nuse_go_on(void)
{
}

hidden void nuse_quiesce(void)
{
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
	(void)note;
	(void)size;
	return 0;
}

hidden int nuse_start(const char *note)
{
	(void)note;
	return 0;
}
