// SPDX-License-Identifier: GPL-2.0
/*
 * deliver.c - a signal for which the host runs our entry, from its frame to the
 * program's handler.
 *
 * The frame is the program's own: the entry jumps to the handler with registers
 * and stack as they were (signal-entry.S). But if the thread is inside the kernel,
 * the signal is put off: it is sent again, to the thread itself, with all
 * signals blocked from then on, and the call that waits is ended. Outside,
 * catch_signals() lets them come, as the host would have done at the end of that
 * call. That SIGSYS is blocked tells that they are: no program's mask has it.
 */
#include "inner.h"

/* While signals are put off; faults inside the kernel are always handled. */
#define PUT_OFF_MASK	~(signal_bit(SIGSEGV) | signal_bit(SIGBUS))

hidden void *signal_enter(int sig, siginfo_t *info, struct ucontext *uc);

static siginfo_t *held_of(struct thread *self, int sig)
{
	siginfo_t *held;

	for (held = self->held; held < self->held + NR_HELD; held++) {
		if (held->si_signo == sig)
			return held;
	}
	return NULL;
}

/*
 * When too many signals are queued, as senders may have it, one can be sent only
 * without what it carries: that is held here until it comes.
 */
void signal_send(struct thread *self, int sig, const siginfo_t *info)
{
	long pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	long tid = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
	siginfo_t bare = { .si_signo = sig, .si_code = SI_USER }, *held;

	if (host_call(__NR_rt_tgsigqueueinfo, pid, tid, sig, info, 0, 0) != -EAGAIN)
		return;
	held = self ? held_of(self, 0) : NULL;
	if (held)
		*held = *info;
	host_call(__NR_rt_tgsigqueueinfo, pid, tid, sig, &bare, 0, 0);
}

static void give_back_held(struct thread *self, int sig, siginfo_t *info)
{
	siginfo_t *held;

	if (info->si_code != SI_USER || info->si_pid)
		return;
	held = held_of(self, sig);
	if (!held)
		return;
	*info = *held;
	held->si_signo = 0;
}

/* By the default action, when the entry has returned */
static void *die(int sig, siginfo_t *info)
{
	struct thread *self = thread_self();

	if (self && !self->pub.inside)
		nuse_quiesce();
	signal_default(sig);
	signal_send(NULL, sig, info);
	return NULL;
}

/*
 * By the default action, here, with all other threads, of which none is to be inside;
 * when it goes on, all is as before.
 */
static void *stop(int sig, siginfo_t *info)
{
	const uint64_t bit = signal_bit(sig);

	nuse_quiesce();
	signal_default(sig);
	signal_send(NULL, sig, info);
	signal_real_mask(SIG_UNBLOCK, &bit, NULL);
	signal_reset(sig);
	nuse_go_on();
	return NULL;
}

static bool is_fault(int sig, const siginfo_t *info)
{
	const uint64_t faults = signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGFPE) |
				signal_bit(SIGILL) | signal_bit(SIGTRAP);

	return signal_bit(sig) & faults && info->si_code > 0;
}

/* A bad pointer that the kernel or we were given, as a rule */
static bool is_cured(int sig, const siginfo_t *info, struct ucontext *uc)
{
	uintptr_t ip = uc->uc_mcontext.rip, to;

	if ((sig != SIGSEGV && sig != SIGBUS) || info->si_code <= 0)
		return false;
	if (ip == (uintptr_t)user_copy_at)
		to = (uintptr_t)user_copy_bad;
	else
		to = nuse_fault(ip, (uintptr_t)info->si_addr);
	if (to)
		uc->uc_mcontext.rip = to;
	return to;
}

/* ------------------------------------------------------------ put off */

static void *put_off(struct thread *self, int sig, siginfo_t *info, struct ucontext *uc)
{
	const uint64_t mask = PUT_OFF_MASK;

	if (signal_bit(sig) & ~mask) {
		signal_keep(sig, info);
	} else {
		signal_real_mask(SIG_SETMASK, &mask, NULL);
		signal_send(self, sig, info);
		if (!(uc->uc_sigmask & signal_bit(SIGSYS)))
			self->mask = uc->uc_sigmask;
		uc->uc_sigmask = mask;
		self->masked = true;
	}
	self->pub.signal = sig;
	gateway_end_wait(&uc->uc_mcontext);
	return NULL;
}

