// SPDX-License-Identifier: GPL-2.0
/*
 * epoll.c - an epoll is one of the host and one of the instance, of the same
 * number. A descriptor is added where it is; another epoll, which is both, to
 * both. Each side keeps what belongs to it: edges, ONESHOT, EXCLUSIVE, the data.
 *
 * Who waits does so in the instance, and for the host's epoll meanwhile. Before
 * it waits, the side is not asked of which the set never had a descriptor.
 */
#include "core.h"
#include "../vdso.h"
#include <sys/epoll.h>
#include <time.h>

#define NS_PER_S	1000000000LL

long epoll_create_call(long nr, const long args[6])
{
	return fd_settle(to_host(nr, args), nr, args, FD_EPOLL);
}

long epoll_ctl_call(long nr, const long args[6])
{
	enum fd_kind kind = fd_kind(args[2]);
	long ret;

	if (fd_is_hidden(args[2]))
		return -EBADF;
	if (fd_kind(args[0]) != FD_EPOLL)
		return fd_on_host(nr, args);
	fd_epoll_has(args[0], kind != FD_HOST, kind != FD_LIBRARY);
	if (kind == FD_HOST)
		return to_host(nr, args);
	ret = self_call(nr, args, NULL);
	if (kind == FD_EPOLL && !ret)
		ret = to_host(nr, args);
	return ret;
}

/* A call of epoll_wait() and its kin, with what they have in common */
struct wait {
	int ep;
	long events;
	int max;
	int64_t until;			/* of the monotonic clock, -1 for ever, 0: not at all */
	const uint64_t *mask;
};

static int64_t now(void)
{
	return vdso_clock(CLOCK_MONOTONIC);
}

static long wait_host(const struct wait *w, int already)
{
	return host_call(__NR_epoll_wait, w->ep, w->events + already * sizeof(struct epoll_event),
			 w->max - already, 0, 0, 0);
}

static long wait_library(const struct wait *w, int already, bool block, struct share_wait *wait)
{
	int64_t left = w->until > 0 ? w->until - now() : 0;
	struct timespec ts = { 0 };

	if (block && left > 0)
		ts = (struct timespec) { left / NS_PER_S, left % NS_PER_S };
	return self_call(__NR_epoll_pwait2, (long[6]) {
		w->ep, w->events + already * sizeof(struct epoll_event), w->max - already,
		block && w->until < 0 ? 0 : (long)&ts }, wait);
}

/* Both have events all the time: each comes first in turn. */
static long wait_both_now(const struct wait *w)
{
	static unsigned int turn;
	long first, second = 0;
	bool host = turn++ & 1;

	first = host ? wait_host(w, 0) : wait_library(w, 0, false, NULL);
	if (first >= 0 && first < w->max)
		second = host ? wait_library(w, first, false, NULL) : wait_host(w, first);
	return first <= 0 && second ? second : first + (second > 0 ? second : 0);
}

/* What is there already */
static long wait_now(const struct wait *w)
{
	bool library, host;

	fd_epoll_sides(w->ep, &library, &host);
	if (!host)
		return w->until ? 0 : wait_library(w, 0, false, NULL);
	return library ? wait_both_now(w) : wait_host(w, 0);
}

/* While it waits, another thread may add what the set never had before. */
static long do_wait(const struct wait *w, long nr, const long args[6])
{
	struct pollfd fds[SHARE_WAIT_ROOM + 1];
	struct share_wait wait = { .fds = fds, .nr = 1, .mask = w->mask };
	long ret;

	if (fd_kind(w->ep) != FD_EPOLL)
		return fd_on_host(nr, args);
	if (w->max <= 0)
		return -EINVAL;
	for (;;) {
		ret = wait_now(w);
		if (ret || !w->until)
			return ret;
		fds[SHARE_WAIT_ROOM] = (struct pollfd) { w->ep, POLLIN, 0 };
		wait.came = false;
		ret = wait_library(w, 0, true, &wait);
		if (ret > 0 || !wait.came)
			return ret;
	}
}

static int64_t until_ms(int ms)
{
	return ms <= 0 ? ms < 0 ? -1 : 0 : now() + ms * 1000000LL;
}

static int mask_of(struct wait *w, uint64_t *mask, long at, long size)
{
	if (!at)
		return 0;
	if (size != sizeof(*mask))
		return -EINVAL;
	w->mask = mask;
	return peek(mask, at, sizeof(*mask));
}

long epoll_wait_call(long nr, const long args[6])
{
	struct wait w = { args[0], args[1], args[2], until_ms(args[3]), NULL };

	return do_wait(&w, nr, args);
}

long epoll_pwait_call(long nr, const long args[6])
{
	struct wait w = { args[0], args[1], args[2], until_ms(args[3]), NULL };
	uint64_t mask;
	int err = mask_of(&w, &mask, args[4], args[5]);

	return err ?: do_wait(&w, nr, args);
}

long epoll_pwait2_call(long nr, const long args[6])
{
	struct wait w = { args[0], args[1], args[2], -1, NULL };
	struct timespec ts;
	uint64_t mask;
	int err = mask_of(&w, &mask, args[4], args[5]);

	if (!err && args[3])
		err = peek(&ts, args[3], sizeof(ts));
	if (!err && args[3] && (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NS_PER_S))
		err = -EINVAL;
	if (err)
		return err;
	if (args[3] && ts.tv_sec < 1 << 30)
		w.until = ts.tv_sec || ts.tv_nsec ? now() + ts.tv_sec * NS_PER_S + ts.tv_nsec : 0;
	return do_wait(&w, nr, args);
}
