// SPDX-License-Identifier: GPL-2.0
/*
 * poll.c - poll, ppoll, select and pselect on descriptors of both kinds.
 *
 * If all are of one kind, the call goes where they are. Else the list is split:
 * the thread waits in the instance for one part, and while it is blocked there,
 * in the host's ppoll() for the other (struct share_wait). An epoll is in both.
 */
#include "core.h"
#include "../vdso.h"
#include <sys/select.h>
#include <time.h>

#define NS_PER_S	1000000000LL
#define FEW		32
#define SET_BITS	64
#define CLOSED		0x7fffffff	/* no descriptor of the host has this number */

/**
 * struct both - the list, split
 * @nr:		entries of the program's list
 * @hidden:	some of them are not to be seen
 * @fds:	that list
 * @library, @host: its parts; @host has SHARE_WAIT_ROOM entries in front
 * @of_library, @of_host: which entries of @fds they are
 */
struct both {
	unsigned int nr, nr_library, nr_host;
	struct pollfd *fds, *library, *host;
	unsigned int *of_library, *of_host;
	bool hidden;
};

#define BOTH_SIZE(n)	((n) * (3 * sizeof(struct pollfd) + 2 * sizeof(int)) +	\
			 SHARE_WAIT_ROOM * sizeof(struct pollfd))

/* In @memory of BOTH_SIZE(nr) */
static void both_init(struct both *b, void *memory, unsigned int nr)
{
	*b = (struct both) { .nr = nr, .fds = memory };
	b->library = b->fds + nr;
	b->host = b->library + nr;
	b->of_library = (unsigned int *)(b->host + SHARE_WAIT_ROOM + nr);
	b->of_host = b->of_library + nr;
}

static void add_library(struct both *b, unsigned int i)
{
	b->of_library[b->nr_library] = i;
	b->library[b->nr_library++] = b->fds[i];
}

static void add_host(struct both *b, unsigned int i)
{
	struct pollfd *host = &b->host[SHARE_WAIT_ROOM + b->nr_host];

	b->of_host[b->nr_host++] = i;
	*host = b->fds[i];
	if (!fd_is_hidden(host->fd))
		return;
	host->fd = CLOSED;
	b->hidden = true;
}

static void both_split(struct both *b)
{
	enum fd_kind kind;
	unsigned int i;

	b->nr_library = b->nr_host = 0;
	b->hidden = false;
	for (i = 0; i < b->nr; i++) {
		b->fds[i].revents = 0;
		kind = b->fds[i].fd < 0 ? FD_HOST : fd_kind(b->fds[i].fd);
		if (kind != FD_HOST)
			add_library(b, i);
		if (kind != FD_LIBRARY)
			add_host(b, i);
	}
}

/* Results to the program's list; how many have any */
static long both_join(struct both *b)
{
	unsigned int i, ready = 0;

	for (i = 0; i < b->nr_library; i++)
		b->fds[b->of_library[i]].revents |= b->library[i].revents;
	for (i = 0; i < b->nr_host; i++)
		b->fds[b->of_host[i]].revents |= b->host[SHARE_WAIT_ROOM + i].revents;
	for (i = 0; i < b->nr; i++)
		ready += !!b->fds[i].revents;
	return ready;
}

static int64_t now(void)
{
	return vdso_clock(CLOCK_MONOTONIC);
}

static long poll_host(struct both *b)
{
	struct timespec none = { 0 };

	if (!b->nr_host)
		return 0;
	return host_call(__NR_ppoll, b->host + SHARE_WAIT_ROOM, b->nr_host, &none, 0, 8, 0);
}

static long poll_library(struct both *b, int64_t until, struct share_wait *wait)
{
	int64_t left = until < 0 ? 0 : until - now();
	struct timespec ts = { 0 };

	if (left > 0)
		ts = (struct timespec) { left / NS_PER_S, left % NS_PER_S };
	return self_call(__NR_ppoll, (long[6]) { (long)b->library, b->nr_library,
						 until < 0 ? 0 : (long)&ts, 0, 8 }, wait);
}

