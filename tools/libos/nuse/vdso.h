/* SPDX-License-Identifier: GPL-2.0 */
/* vdso.h - what is known without a system call: the time, and which thread this is */
#ifndef _NUSE_VDSO_H
#define _NUSE_VDSO_H

#include <stdint.h>

/* Finds the clock; before that it is read by system calls. */
void vdso_init(void);

/* A clock of the host in nanoseconds */
uint64_t vdso_clock(int id);

/* The fs base of the calling thread: differs from those of all others that live. */
uint64_t thread_key(void);

/* Where a call of the host's shared object goes on that is not there: valgrind unmaps it. */
uintptr_t vdso_fault(uintptr_t ip);

#endif /* _NUSE_VDSO_H */
