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
 * A call of the host that may wait, e.g. ppoll or futex: -ERESTART if *@signal,
 * the thread's catch_thread::signal, is not 0 or becomes so, without a moment
 * between the look and the wait.
 */
typedef long (*gateway_wait_fn)(const uint32_t *signal, long nr, long a0, long a1, long a2,
				long a3, long a4, long a5);
#define host_wait(signal, nr, a0, a1, a2, a3, a4, a5)				\
	((gateway_wait_fn)(NUSE_GATEWAY + NUSE_GATEWAY_WAIT))(signal, (long)(nr), (long)(a0),	\
			(long)(a1), (long)(a2), (long)(a3), (long)(a4), (long)(a5))
#define NUSE_GATEWAY_WAIT	0x140

/*
 * Where memory of the stack lies in each process: all addresses with this upper
 * half. Calls of a program that would change mappings there (munmap, mprotect,
 * madvise, mremap) come to nuse_call(), too; elsewhere they do not.
 */
#define NUSE_MEMORY	0x1e0000000000ULL

/*
 * Makes the gateway and arms the catcher for this process, its threads and
 * children, for ever; a second time does nothing. Returns 0 or a negative
 * errno: -EADDRINUSE if something else lies at the gateway's address, -EBUSY if
 * a thread has a seccomp filter that others have not.
 */
int catch_init(void);

/*
 * What stands in the gateway's page: @call is the nuse_call() of who armed the
 * catcher, @fds where its nuse_fds is, @late how many threads hold a signal (see
 * nuse_call()). In a program that nuse-run started, those are nuse-run's, and a
 * libnuse.so there has to use them.
 */
struct nuse_head {
	uint64_t magic;
	long (*call)(long nr, const long args[6]);
	const uint64_t *const *fds;
	const uint32_t *late;
};

#define NUSE_MAGIC	0x65736e2d68637463ULL
#define NUSE_HEAD	((const struct nuse_head *)(NUSE_GATEWAY + 0xf00))

/*
 * Does a system call of the program, in the stack or on the host, and returns
 * as the instruction does. Numbers that nuse_wants() denies may come too, and go
 * on to the host as they are. exit_group comes if it is wanted; exit would, too,
 * but there are threads that have unmapped their stack before they make it (musl's
 * detached ones), where nothing can be caught: do not want it. Those that make a
 * thread or a process, replace the program, change the action of a signal or its
 * mask, or return from a handler never come here: see catch/. Masks in the
 * arguments (ppoll, ...) have SIGSYS, SIGSEGV and SIGBUS taken out.
 *
 * It runs on the program's stack or signal stack, which may have little more
 * than 8 KiB left: go to one of your own for more. Of the vector registers it
 * may change the low 128 bits only (no AVX). Signals of the program come in the
 * middle of it, and their handlers make calls, or leave by a jump and never
 * return; a call of the host that waits is ended by them, or goes on
 * (SA_RESTART), as if the program had made it. All that only while the thread is
 * not inside.
 *
 * Signals of libc's own (32 and 33), one of which cancels threads, come only when
 * the program goes on, for their handlers look at what they have interrupted. Until
 * then they are held, and end calls that wait. -ERESTART has the program make its
 * call again, after such a signal. Who calls this function as a hook does, on behalf
 * of the program, makes a call that traps when *nuse_head::late is not 0.
 */
long nuse_call(long nr, const long args[6]);

/*
 * The library descriptors of this process, a bit each, for NUSE_FDS numbers;
 * NULL: none, or all calls have to trap. Who sees here that a descriptor is none passes it on to libc, whose
 * instruction is caught; nuse_call() looks again. So it may be out of date, or
 * that of the parent (vfork), at the cost of time only.
 */
extern const uint64_t *nuse_fds;
#define NUSE_FDS	65536

/*
 * Inside the kernel, a thread runs no handler of the program, since it would run
 * on the kernel's stack, might make calls or never come back. As on the host, a
 * call that waits is ended first, then the handler runs, then the call is made
 * again or returns -EINTR. So the core does, with one catch_enter() at a time:
 *
 *	do {
 *		catch_enter(self);
 *		... takes the lock, works, gives it back, host_wait(&self->signal, ...)
 *		catch_leave(self);
 *		ran = self->signal ? catch_signals(self, mask) : SIGNALS_NONE;
 *	} while (the call was ended by host_wait() && may be made again after ran);
 *
 * Between the two, only SIGSYS, SIGSEGV and SIGBUS are delivered after the first
 * signal that was put off, and all others are blocked at the host. So a signal
 * whose default action ends or stops the process does so outside, but for SIGKILL
 * and SIGSTOP, which are the host's business.
 *
 * The handler's frame lies on whatever stack the thread has inside: 4 KiB have to
 * be left there, and on signal stacks that the program has.
 */

