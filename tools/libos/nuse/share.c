// SPDX-License-Identifier: GPL-2.0
/*
 * share.c - who is inside, and who waits for what; see share.h
 *
 * Nothing of a process is in shared memory but numbers, so one may be killed at
 * any moment. Outside of the kernel that harms nobody: its tasks are ended. One
 * that is killed inside leaves the kernel half way through something, and the
 * instance is declared dead by the first who waits for the lock.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <time.h>
#include "catch.h"
#include "inner-share.h"
#include "vdso.h"

#define WAITERS		(1U << 31)	/* share_control::lock */
#define PATIENCE_NS	100000000	/* then it is seen whether the holder lives */
#define NS_PER_S	1000000000ULL

struct share_process share_process;

/* ------------------------------------------------------------------- waiting */

static uint64_t now(void)
{
	return vdso_clock(CLOCK_MONOTONIC);
}

static long futex_wait(uint32_t *word, uint32_t val, uint64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	return host_call(__NR_futex, word, FUTEX_WAIT, val, &ts, 0, 0);
}

static void futex_wake(uint32_t *word, int nr)
{
	host_call(__NR_futex, word, FUTEX_WAKE, nr, 0, 0, 0);
}

static unsigned int number_of(const struct share_thread *thread)
{
	return thread - share->threads + 1;
}

struct share_thread *share_thread_of(const struct lib_task *task)
{
	return &share->threads[task->host[0]];
}

void share_declare_dead(const char *reason)
{
	unsigned int i;

	for (i = 0; reason[i] && i < sizeof(share->reason) - 1; i++)
		share->reason[i] = reason[i];
	__atomic_store_n(&share->dead, 1, __ATOMIC_SEQ_CST);
	share->exports.exit();
	for (i = 0; i < SHARE_THREADS; i++) {
		share->threads[i].word = 1;
		if (share->threads[i].process)
			futex_wake(&share->threads[i].word, 1);
	}
	share->turn++;
	futex_wake(&share->turn, SHARE_THREADS);
}

/* ------------------------------------------------------------------ the lock */

