// SPDX-License-Identifier: GPL-2.0
/*
 * service.c - the thread that takes care of instances that no thread waits in;
 * see rt.h. It exists from the first time it is needed until the last instance
 * in real time is closed.
 *
 * A pass (all that it does between two waits) runs under service.mutex: who
 * holds that knows that the thread is in no instance. Instances call for it by
 * a stack that needs no lock.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "rt.h"

#define TICK_NS		1000000
#define COLD_TICKS	10	/* a poller is trusted after so many quiet ticks */
#define MAX_EVENTS	32

static struct {
	pthread_mutex_t mutex;
	pthread_mutex_t life;	/* starting and stopping; taken before the other */
	pthread_t thread;
	bool running;
	bool stop;
	unsigned int users;
	int epfd;
	int kick_fd;
	struct rt *calling;	/* the stack */
	struct rt *hot;
	struct heap owned;	/* by deadline */
	uint64_t next_tick;
	uint64_t forgotten;	/* counts instances that are gone */
	uint32_t asleep;	/* has to be kicked */
} service = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.life = PTHREAD_MUTEX_INITIALIZER,
};

/* --------------------------------------------------------------- one pass */

static void arm(struct rt *rt, bool on)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = rt };

	if (rt->armed == on || rt->epfd < 0)
		return;
	epoll_ctl(service.epfd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, rt->epfd, &event);
	rt->armed = on;
}

static void disown(struct rt *rt)
{
	arm(rt, false);
	heap_clear(&service.owned, &rt->timer);
}

/* Waits for the instance from now on, as its poller would. */
static void own(struct rt *rt)
{
	rt->care = CARE_OWNED;
	rt->l->sleeper_deadline = rt_next(rt->l);
	heap_set(&service.owned, &rt->timer, rt->l->sleeper_deadline);
	arm(rt, true);
}

static void look_after(struct libos *l)
{
	rt_receive(l, 0);
	rt_fire(l);
	l->exports.run();
}

/* Something happened to an instance that was owned when we looked last. */
static void serve(struct rt *rt)
{
	enter(rt->l);
	if (rt->care == CARE_OWNED) {
		look_after(rt->l);
		own(rt);
	} else {
		disown(rt);
	}
	rt_let_go(rt->l);
}

static void serve_due(uint64_t now)
{
	while (heap_next(&service.owned) <= now)
		serve(container_of(service.owned.events[0], struct rt, timer));
}

/* They are hot now, or owned and have an earlier deadline. */
static void serve_calling(void)
{
	struct rt *rt = __atomic_exchange_n(&service.calling, NULL, __ATOMIC_ACQUIRE), *next;

	for (; rt; rt = next) {
		next = rt->next_calling;
		lock(&rt->l->lock);
		rt->calls = false;
		unlock(&rt->l->lock);
		serve(rt);
		if (rt->care != CARE_HOT || rt->in_hot)
			continue;
		rt->in_hot = true;
		rt->quiet = 0;
		rt->seen = 0;
		rt->next = service.hot;
		service.hot = rt;
	}
}

/* Says whether the instance stays hot. */
static bool tick(struct rt *rt, uint64_t now)
{
	struct libos *l = rt->l;
	bool used = l->entries != rt->seen;

	if (!enter_try(l)) {
		if (rt_next(l) <= now)
			__atomic_store_n(&l->overdue, 1, __ATOMIC_SEQ_CST);
		rt->quiet = 0;
		return true;
	}
	rt->seen = l->entries;
	rt->quiet = used ? 0 : rt->quiet + 1;
	if (rt->poller || rt->waiters) {
		rt->care = rt->quiet < COLD_TICKS ? CARE_HOT : CARE_NONE;
	} else {
		look_after(l);
		if (!used)
			own(rt);
	}
	used = rt->care == CARE_HOT;
	rt->in_hot = used;
	rt_let_go(l);
	return used;
}

static void tick_all(uint64_t now)
{
	struct rt **at = &service.hot, *rt;

	if (now < service.next_tick)
		return;
	service.next_tick = now + TICK_NS;
	while ((rt = *at)) {
		if (tick(rt, now))
			at = &rt->next;
		else
			*at = rt->next;
	}
}

