/* SPDX-License-Identifier: GPL-2.0 */
/*
 * catch.h - what lies between a program's system calls and the table of what
 * belongs to the stack.
 *
 * Everything that runs in the program's process on our side is freestanding: no
 * libc, no thread-local storage, no lock of the program's. So it does the same
 * in a dynamic program, a static one, and one that has a runtime of its own, at
 * any moment of their lives, in signal handlers too.
 *
 * A caught call comes to nuse_call(), whoever caught it: a libc symbol, a
 * patched instruction or a trap. All that goes on to the host leaves through
 * the gateway: one page at a fixed address, the only code whose system calls
 * are not caught.
 */
#ifndef _NUSE_CATCH_H
#define _NUSE_CATCH_H

#include <stdbool.h>
#include <stdint.h>

/* The gateway: code that makes a system call, arguments as a function's. */
#define NUSE_GATEWAY	0x1ff000000000ULL

/*
 * Makes a system call of the host, which is not caught. Returns a negative
 * errno on failure.
 */
typedef long (*gateway_fn)(long nr, long a0, long a1, long a2, long a3, long a4, long a5);
#define host_call(nr, a0, a1, a2, a3, a4, a5)					\
	((gateway_fn)NUSE_GATEWAY)((long)(nr), (long)(a0), (long)(a1), (long)(a2),	\
				   (long)(a3), (long)(a4), (long)(a5))

/*
 * Does a system call of the program, in the stack or on the host, and returns
 * as the instruction does. Calls that create a thread or a process, replace the
 * program or return from a signal handler never come here: see catch.c.
 */
long nuse_call(long nr, const long args[6]);

/* Whether calls with this number can belong to the stack at all: others are not caught. */
bool nuse_wants(long nr);

/* The calling thread is new in the process (@child: it is the process's first). */
void nuse_new_thread(bool child);

/*
 * Makes the gateway and arms the catcher for this process, its threads and
 * children, for ever; a second time does nothing. Returns 0 or a negative
 * errno.
 */
int catch_init(void);

#endif /* _NUSE_CATCH_H */
