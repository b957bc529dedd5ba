// SPDX-License-Identifier: GPL-2.0
/*
 * signal.c - actions and masks of signals, as the program believes them to be.
 *
 * A handler of the program is never the host's action: that is signal_entry (see
 * deliver.c), with the program's flags, mask and restorer; the rest is remembered
 * here. SIGSYS, SIGSEGV and SIGBUS have it even where the program has no handler,
 * and no thread ever blocks them at the host, neither by a mask, nor in a
 * handler, nor while it waits: the first is how calls trap, the others are how
 * bad pointers in calls become EFAULT. So have signals whose default action ends
 * or stops the process, where that is the action: it must not be inside then. What
 * the program asks for is remembered and told when it asks, and those that are
 * meant for the program come to it by that. A new program starts with these three
 * at their default and not blocked.
 *
 * Two threads that change the action of one signal at the same moment may leave
 * a mixture; no program does that.
 */
#include "inner.h"

/* All that end or stop a process, and that it can have an action for */
#define ACTS_BY_DEFAULT								\
	~(NEVER_BLOCKED | signal_bit(SIGKILL) | signal_bit(SIGSTOP) | signal_bit(SIGCHLD) |	\
	  signal_bit(SIGCONT) | signal_bit(SIGURG) | signal_bit(SIGWINCH))

/* Flags of the host's action that are not the program's */
#define OUR_FLAGS	(SA_SIGINFO | SA_RESETHAND)

struct signal_state signal_state;

struct signal_state *signal_state_now(void)
{
	return birth_state() ?: &signal_state;
}

long signal_real_mask(int how, const uint64_t *set, uint64_t *old)
{
	return host_call(__NR_rt_sigprocmask, how, set, old, sizeof(*set), 0, 0);
}

int signal_set(uint64_t *set, long user)
{
	int err = user_read(set, user, sizeof(*set));

	*set &= ~NEVER_BLOCKED;
	return err;
}

/* -------------------------------------------------------------- actions */

static long real_action(int sig, const struct sigaction *action, struct sigaction *old)
{
	return host_call(__NR_rt_sigaction, sig, action, old, sizeof(action->sa_mask), 0, 0);
}

static bool is_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* Where the program has no handler, or has one that must not see our traps */
static long arm(int sig, struct sigaction *old)
{
	struct sigaction action = {
		.sa_handler = (__sighandler_t)signal_entry,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART | SA_RESTORER,
		.sa_restorer = (__sigrestore_t)(NUSE_GATEWAY + GATEWAY_RESTORER),
	};

	return real_action(sig, &action, old);
}

/* The program's action with our entry */
static long enter_by(int sig, const struct sigaction *theirs, struct sigaction *old)
{
	struct sigaction action = *theirs;

	action.sa_handler = (__sighandler_t)signal_entry;
	action.sa_flags = (action.sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
	action.sa_mask &= ~NEVER_BLOCKED;
	if (signal_bit(sig) & NEVER_BLOCKED)
		action.sa_flags |= SA_NODEFER;
	return real_action(sig, &action, old);
}

static long never_blocked_action(int sig, const struct sigaction *action, struct sigaction *old)
{
	struct sigaction *ours = &signal_state_now()->actions[sig - 1], unused;

	*old = *ours;
	if (!action)
		return 0;
	*ours = *action;
	if (sig == SIGSYS || !is_handler(action))
		return arm(sig, &unused);
	return enter_by(sig, action, &unused);
}

static long other_action(int sig, const struct sigaction *action, struct sigaction *old)
{
	struct sigaction *ours = &signal_state_now()->actions[sig - 1], before = *ours;
	long ret;

	if (action && is_handler(action) && sig != SIGKILL && sig != SIGSTOP) {
		*ours = *action;
		ret = enter_by(sig, action, old);
	} else if (action && action->sa_handler == SIG_DFL && signal_bit(sig) & ACTS_BY_DEFAULT) {
		*ours = *action;
		ret = arm(sig, old);
	} else {
		ret = real_action(sig, action, old);
	}
	if (old->sa_handler != (__sighandler_t)signal_entry)
		return ret;
	if (before.sa_handler == SIG_DFL) {
		*old = before;
		return ret;
	}
	old->sa_handler = before.sa_handler;
	old->sa_flags = (old->sa_flags & ~OUR_FLAGS) | (before.sa_flags & OUR_FLAGS);
	old->sa_mask |= before.sa_mask & NEVER_BLOCKED;
	return ret;
}

long signal_action(const long args[6])
{
	struct sigaction action, old;
	struct sigaction *given = args[1] ? &action : NULL;
	long sig = (int)args[0], ret;

	if (args[3] != sizeof(action.sa_mask) || sig < 1 || sig > NR_SIGNALS)
		return -EINVAL;
	if (given && user_read(given, args[1], sizeof(*given)))
		return -EFAULT;
	if (signal_bit(sig) & NEVER_BLOCKED)
		ret = never_blocked_action(sig, given, &old);
	else
		ret = other_action(sig, given, &old);
	if (!ret && args[2])
		ret = user_write(args[2], &old, sizeof(old));
	return ret;
}

void signal_default(int sig)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	real_action(sig, &action, NULL);
}

void signal_reset(int sig)
{
	struct sigaction old;

	if (signal_bit(sig) & ACTS_BY_DEFAULT)
		arm(sig, &old);
	else
		signal_default(sig);
}

