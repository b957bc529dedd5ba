// SPDX-License-Identifier: GPL-2.0
/*
 * Time is the caller's: one clock to read and one deadline to be woken at.
 *
 * Reading the host's clock takes as long as sending a small packet does half
 * of its way, so a reading is used several times: until the kernel is entered
 * the next time, but not for ever while it stays inside.
 *
 * Under virtual time the clock stands still while the kernel runs, so that a
 * loop that waits for time to pass would never end: lib_spin_ns is what such
 * loops have waited, and is added to the clock for good. So it is with a loop
 * that waits for another task, which runs when a tick comes.
 */
#include <linux/clockchips.h>
#include <linux/clocksource.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/sched/clock.h>
#include <linux/sched/stat.h>
#include <linux/tick.h>
#include <linux/timekeeping.h>
#include <asm/lib.h>

#define CLOCK_USES	32
#define CLOCK_SHIFT	24
#define LAPS		65536

u64 lib_deadline = LIB_TIME_NEVER;
unsigned long lib_spin_ns;
unsigned int lib_clock_uses;	/* how often clock_now may be used yet */
unsigned int lib_laps;		/* of loops, since the kernel was entered */
static u64 clock_now;		/* the host's clock as read last */
static u64 clock_offset;	/* from the host's clock to ours, after a thaw */
static bool timer_woke;		/* out of idle */
static u64 clock_last;		/* what we read last before being frozen */

static u64 host_clock(void)
{
	if (!lib_clock_uses) {
		clock_now = host_call(clock_ns);
		lib_clock_uses = CLOCK_USES;
	}
	lib_clock_uses--;
	return clock_now;
}

unsigned long long notrace sched_clock(void)
{
	return host_clock() + clock_offset + lib_spin_ns;
}

static u64 clock_read(struct clocksource *cs)
{
	return sched_clock();
}

static struct clocksource lib_clocksource = {
	.name	= "host",
	.rating	= 400,
	.read	= clock_read,
	.mask	= CLOCKSOURCE_MASK(64),
	.mult	= 1 << CLOCK_SHIFT,
	.shift	= CLOCK_SHIFT,
	.flags	= CLOCK_SOURCE_IS_CONTINUOUS | CLOCK_SOURCE_VALID_FOR_HRES,
};

/* From the first moment on: what the kernel takes for the time of day is that of then. */
struct clocksource * __init clocksource_default_clock(void)
{
	return &lib_clocksource;
}

static void arm(u64 deadline)
{
	if (deadline == lib_deadline)
		return;
	lib_deadline = deadline;
	host_call(timer_arm, deadline);
}

/*
 * A time that has passed already is due at once; there is no minimum. The
 * kernel's clock is rounded down: a nanosecond later it shows the time.
 */
static int event_set(ktime_t expires, struct clock_event_device *evt)
{
	s64 delta = ktime_to_ns(ktime_sub(expires, ktime_get()));

	arm(host_clock() + (delta > 0 ? delta + 1 : 0));
	return 0;
}

static int event_stop(struct clock_event_device *evt)
{
	arm(LIB_TIME_NEVER);
	return 0;
}

static struct clock_event_device lib_clockevent = {
	.name			= "host",
	.rating			= 400,
	.features		= CLOCK_EVT_FEAT_ONESHOT | CLOCK_EVT_FEAT_KTIME,
	.set_next_ktime		= event_set,
	.set_state_shutdown	= event_stop,
	.set_state_oneshot_stopped = event_stop,
};

/* Asked after each call of a fiber: looks at the clock now and then, if no one did. */
bool lib_timer_due(void)
{
	static unsigned int calls;

	if (!lib_clock_uses && ++calls % CLOCK_USES == 0)
		host_clock();
	return clock_now >= lib_deadline;
}

/* No tick comes before the kernel is left: a loop of so many laps has one made up. */
typeof(__cond_resched) __wrap___cond_resched, __real___cond_resched;
int __wrap___cond_resched(void)
{
	if (unlikely(++lib_laps % LAPS == 0) && nr_running() > 1) {
		lib_spin_ns += TICK_NSEC;
		lib_clock_uses = 0;
		set_tsk_need_resched(current);
	}
	return __real___cond_resched();
}

void lib_timer_interrupt(void *unused)
{
	lib_deadline = LIB_TIME_NEVER;
	timer_woke = true;
	lib_clockevent.event_handler(&lib_clockevent);
}

/*
 * Called when there is nothing left to do. The kernel keeps its tick for one
 * more period after whatever woke it; after a timer, in a quiet time, that
 * would double the number of wake-ups.
 */
void lib_idle_tick(void)
{
	if (timer_woke && !tick_nohz_tick_stopped())
		tick_nohz_idle_stop_tick();
	timer_woke = false;
}

/* Idle, woken by no timer, has nothing to do about the tick. */
bool lib_tick_goes_on(void)
{
	return !timer_woke && !tick_nohz_tick_stopped();
}

/*
 * Under a new host the clock goes on from where it stood, or jumps ahead; a
 * deadline stays at the same time of ours. The time of day is the new host's.
 */
void lib_clock_freeze(void)
{
	clock_last = sched_clock();
}

void lib_clock_thaw(void)
{
	u64 now = sched_clock(), deadline = lib_deadline, back;
	struct timespec64 ts;

	back = now < clock_last ? clock_last - now : 0;
	clock_offset += back;
	lib_deadline = LIB_TIME_NEVER;
	if (deadline != LIB_TIME_NEVER)
		arm(deadline > back ? deadline - back : 0);
	read_persistent_clock64(&ts);
	do_settimeofday64(&ts);
}

/*
 * The clock is read again, too, at this moment: at once, or the kernel's time of
 * day would lag by what the thread was kept waiting in between.
 */
void read_persistent_clock64(struct timespec64 *ts)
{
	int tries = 100;
	u64 start, now;

	do {
		lib_clock_uses = 0;
		start = host_clock();
		now = host_call(realtime_ns);
		lib_clock_uses = 0;
	} while (host_clock() - start > 10 * NSEC_PER_USEC && --tries);
	*ts = ns_to_timespec64(now);
}

void __init time_init(void)
{
	__clocksource_register(&lib_clocksource);
	lib_clockevent.cpumask = cpumask_of(0);
	clockevents_config_and_register(&lib_clockevent, NSEC_PER_SEC, 1, LONG_MAX);
}
