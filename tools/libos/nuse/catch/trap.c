// SPDX-License-Identifier: GPL-2.0
/*
 * trap.c - a call that trapped, from the registers that the handler of SIGSYS
 * is given, to the result there.
 *
 * The signal's frame lies where the program has its signals: on its signal
 * stack, if it has one, else on its stack. What is done is done on that stack
 * too, so that signals of the program in the middle of a call, and jumps out of
 * their handlers, find all as they would find it on the host. SIGSYS is never
 * blocked: a handler of the program may run inside a call and make calls.
 */
#include "inner.h"

static void arguments(long args[6], const struct sigcontext *regs)
{
	args[0] = regs->rdi;
	args[1] = regs->rsi;
	args[2] = regs->rdx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
}

bool trap_taken(const siginfo_t *info, struct ucontext *uc)
{
	struct sigcontext *regs = &uc->uc_mcontext;
	long nr = info->si_syscall, args[6], ret;
	struct thread *self;

	if (info->si_code != SYS_SECCOMP || info->si_errno != TRAP_MARK)
		return false;
	if (patch_late(regs))
		return true;
	arguments(args, regs);
	ret = sandbox_error(nr, args, regs->rip);
	if (ret != SANDBOX_PASS) {
		regs->rax = ret;
		return true;
	}
	switch (nr) {
	case __NR_rt_sigreturn:
		signal_return(uc);
		break;
	case __NR_clone:
	case __NR_clone3:
	case __NR_fork:
	case __NR_vfork:
		birth_begin(nr, uc);
		return true;
	}
	if (altstack_has(uc)) {
		self = thread_self();
		if (self)
			altstack_note(self, uc);
	}
	ret = call_do(nr, args, &uc->uc_sigmask);
	if (ret == -ERESTART) {
		call_again(regs, nr);
		return true;
	}
	regs->rax = ret;
	patch_site(regs->rip, nr);
	return true;
}
