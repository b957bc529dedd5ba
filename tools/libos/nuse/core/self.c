// SPDX-License-Identifier: GPL-2.0
/*
 * self.c - the calling thread and its process, in the instance.
 *
 * What belongs to a thread is found by catch_thread(); its word for the core is
 * the number of the process there and that of its entry, from 1. The process is
 * 0 where it is share_process.number: only a child on its parent's memory has
 * another. The entry is 0 before the thread's first call.
 */
#include "core.h"
#include <linux/sched.h>
#include "../vdso.h"

#define CORE(member, entry)	((uint64_t)(member) << 32 | (entry))
#define CORE_MEMBER(core)	((uint32_t)((core) >> 32))
#define CORE_ENTRY(core)	((uint32_t)(core))

/* What calls return that may be made again after a signal */
enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
};

/* Parents of children on their memory */
static int lenders;
/* Threads that are about to begin */
static int births;

static char run_path[4096], preload_path[4096];

const uint64_t *nuse_fds;

/* ------------------------------------------------------------------- threads */

static uint32_t member_of(const struct catch_thread *self)
{
	return CORE_MEMBER(self->core) ?: share_process.number;
}

uint32_t self_member(void)
{
	struct catch_thread *self;

	if (!__atomic_load_n(&lenders, __ATOMIC_RELAXED))
		return share_process.number;
	self = catch_thread();
	return self ? member_of(self) : share_process.number;
}

/* The calling thread's entry, made if there is none; NULL and *err */
static struct share_thread *entry_of(struct catch_thread *self, int *err)
{
	uint32_t member = member_of(self), entry = CORE_ENTRY(self->core);
	struct share_thread *thread = &share->threads[entry - 1];

	if (__builtin_expect(entry && thread->process == member, 1))
		return thread;
	thread = share_self(member, err);
	if (!thread)
		return NULL;
	share_local[share_slot(thread)].signal = &self->signal;
	self->core = CORE(CORE_MEMBER(self->core), share_slot(thread) + 1);
	return thread;
}

/* ---------------------------------------------------------------------- calls */

/* Outside again: what was put off comes. */
void self_leave(struct catch_thread *self)
{
	catch_leave(self);
	if (__builtin_expect(self->signal, 0))
		catch_signals(self, NULL);
}

/* What the program sees; *again: nothing, the call is to be made again. */
static long result(long ret, enum catch_ran ran, bool *again)
{
	*again = false;
	switch (ret) {
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		*again = ran == SIGNALS_NONE;
		return -EINTR;
	case -ERESTARTSYS:
		*again = ran == SIGNALS_NONE || ran == SIGNALS_RESTART;
		return ran == SIGNALS_LATE ? -ERESTART : -EINTR;
	case -ERESTARTNOINTR:
		*again = ran != SIGNALS_LATE;
		return -ERESTART;
	}
	return ret;
}

static long make(long nr, const long args[6], struct share_wait *wait, int wish)
{
	struct catch_thread *self = catch_thread();
	struct share_thread *thread;
	enum catch_ran ran;
	bool again;
	int err;
	long ret;

	if (!self)
		return -EAGAIN;
	do {
		ran = SIGNALS_NONE;
		catch_enter(self);
		thread = entry_of(self, &err);
		if (thread && wish)
			thread->task->fd_wish = wish;
		ret = thread ? share_call(thread, nr, args, wait) : err;
		catch_leave(self);
		if (__builtin_expect(self->signal, 0))
			ran = catch_signals(self, wait ? wait->mask : NULL);
		if (__builtin_expect(ret > -ERESTARTSYS, 1))
			return ret;
		ret = result(ret, ran, &again);
		if (wait && wait->came && ran == SIGNALS_NONE)
			return -EINTR;
	} while (again);
	return ret;
}

long self_call(long nr, const long args[6], struct share_wait *wait)
{
	return make(nr, args, wait, 0);
}

long self_make(long nr, const long args[6], int fd)
{
	return make(nr, args, NULL, fd + 1);
}

long self_do(long (*fn)(struct share_thread *self, long nr, const long args[6]), long nr,
	     const long args[6])
{
	struct catch_thread *self = catch_thread();
	struct share_thread *thread;
	long ret;
	int err;

	if (!self)
		return -EAGAIN;
	catch_enter(self);
	thread = entry_of(self, &err);
	ret = thread ? fn(thread, nr, args) : err;
	self_leave(self);
	return ret;
}

