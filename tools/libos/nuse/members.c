// SPDX-License-Identifier: GPL-2.0
/*
 * members.c - the processes of an instance and their threads.
 *
 * A process is a process of the instance, too, with descriptors of its own, and
 * each of its threads is a thread there, made when it makes its first call. A
 * new task comes from a parent that is in no call, and stays so: each process
 * has a helper for that.
 *
 * A task belongs to the memory that its calls work on (lib_task::process). That
 * of a child which works on its parent's is its parent's, until it exec's.
 */
#include <asm/unistd.h>
#include <errno.h>
#include "catch.h"
#include "inner-share.h"
#include "vdso.h"

/* One at a time, and from a parent that makes no calls. */
int share_make_task(struct lib_task *parent, struct lib_task **task, uint32_t flags)
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

/* Both have the same epolls, and do not know what the other puts in. */
static void copy_fds(struct share_member *to, struct share_member *from)
{
	unsigned int i;

	to->top = from->top;
	to->inside = from->inside;
	for (i = 0; i < (from->top + 63) / 64; i++) {
		to->fds[i] = from->fds[i];
		to->epolls[i] = from->epolls[i];
		to->epolls_library[i] = from->epolls_library[i] = from->epolls[i];
		to->epolls_host[i] = from->epolls_host[i] = from->epolls[i];
	}
}

static void free_member(struct share_member *member)
{
	unsigned int i;

	for (i = 0; i < (member->top + 63) / 64; i++)
		member->fds[i] = member->epolls[i] = member->epolls_library[i] =
			member->epolls_host[i] = 0;
	member->top = 0;
	member->inside = false;
	share_mappings_drop(member - share->members);
	member->helper = NULL;
	member->pid = 0;
}

/* Under the lock: a process of the instance like that of @parent. */
static int make_member(struct lib_task *parent)
{
	struct share_member *member = &share->members[1];
	int i, err;

	for (i = 1; i < SHARE_PROCESSES && member->pid; i++)
		member++;
	if (i == SHARE_PROCESSES)
		return -EAGAIN;
	member->pid = share_process.pid | SHARE_BIRTH;
	if (share->nr_members <= (uint32_t)i)
		share->nr_members = i + 1;
	err = share_make_task(parent, &member->helper, LIB_TASK_PROCESS);
	if (err) {
		free_member(member);
		return err;
	}
	member->helper->host[1] = i;
	return i;
}

/* Under the lock: this process, which has its own memory, is the member from now on. */
static int become(int number)
{
	struct lib_host host;
	int err;

	share_process.number = number;
	share_process.pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	share->members[number].pid = share_process.pid;
	share_changed();
	share_host(&host);
	err = share->exports.attach(&host);
	return err ? err : share->exports.task_adopt(share->members[number].helper);
}

/* Under the lock: the page of host functions has this process's. */
static int attach(void)
{
	struct lib_host host;

	share_process.pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	share_host(&host);
	return share->exports.attach(&host);
}

int share_attach(void)
{
	int err = share_enter();

	if (err)
		return err;
	err = attach();
	if (!err)
		err = make_member(share->members[1].helper);
	if (err > 0)
		err = become(err);
	share_leave();
	return err;
}

int share_fork(struct share_thread *self)
{
	int number = share_enter();

	if (number)
		return number;
	number = make_member(self->task);
	if (number > 0) {
		copy_fds(&share->members[number], &share->members[self->process]);
		share_mappings_copy(number, self->process);
	}
	share_leave();
	return number;
}

int share_forked(int number)
{
	int err = share_map_host_page();

	/* Even if it cannot enter, what it has is its own and not its parent's. */
	share_process.number = number;
	if (!err)
		err = share_enter();
	if (err)
		return err;
	err = become(number);
	share_leave();
	return err;
}

void share_vforked(int number)
{
	share->members[number].pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	share_changed();
}

/* --------------------------------------------------------------- threads */

static struct share_thread *find(uint32_t process, uint64_t key)
{
	struct share_thread *thread;

	for (thread = share->threads; thread < share->threads + SHARE_THREADS; thread++)
		if (thread->process == process && thread->key == key)
			return thread;
	return NULL;
}

/* Under the lock: a free entry for the thread */
static struct share_thread *add_thread(uint32_t process, uint64_t key, struct lib_task *task)
{
	struct share_thread *self = find(0, 0);

