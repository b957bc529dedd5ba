// SPDX-License-Identifier: GPL-2.0
/*
 * altstack.c - a thread that is on its signal stack, and leaves it for the
 * kernel's.
 *
 * The host puts the frame of a signal at the start of the signal stack, unless
 * the thread is on it already. So while a call that a handler there has made is
 * on the kernel's stack, the signal stack is off, and frames go where the thread
 * is. That a thread is on one is known by the frames of its signals, which name
 * it.
 */
#include <linux/signal.h>
#include "inner.h"

void altstack_note(struct thread *self, const struct ucontext *uc)
{
	self->pub.altstack = (uintptr_t)uc->uc_stack.ss_sp;
	self->pub.altstack_size = uc->uc_stack.ss_flags & SS_DISABLE ? 0 : uc->uc_stack.ss_size;
}

bool altstack_has(const struct ucontext *uc)
{
	return (uintptr_t)uc - (uintptr_t)uc->uc_stack.ss_sp < uc->uc_stack.ss_size;
}

static long set_stack(const stack_t *new, stack_t *old)
{
	return host_call(__NR_sigaltstack, new, old, 0, 0, 0, 0);
}

/* The host lets nobody change a signal stack who is on it: by his stack pointer. */
static void set_from_nowhere(const stack_t *new)
{
	((void (*)(const void *))(NUSE_GATEWAY + GATEWAY_ALTSTACK))(new);
}

void catch_altstack_off(struct catch_thread *pub)
{
	struct thread *self = (struct thread *)pub;
	const stack_t off = { .ss_flags = SS_DISABLE };
	const uint64_t all = ~0UL;
	uint64_t mask;

	set_stack(NULL, &self->altstack);
	if (!(self->altstack.ss_flags & SS_ONSTACK)) {
		pub->altstack_size = 0;		/* it was, once */
		return;
	}
	self->altstack.ss_flags = 0;
	signal_real_mask(SIG_SETMASK, &all, &mask);
	set_from_nowhere(&off);
	pub->altstack_off = 1;
	signal_real_mask(SIG_SETMASK, &mask, NULL);
}

void catch_altstack_on(struct catch_thread *pub)
{
	struct thread *self = (struct thread *)pub;

	set_stack(&self->altstack, NULL);
	pub->altstack_off = 0;
}
