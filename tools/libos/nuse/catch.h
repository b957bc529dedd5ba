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
 *
 * The catcher (catch/) gives catch_init(); all other functions here are the
 * core's, which is the catcher's caller. The core is in nuse-run, which starts
 * programs; libnuse.so (hook/) catches libc's symbols for it.
 */
#ifndef _NUSE_CATCH_H
#define _NUSE_CATCH_H

#include <stdbool.h>
#include <stddef.h>
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
 * Makes the gateway and arms the catcher for this process, its threads and
 * children, for ever; a second time does nothing. Returns 0 or a negative
 * errno: -EADDRINUSE if something else lies at the gateway's address, -EBUSY if
 * a thread has a seccomp filter that others have not.
 */
int catch_init(void);

/*
 * What stands in the gateway's page: @call is the nuse_call() of who armed the
 * catcher, and @fds where its nuse_fds is. In a program that nuse-run started,
 * those are nuse-run's, and a libnuse.so there has to use them.
 */
struct nuse_head {
	uint64_t magic;
	long (*call)(long nr, const long args[6]);
	const uint64_t *const *fds;
};

#define NUSE_MAGIC	0x65736e2d68637463ULL
#define NUSE_HEAD	((const struct nuse_head *)(NUSE_GATEWAY + 0xf00))

/*
 * Does a system call of the program, in the stack or on the host, and returns
 * as the instruction does. Numbers that nuse_wants() denies may come too, and go
 * on to the host as they are. Those that make a thread or a process, replace the
 * program, change the action of a signal or its mask, or return from a handler
 * never come here: see catch/. Masks in the arguments (ppoll, ...) have SIGSYS
 * taken out.
 *
 * It runs on the program's stack or signal stack, which may have little more
 * than 8 KiB left: go to one of your own for more. Of the vector registers it
 * may change the low 128 bits only (no AVX). Signals of the program come in the
 * middle of it, and their handlers make calls, or leave by a jump and never
 * return; a call of the host that waits is ended by them, or goes on
 * (SA_RESTART), as if the program had made it.
 */
long nuse_call(long nr, const long args[6]);

/*
 * The library descriptors of this process, a bit each, for NUSE_FDS numbers;
 * NULL: none. Who sees here that a descriptor is none passes it on to libc, whose
 * instruction is caught; nuse_call() looks again. So it may be out of date, or
 * that of the parent (vfork), at the cost of time only.
 */
extern const uint64_t *nuse_fds;
#define NUSE_FDS	65536

/*
 * Whether calls with this number can belong to the stack at all: others are not
 * caught. Asked once, by catch_init() and for each number below 512.
 */
bool nuse_wants(long nr);

/*
 * A clone, fork or vfork, with the flags of clone3(); CLONE_VM without
 * CLONE_THREAD is a child that works on its parent's memory (vfork,
 * posix_spawn). begin and end are called in the parent, before and after, with
 * what the call returned, which may be an error; new_thread in the child. All
 * signals are blocked meanwhile.
 */
void nuse_clone_begin(uint64_t flags);
void nuse_clone_end(uint64_t flags, long ret);
void nuse_new_thread(uint64_t flags);

/*
 * Programs that are exec'ed are started by nuse-run: where it is, and the file
 * to be in LD_PRELOAD of dynamic ones, or NULL.
 */
const char *nuse_run_path(void);
const char *nuse_preload_path(void);

/*
 * The core's word to the core of the next program, at most @size bytes without
 * a space; returns how many. In nuse-run, nuse_start() gets it, before the
 * program's first instruction and after catch_init(); an error ends the process:
 * the core has said why.
 */
size_t nuse_note(char *note, size_t size);
int nuse_start(const char *note);

#endif /* _NUSE_CATCH_H */
