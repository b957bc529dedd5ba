// SPDX-License-Identifier: GPL-2.0
/*
 * owner.c - who gets the signals of a library descriptor, SIGIO and SIGURG.
 *
 * A process of the instance has another number there, and so has the calling thread.
 * All others are known to the instance by who stands for them (../owners.h).
 */
#include "core.h"
#include <limits.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

static long host_tid(void)
{
	return host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
}

/* As the instance knows it: a process there, or the thread itself */
static long to_library(struct f_owner_ex *ex)
{
	long id = ex->type == F_OWNER_PID ? ids_to_library(ex->pid) :
		  ex->type == F_OWNER_TID && ex->pid == host_tid() ? self_tid() : 0;

	if (id)
		return id;
	if (owners_signal(ex->type, ex->pid, 0) == -ESRCH)
		return -ESRCH;
	id = self_do(owners_get, 0, (long[6]) { ex->type, ex->pid });
	ex->type = F_OWNER_PID;
	return id;
}

static uint32_t thread_of(uint32_t id)
{
	const struct share_thread *thread = share->threads, *end = thread + share->nr_threads;

	for (; thread < end; thread++)
		if (thread->process && thread->task->tid == id)
			return thread->tid;
	return 0;
}

static void to_host_ids(struct f_owner_ex *ex)
{
	const struct share_owner *owner = ex->pid ? owners_find(ex->pid) : NULL;

	if (owner)
		*ex = (struct f_owner_ex) { owner->type, owner->id };
	else if (ex->pid)
		ex->pid = ex->type == F_OWNER_TID ? thread_of(ex->pid) : ids_to_host(ex->pid);
}

static long set(int fd, struct f_owner_ex ex)
{
	long id = ex.pid ? to_library(&ex) : 0;

	if (id < 0)
		return id;
	ex.pid = id;
	return lib_call(__NR_fcntl, fd, F_SETOWN_EX, (long)&ex);
}

static long get(int fd, struct f_owner_ex *ex)
{
	long ret = lib_call(__NR_fcntl, fd, F_GETOWN_EX, (long)ex);

	if (!ret)
		to_host_ids(ex);
	return ret;
}

/* One number for both: a group's is negative. */
static long set_number(int fd, int number)
{
	if (number == INT_MIN)
		return -EINVAL;
	return set(fd, number < 0 ? (struct f_owner_ex) { F_OWNER_PGRP, -number } :
				    (struct f_owner_ex) { F_OWNER_PID, number });
}

static long get_number(int fd, int *number)
{
	struct f_owner_ex ex;
	long ret = get(fd, &ex);

	if (!ret)
		*number = ex.type == F_OWNER_PGRP ? -ex.pid : ex.pid;
	return ret;
}

static long set_at(int fd, long at)
{
	struct f_owner_ex ex;

	if (peek(&ex, at, sizeof(ex)))
		return -EFAULT;
	if (ex.type < F_OWNER_TID || ex.type > F_OWNER_PGRP)
		return -EINVAL;
	return ex.pid < 0 ? -ESRCH : set(fd, ex);
}

long owner_fcntl(long nr, const long args[6])
{
	struct f_owner_ex ex;
	int number;

	(void)nr;
	switch ((int)args[1]) {
	case F_SETOWN:
		return set_number(args[0], args[2]);
	case F_GETOWN:
		return get_number(args[0], &number) ?: number;
	case F_SETOWN_EX:
		return set_at(args[0], args[2]);
	}
	return get(args[0], &ex) ?: poke(args[2], &ex, sizeof(ex));
}

long owner_ioctl(long nr, const long args[6])
{
	unsigned int request = args[1];
	int number;

	(void)nr;
	if (request == FIOGETOWN || request == SIOCGPGRP)
		return get_number(args[0], &number) ?: poke(args[2], &number, sizeof(number));
	return peek(&number, args[2], sizeof(number)) ?: set_number(args[0], number);
}
