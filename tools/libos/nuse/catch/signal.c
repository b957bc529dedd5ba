// SPDX-License-Identifier: GPL-2.0
/*
 * signal.c - SIGSYS as the program believes it to be.
 *
 * The real one is the catcher's: its action is never replaced, and no thread
 * ever blocks it, neither by a mask, nor in a handler, nor while it waits. What
 * the program asks for is remembered and told when it asks, and a SIGSYS that
 * is meant for the program comes to it by that. A new program starts with
 * SIGSYS at its default.
 *
 * Two threads that change the action of SIGSYS at the same moment may leave a
 * mixture; no program does that.
 */
#include "inner.h"

struct signal_state signal_state;

static struct signal_state *state(void)
{
	return birth_state() ?: &signal_state;
}

static long sigreal(long how, uint64_t *set, uint64_t *old)
{
	return host_call(__NR_rt_sigprocmask, how, set, old, sizeof(*set), 0, 0);
}

int signal_set(uint64_t *set, long user)
{
	int err = user_read(set, user, sizeof(*set));

	*set &= ~SIGSYS_BIT;
	return err;
}

/* -------------------------------------------------------------- actions */

static long sigsys_action(const struct sigaction *action, struct sigaction *old)
{
	*old = state()->sigsys;
	if (action)
		state()->sigsys = *action;
	return 0;
}

static long other_action(int sig, struct sigaction *action, struct sigaction *old)
{
	uint64_t bit = 1UL << (sig - 1), masks;
	long ret;

	masks = state()->masks & bit;
	if (action && action->sa_mask & SIGSYS_BIT)
		__atomic_or_fetch(&state()->masks, bit, __ATOMIC_RELAXED);
	else if (action)
		__atomic_and_fetch(&state()->masks, ~bit, __ATOMIC_RELAXED);
	if (action)
		action->sa_mask &= ~SIGSYS_BIT;
	ret = host_call(__NR_rt_sigaction, sig, action, old, sizeof(action->sa_mask), 0, 0);
	if (masks)
		old->sa_mask |= SIGSYS_BIT;
	return ret;
}

long signal_action(const long args[6])
{
	struct sigaction action, old;
	struct sigaction *given = args[1] ? &action : NULL;
	long sig = (int)args[0], ret;

	if (args[3] != sizeof(action.sa_mask) || sig < 1 || sig > 64)
		return -EINVAL;
	if (given && user_read(given, args[1], sizeof(*given)))
		return -EFAULT;
	ret = sig == SIGSYS ? sigsys_action(given, &old) : other_action(sig, given, &old);
	if (!ret && args[2])
		ret = user_write(args[2], &old, sizeof(old));
	return ret;
}

/* ---------------------------------------------------------------- masks */

static bool sigsys_blocked(void)
{
	struct thread *self = thread_self();

	return self && self->sigsys_blocked;
}

static void block_sigsys(bool yes)
{
	struct thread *self = thread_self();

	if (self)
		self->sigsys_blocked = yes;
	if (yes || !state()->pending)
		return;
	state()->pending = false;
	host_call(__NR_tgkill, host_call(__NR_getpid, 0, 0, 0, 0, 0, 0),
		  host_call(__NR_gettid, 0, 0, 0, 0, 0, 0), SIGSYS, 0, 0, 0);
}

static long change(int how, uint64_t set, uint64_t *mask)
{
	const uint64_t never = 1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1);

	set &= ~SIGSYS_BIT;
	if (!mask)
		return sigreal(how, &set, NULL);
	if (how == SIG_BLOCK)
		set |= *mask;
	else if (how == SIG_UNBLOCK)
		set = *mask & ~set;
	*mask = set & ~never;
	return 0;
}

long signal_mask(const long args[6], uint64_t *mask)
{
	int how = args[0];
	uint64_t set, old = 0;
	long ret = 0;

	if (args[3] != sizeof(set))
		return -EINVAL;
	if (args[1] && user_read(&set, args[1], sizeof(set)))
		return -EFAULT;
	if (args[1] && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
		return -EINVAL;
	if (!mask && !sigsys_blocked() && !(args[1] && set & SIGSYS_BIT))
		return host_call(__NR_rt_sigprocmask, how, args[1] ? &set : NULL, args[2],
				 sizeof(set), 0, 0);
	if (mask)
		old = *mask;
	else
		sigreal(SIG_BLOCK, NULL, &old);
	if (sigsys_blocked())
		old |= SIGSYS_BIT;
	if (args[1])
		ret = change(how, set, mask);
	if (args[1] && (set & SIGSYS_BIT || how == SIG_SETMASK))
		block_sigsys(set & SIGSYS_BIT && how != SIG_UNBLOCK);
	if (!ret && args[2])
		ret = user_write(args[2], &old, sizeof(old));
	return ret;
}

void signal_start(void)
{
	uint64_t set = SIGSYS_BIT, old;

	sigreal(SIG_UNBLOCK, &set, &old);
	block_sigsys(old & SIGSYS_BIT);
}

long signal_suspend(const long args[6])
{
	uint64_t set;

	if (args[1] != sizeof(set))
		return -EINVAL;
	if (signal_set(&set, args[0]))
		return -EFAULT;
	return host_call(__NR_rt_sigsuspend, &set, sizeof(set), 0, 0, 0, 0);
}

/* ------------------------------------------------------------- handlers */

void signal_return(struct ucontext *uc)
{
	struct ucontext *theirs = (void *)uc->uc_mcontext.rsp;

	if (theirs->uc_sigmask & SIGSYS_BIT) {
		theirs->uc_sigmask &= ~SIGSYS_BIT;
		block_sigsys(true);
	}
	((void (*)(void *))(NUSE_GATEWAY + GATEWAY_SIGRETURN))(theirs);
}

static void die_of_sigsys(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	host_call(__NR_rt_sigaction, SIGSYS, &action, 0, sizeof(action.sa_mask), 0, 0);
	host_call(__NR_tgkill, host_call(__NR_getpid, 0, 0, 0, 0, 0, 0),
		  host_call(__NR_gettid, 0, 0, 0, 0, 0, 0), SIGSYS, 0, 0, 0);
}

void signal_sigsys(siginfo_t *info, struct ucontext *uc)
{
	struct sigaction action = state()->sigsys;
	uint64_t mask = action.sa_mask & ~SIGSYS_BIT;

	if (info->si_code <= 0 && sigsys_blocked()) {
		state()->pending = true;
		return;
	}
	if (action.sa_handler == SIG_DFL)
		die_of_sigsys();
	if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
		return;
	if (action.sa_flags & SA_RESETHAND)
		state()->sigsys.sa_handler = SIG_DFL;
	sigreal(SIG_BLOCK, &mask, NULL);
	((void (*)(int, siginfo_t *, void *))(void *)action.sa_handler)(SIGSYS, info, uc);
	uc->uc_sigmask &= ~SIGSYS_BIT;
}
