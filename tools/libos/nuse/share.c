// SPDX-License-Identifier: GPL-2.0
/*
 * share.c - who is inside, and who waits for what; see share.h
 *
 * Nothing of a process is in shared memory but numbers, so one may be killed at
 * any moment. Outside of the kernel that harms nobody: its tasks are ended. One
 * that is killed inside leaves the kernel half way through something, and the
 * instance is declared dead by the first who waits for the lock.
 *
 * A thread that is blocked polls the devices itself if no other does, so a
 * packet wakes who wants it. When it is done and comes back soon, it polls
 * again; in between, and when no thread polls for longer, the keeper does. The
 * others sleep on a word of theirs, or, if they wait for descriptors of the
 * host too, on an eventfd (a kick). When all have slept for a while, timers are
 * the keeper's: who sleeps is not inside for nothing.
 *
 * Who is killed when it has set words and has not woken whose they are: they are
 * woken when it is reaped. If it is stopped then, the keeper wakes them.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>
#include "catch.h"
#include "inner-share.h"

#define WAITERS		(1U << 31)	/* share_control::lock */
#define PATIENCE_NS	100000000	/* then it is seen whether the holder lives */
#define A_SECOND	10
#define FOR_EVER	(~0U)
#define MOST_ROUNDS	1000
#define NS_PER_S	1000000000ULL
#define KEEPER		(SHARE_THREADS + 1)	/* in place of a thread's number */
#define TICK_NS		1000000		/* the keeper's, while programs are busy */
#define QUIET_TICKS	20
#define LATE		(1ULL << 20)	/* counts of the processor: half a millisecond at 2 GHz */

struct share_process share_process;
static bool caring;			/* the keeper does, and sets the timer when it has */
struct share_local share_local[SHARE_THREADS];

/* ------------------------------------------------------------------- waiting */

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

static void add_one(unsigned int which)
{
	static const uint64_t one = 1;

	host_call(__NR_write, own_fd(which), &one, sizeof(one), 0, 0, 0);
}

static void take_all(unsigned int which)
{
	uint64_t count;

	host_call(__NR_read, own_fd(which), &count, sizeof(count), 0, 0, 0);
}

static void wake(unsigned int number)
{
	struct share_thread *thread = &share->threads[number - 1];
	uint32_t kick;

	if (number == KEEPER) {
		add_one(FD_KEEPER);
		return;
	}
	kick = __atomic_load_n(&thread->kick, __ATOMIC_RELAXED);
	if (kick)
		add_one(FD_KICK + kick - 1);
	else
		futex_wake(&thread->word, 1);
}

bool share_is_gone(uint32_t tid)
{
	long fd = host_call(__NR_pidfd_open, tid, 0, 0, 0, 0, 0);
	struct pollfd poll = { fd, POLLIN, 0 };
	struct timespec now = { 0 };
	long ret;

	if (fd < 0)
		return fd == -ESRCH;
	ret = host_call(__NR_ppoll, &poll, 1, &now, 0, sizeof(uint64_t), 0);
	host_call(__NR_close, fd, 0, 0, 0, 0, 0);
	return ret == 1;
}

static void wake_all(void)
{
	unsigned int i;

	for (i = 0; i < share->nr_threads; i++) {
		share->threads[i].word = 1;
		if (share->threads[i].process)
			wake(i + 1);
	}
	share->turn++;
	futex_wake(&share->turn, SHARE_THREADS);
}

void share_changed(void)
{
	__atomic_add_fetch(&share->changes, 1, __ATOMIC_SEQ_CST);
	add_one(FD_KEEPER);
}

void share_declare_dead(const char *reason)
{
	unsigned int i;

	for (i = 0; reason[i] && i < sizeof(share->reason) - 1; i++)
		share->reason[i] = reason[i];
	__atomic_store_n(&share->dead, 1, __ATOMIC_SEQ_CST);
	share->exports.exit();
	wake_all();
	share_changed();
}

/* ------------------------------------------------------------------ the lock */

