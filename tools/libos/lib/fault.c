// SPDX-License-Identifier: GPL-2.0
/*
 * fault.c - bad pointers in system calls are EFAULT.
 *
 * The kernel touches the caller's memory with plain instructions. When one of
 * them faults, the handler asks the instance that the instruction belongs to
 * where to go on. Faults of anybody else go to the handler that was there
 * before. It runs on a signal stack, since the kernel's own stacks are small.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "instance.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sigaction old_segv, old_bus;
static int init_error;

static void chain(int sig, siginfo_t *info, void *context)
{
	struct sigaction *old = sig == SIGSEGV ? &old_segv : &old_bus;

	if (old->sa_flags & SA_SIGINFO)
		old->sa_sigaction(sig, info, context);
	else if (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN)
		sigaction(sig, old, NULL);	/* the fault comes again, and kills */
	else
		old->sa_handler(sig);
}

/* A jump to nowhere, on a stack of the instance: as a fault in its code. */
static uintptr_t wild_jump(const greg_t *regs, uintptr_t addr)
{
	struct libos *l = here.inside;

	if (!l || *l->kernel.running || addr != (uintptr_t)regs[REG_RIP] ||
	    slot_of(regs[REG_RSP]) != l->slot)
		return 0;
	return l->exports.fault((uintptr_t)l->exports.fault, addr);
}

static void handler(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs, *ip = &regs[REG_RIP];
	unsigned int slot = slot_of(*ip);
	uintptr_t to = 0;
	struct libos *l;

	l = slot < NR_SLOTS ? __atomic_load_n(&instances[slot], __ATOMIC_ACQUIRE) : NULL;
	if (l && l->exports.fault)
		to = l->exports.fault(*ip, (uintptr_t)info->si_addr);
	if (!to)
		to = wild_jump(regs, (uintptr_t)info->si_addr);
	if (to)
		*ip = to;
	else
		chain(sig, info, context);
}

static void install(void)
{
	struct sigaction sa = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSEGV, &sa, &old_segv) || sigaction(SIGBUS, &sa, &old_bus))
		init_error = errno;
}

int fault_init(void)
{
	pthread_once(&once, install);
	return init_error ? fail(init_error, "cannot handle SIGSEGV: %s",
				 strerror(init_error)) : 0;
}

static size_t stack_size(void)
{
	long frame = sysconf(_SC_MINSIGSTKSZ);

	return 16384 + (frame > 0 ? frame : 0);
}

void *fault_thread(void)
{
	stack_t ss;

	if (sigaltstack(NULL, &ss) || !(ss.ss_flags & SS_DISABLE))
		return NULL;
	ss.ss_flags = 0;
	ss.ss_size = stack_size();
	ss.ss_sp = malloc(ss.ss_size);
	if (ss.ss_sp && sigaltstack(&ss, NULL)) {
		free(ss.ss_sp);
		ss.ss_sp = NULL;
	}
	return ss.ss_sp;
}

void fault_thread_end(void *stack)
{
	stack_t ss, off = { .ss_flags = SS_DISABLE };

	if (!stack)
		return;
	if (!sigaltstack(NULL, &ss) && ss.ss_sp == stack)
		sigaltstack(&off, NULL);
	free(stack);
}
