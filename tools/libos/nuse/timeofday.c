// SPDX-License-Identifier: GPL-2.0
/*
 * timeofday.c - see timeofday.h
 *
 * The kernel counts the time of day on from the clock that it is given, which nobody
 * sets. That the host's is set ends a timer which never comes; then the kernel's is
 * set, too.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "loop.h"
#include "share.h"
#include "timeofday.h"

#define NEVER		(1LL << 40)	/* seconds */
#define TRIES		10
#define ENOUGH_NS	20000

static struct source timer;

static int64_t now(struct timespec *ts)
{
	clock_gettime(CLOCK_REALTIME, ts);
	return ts->tv_sec * 1000000000LL + ts->tv_nsec;
}

/* Again if it took so long that the time is old */
static void set(void)
{
	int tries = TRIES, err;
	struct share_thread *self = share_self(share_process.number, &err);
	struct timespec ts, after;
	int64_t start;

	if (!self)
		return;
	do {
		start = now(&ts);
		share_call(self, SYS_clock_settime, (long[6]) { CLOCK_REALTIME, (long)&ts }, NULL);
	} while (now(&after) - start > ENOUGH_NS && --tries);
}

static int arm(void)
{
	struct itimerspec spec = { .it_value.tv_sec = NEVER };

	return timerfd_settime(timer.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec,
			       NULL) ? -errno : 0;
}

static void was_set(struct source *source)
{
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) < 0 && errno == EAGAIN)
		return;
	arm();
	set();
}

int timeofday_serve(void)
{
	timer = (struct source) {
		.fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK), .ready = was_set,
	};
	return arm() ?: loop_add(&timer);
}
