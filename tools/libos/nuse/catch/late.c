// SPDX-License-Identifier: GPL-2.0
/*
 * late.c - signals of libc itself: they come late, when the program goes on.
 *
 * One of them cancels a thread. Its handler unwinds the stack from what it has
 * interrupted, or looks whether that was the instruction of a system call. So it
 * must never find code of ours there, whose stack nobody can unwind. In the middle
 * of a call, inside the kernel or not, the signal is held, and a call that waits
 * is ended, to be made again. On the way back to the program it is sent again:
 *
 *   trap	blocked, at the end of the handler of SIGSYS: sigreturn lets it come
 *   stub	by a trap with the program's registers in place (stub.S)
 *   hook	by a call that traps (../hook)
 *
 * Each looks first whether there is anything held. Who comes after that look, at
 * one of the few instructions that are left, is known by its address.
 */
#include "inner.h"

#define LATE_MASK	(signal_bit(LATE_FIRST) | signal_bit(LATE_FIRST + 1))

/* The image that this code is part of, from its start to the end of its code */
extern const char __ehdr_start[] hidden, etext[] hidden;

static bool between(uint64_t ip, const void *start, const void *end)
{
	return ip >= (uintptr_t)start && ip < (uintptr_t)end;
}

static bool in_gateway(uint64_t ip, unsigned int start, unsigned int end)
{
	return ip >= NUSE_GATEWAY + start && ip < NUSE_GATEWAY + end;
}

/* After a clone the way back has no look: there it comes at once. */
static bool is_ours(uint64_t ip)
{
	if (in_gateway(ip, 0, GATEWAY_SIZE))
		return !in_gateway(ip, GATEWAY_CLONE, GATEWAY_SIGRETURN);
	return between(ip, __ehdr_start, etext) || patch_has(ip);
}

/* A frame is about to be gone. */
static bool is_last(uint64_t ip)
{
	return between(ip, signal_leave, signal_left) ||
	       in_gateway(ip, GATEWAY_SIGRETURN, GATEWAY_WAIT);
}

static siginfo_t *held_of(struct thread *self, int sig)
{
	return &self->late[sig - LATE_FIRST];
}

static bool holds(const struct thread *self)
{
	return self->late[0].si_signo || self->late[1].si_signo;
}

static void hold(struct thread *self, int sig, const siginfo_t *info, struct sigcontext *regs)
{
	if (!holds(self))
		__atomic_add_fetch(&late_threads, 1, __ATOMIC_RELAXED);
	*held_of(self, sig) = *info;
	self->pub.signal = sig;
	gateway_end_wait(regs);
}

bool late_hold(struct thread *self, int sig, const siginfo_t *info, struct ucontext *uc)
{
	struct sigcontext *regs = &uc->uc_mcontext;

	if (!(signal_bit(sig) & LATE_MASK))
		return false;
	if (!self->pub.inside) {
		if (is_last(regs->rip)) {
			uc->uc_sigmask |= signal_bit(sig);
			signal_send(self, sig, info);
			return true;
		}
		patch_leave(regs);
		if (!is_ours(regs->rip))
			return false;
	}
	hold(self, sig, info, regs);
	return true;
}

int late_held(const struct thread *self)
{
	return self->late[0].si_signo ?: self->late[1].si_signo;
}

void late_forget(struct thread *self)
{
	if (holds(self))
		__atomic_sub_fetch(&late_threads, 1, __ATOMIC_RELAXED);
	self->late[0].si_signo = 0;
	self->late[1].si_signo = 0;
}

void late_forked(const struct thread *self)
{
	late_threads = self && holds(self);
}

void late_send(struct ucontext *uc)
{
	struct thread *self = thread_self();
	const uint64_t mask = LATE_MASK;
	siginfo_t info[NR_LATE];
	int i;

	if (!self || self->pub.inside)
		return;
	patch_leave(&uc->uc_mcontext);
	if (is_ours(uc->uc_mcontext.rip))
		return;
	signal_real_mask(SIG_BLOCK, &mask, NULL);
	if (!holds(self))
		return;
	memcpy(info, self->late, sizeof(info));
	late_forget(self);
	self->pub.signal = 0;
	for (i = 0; i < NR_LATE; i++) {
		if (info[i].si_signo)
			signal_send(self, info[i].si_signo, &info[i]);
	}
}
