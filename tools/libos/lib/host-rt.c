// SPDX-License-Identifier: GPL-2.0
/*
 * host-rt.c - real time: who waits, and for what.
 *
 * A thread whose call is blocked waits in lib_host::idle with the lock given
 * back. The first one polls: it sleeps until a device is readable or the next
 * deadline, and then feeds the instance. The others sleep on a word of their
 * task until their call is complete, or until they are elected to poll because
 * the poller's own call is complete. See rt.h for who steps in when nobody is
 * blocked.
 *
 * A thread that leaves an instance first delivers what lies in its inbox and
 * sends what its devices hold, then takes the mail that the instance has for
 * others and works there, one lock at a time.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "../dev/device.h"
#include "rt.h"

/* A thread that is not blocked visits so many instances when it leaves one. */
#define MAX_VISITS	256
#define MAX_EVENTS	16
#define YOUNG_ENTRIES	64
#define SPIN_NS		20000
#define MAX_SPIN_FAILURES 8

/* ------------------------------------------------------------------- clock */

static bool even;

static void find_source(void)
{
	even = clock_source_is_counter();
}

bool clock_is_even(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_source);
	return even;
}

uint64_t clock_ask(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t rt_clock(void *ctx)
{
	struct libos *l = ctx;

	return clock_read(&l->clock);
}

static uint64_t rt_realtime(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void rt_random(void *ctx, void *buf, size_t len)
{
	unsigned char *p = buf;
	ssize_t got;

	(void)ctx;
	for (; len; p += got, len -= got) {
		got = getrandom(p, len, 0);
		if (got < 0)
			got = 0;
	}
}

uint64_t rt_next(struct libos *l)
{
	return min(l->deadline, heap_next(l->heap));
}

bool rt_fire(struct libos *l)
{
	uint64_t next = rt_next(l), now;
	struct event *event;

	if (next == LIB_TIME_NEVER)
		return false;
	now = rt_clock(l);
	if (next > now)
		return false;
	while (heap_next(l->heap) <= now) {
		event = l->heap->events[0];
		heap_clear(l->heap, event);
		event->fn(event);
	}
	if (l->deadline <= now) {
		l->deadline = LIB_TIME_NEVER;
		l->exports.timer_fire();
	}
	return true;
}

static void rt_event_set(struct libos *l, uint64_t time)
{
	if (time < l->sleeper_deadline)
		l->attention |= ATT_SOONER;
}

/* ------------------------------------------------------------------ leaving */

/*
 * A young instance without devices and functions that run is left alone: what
 * its timers do cannot be seen before its next call. Many live no longer.
 */
static bool needs_care(const struct libos *l)
{
	return l->nr_devices || l->fibers || l->entries > YOUNG_ENTRIES;
}

static void elect(struct libos *l)
{
	struct rt *rt = l->rt;
	uint32_t *word;

	l->attention &= ~(ATT_ELECT | ATT_GUARD);
	if (rt->poller)
		return;
	if (!rt->waiters) {
		if (rt->care != CARE_NONE)
			return;
		if (needs_care(l)) {
			rt->care = CARE_HOT;
			service_call(rt);
		} else {
			l->attention |= ATT_GUARD;
		}
		return;
	}
	word = rt->waiters->word;
	if (__atomic_exchange_n(word, AWAKE, __ATOMIC_ACQ_REL) == SLEEPING)
		l->wakes[l->nr_wakes++] = word;
}

static void wake_everybody(struct libos *l)
{
	struct waiter *waiter;

	l->attention &= ~ATT_DEAD;
	for (waiter = l->rt->waiters; waiter; waiter = waiter->next)
		if (__atomic_exchange_n(waiter->word, AWAKE, __ATOMIC_ACQ_REL) == SLEEPING)
			futex_wake(waiter->word, 1);
	l->attention |= ATT_SOONER;
}

/* Whoever sleeps for the instance has to look at it again. */
static void disturb(struct libos *l)
{
	struct rt *rt = l->rt;

	l->attention &= ~ATT_SOONER;
	if (!rt->poller) {
		if (rt->care == CARE_OWNED)
			service_call(rt);
		return;
	}
	switch (__atomic_exchange_n(rt->poller, AWAKE, __ATOMIC_ACQ_REL)) {
	case SLEEPING:
		l->wakes[l->nr_wakes++] = rt->poller;
		break;
	case POLLING:
		rt->kick = true;
		break;
	}
}

static void write_event(int fd)
{
	static const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return;		/* it is readable already */
}

/* Unlocks, then wakes whom that lets go on. */
static void let_go(struct libos *l)
{
	uint32_t *wakes[NR_WAKES];
	unsigned int i, nr;
	int kick_fd = -1;

	if (l->attention & ATT_DEAD)
		wake_everybody(l);
	if (l->attention & ATT_SOONER)
		disturb(l);
	if (l->attention & (ATT_ELECT | ATT_GUARD))
		elect(l);
	l->attention &= ~ATT_WAKE;
	nr = l->nr_wakes;
	for (i = 0; i < nr; i++)
		wakes[i] = l->wakes[i];
	l->nr_wakes = 0;
	if (l->rt->kick)
		kick_fd = l->rt->kick_fd;
	l->rt->kick = false;
	release(l);
	for (i = 0; i < nr; i++)
		futex_wake(wakes[i], 1);
	if (kick_fd >= 0)
		write_event(kick_fd);
}

/*
 * Letters that nobody has in hand: what a thread that has other things to do
 * leaves behind. The service thread carries them while no other thread is on
 * its way; one that is takes them along. For two that carry parts of one stream
 * of packets would stand in each other's way, above all on one processor.
 */
static struct {
	struct queue queue;
	uint32_t lock;
	unsigned int carriers;
} common;

static void add_common(struct letter *list)
{
	if (!list)
		return;
	lock(&common.lock);
	queue_add(&common.queue, list);
	unlock(&common.lock);
}

static struct letter *get_common(void)
{
	struct letter *list;

	lock(&common.lock);
	list = queue_all(&common.queue);
	unlock(&common.lock);
	return list;
}

static bool any_common(void)
{
	return __atomic_load_n(&common.queue.first, __ATOMIC_SEQ_CST);
}

/*
 * What the instance itself has to do, and a letter for it, if any. What packets
 * cause is done when they are received; tasks that they wake are run here. If
 * nobody is blocked these can be kernel threads only, which can wait for the
 * next tick.
 */
static inline void work(struct libos *l, struct letter *letter)
{
	bool again, run = l->blocked || l->fibers;
	int rounds = 16;

	do {
		again = mail_deliver(l);
		if (letter) {
			mail_open(letter);
			letter = NULL;
			again = true;
		}
		if (unlikely(l->overdue)) {
			l->overdue = 0;
			rt_fire(l);
			again = true;
			run = true;
		}
		if (l->attention & ATT_REAP)
			fiber_reap(l);
		if (again && run)
			l->exports.run();
	} while (again && --rounds);
}

/* Works where a letter belongs; returns what was posted there. */
static struct letter *carry_one(struct letter *letter)
{
	struct libos *to = letter->to;
	struct letter *in_hand = letter;
	struct queue posted = { 0 };
	bool inside = enter_try(to);

	if (!inside) {
		mail_put(letter);
		in_hand = NULL;
		inside = enter_try(to);		/* else who is there finds it */
	}
	for (; inside; inside = mail_waits(to) && enter_try(to)) {
		work(to, in_hand);
		in_hand = NULL;
		queue_add(&posted, mail_take(to));
		let_go(to);
	}
	mail_carried(letter);
	return queue_all(&posted);
}

/*
 * Takes letters where they belong, in turn: as long as the call of @task, which
 * blocks the thread, is not complete, or else some of them.
 */
static void carry(struct letter *list, const struct lib_task *task)
{
	struct queue queue = { 0 };
	struct letter *letter;
	int visits = 0;

	if (!list)
		return;
	queue_add(&queue, list);
	__atomic_fetch_add(&common.carriers, 1, __ATOMIC_SEQ_CST);
	while ((++visits <= MAX_VISITS || (task && !task->done)) &&
	       (letter = queue_get(&queue))) {
		queue_add(&queue, carry_one(letter));
		if (unlikely(any_common()))
			queue_add(&queue, get_common());
	}
	add_common(queue_all(&queue));
	__atomic_fetch_sub(&common.carriers, 1, __ATOMIC_SEQ_CST);
	if (unlikely(any_common()))
		service_wake();
}

bool rt_common_waits(void)
{
	return any_common() && !__atomic_load_n(&common.carriers, __ATOMIC_SEQ_CST);
}

void rt_carry_common(void)
{
	struct queue queue = { 0 };
	struct letter *letter;
	int visits = 0;

	queue_add(&queue, get_common());
	while (visits++ < MAX_VISITS && !__atomic_load_n(&common.carriers, __ATOMIC_SEQ_CST) &&
	       (letter = queue_get(&queue)))
		queue_add(&queue, carry_one(letter));
	add_common(queue_all(&queue));
}

static struct letter *mail_to_carry(struct libos *l)
{
	struct letter *list;

	work(l, NULL);
	list = mail_take(l);
	let_go(l);
	return list;
}

void rt_let_go(struct libos *l)
{
	add_common(mail_to_carry(l));
}

/* Something came while the lock was held; with the lock free again. */
void leave_again(struct libos *l)
{
	while ((__atomic_load_n(&l->inbox, __ATOMIC_RELAXED) ||
		__atomic_load_n(&l->overdue, __ATOMIC_RELAXED)) && enter_try(l))
		carry(mail_to_carry(l), NULL);
}

static void rt_leave(struct libos *l)
{
	carry(mail_to_carry(l), NULL);
	leave_again(l);
}

/* ------------------------------------------------------------------ waiting */

int wait_events(int epfd, struct epoll_event *events, int max, uint64_t until)
{
	uint64_t now = until && until != UINT64_MAX ? clock_ask() : 0;
	uint64_t rest = until > now ? until - now : 0;
	struct timespec ts = {
		.tv_sec = rest / 1000000000,
		.tv_nsec = rest % 1000000000,
	};
	static bool without;
	int nr;

	if (!without) {
		nr = epoll_pwait2(epfd, events, max, until == UINT64_MAX ? NULL : &ts, NULL);
		if (nr >= 0 || errno != ENOSYS)
			return nr;
		without = true;
	}
	if (until == UINT64_MAX)
		return epoll_wait(epfd, events, max, -1);
	rest = (rest + 999999) / 1000000;
	return epoll_wait(epfd, events, max, rest > 1 << 30 ? 1 << 30 : rest);
}

static void feed(struct libos *l, const struct epoll_event *events, int nr)
{
	struct libos_dev *dev;
	uint64_t count;
	int i;

	for (i = 0; i < nr; i++) {
		dev = events[i].data.ptr;
		if (dev)
			dev->ops->receive(dev);
		else if (read(l->rt->kick_fd, &count, sizeof(count)) < 0)
			continue;	/* somebody else took it */
	}
}

bool rt_receive(struct libos *l, int timeout_ms)
{
	struct epoll_event events[MAX_EVENTS];
	int nr;

	if (!l->nr_polled)
		return false;
	nr = epoll_wait(l->rt->epfd, events, MAX_EVENTS, timeout_ms);
	feed(l, events, nr);
	return nr > 0;
}

static void rt_look(struct libos *l)
{
	if (rt_receive(l, 0))
		l->exports.run();
}

/* Somebody who waited goes on: if nobody polls now, that has to be settled. */
static void stop_waiting(struct libos *l)
{
	l->attention |= l->rt->poller ? 0 : l->rt->waiters ? ATT_ELECT : ATT_GUARD;
}

/*
 * Waking a thread on another core costs tens of microseconds, so who waits
 * looks for a moment whether the answer comes. Where that was in vain it is not
 * tried for a while, longer each time. On a single core it always would be.
 */
static bool spin(struct rt *rt, uint32_t *word, uint64_t until)
{
	uint64_t end;
	int i;

	if (rt->cores == 1 || rt->spin_pause-- > 0)
		return false;
	end = min(clock_ask() + SPIN_NS, until);
	do {
		for (i = 0; i < 32; i++) {
			if (__atomic_load_n(word, __ATOMIC_ACQUIRE) == AWAKE) {
				rt->spin_pause = 0;
				rt->spin_failures = 0;
				return true;
			}
			__builtin_ia32_pause();
		}
	} while (clock_ask() < end);
	rt->spin_failures = min(rt->spin_failures + 1, MAX_SPIN_FAILURES);
	rt->spin_pause = 1 << rt->spin_failures;
	return false;
}

/* Waits until the word is AWAKE, or the time has come. */
static void wait_for(struct rt *rt, uint32_t *word, uint64_t until)
{
	uint32_t spinning = SPINNING;

	if (!spin(rt, word, until) &&
	    __atomic_compare_exchange_n(word, &spinning, SLEEPING, false, __ATOMIC_ACQ_REL,
					__ATOMIC_RELAXED))
		futex_wait(word, SLEEPING, until);
}

static void sleep_here(struct libos *l, uint32_t *word)
{
	struct rt *rt = l->rt;
	struct waiter self = { .next = rt->waiters, .prev = &rt->waiters, .word = word };

	if (self.next)
		self.next->prev = &self.next;
	rt->waiters = &self;
	__atomic_store_n(word, SPINNING, __ATOMIC_RELAXED);
	let_go(l);
	leave_again(l);
	wait_for(rt, word, UINT64_MAX);
	enter(l);
	__atomic_store_n(word, AWAKE, __ATOMIC_RELAXED);
	*self.prev = self.next;
	if (self.next)
		self.next->prev = self.prev;
	stop_waiting(l);
}

static void poll_here(struct libos *l, uint32_t *word, uint64_t until)
{
	struct epoll_event events[MAX_EVENTS];
	struct rt *rt = l->rt;
	bool polled = l->nr_polled;
	uint64_t removed = rt->removed;
	int nr = 0;

	rt->poller = word;
	if (rt->care == CARE_OWNED)
		rt->care = CARE_NONE;
	l->sleeper_deadline = until;
	l->attention &= ~(ATT_ELECT | ATT_GUARD | ATT_SOONER);
	__atomic_store_n(word, polled ? POLLING : SPINNING, __ATOMIC_RELAXED);
	let_go(l);
	if (!__atomic_load_n(&l->inbox, __ATOMIC_SEQ_CST)) {
		if (polled)
			nr = wait_events(rt->epfd, events, MAX_EVENTS, until);
		else
			wait_for(rt, word, until);
	}
	enter(l);
	__atomic_store_n(word, AWAKE, __ATOMIC_RELAXED);
	rt->poller = NULL;
	l->sleeper_deadline = 0;
	/* An event may be of a device that is gone; others come again. */
	feed(l, events, removed == rt->removed ? nr : 0);
	rt_fire(l);
	stop_waiting(l);
}

/* Does what can be done at once; says whether there was anything. */
static bool idle_work(struct libos *l, struct lib_task *task)
{
	struct letter *list;
	bool done = mail_deliver(l);

	if (l->attention & (ATT_MAIL | ATT_WAKE | ATT_DEAD)) {
		list = mail_take(l);
		let_go(l);
		carry(list, task);
		enter(l);
		stop_waiting(l);
		return true;
	}
	return done || rt_fire(l);
}

static void rt_idle(void *ctx, struct lib_task *task, uint64_t deadline)
{
	uint32_t own = AWAKE, *word = task ? task_word(task) : &own;
	struct libos *l = ctx;

	l->blocked++;
	if (!idle_work(l, task)) {
		if (l->rt->poller)
			sleep_here(l, word);
		else
			poll_here(l, word, min(deadline, rt_next(l)));
	}
	l->blocked--;
}

/* ------------------------------------------------------------------ devices */

static int make_set(struct rt *rt)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (rt->epfd >= 0)
		return 0;
	rt->epfd = epoll_create1(EPOLL_CLOEXEC);
	rt->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rt->epfd < 0 || rt->kick_fd < 0 ||
	    epoll_ctl(rt->epfd, EPOLL_CTL_ADD, rt->kick_fd, &event))
		return fail(errno, "cannot poll a device: %s", strerror(errno));
	return 0;
}

