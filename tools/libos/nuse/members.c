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
#include <linux/sysinfo.h>
#include "catch.h"
#include "inner-share.h"
#include "vdso.h"

#define RESERVE		16

/* A part of the memory is kept for packets: a kernel without any ends tasks. */
static bool has_room(struct lib_task *task)
{
	struct sysinfo info = { 0 };

	return share->exports.syscall(task, __NR_sysinfo, (long)&info, 0, 0, 0, 0, 0) ||
	       info.freeram >= info.totalram / RESERVE;
}

static void reap(uint32_t number);

/*
 * Those that have ended and that the keeper, which is the first, has not looked after
 * yet: they leave no room for others.
 */
static void reap_gone(void)
{
	uint32_t i, pid;

	for (i = 2; i < share->nr_members; i++) {
		pid = share->members[i].pid;
		if (pid && !(pid & SHARE_BIRTH) && share_is_gone(pid))
			reap(i);
	}
}

/* One at a time, and from a parent that makes no calls. */
static int make_task(struct lib_task *parent, struct lib_task **task, uint32_t flags)
{
	int err;

	while (share->creating && !share->dead)
		share_await_turn();
	if (share->dead)
		return -EOWNERDEAD;
	share->creating = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
	err = share->exports.task_create(parent, task, flags, NULL, NULL, 0);
	if (!err && !has_room(*task)) {
		share->exports.task_exit(*task);
		err = -EAGAIN;
	}
	share->creating = 0;
	share_next_turn();
	return err;
}

int share_make_task(struct lib_task *parent, struct lib_task **task, uint32_t flags)
{
	int err = make_task(parent, task, flags);

	if (err != -EAGAIN)
		return err;
	reap_gone();
	return make_task(parent, task, flags);
}

/* Both have the same epolls, and do not know what the other puts in. */
static void copy_fds(uint32_t to, uint32_t from)
{
	struct share_table *copy = &share->tables[to], *table = &share->tables[from];
	unsigned int i;
	uint64_t all;

	share->members[to].top = share->members[from].top;
	share->members[to].making = share->members[from].making;
	share->members[to].inside = share->members[from].inside;
	share->members[to].other_user = share->members[from].other_user;
	for (i = 0; i < (share->members[from].top + 63) / 64; i++) {
		all = table->epolls[i].all;
		copy->fds[i] = table->fds[i];
		copy->epolls[i] = table->epolls[i] = (struct share_epolls) { all, all, all };
	}
}

static void free_member(uint32_t number)
{
	struct share_member *member = &share->members[number];
	struct share_table *table = &share->tables[number];
	unsigned int i;

	for (i = 0; i < (member->top + 63) / 64; i++) {
		table->fds[i] = 0;
		table->epolls[i] = (struct share_epolls) { 0 };
	}
	member->top = 0;
	member->making = 0;
	member->inside = false;
	member->other_user = false;
	member->divided = false;
	share_mappings_drop(number);
	member->helper = NULL;
	member->pid = 0;
}

static int free_number(void)
{
	int i = 1;

	while (i < SHARE_PROCESSES && share->members[i].pid)
		i++;
	return i;
}

/* Under the lock: a process of the instance like that of @parent. */
static int make_member(struct lib_task *parent)
{
	struct share_member *member;
	int i, err;

	i = free_number();
	if (i == SHARE_PROCESSES) {
		reap_gone();
		i = free_number();
	}
	if (i == SHARE_PROCESSES)
		return -EAGAIN;
	member = &share->members[i];
	member->pid = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0) | SHARE_BIRTH;
	if (share->nr_members <= (uint32_t)i)
		share->nr_members = i + 1;
	err = share_make_task(parent, &member->helper, LIB_TASK_PROCESS);
	if (err) {
		free_member(i);
		return err;
	}
	member->helper->host[1] = i;
	return i;
}

/* The page of host functions has this process's. */
static int attach(void)
{
	struct lib_host host;

	share_process.pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	share_host(&host);
	return share->exports.attach(&host);
}

