// SPDX-License-Identifier: GPL-2.0
/*
 * wait.c - what a child had is closed when its parent hears of its end: its ports are
 * free then, as on any machine.
 *
 * Who ends by itself closes it before. What is left by one that a signal has ended, the
 * keeper would find, but later than a parent that waits.
 */
#include "core.h"
#include <signal.h>
#include <sys/wait.h>

static void ended(long pid)
{
	uint32_t number = ids_member(pid);

	if (number && share->members[number].top)
		self_reap(pid);
}

long wait_wait4(long nr, const long args[6])
{
	int status;
	long ret = host_call(nr, args[0], &status, args[2], args[3], 0, 0);

	if (ret <= 0)
		return ret;
	if (WIFEXITED(status) || WIFSIGNALED(status))
		ended(ret);
	return args[1] && poke(args[1], &status, sizeof(status)) ? -EFAULT : ret;
}

long wait_waitid(long nr, const long args[6])
{
	siginfo_t info = { 0 };
	long at = args[2] ? args[2] : (long)&info;
	long ret = host_call(nr, args[0], args[1], at, args[3], args[4], 0);

	if (ret || args[3] & WNOWAIT || peek(&info, at, sizeof(info)))
		return ret;
	if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
		ended(info.si_pid);
	return ret;
}