/**
 * struct catch_thread - what the catcher has for a thread, found by its fs base
 * @core:	the core's own word, 0 at first; it stays when a thread that begins has
 *		the fs base of one that ended; a process that was forked begins with
 *		its parent's
 * @inside:	between catch_enter() and catch_leave()
 * @signal:	one was put off since, or is held: not 0
 * @altstack, @altstack_size: the program's signal stack, if it has one
 * @altstack_off: it is off meanwhile, as the host has it
 */
struct catch_thread {
	uint64_t core;
	uint32_t inside;
	uint32_t signal;
	uint64_t altstack, altstack_size;
	uint32_t altstack_off;
};

/*
 * Of the caller, in a few ns. A thread or vfork child that goes on with its
 * parent's fs base in its parent's memory has one of its own, with core == 0 at
 * first. NULL if there is no memory for it.
 */
struct catch_thread *catch_thread(void);

/* Of a thread that is not inside: the program's call, to the host, where it may wait */
static inline long host_pass(long nr, const long a[6])
{
	struct catch_thread *self = catch_thread();

	if (!self)
		return host_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	return host_wait(&self->signal, nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* For the inlines below */
void catch_altstack_off(struct catch_thread *self);
void catch_altstack_on(struct catch_thread *self);

/*
 * A handler of the program that runs on its signal stack may make calls: when
 * these leave that stack, a signal must not come to its start, where the
 * handler's frame lies. So to leave a signal stack, be inside.
 */
static inline void catch_enter(struct catch_thread *self)
{
	uint64_t sp;

	__atomic_store_n(&self->inside, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	asm volatile("mov %%rsp, %0" : "=r" (sp));
	if (__builtin_expect(sp - self->altstack < self->altstack_size, 0))
		catch_altstack_off(self);
}

/* On the stack where catch_enter() was called */
static inline void catch_leave(struct catch_thread *self)
{
	if (__builtin_expect(self->altstack_off, 0))
		catch_altstack_on(self);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&self->inside, 0, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/*
 * To be called after catch_leave(), if self->signal: delivers what was put off, so
 * that handlers run here, and may never return. @mask: NULL, or the mask of
 * signals that the call waited with (ppoll), under which they are to start. What
 * decides about a restart is the first handler, as on the host.
 */
enum catch_ran {
	SIGNALS_NONE,		/* no handler ran after all: the call goes on, even poll() */
	SIGNALS_RESTART,	/* it has SA_RESTART: -EINTR of poll() and the like, others go on */
	SIGNALS_EINTR,
	SIGNALS_LATE,		/* none ran, but one is held: back to the program first */
};
enum catch_ran catch_signals(struct catch_thread *self, const uint64_t *mask);

/*
 * The core's: an instruction at @ip has faulted on @addr (both the same: a jump to
 * nowhere), in any thread, inside or not. Where to go on, or 0: it is not the
 * stack's. Then it is the program's, or ends the process if the thread is inside.
 * It runs in the handler of a signal, must not block and takes no lock.
 */
uintptr_t nuse_fault(uintptr_t ip, uintptr_t addr);

/*
 * Whether calls with this number can belong to the stack at all: others are not
 * caught, and of those that send a signal only SIGKILL's and SIGSTOP's. Asked once, by
 * catch_init() and for each number below 512.
 */
bool nuse_wants(long nr);

/*
 * A clone, fork or vfork, with the flags of clone3(); CLONE_VM without
 * CLONE_THREAD is a child that works on its parent's memory (vfork,
 * posix_spawn). begin and end are called in the parent, before and after, with
 * what the call returned, which may be an error; new_thread in the child. All
 * signals are blocked meanwhile. What begin returns is a word for the other two, or an
 * error: then this is what the call returns, which is not made.
 */
long nuse_clone_begin(uint64_t flags);
void nuse_clone_end(uint64_t flags, long word, long ret);
void nuse_new_thread(uint64_t flags, long word);

/*
 * A signal is about to end or to stop the process, by its default action or after a
 * fault, in a thread that is not inside; or that thread is about to exec, which ends the
 * others.
 */
void nuse_quiesce(void);

/* After nuse_quiesce(): it could not exec, or is no longer stopped, and goes on. */
void nuse_go_on(void);

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