/* The pid of a member that is just born, where @birth stands so far */
static void say_pid(uint32_t number, uint32_t birth, uint32_t pid)
{
	if (birth & SHARE_BIRTH &&
	    __atomic_compare_exchange_n(&share->members[number].pid, &birth, pid, false,
					__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		share_changed();
}

static void say_own_pid(uint32_t number)
{
	say_pid(number, share->members[number].pid, host_call(__NR_getpid, 0, 0, 0, 0, 0, 0));
}

/*
 * This process, which has its own memory, is the member from now on. That does not take
 * the lock: one that makes no calls may be killed at any moment.
 */
static int become(int number)
{
	share_process.number = number;
	say_own_pid(number);
	return attach();
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
		copy_fds(number, self->process);
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
	share_process.entered = 0;
	share_process.lockers = 0;
	if (!err && __atomic_load_n(&share->dead, __ATOMIC_RELAXED))
		err = -EOWNERDEAD;
	return err ?: become(number);
}

void share_vforked(int number)
{
	say_own_pid(number);
}

void share_born(int number, uint32_t pid)
{
	say_pid(number, host_call(__NR_gettid, 0, 0, 0, 0, 0, 0) | SHARE_BIRTH, pid);
}

/* --------------------------------------------------------------- threads */

static struct share_thread *end_of_threads(void)
{
	return share->threads + share->nr_threads;
}

static struct share_thread *find(uint32_t process, uint64_t key)
{
	struct share_thread *thread, *end = end_of_threads();

	for (thread = share->threads; thread < end; thread++)
		if (thread->process == process && thread->key == key)
			return thread;
	return NULL;
}

static bool has_ended(const struct share_thread *thread)
{
	return host_call(__NR_tkill, thread->tid, 0, 0, 0, 0, 0) == -ESRCH;
}

static uint32_t own_tid(void)
{
	return host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
}

/* Of a thread that goes by its number */
static uint64_t key_of(uint32_t tid)
{
	return ~(uint64_t)tid;
}

/*
 * Of the calling thread: its fs base. One that no library has made may have that of
 * another, who lives: it goes by its number. So do those that others had to settle.
 */
static uint64_t own_key(uint32_t process)
{
	const struct share_thread *heir = find(process, thread_key());
	uint32_t tid = own_tid();

	if (find(process, key_of(tid)))
		return key_of(tid);
	return !heir || heir->tid == tid || has_ended(heir) ? thread_key() : key_of(tid);
}

/* A program's first thread that had no fs base yet when it came has one now. */
struct share_thread *share_known(uint32_t process)
{
	struct share_thread *self = find(process, own_key(process));

	if (self)
		return self;
	self = find(process, 0);
	return self && self->tid == own_tid() ? self : NULL;
}

/* Under the lock: a free entry for a thread */
static struct share_thread *add_thread(uint32_t process, uint32_t tid, uint64_t key,
				       struct lib_task *task)
{
	struct share_thread *self = find(0, 0) ?: end_of_threads();

	if (share_slot(self) == SHARE_THREADS)
		return NULL;
	if (self == end_of_threads())
		share->nr_threads++;
	*self = (struct share_thread) {
		.process = process,
		.tid = tid,
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

static void end_thread(struct share_thread *thread)
{
	share->exports.task_exit(thread->task);
	free_thread(thread);
}

/* Under the lock: threads of this process that have ended; a few looks for each that begins */
static void free_ended(uint32_t process)
{
	static unsigned int next;
	unsigned int looks = 4, i;

	for (i = 0; i < share->nr_threads && looks; i++) {
		struct share_thread *thread = &share->threads[next++ % share->nr_threads];

		if (thread->process != process)
			continue;
		looks--;
		if (has_ended(thread))
			end_thread(thread);
	}
}

/* It comes from its parent's memory, or that of the program before. */
struct lib_task *share_helper(uint32_t process)
{
	struct lib_task *helper = share->members[process].helper;

	if (helper && helper->process != share_process.number)
		share->exports.task_adopt(helper);
	return helper;
}

/* Under the lock: an entry with a task of @parent, for a thread that has none */
static struct share_thread *make_thread(uint32_t process, struct lib_task *parent, uint32_t tid,
					uint64_t key, int *err)
{
	struct share_thread *thread = NULL;
	struct lib_task *task;

	free_ended(process);
	*err = -ESRCH;
	if (!parent)
		return NULL;
	*err = share_make_task(parent, &task, 0);
	if (!*err) {
		thread = add_thread(process, tid, key, task);
		*err = thread ? 0 : -EAGAIN;
	}
	return thread;
}

/* That of a thread that has ended goes on with the one that has its fs base now. */
struct share_thread *share_self(uint32_t process, int *err)
{
	struct share_thread *self;
	uint64_t key;

	*err = share_enter();
	if (*err)
		return NULL;
	key = own_key(process);
	self = share_known(process);
	if (self) {
		self->tid = own_tid();
		self->key = key;
	} else {
		self = make_thread(process, share_helper(process), own_tid(), key, err);
	}
	share_leave();
	return self;
}

static struct share_thread *find_tid(uint32_t process, uint32_t tid)
{
	struct share_thread *thread, *end = end_of_threads();

	for (thread = share->threads; thread < end; thread++)
		if (thread->process == process && thread->tid == tid)
			return thread;
	return NULL;
}

long share_settle(struct share_thread *self, long nr, const long args[6])
{
	uint32_t process = self->process, tid = args[0];
	int err = share_enter();

	(void)nr;
	if (err)
		return err;
	if (!find_tid(process, tid))
		make_thread(process, share_helper(process), tid, key_of(tid), &err);
	share_leave();
	return err;
}

/* Nobody has its key, and it lives as long as its process until it has begun. */
long share_bear(struct share_thread *self)
{
	uint32_t pid = share->members[self->process].pid & ~SHARE_BIRTH;
	struct share_thread *thread;
	int err = share_enter();

	if (err)
		return err;
	thread = make_thread(self->process, self->task, pid, 0, &err);
	if (thread)
		thread->key = (uint64_t)thread;
	share_leave();
	return thread ? (long)share_slot(thread) + 1 : err;
}

/* What is still there of one that ended, with its number or fs base, is not its own. */
void share_begin(struct share_thread *self)
{
	uint32_t process = self->process, tid = own_tid();
	struct share_thread *other;
	uint64_t key;

	if (share_enter())
		return;
	while ((other = find_tid(process, tid)))
		end_thread(other);
	key = own_key(process);
	other = find(process, key);
	if (other)
		end_thread(other);
	self->tid = tid;
	self->key = key;
	share_leave();
}

void share_unborn(struct share_thread *thread)
{
	if (share_enter())
		return;
	end_thread(thread);
	share_leave();
}

/* ------------------------------------------------------------- end and exec */

static bool is_of(const struct share_thread *thread, uint32_t process)
{
	return thread->process == process;
}

/* Under the lock */
static void reap(uint32_t number)
{
	struct share_thread *thread = share->threads, *end = end_of_threads();
	struct share_member *member = &share->members[number];

	if (!member->helper)
		return;
	share_wake_again();
	member->pid = SHARE_GOING;
	for (; thread < end; thread++) {
		if (!is_of(thread, number))
			continue;
		share->exports.task_adopt(thread->task);
		if (share->poller == share_slot(thread) + 1)
			share->poller = 0;
		if (!thread->task->dead)
			share->exports.task_kill(thread->task);
	}
	share->exports.task_adopt(member->helper);
	share->exports.task_kill(member->helper);
	share->exports.run();
	for (thread = share->threads; thread < end; thread++) {
		if (!is_of(thread, number))
			continue;
		share->exports.task_exit(thread->task);
		free_thread(thread);
	}
	share->exports.task_exit(member->helper);
	free_member(number);
	share_changed();
}

void share_reap(uint32_t pid)
{
	uint32_t i;

	if (share_enter()) {
		share_wake_again();
		return;
	}
	share_check_maker();
	for (i = 1; i < share->nr_members; i++)
		if (share->members[i].pid == pid)
			reap(i);
	share_leave();
}

static bool has_others(uint32_t process, const struct share_thread *self)
{
	const struct share_thread *thread, *end = end_of_threads();

	for (thread = share->threads; thread < end; thread++)
		if (thread != self && is_of(thread, process))
			return true;
	return false;
}

/* Under the lock. Its task works on this program's memory from now on. */
static int take_over(uint32_t process, struct share_thread *self)
{
	int err = become(process);

	if (err)
		return err;
	share_mappings_drop(process);
	share_changed();
	if (!self)
		return 0;
	self->tid = share_process.pid;
	self->key = thread_key();
	return share->exports.task_adopt(self->task);
}

/* Threads of the old program may be in the middle of calls: they end with its process. */
static int replace(uint32_t old, struct share_thread *self)
{
	int number = make_member(self ? self->task : share->members[old].helper);

	if (number < 0)
		return number;
	copy_fds(number, old);
	reap(old);
	return become(number);
}

int share_exec(uint32_t process, struct share_thread *self)
{
	int err;

	if (!self && !has_others(process, NULL) && !share_mappings_any(process) &&
	    !share->members[process].divided)
		return share->dead ? -EOWNERDEAD : become(process);
	err = share_enter();
	if (err)
		return err;
	err = attach();
	if (!err)
		err = has_others(process, self) || share->members[process].divided ?
			replace(process, self) : take_over(process, self);
	share_leave();
	return err;
}