static void pass(const struct epoll_event *events, int nr)
{
	uint64_t count, now;
	int i;

	for (i = 0; i < nr; i++) {
		if (events[i].data.ptr)
			serve(events[i].data.ptr);
		else if (read(service.kick_fd, &count, sizeof(count)) < 0)
			continue;
	}
	serve_calling();
	now = clock_ask();
	serve_due(now);
	tick_all(now);
	rt_carry_common();
}

static void *service_main(void *arg)
{
	struct epoll_event events[MAX_EVENTS];
	void *stack = fault_thread();
	uint64_t until, forgotten;
	int nr;

	pthread_mutex_lock(&service.mutex);
	while (!service.stop) {
		until = heap_next(&service.owned);
		if (service.hot)
			until = min(until, service.next_tick);
		forgotten = service.forgotten;
		__atomic_store_n(&service.asleep, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&service.calling, __ATOMIC_SEQ_CST) || rt_common_waits())
			until = 0;
		pthread_mutex_unlock(&service.mutex);
		nr = wait_events(service.epfd, events, MAX_EVENTS, until);
		__atomic_store_n(&service.asleep, 0, __ATOMIC_SEQ_CST);
		pthread_mutex_lock(&service.mutex);
		/* An event may be of an instance that is gone; others come again. */
		pass(events, forgotten == service.forgotten ? nr : 0);
	}
	pthread_mutex_unlock(&service.mutex);
	fault_thread_end(stack);
	return arg;
}

/* ------------------------------------------------------------ from outside */

static void kick(void)
{
	static const uint64_t one = 1;

	if (write(service.kick_fd, &one, sizeof(one)) < 0)
		return;		/* it is readable already */
}

/* Signals are the program's: none is for this thread. */
static int create_thread(void)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = pthread_create(&service.thread, NULL, service_main, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

/* Without the thread, timers run when a call is made: better than nothing. */
static void start(void)
{
	struct epoll_event event = { .events = EPOLLIN };

	pthread_mutex_lock(&service.life);
	if (!service.running) {
		service.epfd = epoll_create1(EPOLL_CLOEXEC);
		service.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		epoll_ctl(service.epfd, EPOLL_CTL_ADD, service.kick_fd, &event);
		service.stop = false;
		if (!create_thread()) {
			__atomic_store_n(&service.running, true, __ATOMIC_RELEASE);
		} else {
			close(service.epfd);
			close(service.kick_fd);
		}
	}
	pthread_mutex_unlock(&service.life);
}

static void push(struct rt *rt)
{
	rt->next_calling = __atomic_load_n(&service.calling, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&service.calling, &rt->next_calling, rt, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

void service_wake(void)
{
	if (!__atomic_load_n(&service.running, __ATOMIC_ACQUIRE))
		start();
	if (__atomic_exchange_n(&service.asleep, 0, __ATOMIC_SEQ_CST))
		kick();
}

void service_call(struct rt *rt)
{
	if (rt->calls)
		return;
	rt->calls = true;
	push(rt);
	service_wake();
}

int service_get(void)
{
	int err;

	pthread_mutex_lock(&service.life);
	pthread_mutex_lock(&service.mutex);
	err = heap_promise(&service.owned, 1);
	if (!err)
		service.users++;
	pthread_mutex_unlock(&service.mutex);
	pthread_mutex_unlock(&service.life);
	return err ? fail(-err, "out of memory") : 0;
}

static void forget(struct rt *rt)
{
	struct rt **at, *list, *next;

	list = __atomic_exchange_n(&service.calling, NULL, __ATOMIC_ACQUIRE);
	for (; list; list = next) {
		next = list->next_calling;
		if (list != rt)
			push(list);
	}
	for (at = &service.hot; *at; at = &(*at)->next) {
		if (*at == rt) {
			*at = rt->next;
			break;
		}
	}
	disown(rt);
	heap_release(&service.owned, 1);
	service.forgotten++;
}

void service_put(struct rt *rt)
{
	bool last;

	pthread_mutex_lock(&service.life);
	pthread_mutex_lock(&service.mutex);
	forget(rt);
	last = !--service.users;
	service.stop = last;
	pthread_mutex_unlock(&service.mutex);
	if (last && service.running) {
		kick();
		pthread_join(service.thread, NULL);
		close(service.epfd);
		close(service.kick_fd);
		service.running = false;
	}
	if (last)
		heap_free(&service.owned);
	pthread_mutex_unlock(&service.life);
}