static void arm_those_that_act(struct signal_state *state)
{
	struct sigaction was;
	int sig;

	for (sig = 1; sig <= NR_SIGNALS; sig++) {
		if (!(signal_bit(sig) & ACTS_BY_DEFAULT) || arm(sig, &was))
			continue;
		if (was.sa_handler == SIG_DFL)
			state->actions[sig - 1] = was;
		else
			real_action(sig, &was, NULL);
	}
}

int signal_arm(struct signal_state *state, bool cleared)
{
	static const int sigs[] = { SIGSYS, SIGSEGV, SIGBUS };
	struct sigaction old, *ours;
	unsigned int i;
	long err;

	for (i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		err = arm(sigs[i], &old);
		if (err)
			return err;
		ours = &state->actions[sigs[i] - 1];
		if (!cleared || ours->sa_handler != SIG_IGN)
			*ours = old;
	}
	arm_those_that_act(state);
	return 0;
}

/* ---------------------------------------------------------------- masks */

static siginfo_t *info_of(struct signal_state *state, int sig)
{
	return &state->infos[sig == SIGSYS ? 0 : sig == SIGSEGV ? 1 : 2];
}

void signal_keep(int sig, const siginfo_t *info)
{
	struct signal_state *state = signal_state_now();

	if (state->pending & signal_bit(sig))
		return;
	*info_of(state, sig) = *info;
	__atomic_or_fetch(&state->pending, signal_bit(sig), __ATOMIC_RELEASE);
}

/* Those that were sent to the program while it had them blocked */
void signal_release(const struct thread *self)
{
	struct signal_state *state = signal_state_now();
	uint64_t ready = __atomic_load_n(&state->pending, __ATOMIC_ACQUIRE) &
			 ~(self ? self->blocked : 0);
	siginfo_t info;
	int sig;

	for (sig = 1; ready && sig <= NR_SIGNALS; sig++) {
		if (!(ready & signal_bit(sig)))
			continue;
		info = *info_of(state, sig);
		if (__atomic_fetch_and(&state->pending, ~signal_bit(sig), __ATOMIC_ACQ_REL) &
		    signal_bit(sig))
			host_call(__NR_rt_tgsigqueueinfo, host_call(__NR_getpid, 0, 0, 0, 0, 0, 0),
				  host_call(__NR_gettid, 0, 0, 0, 0, 0, 0), sig, &info, 0, 0);
	}
}

static uint64_t changed(int how, uint64_t mask, uint64_t set)
{
	if (how == SIG_BLOCK)
		return mask | set;
	return how == SIG_UNBLOCK ? mask & ~set : set;
}

/* The real ones: @mask or, if it is NULL, the thread's. @old is what they were. */
static void change_real(int how, const uint64_t *set, uint64_t *mask, uint64_t *old)
{
	const uint64_t never = signal_bit(SIGKILL) | signal_bit(SIGSTOP);

	if (!mask) {
		signal_real_mask(how, set, old);
		return;
	}
	*old = *mask;
	if (set)
		*mask = changed(how, *mask, *set) & ~never;
}

long signal_mask(const long args[6], uint64_t *mask)
{
	struct thread *self = thread_self();
	uint64_t set, old, blocked = self ? self->blocked : 0;
	int how = args[0];

	if (args[3] != sizeof(set))
		return -EINVAL;
	if (args[1] && user_read(&set, args[1], sizeof(set)))
		return -EFAULT;
	if (args[1] && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
		return -EINVAL;
	if (!mask && !blocked && !(args[1] && set & NEVER_BLOCKED))
		return host_call(__NR_rt_sigprocmask, how, args[1] ? &set : NULL, args[2],
				 sizeof(set), 0, 0);
	if (self && args[1])
		self->blocked = changed(how, blocked, set) & NEVER_BLOCKED;
	set &= ~NEVER_BLOCKED;
	change_real(how, args[1] ? &set : NULL, mask, &old);
	old |= blocked;
	if (blocked)
		signal_release(self);
	return args[2] ? user_write(args[2], &old, sizeof(old)) : 0;
}

void signal_start(void)
{
	struct thread *self = thread_self();
	uint64_t set = NEVER_BLOCKED, old;

	signal_real_mask(SIG_UNBLOCK, &set, &old);
	if (self)
		self->blocked = old & NEVER_BLOCKED;
}

long signal_suspend(const long args[6])
{
	uint64_t set;

	if (args[1] != sizeof(set))
		return -EINVAL;
	if (signal_set(&set, args[0]))
		return -EFAULT;
	return host_pass(__NR_rt_sigsuspend, (long[6]) { (long)&set, sizeof(set) });
}

/* ------------------------------------------------------------- handlers */

void signal_return(struct ucontext *uc)
{
	struct ucontext *theirs = (void *)uc->uc_mcontext.rsp;
	struct thread *self = thread_self();

	if (self)
		self->blocked = theirs->uc_sigmask & NEVER_BLOCKED;
	theirs->uc_sigmask &= ~NEVER_BLOCKED;
	signal_release(self);
	if (__atomic_load_n(&late_threads, __ATOMIC_RELAXED))
		late_send(theirs);
	((void (*)(void *))(NUSE_GATEWAY + GATEWAY_SIGRETURN))(theirs);
}
