// SPDX-License-Identifier: GPL-2.0
/*
 * call.c - system calls of an instance, and the tasks that make them.
 *
 * Each host thread has a task in each instance that it ever called, its
 * carrier; a table of the thread finds it by slot, and the generation of the
 * instance tells whether it is a left-over of one that is gone. Code inside an
 * instance (a fiber) calls with the task that runs, on the lock that its
 * carrier holds.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include "rt.h"

/* What the kernel means for itself: restart the call after a signal handler. */
#define ERESTARTSYS		512
#define ERESTART_RESTARTBLOCK	516

/**
 * struct thread - what is kept for a host thread
 * @carriers:	by slot
 * @nr:		entries
 * @stack:	its signal stack, if we gave it one
 */
struct thread {
	struct carrier **carriers;
	unsigned int nr;
	void *stack;
};

struct fiber {
	struct fiber *next;
	struct fiber **prev;
	struct libos *l;
	struct lib_task *task;
	void (*fn)(void *arg);
	void *arg;
};

__thread struct here here __attribute__((tls_model("initial-exec")));

/* No thread ends while an instance does, or both would free the same. */
static pthread_mutex_t end_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t create_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;

/* ---------------------------------------------------------------- carriers */

static void unlink_carrier(struct libos *l, struct carrier *carrier)
{
	struct carrier **at = &l->carriers;

	while (*at && *at != carrier)
		at = &(*at)->next;
	if (*at)
		*at = carrier->next;
}

static void carrier_end(struct carrier *carrier)
{
	struct libos *l = carrier->l;

	enter(l);
	unlink_carrier(l, carrier);
	if (carrier->task != l->kernel.boot_task)
		l->exports.task_exit(carrier->task);
	leave(l);
}

static void thread_end(void *arg)
{
	struct thread *thread = arg;
	unsigned int i;

	pthread_mutex_lock(&end_mutex);
	for (i = 0; i < thread->nr; i++) {
		if (thread->carriers[i] && thread->carriers[i]->gen)
			carrier_end(thread->carriers[i]);
		free(thread->carriers[i]);
	}
	pthread_mutex_unlock(&end_mutex);
	fault_thread_end(thread->stack);
	free(thread->carriers);
	free(thread);
	here.last = NULL;
}

static void make_key(void)
{
	key_error = pthread_key_create(&key, thread_end);
}

static struct thread *this_thread(void)
{
	struct thread *thread;

	pthread_once(&once, make_key);
	if (key_error)
		return NULL;
	thread = pthread_getspecific(key);
	if (thread)
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	if (pthread_setspecific(key, thread)) {
		free(thread);
		return NULL;
	}
	thread->stack = fault_thread();
	return thread;
}

/* The thread's carrier for a slot, perhaps a left-over; NULL without memory. */
static struct carrier *carrier_place(unsigned int slot)
{
	struct thread *thread = this_thread();
	struct carrier **carriers;
	unsigned int nr;

	if (!thread)
		return NULL;
	if (slot >= thread->nr) {
		nr = max(slot + 8, 2 * thread->nr);
		carriers = realloc(thread->carriers, nr * sizeof(*carriers));
		if (!carriers)
			return NULL;
		memset(carriers + thread->nr, 0, (nr - thread->nr) * sizeof(*carriers));
		thread->carriers = carriers;
		thread->nr = nr;
	}
	if (!thread->carriers[slot])
		thread->carriers[slot] = calloc(1, sizeof(struct carrier));
	return thread->carriers[slot];
}

static void carrier_fill(struct carrier *carrier, struct libos *l, struct lib_task *task)
{
	carrier->gen = l->gen;
	carrier->task = task;
	carrier->l = l;
	carrier->next = l->carriers;
	l->carriers = carrier;
}

int carrier_prepare(struct libos *l)
{
	return carrier_place(l->slot) ? 0 : fail(ENOMEM, "out of memory");
}

void carrier_boot(struct libos *l)
{
	carrier_fill(carrier_place(l->slot), l, l->kernel.boot_task);
}

