// SPDX-License-Identifier: GPL-2.0
/*
 * owners.c - see owners.h
 *
 * The kernel sends a signal of a descriptor to those only whose user is the one who
 * named them, so there is a task for each user. Whether the host allows it is seen
 * when it is sent.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include "catch.h"
#include "inner-share.h"

long owners_signal(int type, int id, int sig)
{
	if (type == F_OWNER_TID)
		return host_call(__NR_tkill, id, sig, 0, 0, 0, 0);
	return host_call(__NR_kill, type == F_OWNER_PGRP ? -id : id, sig, 0, 0, 0, 0);
}

static bool is_there(const struct share_owner *owner)
{
	return owner->tid && owners_signal(owner->type, owner->id, 0) != -ESRCH;
}

const struct share_owner *owners_find(uint32_t tid)
{
	const struct share_owner *owner = share->owners, *end = owner + SHARE_OWNERS;

	while (owner < end && owner->tid != tid)
		owner++;
	return owner < end && is_there(owner) ? owner : NULL;
}

static struct share_owner *find(uint32_t type, int id, uint32_t uid)
{
	struct share_owner *owner = share->owners, *end = owner + SHARE_OWNERS;

	for (; owner < end; owner++)
		if (owner->tid && owner->type == type && owner->id == id && owner->uid == uid)
			return owner;
	return NULL;
}

/* One that is free, or becomes so since nobody is left for whom it stands */
static struct share_owner *find_free(void)
{
	struct share_owner *owner = share->owners, *end = owner + SHARE_OWNERS;

	while (owner < end && is_there(owner))
		owner++;
	if (owner == end)
		return NULL;
	if (owner->tid) {
		share->exports.task_adopt(owner->task);
		share->exports.task_exit(owner->task);
		owner->tid = 0;
	}
	return owner;
}

/* The lock is given away meanwhile: there may be one when it is made. */
static int make(struct share_thread *self, int type, int id, uint32_t uid)
{
	struct share_owner *owner;
	struct lib_task *task;
	int err;

	err = share_make_task(share->members[1].helper, &task, LIB_TASK_PROCESS);
	if (err)
		return err;
	task->host[0] = share_slot(self);
	err = share->exports.syscall(task, __NR_setresuid, uid, uid, uid, 0, 0, 0);
	owner = err || find(type, id, uid) ? NULL : find_free();
	if (!owner) {
		share->exports.task_exit(task);
		return err;
	}
	task->host[1] = SHARE_OWNER + (owner - share->owners);
	*owner = (struct share_owner) { task->tid, type, id, uid, task };
	return 0;
}

long owners_get(struct share_thread *self, long nr, const long args[6])
{
	const struct share_owner *owner;
	int err = share_enter();
	uint32_t uid;
	long ret;

	(void)nr;
	if (err)
		return err;
	share_local[share_slot(self)].wait = NULL;
	uid = share->exports.syscall(self->task, __NR_geteuid, 0, 0, 0, 0, 0, 0);
	if (!find(args[0], args[1], uid))
		err = make(self, args[0], args[1], uid);
	owner = find(args[0], args[1], uid);
	ret = err ?: -EAGAIN;
	if (owner)
		ret = owner->tid;
	share_leave();
	return ret;
}