/* A call that does not wait, with no descriptors: all that @mask lets through comes. */
static void deliver_under(const uint64_t *mask)
{
	long at_once[2] = { 0, 0 };

	host_call(__NR_ppoll, NULL, 0, at_once, mask, sizeof(*mask), 0);
}

enum catch_ran catch_signals(struct catch_thread *pub, const uint64_t *mask)
{
	struct thread *self = (struct thread *)pub;
	enum catch_ran ran, outer = self->ran;
	uint64_t now = self->mask;

	self->ran = SIGNALS_NONE;
	self->undecided = true;
	pub->signal = 0;
	if (self->masked) {
		self->masked = false;
		signal_real_mask(SIG_SETMASK, &now, NULL);
		if (mask)
			deliver_under(mask);
	}
	signal_release(self);
	ran = self->ran;
	self->ran = outer;
	self->undecided = false;
	pub->signal = late_held(self);
	return ran == SIGNALS_NONE && pub->signal ? SIGNALS_LATE : ran;
}

/* ---------------------------------------------------------- hand over */

/* The first that comes when catch_signals() lets them decides about its call. */
static void decide(struct thread *self, const struct sigaction *action, const struct ucontext *uc)
{
	if (!self->undecided || uc->uc_mcontext.rip != NUSE_GATEWAY + GATEWAY_CALLED)
		return;
	self->undecided = false;
	self->ran = action->sa_flags & SA_RESTART ? SIGNALS_RESTART : SIGNALS_EINTR;
}

/* Blocked in the handler, and before, as the program sees it */
static void believe(struct thread *self, int sig, const struct sigaction *action,
		    struct ucontext *uc)
{
	uint64_t blocked = action->sa_mask;

	if (!(action->sa_flags & SA_NODEFER))
		blocked |= signal_bit(sig);
	uc->uc_sigmask |= self->blocked;
	self->blocked |= blocked & NEVER_BLOCKED;
}

/* The action that a handler has for this once; false if another thread was faster. */
static bool take_once(int sig, struct sigaction *action)
{
	__sighandler_t was = __atomic_exchange_n(&action->sa_handler, SIG_DFL, __ATOMIC_RELAXED);

	if (!(signal_bit(sig) & NEVER_BLOCKED))
		signal_reset(sig);
	return was != SIG_DFL;
}

static void *hand_over(struct thread *self, int sig, siginfo_t *info, struct ucontext *uc)
{
	struct signal_state *state = signal_state_now();
	struct sigaction action = state->actions[sig - 1];
	bool fault = is_fault(sig, info);

	if (self && self->blocked & signal_bit(sig) && !fault) {
		signal_keep(sig, info);
		return NULL;
	}
	if (action.sa_handler == SIG_IGN && !fault)
		return NULL;
	if (action.sa_handler == SIG_DFL && signal_bit(sig) & SIGNALS_STOP)
		return stop(sig, info);
	if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN ||
	    (self && self->blocked & signal_bit(sig)))
		return die(sig, info);
	if (action.sa_flags & SA_RESETHAND && !take_once(sig, &state->actions[sig - 1]))
		return die(sig, info);
	if (self) {
		give_back_held(self, sig, info);
		altstack_note(self, uc);
		decide(self, &action, uc);
		believe(self, sig, &action, uc);
	}
	if (sig == SIGSYS) {		/* the host has our mask, and our restorer */
		action.sa_mask &= ~NEVER_BLOCKED;
		signal_real_mask(SIG_BLOCK, &action.sa_mask, NULL);
		((uintptr_t *)uc)[-1] = (uintptr_t)action.sa_restorer;
	}
	return (void *)action.sa_handler;
}

/* The handler to go to, or NULL: back to what was interrupted */
void *signal_enter(int sig, siginfo_t *info, struct ucontext *uc)
{
	struct thread *self;

	if (sig == SIGSYS && trap_taken(info, uc))
		return NULL;
	if (is_cured(sig, info, uc))
		return NULL;
	self = thread_self();
	if (self && late_hold(self, sig, info, uc))
		return NULL;
	if (!self || !self->pub.inside)
		return hand_over(self, sig, info, uc);
	if (is_fault(sig, info))
		return die(sig, info);
	return put_off(self, sig, info, uc);
}