void task_block_signals(struct libos *l, struct lib_task *task, uint64_t mask)
{
	l->exports.syscall(task, SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof(mask),
			   0, 0);
}

/*
 * A new task comes from the helper, since process 1 may be in a call. Creating
 * may block and give the lock away, so one thread at a time does it.
 */
static int make_task(struct libos *l, struct carrier *carrier)
{
	struct lib_task *task;
	int err;

	pthread_mutex_lock(&create_mutex);
	enter(l);
	err = l->exports.task_create(l->helper, &task, 0, NULL, NULL, 0);
	if (!err) {
		task_block_signals(l, task, 0);
		carrier_fill(carrier, l, task);
	}
	leave(l);
	pthread_mutex_unlock(&create_mutex);
	return err ? fail(-err, "%s has no task for this thread: %s", l->name,
			  strerror(-err)) : 0;
}

static struct carrier *carrier_get(struct libos *l, int *err)
{
	struct carrier *carrier = carrier_place(l->slot);

	if (!carrier)
		*err = fail(ENOMEM, "out of memory");
	else if (carrier->gen == l->gen)
		*err = 0;
	else if (l->world)
		*err = fail(EPERM, "%s lives in the virtual time of another thread", l->name);
	else
		*err = make_task(l, carrier);
	return carrier;
}

void carrier_forget_all(struct libos *l)
{
	struct carrier *carrier;

	pthread_mutex_lock(&end_mutex);
	for (carrier = l->carriers; carrier; carrier = carrier->next)
		carrier->gen = 0;
	l->carriers = NULL;
	pthread_mutex_unlock(&end_mutex);
}

/* ------------------------------------------------------------------- tasks */

/* The slow way to the calling code's task; the lock is held if it is a fiber. */
static struct lib_task *find_task(struct libos *l, int *err)
{
	struct carrier *carrier;

	*err = 0;
	if (here.inside == l && *l->kernel.running)
		return *l->kernel.running;
	if (here.inside) {
		*err = fail(EDEADLK, "a call of %s from inside %s", l->name, here.inside->name);
		return NULL;
	}
	carrier = here.last;
	if (!carrier || carrier->gen != l->gen) {
		carrier = carrier_get(l, err);
		if (*err)
			return NULL;
		here.last = carrier;
	}
	if (carrier->task->done || *l->kernel.status == LIB_DEAD)
		return carrier->task;
	/* A function of libos_world_at() while its thread is blocked */
	if (l->world && l->helper->done)
		return l->helper;
	*err = fail(EDEADLK, "this thread is in a call of %s already", l->name);
	return NULL;
}

struct lib_task *task_enter(struct libos *l, int *err)
{
	struct lib_task *task = find_task(l, err);

	if (task && !here.inside)
		enter(l);
	return task;
}

/* Whether the calling code is a fiber of the instance that it calls. */
static bool in_fiber(struct libos *l)
{
	return here.inside == l && *l->kernel.running;
}

void task_leave(struct libos *l)
{
	if (!in_fiber(l))
		leave(l);
}

void let_kernel_work(struct libos *l)
{
	if (here.inside)
		return;
	enter(l);
	l->exports.run();
	leave(l);
}

/* ------------------------------------------------------------------- calls */

static bool is_poll(long nr)
{
	return nr == SYS_poll || nr == SYS_epoll_wait || nr == SYS_epoll_pwait ||
	       nr == SYS_select || nr == SYS_ppoll || nr == SYS_pselect6 ||
	       nr == SYS_epoll_pwait2;
}

static long interrupted(struct libos *l)
{
	if (!l->stuck)
		return -EINTR;
	l->stuck = false;
	return fail(EDEADLK, "nothing is left to happen: the call of %s can never return",
		    l->name);
}

/* What the caller is to see of a call that was interrupted */
static inline long outcome(struct libos *l, long ret)
{
	if (unlikely(ret == -EINTR ||
		     (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK)))
		return interrupted(l);
	return ret;
}

