/* SPDX-License-Identifier: GPL-2.0 */
/*
 * core.h - the library descriptors of core.c, and what it tells a program.
 *
 * The core wants no call, so that none is caught but by libnuse.so: what comes to
 * it has come by a hook.
 */
#ifndef _HOOK_CORE_H
#define _HOOK_CORE_H

#define FD_SEEN		600	/* a call is written down, and returns SEEN */
#define FD_AGAIN	601	/* fails with EAGAIN */
#define FD_WAITS	602	/* waits at the host for a signal, and fails with EINTR */
#define FD_INSIDE	603	/* the same as calls of the stack wait */
#define FD_LAST		639	/* library descriptors are FD_SEEN to here */
#define SEEN		77

/* Where the program has memory for it */
#define RECORD		((struct record *)0x1fe000000000UL)
struct record {
	long nr, args[6];
	int waits;
};

#endif /* _HOOK_CORE_H */