/* Where nothing is ready, who does not wait hears of a signal that comes under @mask, too. */
static long or_signal(long ready, const uint64_t *mask)
{
	struct timespec none = { 0 };

	if (ready || !mask)
		return ready;
	return host_call(__NR_ppoll, 0, 0, &none, mask, sizeof(*mask), 0);
}

/* Waits for any of them; @until: of the monotonic clock, -1 for ever, 0 does not wait. */
static long both_wait(struct both *b, int64_t until, const uint64_t *mask)
{
	struct share_wait wait;
	long host, library;

	do {
		wait = (struct share_wait) { .fds = b->host, .nr = b->nr_host, .mask = mask };
		host = poll_host(b);
		if (host < 0)
			return host;
		library = poll_library(b, host ? 0 : until, b->nr_host || mask ? &wait : NULL);
		if (library < 0 && !wait.came)
			return library;
		if (library < 0)
			poll_library(b, 0, NULL);
		if (library > 0 || wait.came)
			poll_host(b);
		host = both_join(b);
	} while (!host && (until < 0 || until > now()));
	return or_signal(host, mask);
}

/* ------------------------------------------------------------- poll and ppoll */

static long poll_library_only(const long args[6], int64_t until, const uint64_t *mask)
{
	struct share_wait wait = { .fds = (struct pollfd[SHARE_WAIT_ROOM]) { }, .mask = mask };
	int64_t left = until - now();
	struct timespec ts = { 0 };

	if (until > 0 && left > 0)
		ts = (struct timespec) { left / NS_PER_S, left % NS_PER_S };
	return or_signal(self_call(__NR_ppoll, (long[6]) {
		args[0], args[1], until < 0 ? 0 : (long)&ts, 0, 8
	}, mask ? &wait : NULL), mask);
}

static long poll_list(struct both *b, long nr, const long args[6], int64_t until,
		      const uint64_t *mask)
{
	long ret;

	if (peek(b->fds, args[0], b->nr * sizeof(*b->fds)))
		return -EFAULT;
	both_split(b);
	if (!b->nr_library && !b->hidden)
		return host_pass(nr, args);
	if (!b->nr_host)
		return poll_library_only(args, until, mask);
	ret = both_wait(b, until, mask);
	if (ret >= 0 && poke(args[0], b->fds, b->nr * sizeof(*b->fds)))
		return -EFAULT;
	return ret;
}

static long do_poll(long nr, const long args[6], int64_t until, const uint64_t *mask)
{
	unsigned int n = args[1];
	struct both b;
	void *memory;
	long ret;

	if (n <= FEW) {
		char few[BOTH_SIZE(FEW)];

		both_init(&b, few, n);
		return poll_list(&b, nr, args, until, mask);
	}
	if (n > SHARE_FDS)
		return host_pass(nr, args);
	memory = scratch_get(BOTH_SIZE(n));
	if (!memory)
		return -ENOMEM;
	both_init(&b, memory, n);
	ret = poll_list(&b, nr, args, until, mask);
	scratch_put(memory, BOTH_SIZE(n));
	return ret;
}

static int64_t until_ns(int64_t ns)
{
	return ns ? now() + ns : 0;
}

/* Of a timespec at @at; -1 for ever. -EINVAL, -EFAULT in *err */
static int64_t until_timespec(long at, int *err)
{
	struct timespec ts;

	*err = 0;
	if (!at)
		return -1;
	if (peek(&ts, at, sizeof(ts)))
		*err = -EFAULT;
	else if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NS_PER_S)
		*err = -EINVAL;
	if (*err)
		return 0;
	return ts.tv_sec > 1 << 30 ? -1 : until_ns(ts.tv_sec * NS_PER_S + ts.tv_nsec);
}

/* As the system call does, even when it fails */
static void store_left(long at, int64_t until)
{
	int64_t left = until > 0 ? until - now() : 0;
	struct timespec ts = { 0 };

	if (left > 0)
		ts = (struct timespec) { left / NS_PER_S, left % NS_PER_S };
	if (at && until >= 0)
		poke(at, &ts, sizeof(ts));
}

