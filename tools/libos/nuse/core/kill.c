// SPDX-License-Identifier: GPL-2.0
/*
 * kill.c - a process is not killed or stopped while it is inside the kernel, if a
 * program of the instance does it.
 *
 * Who sends SIGKILL, to whomever, or SIGSTOP, to others, does so when nobody is inside.
 * What comes from elsewhere (the host, its lack of memory) comes at any moment.
 */
#include "core.h"
#include <signal.h>

static bool kills(long nr, const long args[6])
{
	return (nr == __NR_tgkill || nr == __NR_rt_tgsigqueueinfo ? args[2] : args[1]) == SIGKILL;
}

/* Who stops itself must not keep others out. */
static bool stops_others(long nr, const long args[6])
{
	int id = __builtin_abs((int)args[0]);

	return nr == __NR_kill && args[1] == SIGSTOP && id > 1 &&
	       id != host_call(__NR_getpid, 0, 0, 0, 0, 0, 0) &&
	       id != host_call(__NR_getpgid, 0, 0, 0, 0, 0, 0);
}

static long send(long nr, const long args[6])
{
	bool out = share_keep_out();
	long ret = to_host(nr, args);

	if (out)
		share_let_in();
	return ret;
}

long kill_call(long nr, const long args[6])
{
	struct catch_thread *self = catch_thread();
	long ret;

	if (!self || (!kills(nr, args) && !stops_others(nr, args)))
		return host_pass(nr, args);
	catch_enter(self);
	ret = send(nr, args);
	self_leave(self);
	return ret;
}