/* Under the lock, a task that makes no calls of its own makes one. */
long self_helper_call(long nr, const long a[6])
{
	struct catch_thread *self = catch_thread();
	struct lib_task *helper;
	long ret;

	if (!self)
		return -EAGAIN;
	catch_enter(self);
	ret = share_enter();
	if (!ret) {
		ret = -ESRCH;
		helper = share_helper(self_member());
		if (helper) {
			helper->fd_wish = share->fd_base + 1;
			ret = share->exports.syscall(helper, nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		}
		share_leave();
	}
	self_leave(self);
	return ret;
}

void self_reap(uint32_t pid)
{
	struct catch_thread *self = catch_thread();

	if (!self)
		return;
	catch_enter(self);
	share_reap(pid);
	self_leave(self);
}

long self_tid(void)
{
	return lib_call(__NR_gettid);
}

long self_pid(void)
{
	return lib_call(__NR_getpid);
}

/* ------------------------------------------------------------ birth and death */

static bool borrows(uint64_t flags)
{
	return flags & CLONE_VM && !(flags & CLONE_THREAD);
}

/*
 * What the child will be: a number of a process, or the entry of a thread, from 1, or 0.
 * Threads that are all alike get one when they make their first call.
 */
static long conceive(struct catch_thread *self, uint64_t flags)
{
	struct share_thread *thread;
	int err;

	if (flags & CLONE_THREAD && !share->members[member_of(self)].divided)
		return 0;
	thread = entry_of(self, &err);
	if (!thread)
		return err;
	return flags & CLONE_THREAD ? share_bear(thread) : share_fork(thread);
}

/* Of whom there will be one more, or is no longer */
static void count_birth(uint64_t flags, int change)
{
	if (flags & CLONE_THREAD)
		__atomic_add_fetch(&births, change, __ATOMIC_SEQ_CST);
	else if (borrows(flags))
		__atomic_add_fetch(&lenders, change, __ATOMIC_RELAXED);
}

long nuse_clone_begin(uint64_t flags)
{
	struct catch_thread *self = catch_thread();
	long word;

	if (!self)
		return -EAGAIN;
	count_birth(flags, 1);
	catch_enter(self);
	word = conceive(self, flags);
	catch_leave(self);
	if (word < 0)
		count_birth(flags, -1);
	return word;
}

void nuse_clone_end(uint64_t flags, long word, long ret)
{
	struct catch_thread *self = catch_thread();

	count_birth(flags, -1);
	if (!self || !word)
		return;
	catch_enter(self);
	if (flags & CLONE_THREAD && ret < 0)
		share_unborn(&share->threads[word - 1]);
	else if (ret < 0)
		share_reap(share->members[word].pid);
	else if (!(flags & CLONE_THREAD))
		share_born(word, ret);
	catch_leave(self);
}

static void set_fds(void)
{
	nuse_fds = share->tables[share_process.number].fds;
}

static void begin_thread(struct catch_thread *self, long entry)
{
	self->core = CORE(CORE_MEMBER(self->core), entry);	/* not that of one that ended */
	if (!entry)
		return;
	catch_enter(self);
	share_local[entry - 1].signal = &self->signal;
	share_begin(&share->threads[entry - 1]);
	catch_leave(self);
}

void nuse_new_thread(uint64_t flags, long word)
{
	struct catch_thread *self = catch_thread();

	if (!self)
		return;
	if (flags & CLONE_THREAD) {
		begin_thread(self, word);
		return;
	}
	if (borrows(flags)) {
		self->core = CORE(word, 0);
		share_vforked(word);
		return;
	}
	lenders = 0;
	births = 0;
	self->core = 0;
	catch_enter(self);
	share_forked(word);
	set_fds();
	catch_leave(self);
	fd_after_fork();
}

void self_await_births(void)
{
	while (__atomic_load_n(&births, __ATOMIC_SEQ_CST))
		host_call(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
}

/* Whether its process has other threads that make calls */
static bool has_others(const struct catch_thread *self)
{
	unsigned int i;

	for (i = 0; i < share->nr_threads; i++)
		if (share->threads[i].process == member_of(self) && i + 1 != CORE_ENTRY(self->core))
			return true;
	return false;
}

/*
 * Others may be inside, and must not die there. A child on its parent's memory is
 * alone, and who is in no instance has nothing to harm.
 */
static void quiesce(const struct catch_thread *self)
{
	if (share_process.number && !CORE_MEMBER(self->core))
		share_quiesce();
}

/* Nothing to be closed but its helper */
static bool has_nothing(uint32_t member)
{
	return !share_process.entered && !share->members[member].top;
}

/*
 * What it leaves behind is closed at once, if it is sure that nobody works with
 * it: else that is the keeper's business, when the process is gone.
 */
static void leave_instance(struct catch_thread *self)
{
	uint32_t member = member_of(self);

	quiesce(self);
	if (!member || has_nothing(member) || has_others(self))
		return;
	self->core = CORE(CORE_MEMBER(self->core), 0);
	share_reap(share->members[member].pid);
}

/* Only exit_group() comes here: a thread that exits may have no stack any more. */
long self_exit(long nr, const long args[6])
{
	struct catch_thread *self = catch_thread();

	if (self) {
		catch_enter(self);
		leave_instance(self);
		catch_leave(self);
	}
	return to_host(nr, args);
}

void nuse_quiesce(void)
{
	struct catch_thread *self = catch_thread();

	if (!self)
		return;
	catch_enter(self);
	quiesce(self);
	self_leave(self);
}

void nuse_go_on(void)
{
	struct catch_thread *self = catch_thread();

	if (self && !CORE_MEMBER(self->core))
		share_go_on();
}

/* ---------------------------------------------------------------------- exec */

static const char *read_number(const char *from, int *n)
{
	for (*n = 0; *from >= '0' && *from <= '9'; from++)
		*n = *n * 10 + *from - '0';
	return from;
}

/*
 * "BASE,MEMBER,ENTRY": the hidden descriptors, the number of the process, the entry of
 * the thread, from 1, or 0. Or only the first of them: the program is new in the
 * instance.
 */
size_t nuse_note(char *note, size_t size)
{
	struct catch_thread *self = catch_thread();
	char *end = append_number(note, share->fd_base);
	uint32_t member = self ? member_of(self) : 0;
	struct share_thread *thread;

	(void)size;
	if (!member)
		return end - note;
	thread = share_known(member);
	end = append_number(append(end, ","), member);
	end = append_number(append(end, ","), thread ? share_slot(thread) + 1 : 0);
	return end - note;
}

static void say(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	host_call(__NR_write, 2, text, len, 0, 0, 0);
}

static void find_files(void)
{
	static const char name[] = "libnuse.so";
	char *slash = run_path, *p;
	long len;

	len = host_call(__NR_readlink, "/proc/self/exe", run_path, sizeof(run_path) - 1, 0, 0, 0);
	if (len < 0)
		return;
	append(preload_path, run_path);
	for (p = preload_path; *p; p++)
		if (*p == '/')
			slash = p;
	if (slash == run_path || slash - preload_path + sizeof(name) >= sizeof(preload_path))
		return;
	append(slash + 1, name);
	if (host_call(__NR_access, preload_path, 4 /* R_OK */, 0, 0, 0, 0))
		preload_path[0] = 0;
}

const char *nuse_run_path(void)
{
	if (!run_path[0])
		find_files();
	return run_path;
}

const char *nuse_preload_path(void)
{
	nuse_run_path();
	return preload_path[0] ? preload_path : NULL;
}

/* The thread that exec'ed has made no call in this program yet. */
static int go_on(struct catch_thread *self, int member, int entry)
{
	struct share_thread *thread = entry ? &share->threads[entry - 1] : NULL;
	int err;

	if (thread)
		share_local[share_slot(thread)].signal = &self->signal;
	err = share_exec(member, thread);
	if (!err && thread && thread->process == share_process.number)
		self->core = CORE(0, entry);
	return err;
}

int nuse_start(const char *note)
{
	struct catch_thread *self = catch_thread();
	int base, member, entry, err;

	find_files();
	note = read_number(note, &base);
	if (!base) {
		say("nuse: this program is started by nuse, not by hand\n");
		return -EINVAL;
	}
	vdso_init();
	err = share_map(base);
	if (!err) {
		catch_enter(self);
		if (*note)
			read_number(read_number(note + 1, &member) + 1, &entry);
		err = *note ? go_on(self, member, entry) : share_attach();
		self_leave(self);
	}
	if (err == -EOWNERDEAD)
		say("nuse: the instance has died: nuse log says why\n");
	else if (err)
		say("nuse: the instance cannot be entered: it may be full or gone\n");
	if (err)
		return err;
	set_fds();
	fd_after_exec();
	ids_after_exec();
	cgroup_after_exec();
	return 0;
}