/* Whether it is this thread's now; it waits for a live holder @patience times. */
static bool lock_slow(uint32_t tid, unsigned int patience)
{
	uint32_t seen;

	for (;;) {
		seen = 0;
		if (__atomic_compare_exchange_n(&share->lock, &seen, tid | WAITERS, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
		if (!(seen & WAITERS) &&
		    !__atomic_compare_exchange_n(&share->lock, &seen, seen | WAITERS, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		seen |= WAITERS;
		if (futex_wait(&share->lock, seen, PATIENCE_NS) != -ETIMEDOUT)
			continue;
		if (!share_is_gone(seen & ~WAITERS)) {
			if (!--patience)
				return false;
			continue;
		}
		/* Its holder is gone: the first to see that takes it over. */
		if (__atomic_compare_exchange_n(&share->lock, &seen, tid | WAITERS, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			if (share->entries & 1)
				share_declare_dead("a process was killed inside the kernel");
			return true;
		}
	}
}

static bool try_lock(uint32_t tid)
{
	uint32_t zero = 0;

	return __atomic_compare_exchange_n(&share->lock, &zero, tid, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static bool lock(uint32_t tid, unsigned int patience)
{
	return try_lock(tid) || lock_slow(tid, patience);
}

static void unlock(void)
{
	if (__atomic_exchange_n(&share->lock, 0, __ATOMIC_RELEASE) & WAITERS)
		futex_wake(&share->lock, 1);
}

/* Until the process goes on, or ends: the lock is for others. */
static void await_go_on(void)
{
	uint32_t pid = share_process.quiesced;

	while (pid && share_process.quiesced == pid)
		futex_wait(&share_process.quiesced, pid, NS_PER_S);
}

static bool is_quiesced(void)
{
	uint32_t pid = __atomic_load_n(&share_process.quiesced, __ATOMIC_RELAXED);

	/* A child on the memory of one that has ended goes on. */
	return pid && pid == host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
}

/* A handler of the one thread that does it may come in between. */
static bool must_stay_out(uint32_t tid)
{
	return is_quiesced() && tid != share_process.quiescer;
}

static bool keep_lock(uint32_t tid)
{
	if (!must_stay_out(tid))
		return true;
	unlock();
	return false;
}

static bool await_lock(uint32_t tid)
{
	bool kept;

	__atomic_add_fetch(&share_process.lockers, 1, __ATOMIC_SEQ_CST);
	lock_slow(tid, FOR_EVER);
	kept = keep_lock(tid);
	__atomic_sub_fetch(&share_process.lockers, 1, __ATOMIC_SEQ_CST);
	return kept;
}

/* Who is to stay out takes the lock only if it began before, and not for long. */
static void lock_in_time(uint32_t tid)
{
	do {
		while (must_stay_out(tid))
			await_go_on();
	} while (!(try_lock(tid) ? keep_lock(tid) : await_lock(tid)));
}

static int enter(uint32_t tid)
{
	/* Before the lock, which is a barrier: see share_quiesce(). */
	__atomic_store_n(&share_process.entered, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	lock_in_time(tid);
	if (__builtin_expect(__atomic_load_n(&share->dead, __ATOMIC_RELAXED), 0)) {
		unlock();
		return -EOWNERDEAD;
	}
	share_pages_sync();
	share->entries++;
	return 0;
}

/* Wakes those whose calls are complete, when they can go on. */
static void leave(void)
{
	unsigned int nr = share->nr_wakes, i;
	uint32_t wakes[SHARE_WAKES];

	for (i = 0; i < nr; i++)
		wakes[i] = share->wakes[i];
	share->nr_wakes = 0;
	share->entries++;
	unlock();
	for (i = 0; i < nr; i++)
		wake(wakes[i]);
}

int share_enter(void)
{
	return enter(host_call(__NR_gettid, 0, 0, 0, 0, 0, 0));
}

void share_leave(void)
{
	leave();
}

/*
 * Nobody is inside, nor is a task half made while its maker waits for its turn: who is
 * killed now, be it this thread, does no harm.
 */
bool share_keep_out(void)
{
	uint32_t tid = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0), turn;
	bool waited = false;

	while (lock(tid, A_SECOND)) {
		if (!share->creating || share->dead || waited)
			return true;
		turn = share->turn;
		unlock();
		waited = futex_wait(&share->turn, turn, PATIENCE_NS) == -ETIMEDOUT;
	}
	return false;
}

/*
 * Who has been sent SIGKILL goes on until its processor is interrupted. That is what
 * this barrier does, where a process of an instance runs (share_map()). If it waits for
 * the lock, too, it passes no waking on: all are woken.
 */
void share_let_in(void)
{
	host_call(__NR_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0, 0, 0, 0);
	__atomic_store_n(&share->lock, 0, __ATOMIC_RELEASE);
	futex_wake(&share->lock, SHARE_THREADS);
}

/* One thread at a time: if two did, the first to go on would let others in. */
static void claim_quiesce(void)
{
	uint32_t pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	uint32_t tid = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0), seen;

	do {
		while (must_stay_out(tid))
			await_go_on();
		seen = share_process.quiesced;
	} while ((seen == pid && share_process.quiescer != tid) ||
		 !__atomic_compare_exchange_n(&share_process.quiesced, &seen, pid, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	share_process.quiescer = tid;
}

/*
 * Who has never entered is not waited for: nobody is inside, and nobody will be. Others
 * that wait for the lock get it once more, and give it back: whoever is stopped just
 * then would keep it. (One that was killed there in a child on this memory still counts.)
 */
void share_quiesce(void)
{
	unsigned int rounds = MOST_ROUNDS;

	claim_quiesce();
	if (!__atomic_load_n(&share_process.entered, __ATOMIC_SEQ_CST))
		return;
	while (!share_enter()) {
		leave();
		if (!__atomic_load_n(&share_process.lockers, __ATOMIC_SEQ_CST) || !--rounds)
			break;
		host_call(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
	}
}

void share_go_on(void)
{
	if (!is_quiesced() || share_process.quiescer != host_call(__NR_gettid, 0, 0, 0, 0, 0, 0))
		return;
	share_process.quiescer = 0;
	__atomic_store_n(&share_process.quiesced, 0, __ATOMIC_RELEASE);
	futex_wake(&share_process.quiesced, SHARE_THREADS);
}

/* Under the lock. With so many to wake, some wait for the next that leaves. */
static void wake_later(unsigned int number)
{
	if (number != KEEPER)
		share->threads[number - 1].word = 1;
	if (share->nr_wakes < SHARE_WAKES)
		share->wakes[share->nr_wakes++] = number;
	else
		wake(number);
}

/* Likewise, who sleeps though it is to be woken */
static void wake_again(uint32_t number)
{
	if (number && number != KEEPER && share->threads[number - 1].word)
		wake_later(number);
}

void share_wake_again(void)
{
	uint32_t number;

	if (share->dead) {
		wake_all();
		return;
	}
	wake_again(share->poller);
	for (number = share->waiting; number; number = share->threads[number - 1].next)
		wake_again(number);
}

/* ------------------------------------------------------- timers and devices */

/*
 * The timer goes off at @at or before. It is left alone if it is set to an earlier
 * time already: deadlines are put off with most packets, and seldom come.
 */
static void set_timer(uint64_t at)
{
	struct itimerspec spec = { .it_value = { at / NS_PER_S, at % NS_PER_S } };

	if (share->timer && at >= share->timer)
		return;
	if (at == LIB_TIME_NEVER)
		spec.it_value = (struct timespec) { 0 };
	share->timer = at;
	host_call(__NR_timerfd_settime, own_fd(FD_TIMER), TFD_TIMER_ABSTIME, &spec, 0, 0, 0);
}

static void fire(void)
{
	uint64_t now = clock_read(&share->clock);

	share->fired = __builtin_ia32_rdtsc();
	if (share->timer <= now)
		share->timer = 0;
	if (share->deadline > now || !share->exports.timer_fire)
		return;
	share->deadline = LIB_TIME_NEVER;
	share->exports.timer_fire();
}

/*
 * The kernel counts time in ticks, which nobody gives it while all programs run
 * code of their own: a call that waits must not count from an old one. @counter: the
 * processor's, just before the call; reading it under the lock takes twice as long.
 */
static void catch_up(uint64_t counter)
{
	if (__builtin_expect(counter - share->fired > LATE, 0))
		fire();
}

#define RX_BATCH	32
#define RX_SINGLES	16

/*
 * Where packets come one at a time, a second reading would find none: it is left
 * out but for now and then. Who looks or waits next finds what is there.
 */
static unsigned int batch(const struct share_device *dev)
{
	bool alone = dev->singles > RX_SINGLES && dev->singles % RX_SINGLES;

	return alone ? 1 : RX_BATCH;
}

static bool receive(struct share_device *dev, int fd)
{
	static unsigned char buffers[RX_BATCH][LIB_MAX_PACKET];
	static struct lib_packet pkts[RX_BATCH];
	static struct lib_iov iov[RX_BATCH];
	unsigned int nr = 0, most = batch(dev);
	long len;

	for (; nr < most; nr++) {
		len = host_call(__NR_read, fd, buffers[nr], LIB_MAX_PACKET, 0, 0, 0);
		if (len <= (long)dev->vnet_hdr)
			break;
		len -= dev->vnet_hdr;
		iov[nr] = (struct lib_iov) { buffers[nr] + dev->vnet_hdr, len };
		pkts[nr] = (struct lib_packet) { .iov = &iov[nr], .nr_iov = 1, .len = len };
		__builtin_memcpy(&pkts[nr].vnet, buffers[nr], dev->vnet_hdr);
	}
	if (nr)
		dev->singles = nr == 1 ? dev->singles + 1 : 0;
	if (nr && dev->capture)
		share_capture(dev, false, pkts, nr);
	if (nr)
		share->exports.netdev_rx(dev->id, pkts, nr);
	return nr;
}

/* Lets in what has come, and out what was held; under the lock. What can run then is to. */
static bool look(void)
{
	bool came = false;
	unsigned int i;

	for (i = 0; i < share->nr_devices; i++) {
		came |= share_transmit_held(&share->devices[i]);
		came |= receive(&share->devices[i], own_fd(FD_DEVICE + i));
	}
	return came;
}

/* What who polls waits for: the devices, and the timer if that is not the keeper's */
static unsigned int add_polled(struct pollfd *fds, unsigned int nr_devices, bool timer)
{
	unsigned int i;

	for (i = 0; i < nr_devices; i++)
		fds[i] = (struct pollfd) {
			own_fd(FD_DEVICE + i), share->devices[i].nr_held ? POLLIN | POLLOUT : POLLIN, 0,
		};
	if (timer)
		fds[i++] = (struct pollfd) { own_fd(FD_TIMER), POLLIN, 0 };
	return i;
}

void share_poll_again(void)
{
	if (share->poller)
		wake_later(share->poller);
}

/* ---------------------------------------------------- while a call is blocked */

/* Who is inside: the calling thread, whosever task it runs. */
static uint32_t holder(void)
{
	return share->lock & ~WAITERS;
}

static void take_kick(struct share_thread *self)
{
	unsigned int i = __builtin_ffs(~share->kicks & ((1U << SHARE_KICKS) - 1));

	self->kick = i;
	if (i)
		share->kicks |= 1U << (i - 1);
}

void share_return_kick(struct share_thread *self)
{
	if (self->kick)
		share->kicks &= ~(1U << (self->kick - 1));
	self->kick = 0;
}

static long wait_call(const uint32_t *signal, long nr, void *a, long b, long c, const void *d)
{
	if (signal)
		return host_wait(signal, nr, a, b, c, d, sizeof(uint64_t), 0);
	return host_call(nr, a, b, c, d, sizeof(uint64_t), 0);
}

static long wait_word(struct share_thread *self, const struct share_local *local)
{
	return wait_call(local->signal, __NR_futex, &self->word, FUTEX_WAIT, 0, NULL);
}

/*
 * In ppoll(): on its kick, on what the call waits for besides, and, if @polls, on
 * what all wait for. Without a kick, there being no more, it looks around now and
 * then. So it does for all but what the call waits for, where the program may not have
 * so many descriptors (RLIMIT_NOFILE).
 */
static long wait_fds(struct share_thread *self, const struct share_local *local, bool polls)
{
	struct share_wait *wait = local->wait;
	struct pollfd own[SHARE_WAIT_ROOM], *fds = wait ? wait->fds + SHARE_WAIT_ROOM : own;
	uint32_t kick = self->kick, theirs = wait ? wait->nr : 0, nr = theirs, i;
	const uint64_t *mask = wait ? wait->mask : NULL;
	struct timespec ts = { .tv_nsec = TICK_NS };
	uint32_t nr_devices;
	bool timer;
	long ret;

	if (!wait)
		fds += SHARE_WAIT_ROOM;
	if (polls) {
		nr_devices = share->nr_devices;
		timer = !share->keeper_asleep;
		fds -= nr_devices + timer;
		nr += add_polled(fds, nr_devices, timer);
	}
	if (kick) {
		*--fds = (struct pollfd) { own_fd(FD_KICK + kick - 1), POLLIN, 0 };
		nr++;
	}
	/* The system call takes the size of the mask as its fifth argument. */
	ret = wait_call(local->signal, __NR_ppoll, fds, nr, kick ? 0 : (long)&ts, mask);
	if (ret == -EINVAL)
		ret = wait_call(local->signal, __NR_ppoll, fds + nr - theirs, theirs, (long)&ts, mask);
	if (ret > 0 && kick && fds[0].revents)
		take_all(FD_KICK + kick - 1);
	for (i = 0; ret > 0 && i < theirs; i++)
		wait->came |= wait->fds[SHARE_WAIT_ROOM + i].revents;
	return ret;
}

static void enlist(struct share_thread *self)
{
	self->next = share->waiting;
	share->waiting = number_of(self);
}

void share_delist(struct share_thread *self)
{
	uint32_t *at, number = number_of(self);

	for (at = &share->waiting; *at && *at != number; at = &share->threads[*at - 1].next)
		;
	if (*at)
		*at = self->next;
}

/* Becomes the one who polls, if that is nobody or the keeper. */
static bool take_poll(struct share_thread *self, uint64_t until)
{
	if (share->poller && share->poller != KEEPER)
		return false;
	if (share->poller)
		wake_later(KEEPER);
	share->poller = number_of(self);
	set_timer(until);
	return true;
}

/*
 * Under the lock, after it has waited for devices. Its call is complete now, if it
 * waited for what has come, and with it all that could run meanwhile. To let others
 * go on costs its task its place, and its next call a wakeup: only if there are any.
 */
static void polled(struct share_thread *self)
{
	if (share->poller == number_of(self))
		share->poller = 0;
	if (look() && share->waiting)
		share->exports.run();
	fire();
}

static void block(struct share_thread *self, uint64_t until)
{
	const struct share_local *local = &share_local[number_of(self) - 1];
	uint32_t tid = holder();
	bool polls = take_poll(self, until);
	long ret;

	if (polls || local->wait)
		take_kick(self);
	if (!polls)
		enlist(self);
	leave();
	if (polls || local->wait)
		ret = wait_fds(self, local, polls);
	else
		ret = wait_word(self, local);
	if (enter(tid))
		return;
	share_return_kick(self);
	if (polls)
		polled(self);
	else
		share_delist(self);
	if (ret == -EINTR || ret == -ERESTART || (local->wait && local->wait->came))
		share->exports.task_interrupt(self->task);
}

void share_next_turn(void)
{
	share->turn++;
	futex_wake(&share->turn, SHARE_THREADS);
}

void share_await_turn(void)
{
	uint32_t turn = share->turn, tid = holder();
	long ret;

	leave();
	ret = futex_wait(&share->turn, turn, PATIENCE_NS);
	enter(tid);
	if (ret == -ETIMEDOUT)
		share_check_maker();
}

void share_check_maker(void)
{
	if (share->creating && !share->dead && share_is_gone(share->creating))
		share_declare_dead("a process was killed while it made another");
}

/* ------------------------------------------- what the kernel asks its host for */

void share_arm(void *ctx, uint64_t deadline)
{
	(void)ctx;
	share->deadline = deadline;
	if (share->poller && !caring)
		set_timer(deadline);
}

void share_idle(void *ctx, struct lib_task *task, uint64_t deadline)
{
	struct share_thread *self = task ? share_thread_of(task) : NULL;

	(void)ctx;
	if (!self) {
		fire();
		return;
	}
	self->word = 0;
	block(self, deadline);
}

/* The thread whose call it is may be the one that is here. */
void share_wake(void *ctx, struct lib_task *task)
{
	struct share_thread *thread = share_thread_of(task);

	(void)ctx;
	if (thread->tid == holder())
		thread->word = 1;
	else
		wake_later(number_of(thread));
}

/* ---------------------------------------------------------------- the keeper */

/* Of all that wait, one shall look after the devices. */
static void elect(void)
{
	if (share->waiting)
		wake_later(share->waiting);
}

/* Now and then: who was to wake others may have been stopped before it did. */
static void wake_left(void)
{
	static uint64_t last;
	uint64_t now = clock_read(&share->clock);

	if (now - last < PATIENCE_NS)
		return;
	last = now;
	share_wake_again();
}

enum care { NOTHING, TIMER, TICK, POLL };

/* Does what is due, and says what the keeper is to do meanwhile. */
static enum care care(void)
{
	static uint64_t entries;
	static unsigned int quiet;
	enum care next = POLL;
	bool rested;

	if (share_enter())
		return NOTHING;
	caring = true;
	rested = share->keeper_asleep;
	share->keeper_asleep = 0;
	if (share->poller == KEEPER)
		share->poller = 0;
	/* If there is anything, who polls may have been stopped. */
	if ((!share->poller || rested) && look())
		share->poller = 0;
	fire();
	share->exports.run();
	wake_left();
	quiet = share->entries == entries + 2 ? quiet + 1 : 0;
	entries = share->entries;
	if (quiet < QUIET_TICKS) {
		if (quiet && !share->poller)
			elect();
		next = TICK;
	} else if (share->poller) {
		share->keeper_asleep = 1;
		next = TIMER;
	} else {
		share->poller = KEEPER;
	}
	if (share->poller)
		set_timer(share->deadline);
	caring = false;
	leave();
	return next;
}

void share_care(int fd)
{
	static uint32_t changes;
	struct pollfd fds[2 + SHARE_DEVICES + 1];
	struct timespec ts;
	enum care next;
	uint32_t nr;

	do {
		next = care();
		ts = (struct timespec) { .tv_nsec = TICK_NS };
		fds[0] = (struct pollfd) { fd, POLLIN, 0 };
		fds[1] = (struct pollfd) { own_fd(FD_KEEPER), POLLIN, 0 };
		nr = 2 + add_polled(fds + 2, next == POLL ? share->nr_devices : 0,
				    next == POLL || next == TIMER);
		host_call(__NR_ppoll, fds, nr, next == TICK ? &ts : NULL, 0, sizeof(uint64_t), 0);
		if (fds[1].revents)
			take_all(FD_KEEPER);
	} while (!fds[0].revents && changes == share->changes);
	changes = share->changes;
	share_mappings_collect();
}

/* -------------------------------------------------------------------- calls */

static void raise_signals(struct share_thread *self)
{
	uint64_t signals = __atomic_exchange_n(&self->signals, 0, __ATOMIC_RELAXED);
	int sig;

	for (sig = 1; signals; sig++, signals >>= 1)
		if (signals & 1)
			host_call(__NR_tgkill, share->members[self->process].pid, self->tid, sig,
				  0, 0, 0);
}

/* Somebody has to look after the devices if this thread does not come back soon. */
static void hand_on(void)
{
	if (!share->keeper_asleep || share->poller)
		return;
	share->keeper_asleep = 0;
	wake_later(KEEPER);
}

long share_call(struct share_thread *self, long nr, const long args[6], struct share_wait *wait)
{
	uint64_t counter = __builtin_ia32_rdtsc();
	long ret = enter(self->tid);

	if (ret)
		return ret;
	catch_up(counter);
	share_local[number_of(self) - 1].wait = wait;
	ret = share->exports.syscall(self->task, nr, args[0], args[1], args[2], args[3],
				     args[4], args[5]);
	if (ret == -EAGAIN && !share->poller && share->nr_devices && look())
		share->exports.run();
	hand_on();
	leave();
	if (__builtin_expect(self->signals, 0))
		raise_signals(self);
	return ret;
}
