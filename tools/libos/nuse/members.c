// SPDX-License-Identifier: GPL-2.0
/*
 * members.c - the processes of an instance and their threads.
 *
 * A process is a process of the instance, too, with descriptors of its own, and
 * each of its threads is a thread there, made when it makes its first call. A
 * new task comes from a parent that is in no call, and stays so: each process
 * has a helper for that.
 */
#include <asm/unistd.h>
#include <errno.h>
#include "catch.h"
#include "inner-share.h"
#include "vdso.h"

/*
 * Under the lock, which is given away meanwhile: so one at a time, and from a
 * parent that makes no calls.
 */
static int make_task(struct lib_task *parent, struct lib_task **task, uint32_t flags)
{
	int err;

	while (share->creating && !share->dead)
		share_await_turn();
	if (share->dead)
		return -EOWNERDEAD;
	share->creating = 1;
	err = share->exports.task_create(parent, task, flags, NULL, NULL, 0);
	share->creating = 0;
	share_next_turn();
	return err;
}

/* Under the lock: a process of the instance like that of @parent. */
static int make_member(struct lib_task *parent)
{
	struct lib_task *helper;
	int i, err;

	for (i = 1; i < SHARE_PROCESSES && share->members[i].pid; i++)
		;
	if (i == SHARE_PROCESSES)
		return -EAGAIN;
	share->members[i].pid = share_process.pid;
	err = make_task(parent, &helper, LIB_TASK_PROCESS);
	share->members[i] = (struct share_member) {
		.pid = err ? 0 : share_process.pid,
		.helper = helper,
	};
	return err ? err : i;
}

/* Under the lock: this process is the member from now on. */
static int become(int number)
{
	struct lib_host host;
	int err;

	share_process.number = number;
	share_process.pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	share->members[number].pid = share_process.pid;
	share_host(&host);
	err = share->exports.attach(&host);
	return err ? err : share->exports.task_adopt(share->members[number].helper);
}

int share_attach(void)
{
	struct lib_host host;
	int err = share_enter();

	if (err)
		return err;
	share_host(&host);
	share_process.pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	err = share->exports.attach(&host);
	if (!err)
		err = make_member(share->members[1].helper);
	if (err > 0)
		err = become(err);
	share_leave();
	return err;
}

int share_fork(void)
{
	struct share_thread *self;
	int err;

	self = share_self(&err);
	if (!self)
		return err;
	err = share_enter();
	if (err)
		return err;
	err = make_member(self->task);
	share_leave();
	return err;
}

int share_forked(int number)
{
	int err = share_map_host_page();

	if (!err)
		err = share_enter();
	if (err)
		return err;
	err = become(number);
	share_leave();
	return err;
}

void share_reap(uint32_t number)
{
	struct share_thread *thread = share->threads, *end = thread + SHARE_THREADS;

	if (share_enter())
		return;
	for (; thread < end; thread++) {
		if (thread->process != number)
			continue;
		if (share->poller == thread - share->threads + 1)
			share->poller = 0;
		share->exports.task_adopt(thread->task);
		if (!thread->task->dead)
			share->exports.task_kill(thread->task);
	}
	share->exports.task_kill(share->members[number].helper);
	share->exports.run();
	for (thread = share->threads; thread < end; thread++) {
		if (thread->process != number)
			continue;
		share->exports.task_exit(thread->task);
		*thread = (struct share_thread) { 0 };
	}
	share->exports.task_exit(share->members[number].helper);
	share->members[number] = (struct share_member) { 0 };
	share_elect();
	share_leave();
}

static struct share_thread *find(uint64_t key)
{
	static struct share_thread *last;
	struct share_thread *thread = last;

	if (thread && thread->key == key && thread->process == share_process.number)
		return thread;
	for (thread = share->threads; thread < share->threads + SHARE_THREADS; thread++)
		if (thread->process == share_process.number && thread->key == key)
			return last = thread;
	return NULL;
}

void share_new_thread(void)
{
	struct share_thread *self = find(thread_key());

	if (self)
		self->tid = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
}

struct share_thread *share_self(int *err)
{
	uint64_t key = thread_key();
	struct share_thread *self = find(key);
	struct lib_task *task;

	*err = 0;
	if (self)
		return self;
	*err = share_enter();
	if (*err)
		return NULL;
	*err = make_task(share->members[share_process.number].helper, &task, 0);
	for (self = share->threads; !*err && self->process; self++)
		if (self == share->threads + SHARE_THREADS - 1)
			*err = -EAGAIN;
	if (!*err) {
		*self = (struct share_thread) {
			.process = share_process.number,
			.tid = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0),
			.key = key,
			.task = task,
		};
		task->host[0] = self - share->threads;
	}
	share_leave();
	return *err ? NULL : self;
}