long call(struct libos *l, long nr, long a0, long a1, long a2, long a3, long a4, long a5)
{
	struct carrier *carrier = here.last;
	struct lib_task *task;
	long ret;
	int err;

	if (unlikely(in_fiber(l)))
		return outcome(l, l->syscall(*l->kernel.running, nr, a0, a1, a2, a3, a4, a5));
	if (likely(carrier && carrier->gen == l->gen && carrier->task->done && !here.inside)) {
		task = carrier->task;
	} else {
		task = find_task(l, &err);
		if (!task)
			return err;
	}
	enter(l);
	if (unlikely(l->attention & ATT_GUARD))
		rt_fire(l);	/* nobody else looks at the timers */
	ret = l->syscall(task, nr, a0, a1, a2, a3, a4, a5);
	if (unlikely(l->nr_polled) && (ret == -EAGAIN || (!ret && is_poll(nr))))
		l->time->look(l);
	if (unlikely(l->blocked | l->fibers) && !l->world)
		l->exports.run();
	leave(l);
	return outcome(l, ret);
}

/* A function that libos_spawn() runs has the shortest way: see entry.c. */
long libos_syscall(struct libos *l, long nr, ...)
{
	long a[6];
	va_list ap;
	int i;

	va_start(ap, nr);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (in_fiber(l))
		return outcome(l, l->syscall(*l->kernel.running, nr, a[0], a[1], a[2], a[3], a[4],
					     a[5]));
	return call(l, nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ------------------------------------------------------------------ fibers */

static void fiber_link(struct fiber *fiber, struct fiber **list)
{
	fiber->next = *list;
	fiber->prev = list;
	if (fiber->next)
		fiber->next->prev = &fiber->next;
	*list = fiber;
}

static void fiber_unlink(struct fiber *fiber)
{
	*fiber->prev = fiber->next;
	if (fiber->next)
		fiber->next->prev = fiber->prev;
}

/* On the fiber's stack, inside the instance */
static void fiber_main(void *arg)
{
	struct fiber *fiber = arg;

	fiber->fn(fiber->arg);
	fiber_unlink(fiber);
	fiber_link(fiber, &fiber->l->ended);
	fiber->l->fibers--;
}

/* A task is dead a little later than its function ends. */
void fiber_reap(struct libos *l)
{
	struct fiber *fiber, *next;

	l->attention &= ~ATT_REAP;
	for (fiber = l->ended; fiber; fiber = next) {
		next = fiber->next;
		if (!fiber->task || !fiber->task->dead)
			continue;
		l->exports.task_exit(fiber->task);
		fiber_unlink(fiber);
		free(fiber);
	}
}

void fiber_forget_all(struct libos *l)
{
	struct fiber *fiber;

	while ((fiber = l->running ? l->running : l->ended)) {
		fiber_unlink(fiber);
		free(fiber);
	}
	l->fibers = 0;
}

int libos_spawn(struct libos *l, void (*fn)(void *arg), void *arg, size_t stack)
{
	struct fiber *fiber = calloc(1, sizeof(*fiber));
	struct lib_task *parent;
	int err, tid = 0;

	if (!fiber)
		return fail(ENOMEM, "out of memory");
	parent = task_enter(l, &err);
	if (!parent) {
		free(fiber);
		return err;
	}
	fiber->l = l;
	fiber->fn = fn;
	fiber->arg = arg;
	fiber_link(fiber, &l->running);
	l->fibers++;
	err = l->exports.task_create(parent, &fiber->task, 0, fiber_main, fiber, stack);
	if (err) {
		fail(-err, "%s has no task for a function: %s", l->name, strerror(-err));
		fiber_unlink(fiber);
		free(fiber);
		l->fibers--;
	} else {
		tid = fiber->task->tid;
		l->attention |= ATT_REAP;	/* it may have ended already */
		if (!l->world && !in_fiber(l))
			l->exports.run();
	}
	task_leave(l);
	return err ? err : tid;
}