long poll_poll(long nr, const long args[6])
{
	int ms = args[2];

	return do_poll(nr, args, ms < 0 ? -1 : until_ns(ms * 1000000LL), NULL);
}

long poll_ppoll(long nr, const long args[6])
{
	int err;
	int64_t until = until_timespec(args[2], &err);
	uint64_t mask;
	long ret;

	if (err)
		return err;
	if (args[3] && args[4] != sizeof(mask))
		return -EINVAL;
	if (args[3] && peek(&mask, args[3], sizeof(mask)))
		return -EFAULT;
	ret = do_poll(nr, args, until, args[3] ? &mask : NULL);
	store_left(args[2], until);
	return ret;
}

/* ---------------------------------------------------------- select and pselect */

#define SELECT_IN	(POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_OUT	(POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define SELECT_EX	POLLPRI

/* The three sets, of @words words each */
struct sets {
	unsigned int n, words;
	uint64_t *set[3];
	long user[3];
};

static const short asked[3] = { POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM, POLLPRI };
static const short told[3] = { SELECT_IN, SELECT_OUT, SELECT_EX };

#define SETS_MAX	(SHARE_FDS / SET_BITS)

static int sets_read(struct sets *s, uint64_t *memory, const long args[6])
{
	int i;

	for (i = 0; i < 3; i++) {
		s->set[i] = memory + i * s->words;
		s->user[i] = args[1 + i];
		if (s->user[i] && peek(s->set[i], s->user[i], s->words * 8))
			return -EFAULT;
	}
	return 0;
}

static short sets_events(const struct sets *s, unsigned int fd)
{
	short events = 0;
	int i;

	for (i = 0; i < 3; i++)
		if (s->user[i] && s->set[i][fd / SET_BITS] >> fd % SET_BITS & 1)
			events |= asked[i];
	return events;
}

/* The sets as a list, whose length it returns; @fds NULL: only that. *mine: not the host's */
static unsigned int sets_list(const struct sets *s, struct pollfd *fds, bool *mine)
{
	unsigned int fd, nr = 0;
	short events;

	for (fd = 0; fd < s->n; fd++) {
		events = sets_events(s, fd);
		if (!events)
			continue;
		if (fds)
			fds[nr] = (struct pollfd) { fd, events, 0 };
		*mine |= fd_kind(fd) || fd_is_hidden(fd);
		nr++;
	}
	return nr;
}

static long sets_store(struct sets *s, const struct both *b)
{
	unsigned int i, k;
	long ready = 0;

	for (k = 0; k < 3; k++)
		for (i = 0; i < s->words; i++)
			s->set[k][i] = 0;
	for (i = 0; i < b->nr; i++) {
		const struct pollfd *p = &b->fds[i];

		if (p->revents & POLLNVAL)
			return -EBADF;
		for (k = 0; k < 3; k++) {
			if (!(p->events & asked[k]) || !(p->revents & told[k]))
				continue;
			s->set[k][p->fd / SET_BITS] |= 1ULL << p->fd % SET_BITS;
			ready++;
		}
	}
	for (k = 0; k < 3; k++)
		if (s->user[k] && poke(s->user[k], s->set[k], s->words * 8))
			return -EFAULT;
	return ready;
}

static long select_in(void *memory, struct sets *s, unsigned int nr, int64_t until,
		      const uint64_t *mask)
{
	struct both b;
	bool mine = false;
	long ret;

	both_init(&b, memory, nr);
	sets_list(s, b.fds, &mine);
	both_split(&b);
	ret = both_wait(&b, until, mask);
	return ret < 0 ? ret : sets_store(s, &b);
}

static long select_list(struct sets *s, unsigned int nr, int64_t until, const uint64_t *mask)
{
	char few[BOTH_SIZE(FEW)];
	void *memory;
	long ret;

	if (nr <= FEW)
		return select_in(few, s, nr, until, mask);
	memory = scratch_get(BOTH_SIZE(nr));
	if (!memory)
		return -ENOMEM;
	ret = select_in(memory, s, nr, until, mask);
	scratch_put(memory, BOTH_SIZE(nr));
	return ret;
}