static int rt_poll_add(struct libos *l, struct libos_dev *dev)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = dev };
	int err = make_set(l->rt);

	if (err)
		return err;
	if (epoll_ctl(l->rt->epfd, EPOLL_CTL_ADD, dev->fd, &event))
		return fail(errno, "cannot poll %s: %s", dev->name, strerror(errno));
	l->nr_polled++;
	l->attention |= ATT_SOONER;	/* who sleeps has to begin again */
	return 0;
}

static void rt_poll_del(struct libos *l, struct libos_dev *dev)
{
	epoll_ctl(l->rt->epfd, EPOLL_CTL_DEL, dev->fd, NULL);
	l->rt->removed++;
	l->nr_polled--;
}

/* --------------------------------------------------------------------- life */

static int count_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

static void rt_close(struct libos *l)
{
	struct rt *rt = l->rt;

	service_put(rt);
	if (rt->epfd >= 0)
		close(rt->epfd);
	if (rt->kick_fd >= 0)
		close(rt->kick_fd);
	heap_free(&rt->heap);
	free(rt);
}

static const struct time_ops rt_ops = {
	.leave = rt_leave,
	.event_set = rt_event_set,
	.poll_add = rt_poll_add,
	.poll_del = rt_poll_del,
	.look = rt_look,
	.close = rt_close,
};

int rt_init(struct libos *l)
{
	struct rt *rt = calloc(1, sizeof(*rt));
	int err;

	if (!rt)
		return fail(ENOMEM, "out of memory");
	err = service_get();
	if (err) {
		free(rt);
		return err;
	}
	rt->l = l;
	rt->cores = count_cores();
	rt->epfd = -1;
	rt->kick_fd = -1;
	l->rt = rt;
	l->heap = &rt->heap;
	l->time = &rt_ops;
	l->attention = ATT_GUARD;
	l->host.clock_ns = rt_clock;
	l->host.realtime_ns = rt_realtime;
	l->host.random = rt_random;
	l->host.idle = rt_idle;
	return 0;
}
