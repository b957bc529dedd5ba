/* SPDX-License-Identifier: GPL-2.0 */
/*
 * inside.h - call 500 of the core for tests: what it does inside, by its first
 * argument.
 */
#ifndef _CATCH_INSIDE_H
#define _CATCH_INSIDE_H

#define INSIDE_NR	500

enum {
	INSIDE_WHERE,		/* no work: where the thread has catch_thread::inside */
	INSIDE_CORE,		/* no work: its catch_thread::core */
	INSIDE_SPIN,		/* times */
	INSIDE_SPIN_UNTIL,	/* int * */
	INSIDE_POLL,		/* fds, nr, timeout, mask */
	INSIDE_FUTEX,		/* int *, value, timeout */
	INSIDE_TOUCH,		/* address: EFAULT */
	INSIDE_CRASH,		/* address */
	INSIDE_JUMP,		/* address: EFAULT for INSIDE_NOWHERE */
};

#define INSIDE_NOWHERE	0x7070

#endif /* _CATCH_INSIDE_H */