/* Where all is the host's nothing else is done; *mine says whether it is not. */
static long do_select(const long args[6], int64_t until, const uint64_t *mask, bool *mine)
{
	uint64_t few[3 * 1024 / SET_BITS], *memory = few;
	struct sets s = { .n = args[0] };
	unsigned int nr;
	size_t size;
	long ret;

	*mine = false;
	if ((int)args[0] < 0)
		return -EINVAL;
	if (s.n > SHARE_FDS)
		s.n = SHARE_FDS;
	s.words = (s.n + SET_BITS - 1) / SET_BITS;
	size = 3 * s.words * 8;
	if (size > sizeof(few))
		memory = scratch_get(size);
	if (!memory)
		return -ENOMEM;
	ret = sets_read(&s, memory, args);
	nr = ret ? 0 : sets_list(&s, NULL, mine);
	if (*mine)
		ret = select_list(&s, nr, until, mask);
	if (memory != few)
		scratch_put(memory, size);
	return ret;
}

/* Whether the program has a descriptor from @fd on; true if that cannot be told */
static bool has_from(unsigned int fd)
{
	char entries[1024];
	long list = host_call(__NR_open, "/proc/self/fd", O_RDONLY | O_CLOEXEC, 0, 0, 0, 0), got;

	if (list < 0)
		return true;
	host_call(__NR_lseek, list, fd + 2, SEEK_SET, 0, 0, 0);	/* after "." and ".." */
	got = hidden_getdents(__NR_getdents64, (long[6]) { list, (long)entries, sizeof(entries) });
	host_call(__NR_close, list, 0, 0, 0, 0, 0);
	return got;
}

/*
 * How many descriptors are in the sets. A program may say how many it could have, and
 * have sets of libc's size: the host's kernel looks no further than at those for which
 * it has a table, but the hidden ones make that a larger one.
 */
static long width(long n)
{
	return (int)n <= FD_SETSIZE || has_from(FD_SETSIZE) ? n : FD_SETSIZE;
}

long poll_select(long nr, const long a[6])
{
	const long args[6] = { width(a[0]), a[1], a[2], a[3], a[4] };
	struct { int64_t s, us; } tv;
	int64_t until = -1, left;
	bool mine;
	long ret;

	if (args[4] && peek(&tv, args[4], sizeof(tv)))
		return -EFAULT;
	if (args[4] && (tv.s < 0 || tv.us < 0))
		return -EINVAL;
	if (args[4] && tv.s < 1 << 30)
		until = until_ns(tv.s * NS_PER_S + tv.us * 1000);
	ret = do_select(args, until, NULL, &mine);
	if (!mine)
		return ret ?: host_pass(nr, args);
	left = until > 0 ? until - now() : 0;
	tv.s = left > 0 ? left / NS_PER_S : 0;
	tv.us = left > 0 ? left % NS_PER_S / 1000 : 0;
	if (args[4] && until >= 0)
		poke(args[4], &tv, sizeof(tv));
	return ret;
}

long poll_pselect(long nr, const long a[6])
{
	const long args[6] = { width(a[0]), a[1], a[2], a[3], a[4], a[5] };
	uint64_t mask, *with = NULL;
	long sized[2] = { 0 };
	int64_t until;
	bool mine;
	long ret;
	int err;

	until = until_timespec(args[4], &err);
	if (err)
		return err;
	if (args[5] && peek(sized, args[5], sizeof(sized)))
		return -EFAULT;
	if (sized[0] && sized[1] != sizeof(mask))
		return -EINVAL;
	if (sized[0] && peek(&mask, sized[0], sizeof(mask)))
		return -EFAULT;
	if (sized[0])
		with = &mask;
	ret = do_select(args, until, with, &mine);
	if (!mine)
		return ret ?: host_pass(nr, args);
	store_left(args[4], until);
	return ret;
}
