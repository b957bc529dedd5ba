// SPDX-License-Identifier: GPL-2.0
/*
 * limits.c - what a process may map (RLIMIT_AS). The host counts the instance, too,
 * which is not the program's: so the host's limit is higher by that than the one
 * which the program sees.
 */
#include "core.h"
#include "tree.h"
#include <sys/resource.h>

/* What else is ours: code and stacks of the catcher */
#define CATCHER		(4UL << 20)

static uint64_t ours(void)
{
	return share->text_size + share->kernel.image_size + share->kernel.memory_size +
	       sizeof(struct share_control) + CATCHER;
}

static rlim_t to_theirs(rlim_t limit)
{
	return limit < RLIM_INFINITY - ours() ? limit + ours() : RLIM_INFINITY;
}

static rlim_t from_theirs(rlim_t limit)
{
	if (limit == RLIM_INFINITY)
		return limit;
	return limit > ours() ? limit - ours() : 0;
}

static long change(long pid, long new, long old)
{
	struct rlimit set = { 0 }, got;
	long ret;

	if (new && peek(&set, new, sizeof(set)))
		return -EFAULT;
	set.rlim_cur = to_theirs(set.rlim_cur);
	set.rlim_max = to_theirs(set.rlim_max);
	ret = host_call(__NR_prlimit64, pid, RLIMIT_AS, new ? &set : NULL, &got, 0, 0);
	if (ret || !old)
		return ret;
	got.rlim_cur = from_theirs(got.rlim_cur);
	got.rlim_max = from_theirs(got.rlim_max);
	return poke(old, &got, sizeof(got));
}

long limits_get(long nr, const long args[6])
{
	if (args[0] != RLIMIT_AS)
		return to_host(nr, args);
	return args[1] ? change(0, 0, args[1]) : -EFAULT;
}

long limits_set(long nr, const long args[6])
{
	if (args[0] != RLIMIT_AS)
		return to_host(nr, args);
	return args[1] ? change(0, args[1], 0) : -EFAULT;
}

/* Of any process: those of other instances, and of none, have what the host says. */
long limits_both(long nr, const long args[6])
{
	if (args[1] != RLIMIT_AS || ((int)args[0] && !tree_pid(args[0])))
		return to_host(nr, args);
	return change(args[0], args[2], args[3]);
}