static void lock_slow(uint32_t tid)
{
	uint32_t seen;

	for (;;) {
		seen = 0;
		if (__atomic_compare_exchange_n(&share->lock, &seen, tid | WAITERS, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		if (!(seen & WAITERS) &&
		    !__atomic_compare_exchange_n(&share->lock, &seen, seen | WAITERS, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		seen |= WAITERS;
		if (futex_wait(&share->lock, seen, PATIENCE_NS) != -ETIMEDOUT ||
		    host_call(__NR_kill, seen & ~WAITERS, 0, 0, 0, 0, 0) != -ESRCH)
			continue;
		/* Its holder is gone: the first to see that takes it over. */
		if (__atomic_compare_exchange_n(&share->lock, &seen, tid | WAITERS, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			share_declare_dead("a process was killed inside the kernel");
			return;
		}
	}
}

static void unlock(void)
{
	if (__atomic_exchange_n(&share->lock, 0, __ATOMIC_RELEASE) & WAITERS)
		futex_wake(&share->lock, 1);
}

static int enter(uint32_t tid)
{
	uint32_t zero = 0;

	if (!__atomic_compare_exchange_n(&share->lock, &zero, tid, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		lock_slow(tid);
	if (__builtin_expect(__atomic_load_n(&share->dead, __ATOMIC_RELAXED), 0)) {
		unlock();
		return -EOWNERDEAD;
	}
	share->entries++;
	return 0;
}

/* Wakes those whose calls are complete, when they can go on. */
static void leave(void)
{
	unsigned int nr = share->nr_wakes, i;
	uint32_t wakes[SHARE_WAKES];
	uint64_t one = 1;
	bool kick = false;

	for (i = 0; i < nr; i++) {
		wakes[i] = share->wakes[i];
		kick |= wakes[i] == share->poller;
	}
	share->nr_wakes = 0;
	unlock();
	for (i = 0; i < nr; i++)
		futex_wake(&share->threads[wakes[i] - 1].word, 1);
	if (kick)
		host_call(__NR_write, share_process.kick_fd, &one, sizeof(one), 0, 0, 0);
}

int share_enter(void)
{
	return enter(host_call(__NR_gettid, 0, 0, 0, 0, 0, 0));
}

void share_leave(void)
{
	leave();
}

/* Under the lock. With so many to wake, some wait for the next that leaves. */
static void wake_later(struct share_thread *thread)
{
	thread->word = 1;
	if (share->nr_wakes < SHARE_WAKES)
		share->wakes[share->nr_wakes++] = number_of(thread);
	else
		futex_wake(&thread->word, 1);
}

/* ------------------------------------------------------- timers and devices */

static void fire(void)
{
	if (share->deadline > now() || !share->exports.timer_fire)
		return;
	share->deadline = LIB_TIME_NEVER;
	share->exports.timer_fire();
}

#define RX_BATCH	32

static bool receive(const struct share_device *dev, int fd)
{
	static unsigned char buffers[RX_BATCH][LIB_MAX_PACKET];
	struct lib_packet pkts[RX_BATCH];
	struct lib_iov iov[RX_BATCH];
	unsigned int nr = 0;
	long len;

	for (; nr < RX_BATCH; nr++) {
		len = host_call(__NR_read, fd, buffers[nr], LIB_MAX_PACKET, 0, 0, 0);
		if (len <= (long)dev->vnet_hdr)
			break;
		len -= dev->vnet_hdr;
		iov[nr] = (struct lib_iov) { buffers[nr] + dev->vnet_hdr, len };
		pkts[nr] = (struct lib_packet) { .iov = &iov[nr], .nr_iov = 1, .len = len };
		__builtin_memcpy(&pkts[nr].vnet, buffers[nr], dev->vnet_hdr);
	}
	if (nr)
		share->exports.netdev_rx(dev->id, pkts, nr);
	return nr;
}

/* Lets in what has come; under the lock. */
static bool look(void)
{
	bool came = false;
	unsigned int i;

	for (i = 0; i < share->nr_devices; i++)
		came |= receive(&share->devices[i], share_process.fds[i]);
	if (came)
		share->exports.run();
	return came;
}

static long poll_devices(uint64_t until)
{
	struct pollfd fds[1 + SHARE_DEVICES] = { { share_process.kick_fd, POLLIN, 0 } };
	uint64_t start = now(), ns = until > start ? until - start : 0, count;
	struct timespec ts = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
	unsigned int nr = share->nr_devices, i;
	long ret;

	for (i = 0; i < nr; i++)
		fds[1 + i] = (struct pollfd) { share_process.fds[i], POLLIN, 0 };
	ret = host_call(__NR_ppoll, fds, 1 + nr, until == LIB_TIME_NEVER ? 0 : &ts, 0, 0, 0);
	if (fds[0].revents)
		host_call(__NR_read, share_process.kick_fd, &count, sizeof(count), 0, 0, 0);
	return ret;
}

/* ---------------------------------------------------- while a call is blocked */

static void interrupted(struct lib_task *task)
{
	share->exports.task_interrupt(task);
}

/* Who is inside: the calling thread, whosever task it runs. */
static uint32_t holder(void)
{
	return share->lock & ~WAITERS;
}

static void poll_here(struct share_thread *self, uint64_t until)
{
	uint32_t tid = holder();
	long ret;

	share->poller = number_of(self);
	share->poller_until = until;
	leave();
	ret = poll_devices(until);
	if (enter(tid))
		return;
	share->poller = 0;
	share->poller_until = 0;
	look();
	fire();
	if (ret == -EINTR)
		interrupted(self->task);
}

static void sleep_here(struct share_thread *self)
{
	uint32_t *at, number = number_of(self), tid = holder();
	long ret;

	self->next = share->waiting;
	share->waiting = number;
	leave();
	ret = futex_wait(&self->word, 0, NS_PER_S);
	if (enter(tid))
		return;
	for (at = &share->waiting; *at != number; at = &share->threads[*at - 1].next)
		;
	*at = self->next;
	if (ret == -EINTR)
		interrupted(self->task);
}

void share_next_turn(void)
{
	share->turn++;
	futex_wake(&share->turn, SHARE_THREADS);
}

/* The call that was left for this process goes on, then others may enter again. */
static void go_on(void)
{
	struct lib_task *left = share->left;

	share->left = NULL;
	share->exports.resume(left);
	share_next_turn();
}

void share_await_turn(void)
{
	uint32_t turn = share->turn, tid = holder();

	leave();
	futex_wait(&share->turn, turn, PATIENCE_NS);
	enter(tid);
}

/* Somebody has to look after the devices when this thread's call is complete. */
void share_elect(void)
{
	if (!share->poller && share->waiting)
		wake_later(&share->threads[share->waiting - 1]);
}

/* ------------------------------------------- what the kernel asks its host for */

void share_arm(void *ctx, uint64_t deadline)
{
	(void)ctx;
	share->deadline = deadline;
	if (share->poller && deadline < share->poller_until)
		wake_later(&share->threads[share->poller - 1]);
}

void share_idle(void *ctx, struct lib_task *task, uint64_t deadline)
{
	struct share_thread *self = task ? share_thread_of(task) : NULL;

	(void)ctx;
	if (self)
		self->word = 0;
	if (share->left && share->left->process != share_process.number)
		share_await_turn();
	else if (share->left)
		go_on();
	else if (self && !share->poller)
		poll_here(self, deadline);
	else if (self)
		sleep_here(self);
}

void share_wake(void *ctx, struct lib_task *task)
{
	(void)ctx;
	if (!task->done)
		share->left = task;
	wake_later(share_thread_of(task));
}

/* -------------------------------------------------------------------- calls */

void share_care(uint64_t until)
{
	if (share_enter())
		return;
	if (share->left && share->left->process == share_process.number)
		go_on();
	look();
	fire();
	share->exports.run();
	leave();
	poll_devices(until);
}

static void raise_signals(struct share_thread *self)
{
	uint64_t signals = __atomic_exchange_n(&self->signals, 0, __ATOMIC_RELAXED);
	int sig;

	for (sig = 1; signals; sig++, signals >>= 1)
		if (signals & 1)
			host_call(__NR_tgkill, share_process.pid, self->tid, sig, 0, 0, 0);
}

long share_call(struct share_thread *self, long nr, const long args[6])
{
	long ret = enter(self->tid);

	if (ret)
		return ret;
	ret = share->exports.syscall(self->task, nr, args[0], args[1], args[2], args[3],
				     args[4], args[5]);
	if (ret == -EAGAIN && !share->poller && share->nr_devices)
		look();
	share_elect();
	leave();
	if (__builtin_expect(self->signals, 0))
		raise_signals(self);
	return ret;
}
