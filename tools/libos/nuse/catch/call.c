// SPDX-License-Identifier: GPL-2.0
/*
 * call.c - a call of the program, however it was caught: those that would undo
 * the catcher are done here, all others by the core.
 */
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include "inner.h"

bool call_is_ours(long nr)
{
	switch (nr) {
	case __NR_clone:
	case __NR_clone3:
	case __NR_fork:
	case __NR_vfork:
	case __NR_execve:
	case __NR_execveat:
	case __NR_rt_sigaction:
	case __NR_rt_sigprocmask:
	case __NR_rt_sigreturn:
	case __NR_rt_sigsuspend:
	case __NR_ppoll:
	case __NR_pselect6:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_io_pgetevents:
	case __NR_prctl:
	case __NR_ptrace:
	case __NR_readlink:
	case __NR_readlinkat:
	case __NR_seccomp:
		return true;
	}
	return false;
}

/* The mask while the call waits, which is argument @i, must let SIGSYS through. */
static long with_set(long nr, const long args[6], int i)
{
	long changed[6];
	uint64_t set;

	if (!args[i])
		return nuse_call(nr, args);
	if (signal_set(&set, args[i]))
		return -EFAULT;
	memcpy(changed, args, sizeof(changed));
	changed[i] = (long)&set;
	return nuse_call(nr, changed);
}

/* The same, where the sixth argument is { mask, its size } */
static long with_sized_set(long nr, const long args[6])
{
	long changed[6], sized[2];
	uint64_t set;

	if (!args[5])
		return nuse_call(nr, args);
	if (user_read(sized, args[5], sizeof(sized)))
		return -EFAULT;
	if (sized[0] && signal_set(&set, sized[0]))
		return -EFAULT;
	if (sized[0])
		sized[0] = (long)&set;
	memcpy(changed, args, sizeof(changed));
	changed[5] = (long)sized;
	return nuse_call(nr, changed);
}

/*
 * A child for whom its parent waits (vfork), as debuggers make it, must not be
 * stopped, as each trap would do. So it is traced when its program is there.
 */
static long trace(const long args[6])
{
	if (args[0] != PTRACE_TRACEME || !birth_state())
		return nuse_call(__NR_ptrace, args);
	exec_traced = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	exec_programs = 0;
	return 0;
}

static long seccomp(const long args[6])
{
	if (args[0] == SECCOMP_SET_MODE_FILTER)
		return sandbox_add(args[1], args[2]);
	return nuse_call(__NR_seccomp, args);
}

static long prctl(const long args[6])
{
	struct thread *self = thread_self();

	if (args[0] == PR_SET_SECCOMP && args[1] == SECCOMP_MODE_FILTER)
		return sandbox_add(0, args[2]);
	if (args[0] == PR_GET_SECCOMP)
		return self && self->sandbox ? SECCOMP_MODE_FILTER : SECCOMP_MODE_DISABLED;
	return nuse_call(__NR_prctl, args);
}

long call_do(long nr, const long args[6], uint64_t *mask)
{
	switch (nr) {
	case __NR_rt_sigaction:
		return signal_action(args);
	case __NR_rt_sigprocmask:
		return signal_mask(args, mask);
	case __NR_rt_sigsuspend:
		return signal_suspend(args);
	case __NR_ppoll:
		return with_set(nr, args, 3);
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
		return with_set(nr, args, 4);
	case __NR_pselect6:
	case __NR_io_pgetevents:
		return with_sized_set(nr, args);
	case __NR_prctl:
		return prctl(args);
	case __NR_ptrace:
		return trace(args);
	case __NR_seccomp:
		return seccomp(args);
	case __NR_execve:
		return exec_path(-100 /* AT_FDCWD */, args[0], args[1], args[2], 0);
	case __NR_execveat:
		return exec_path(args[0], args[1], args[2], args[3], args[4]);
	case __NR_readlink:
	case __NR_readlinkat:
		return self_readlink(nr, args);
	}
	return nuse_call(nr, args);
}