	if (!self)
		return NULL;
	*self = (struct share_thread) {
		.process = process,
		.tid = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0),
		.key = key,
		.task = task,
	};
	task->host[0] = share_slot(self);
	share_local[share_slot(self)] = (struct share_local) { 0 };
	return self;
}

/* Under the lock: the entry of a thread whose task is gone is free. */
static void free_thread(struct share_thread *thread)
{
	share_return_kick(thread);
	if (share->poller == share_slot(thread) + 1)
		share->poller = 0;
	share_delist(thread);
	*thread = (struct share_thread) { 0 };
}

/* Under the lock: threads of this process that have ended; a few looks for each that begins */
static void free_ended(uint32_t process)
{
	static unsigned int next;
	unsigned int looks = 4, i;

	for (i = 0; i < SHARE_THREADS && looks; i++) {
		struct share_thread *thread = &share->threads[next++ % SHARE_THREADS];

		if (thread->process != process)
			continue;
		looks--;
		if (host_call(__NR_tkill, thread->tid, 0, 0, 0, 0, 0) != -ESRCH)
			continue;
		share->exports.task_exit(thread->task);
		free_thread(thread);
	}
}

/* Under the lock: an entry with a task, for a thread that has none */
static struct share_thread *make_thread(uint32_t process, uint64_t key, int *err)
{
	struct share_thread *self = NULL;
	struct lib_task *task;

	free_ended(process);
	*err = -ESRCH;
	if (!share->members[process].helper)
		return NULL;
	*err = share_make_task(share->members[process].helper, &task, 0);
	if (!*err) {
		self = add_thread(process, key, task);
		*err = self ? 0 : -EAGAIN;
	}
	return self;
}

/* That of a thread that has ended goes on with the one that has its fs base now. */
struct share_thread *share_self(uint32_t process, int *err)
{
	uint64_t key = thread_key();
	struct share_thread *self;

	*err = share_enter();
	if (*err)
		return NULL;
	self = find(process, key);
	if (self)
		self->tid = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
	else
		self = make_thread(process, key, err);
	share_leave();
	return self;
}

/* ------------------------------------------------------------- end and exec */

static bool is_of(const struct share_thread *thread, uint32_t process)
{
	return thread->process == process;
}

/* Under the lock */
static void reap(uint32_t number)
{
	struct share_thread *thread = share->threads, *end = thread + SHARE_THREADS;
	struct share_member *member = &share->members[number];

	if (!member->helper)
		return;
	/* All first: a call may have been left for one of them, and is this process's now. */
	for (; thread < end; thread++)
		if (is_of(thread, number))
			share->exports.task_adopt(thread->task);
	share->exports.task_adopt(member->helper);
	for (thread = share->threads; thread < end; thread++) {
		if (!is_of(thread, number))
			continue;
		if (share->poller == share_slot(thread) + 1)
			share->poller = 0;
		if (!thread->task->dead)
			share->exports.task_kill(thread->task);
	}
	share->exports.task_kill(member->helper);
	share->exports.run();
	for (thread = share->threads; thread < end; thread++) {
		if (!is_of(thread, number))
			continue;
		share->exports.task_exit(thread->task);
		free_thread(thread);
	}
	share->exports.task_exit(member->helper);
	free_member(member);
	share_changed();
}

void share_reap(uint32_t number)
{
	if (share_enter())
		return;
	reap(number);
	share_leave();
}

static bool is_alone(const struct share_thread *self)
{
	const struct share_thread *thread;

	for (thread = share->threads; thread < share->threads + SHARE_THREADS; thread++)
		if (thread != self && is_of(thread, self->process))
			return false;
	return true;
}

/* Under the lock. Its task works on this program's memory from now on. */
static int take_over(struct share_thread *self)
{
	int err = become(self->process);

	if (err)
		return err;
	share_mappings_drop(self->process);
	self->tid = share_process.pid;
	self->key = thread_key();
	return share->exports.task_adopt(self->task);
}

/* Threads of the old program may be in the middle of calls: they end with its process. */
static int replace(struct share_thread *self)
{
	uint32_t old = self->process;
	int number = make_member(self->task);

	if (number < 0)
		return number;
	copy_fds(&share->members[number], &share->members[old]);
	reap(old);
	return become(number);
}

int share_exec(struct share_thread *self)
{
	int err = share_enter();

	if (err)
		return err;
	err = attach();
	if (!err)
		err = is_alone(self) ? take_over(self) : replace(self);
	share_leave();
	return err;
}
