// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nusepolls.c - poll, select and epoll with library descriptors, the
 * host's, and both at once: ready before, and becoming so during the wait. See
 * nusecalls.h.
 */
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include "nusecalls.h"

/*
 * A descriptor that becomes readable when something is written to another: of
 * each kind that a program may wait for
 */
struct source {
	const char *name;
	int in;			/* waits here */
	int out;		/* ready when written here */
};

static char inotify_dir[] = "/tmp/nusepollsXXXXXX";

static struct source make_udp(void)
{
	int fd[2];

	return udp_pair(fd) ? (struct source) { 0 } : (struct source) { "udp", fd[0], fd[1] };
}

static struct source make_tcp(void)
{
	int fd[2];

	return tcp_pair(fd) ? (struct source) { 0 } : (struct source) { "tcp", fd[0], fd[1] };
}

static struct source make_pipe(void)
{
	int fd[2];

	return pipe(fd) ? (struct source) { 0 } : (struct source) { "pipe", fd[0], fd[1] };
}

static struct source make_eventfd(void)
{
	int fd = eventfd(0, 0);

	return (struct source) { "eventfd", fd, fd };
}

static struct source make_unix(void)
{
	int fd[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fd) ? (struct source) { 0 } :
						    (struct source) { "unix", fd[0], fd[1] };
}

static struct source (*const makers[])(void) = {
	make_udp, make_tcp, make_pipe, make_eventfd, make_unix,
};

#define NR_MAKERS	(int)ARRAY_SIZE(makers)
#define NR_LIBRARY	2

static struct source library(void)
{
	return make_udp();
}

static struct source host(void)
{
	return make_pipe();
}

static void make_ready(const struct source *s)
{
	uint64_t one = 1;

	if (write(s->out, &one, sizeof(one)) != sizeof(one))
		abort();
}

static void drain(const struct source *s)
{
	uint64_t one;

	if (read(s->in, &one, sizeof(one)) != sizeof(one))
		abort();
}

/* ---------------------------------------------------------------- ways to wait */

/* Each waits for two descriptors; bits of those that are ready, or -errno */

static int bits_of(int a, int b)
{
	return (a ? 1 : 0) | (b ? 2 : 0);
}

static int wait_poll(int a, int b, int ms)
{
	struct pollfd fds[2] = { { a, POLLIN, 0 }, { b, POLLIN, 0 } };
	int n = poll(fds, 2, ms), bits = bits_of(fds[0].revents, fds[1].revents);

	return n < 0 ? -errno : n == __builtin_popcount(bits) ? bits : -EIO;
}

static int wait_ppoll(int a, int b, int ms)
{
	struct pollfd fds[2] = { { a, POLLIN, 0 }, { b, POLLIN, 0 } };
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };
	int n = ppoll(fds, 2, ms < 0 ? NULL : &ts, NULL);
	int bits = bits_of(fds[0].revents, fds[1].revents);

	return n < 0 ? -errno : n == __builtin_popcount(bits) ? bits : -EIO;
}

static int wait_select(int a, int b, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000L };
	fd_set in, ex;
	int n, bits;

	FD_ZERO(&in);
	FD_ZERO(&ex);
	FD_SET(a, &in);
	FD_SET(b, &in);
	FD_SET(a, &ex);
	n = select((a > b ? a : b) + 1, &in, NULL, &ex, ms < 0 ? NULL : &tv);
	bits = bits_of(FD_ISSET(a, &in), FD_ISSET(b, &in));
	return n < 0 ? -errno : n == __builtin_popcount(bits) ? bits : -EIO;
}

static int wait_pselect(int a, int b, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };
	fd_set in;
	int n, bits;

	FD_ZERO(&in);
	FD_SET(a, &in);
	FD_SET(b, &in);
	n = pselect((a > b ? a : b) + 1, &in, NULL, NULL, ms < 0 ? NULL : &ts, NULL);
	bits = bits_of(FD_ISSET(a, &in), FD_ISSET(b, &in));
	return n < 0 ? -errno : n == __builtin_popcount(bits) ? bits : -EIO;
}

static int add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int modify(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
}

/* The data of all that is ready, or'ed */
static int ready_of(int ep, int ms)
{
	struct epoll_event ev[8];
	int n = epoll_wait(ep, ev, 8, ms), bits = 0;

	if (n < 0)
		return -errno;
	while (n--)
		bits |= ev[n].data.u64;
	return bits;
}

static int epoll_of(int a, int b)
{
	int ep = epoll_create1(0);

	if (add(ep, a, EPOLLIN, 1) || add(ep, b, EPOLLIN, 2))
		abort();
	return ep;
}

static int wait_epoll(int a, int b, int ms)
{
	int ep = epoll_of(a, b), ret = ready_of(ep, ms);

	close(ep);
	return ret;
}

static int wait_pwait(int a, int b, int ms)
{
	int ep = epoll_of(a, b), n;
	struct epoll_event ev[2];
	sigset_t set;

	sigemptyset(&set);
	n = epoll_pwait(ep, ev, 2, ms, &set);
	close(ep);
	return n < 0 ? -errno : n == 0 ? 0 : n == 1 ? (int)ev[0].data.u32 : 3;
}

static int wait_pwait2(int a, int b, int ms)
{
	int ep = epoll_of(a, b), n;
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };
	struct epoll_event ev[2];

	n = epoll_pwait2(ep, ev, 2, ms < 0 ? NULL : &ts, NULL);
	close(ep);
	return n < 0 ? -errno : n == 0 ? 0 : n == 1 ? (int)ev[0].data.u32 : 3;
}

/* An epoll in an epoll */
static int wait_nested(int a, int b, int ms)
{
	int inner = epoll_of(a, b), outer = epoll_create1(0), ret;

	if (add(outer, inner, EPOLLIN, 4))
		abort();
	ret = ready_of(outer, ms);
	if (ret == 4)
		ret = ready_of(inner, 0);
	close(inner);
	close(outer);
	return ret;
}

/* An epoll in a poll, with a descriptor of its own */
static int wait_epoll_in_poll(int a, int b, int ms)
{
	int ep = epoll_create1(0), ret, n;
	struct pollfd fds[2] = { { ep, POLLIN, 0 }, { b, POLLIN, 0 } };

	if (add(ep, a, EPOLLIN, 1))
		abort();
	n = poll(fds, 2, ms);
	ret = n < 0 ? -errno : bits_of(fds[0].revents, fds[1].revents);
	close(ep);
	return ret;
}

static const struct way {
	const char *name;
	int (*wait)(int a, int b, int ms);
} ways[] = {
	{ "poll", wait_poll }, { "ppoll", wait_ppoll }, { "select", wait_select },
	{ "pselect", wait_pselect }, { "epoll_wait", wait_epoll }, { "epoll_pwait", wait_pwait },
	{ "epoll_pwait2", wait_pwait2 }, { "nested", wait_nested },
	{ "epoll in poll", wait_epoll_in_poll },
};

#define NR_WAYS	(int)ARRAY_SIZE(ways)

/* Each way, each pair of kinds: @test returns what is wrong, or NULL. */
static int all(const char *(*test)(const struct way *way, struct source *a, struct source *b))
{
	int w, i, k, failed = 0;

	for (w = 0; w < NR_WAYS; w++) {
		for (i = 0; i < NR_MAKERS; i++) {
			for (k = 0; k < NR_MAKERS; k++) {
				struct source a = makers[i](), b = makers[k]();
				const char *wrong = test(&ways[w], &a, &b);

				if (wrong && failed++ < 5)
					printf("# %s of %s and %s: %s\n", ways[w].name, a.name,
					       b.name, wrong);
				close(a.in);
				close(a.out);
				close(b.in);
				close(b.out);
			}
		}
	}
	return failed;
}

static const char *test_before(const struct way *way, struct source *a, struct source *b)
{
	if (way->wait(a->in, b->in, 0))
		return "one is ready at first";
	make_ready(a);
	if (way->wait(a->in, b->in, -1) != 1)
		return "the first is not ready";
	make_ready(b);
	if (way->wait(a->in, b->in, -1) != 3)
		return "not both are ready";
	if (way->wait(a->in, b->in, 0) != 3)
		return "not both are ready now";
	drain(a);
	if (way->wait(a->in, b->in, 1000) != 2)
		return "the second is not ready";
	drain(b);
	return way->wait(a->in, b->in, 0) ? "one is ready at the end" : NULL;
}

TEST(ready_before)
{
	EXPECT_EQ(0, all(test_before));
}

static const char *test_during(const struct way *way, struct source *a, struct source *b)
{
	struct later first = { .ms = 3, .fd = a->out }, second = { .ms = 3, .fd = b->out };
	int got;

	later_start(&first);
	got = way->wait(a->in, b->in, 20000);
	later_end(&first);
	if (got != 1)
		return "the first did not come";
	drain(a);
	later_start(&second);
	got = way->wait(a->in, b->in, -1);
	later_end(&second);
	return got == 2 ? NULL : "the second did not come";
}

TEST(ready_during)
{
	EXPECT_EQ(0, all(test_during));
}

static const char *test_timeout(const struct way *way, struct source *a, struct source *b)
{
	int64_t start = now_ms();

	if (way->wait(a->in, b->in, 5))
		return "something came";
	return now_ms() - start >= 5 ? NULL : "too early";
}

TEST(timeout)
{
	EXPECT_EQ(0, all(test_timeout));
}

/* ------------------------------------------------------- other descriptors */

static void touch(struct later *later)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/x", inotify_dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	unlink(path);
	(void)later;
}

static void raise_usr1(struct later *later)
{
	(void)later;
	kill(getpid(), SIGUSR1);
}


/* One of the library and one of these; something happens to the other */
static int with_other(int fd, void (*act)(struct later *later))
{
	struct source s = library();
	int i, wrong = 0;

	for (i = 0; i < 4; i++) {
		struct later later = { .ms = 5, .act = act };

		later_start(&later);
		wrong += ways[i].wait(s.in, fd, 20000) != 2;
		later_end(&later);
	}
	return wrong;
}

TEST(timerfd)
{
	struct itimerspec spec = { .it_value = { 0, 10000000 } };
	struct source s = library();
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), i;
	uint64_t count;

	for (i = 0; i < NR_WAYS; i++) {
		timerfd_settime(fd, 0, &spec, NULL);
		EXPECT_EQ(2, ways[i].wait(s.in, fd, 20000));
		EXPECT_EQ(8, read(fd, &count, 8));
	}
}

TEST(inotify)
{
	int fd = inotify_init1(0);

	ASSERT_TRUE(mkdtemp(inotify_dir));
	ASSERT_LE(0, inotify_add_watch(fd, inotify_dir, IN_CREATE));
	EXPECT_EQ(0, with_other(fd, touch));
	rmdir(inotify_dir);
}

TEST(signalfd_beside)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	EXPECT_EQ(0, with_other(signalfd(-1, &set, 0), raise_usr1));
}

TEST(listener_and_connect)
{
	int listener = bound(SOCK_STREAM), client, fd;
	struct source other = host();

	EXPECT_EQ(0, wait_poll(listener, other.in, 0));
	client = dial(SOCK_STREAM, listener);
	EXPECT_EQ(1, wait_poll(listener, other.in, -1));
	EXPECT_EQ(1, wait_epoll(listener, other.in, -1));
	fd = accept(listener, NULL, NULL);
	EXPECT_TRUE(passes(client, fd));
	EXPECT_EQ(0, wait_poll(listener, other.in, 0));
	struct pollfd out[2] = { { client, POLLOUT, 0 }, { other.out, POLLOUT, 0 } };

	EXPECT_EQ(2, poll(out, 2, -1));
	EXPECT_EQ(POLLOUT, out[0].revents);
	EXPECT_EQ(POLLOUT, out[1].revents);
	close(fd);
	EXPECT_EQ(1, wait_poll(client, other.in, -1));
	struct pollfd hup = { client, POLLRDHUP, 0 };

	EXPECT_EQ(1, poll(&hup, 1, -1));
	EXPECT_EQ(POLLRDHUP, hup.revents);
}

TEST(connect_in_progress)
{
	int listener = bound(SOCK_STREAM), fd = dial(SOCK_STREAM | SOCK_NONBLOCK, listener), err;
	struct pollfd fds[2] = { { fd, POLLOUT, 0 }, { host().in, POLLIN, 0 } };
	socklen_t len = sizeof(err);

	EXPECT_EQ(1, poll(fds, 2, 10000));
	EXPECT_EQ(POLLOUT, fds[0].revents);
	EXPECT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
	EXPECT_EQ(0, err);
}

TEST(refused_connect)
{
	int listener = bound(SOCK_STREAM), closed = dup(listener), fd, err;
	struct sockaddr_in addr = name_of(listener);
	socklen_t len = sizeof(err);

	close(listener);
	close(closed);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	err = connect(fd, (void *)&addr, sizeof(addr));
	EXPECT_EQ(-1, err);
	struct pollfd fds[2] = { { fd, POLLOUT, 0 }, { host().in, POLLIN, 0 } };

	EXPECT_EQ(1, poll(fds, 2, 10000));
	EXPECT_TRUE(fds[0].revents & POLLERR);
	EXPECT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
	EXPECT_EQ(ECONNREFUSED, err);
}

/* --------------------------------------------------------------- bad ones */

TEST(closed_numbers)
{
	struct source l = library(), h = host();
	int closed = dup(l.in);

	close(closed);
	struct pollfd fds[4] = {
		{ l.in, POLLIN, 0 }, { closed, POLLIN, 0 }, { h.in, POLLIN, 0 }, { -1, POLLIN, 9 },
	};

	EXPECT_EQ(1, poll(fds, 4, -1));
	EXPECT_EQ(POLLNVAL, fds[1].revents);
	EXPECT_EQ(0, fds[3].revents);
	fds[1].fd = -5;
	EXPECT_EQ(0, poll(fds, 4, 5));
	EXPECT_EQ(0, fds[1].revents);
	EXPECT_EQ(-EBADF, wait_select(l.in, closed, 10));
	EXPECT_EQ(-EBADF, wait_select(h.in, closed, 10));
	EXPECT_EQ(-EBADF, wait_pselect(closed, l.in, 10));
}

TEST(bad_arguments_of_poll)
{
	struct pollfd fds[2] = { { library().in, POLLIN, 0 }, { host().in, POLLIN, 0 } };
	struct timespec bad = { 0, 1000000000 };
	int fd = fds[0].fd;
	fd_set set;

	EXPECT_EQ(-1, syscall(SYS_poll, 8, 2, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ppoll(fds, 2, &bad, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, syscall(SYS_ppoll, fds, 2, 8, NULL, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, syscall(SYS_ppoll, fds, 2, NULL, 8, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, syscall(SYS_ppoll, fds, 2, NULL, fds, 7));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, syscall(SYS_select, fd + 1, 8, NULL, NULL, NULL));
	EXPECT_EQ(EFAULT, errno);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	EXPECT_EQ(-1, syscall(SYS_select, -1, &set, NULL, NULL, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, syscall(SYS_select, fd + 1, &set, NULL, NULL, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, poll(NULL, 0, 1));
	EXPECT_EQ(0, poll(fds, 2, 0));
}

TEST(bad_arguments_of_epoll)
{
	int ep = epoll_create1(0), l = library().in, h = host().in;
	int file = open("/proc/self/exe", O_RDONLY);
	struct epoll_event ev = { .events = EPOLLIN };

	EXPECT_EQ(-1, epoll_create1(0x123));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, epoll_create(0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, add(l, h, EPOLLIN, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, add(h, l, EPOLLIN, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, add(ep, ep, EPOLLIN, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, add(ep, 999, EPOLLIN, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, add(999, l, EPOLLIN, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, add(ep, file, EPOLLIN, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, add(ep, l, EPOLLIN, 0));
	EXPECT_EQ(-1, add(ep, l, EPOLLIN, 0));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(-1, epoll_ctl(ep, EPOLL_CTL_DEL, h, &ev));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(0, epoll_ctl(ep, EPOLL_CTL_DEL, l, NULL));
	EXPECT_EQ(-1, epoll_ctl(ep, EPOLL_CTL_DEL, l, NULL));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, modify(ep, l, EPOLLIN, 0));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, epoll_ctl(ep, 77, l, &ev));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, l, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, epoll_wait(ep, &ev, 0, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, syscall(SYS_epoll_wait, ep, &ev, -1, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, epoll_wait(l, &ev, 1, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, epoll_wait(h, &ev, 1, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, epoll_wait(999, &ev, 1, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 1));
}

TEST(epoll_loop_is_refused)
{
	int a = epoll_create1(0), b = epoll_create1(0);

	EXPECT_EQ(0, add(a, b, EPOLLIN, 0));
	EXPECT_EQ(-1, add(b, a, EPOLLIN, 0));
	EXPECT_EQ(ELOOP, errno);
}

/* ------------------------------------------------------------------ epoll */

/* The kinds of the two that are in the sets below */
#define FOR_BOTH(a, b)								\
	for (int __i = 0; __i < 4; __i++)					\
		for (struct source a = __i & 1 ? host() : library(),		\
				   b = __i & 2 ? host() : library();		\
		     a.name && b.name; b.name = NULL)

TEST(epoll_edge)
{
	FOR_BOTH(a, b) {
		int ep = epoll_create1(0);

		add(ep, a.in, EPOLLIN | EPOLLET, 1);
		add(ep, b.in, EPOLLIN, 2);
		EXPECT_EQ(0, ready_of(ep, 0));
		make_ready(&a);
		EXPECT_EQ(1, ready_of(ep, 1000));
		EXPECT_EQ(0, ready_of(ep, 1));
		make_ready(&b);
		EXPECT_EQ(2, ready_of(ep, 1000));
		EXPECT_EQ(2, ready_of(ep, 1000));
		make_ready(&a);
		EXPECT_EQ(3, ready_of(ep, 1000));
		drain(&b);
		EXPECT_EQ(0, ready_of(ep, 1));
		EXPECT_EQ(0, modify(ep, a.in, EPOLLIN | EPOLLET, 1));
		EXPECT_EQ(1, ready_of(ep, 1000));
	}
}

TEST(epoll_oneshot)
{
	FOR_BOTH(a, b) {
		int ep = epoll_create1(0);

		add(ep, a.in, EPOLLIN | EPOLLONESHOT, 1);
		add(ep, b.in, EPOLLIN, 2);
		make_ready(&a);
		EXPECT_EQ(1, ready_of(ep, 1000));
		EXPECT_EQ(0, ready_of(ep, 1));
		make_ready(&a);
		EXPECT_EQ(0, ready_of(ep, 1));
		EXPECT_EQ(0, modify(ep, a.in, EPOLLIN | EPOLLONESHOT, 4));
		EXPECT_EQ(4, ready_of(ep, 1000));
		EXPECT_EQ(0, ready_of(ep, 1));
	}
}

TEST(epoll_exclusive)
{
	FOR_BOTH(a, b) {
		int ep[2] = { epoll_create1(0), epoll_create1(0) };

		EXPECT_EQ(0, add(ep[0], a.in, EPOLLIN | EPOLLEXCLUSIVE, 1));
		EXPECT_EQ(0, add(ep[1], a.in, EPOLLIN | EPOLLEXCLUSIVE, 2));
		EXPECT_EQ(0, add(ep[1], b.in, EPOLLIN | EPOLLEXCLUSIVE, 4));
		EXPECT_EQ(-1, modify(ep[0], a.in, EPOLLIN, 1));
		EXPECT_EQ(EINVAL, errno);
		make_ready(&a);
		EXPECT_EQ(1, ready_of(ep[0], 1000));
		EXPECT_EQ(2, ready_of(ep[1], 1000));
		make_ready(&b);
		EXPECT_EQ(6, ready_of(ep[1], 1000));
	}
}

TEST(epoll_in_several_sets)
{
	FOR_BOTH(a, b) {
		int ep[3], i;

		for (i = 0; i < 3; i++)
			ep[i] = epoll_of(a.in, b.in);
		make_ready(&a);
		for (i = 0; i < 3; i++)
			EXPECT_EQ(1, ready_of(ep[i], 1000));
		close(ep[1]);
		make_ready(&b);
		EXPECT_EQ(3, ready_of(ep[0], 1000));
		EXPECT_EQ(3, ready_of(ep[2], 1000));
		EXPECT_EQ(0, epoll_ctl(ep[0], EPOLL_CTL_DEL, a.in, NULL));
		EXPECT_EQ(2, ready_of(ep[0], 1000));
		EXPECT_EQ(3, ready_of(ep[2], 1000));
	}
}

TEST(epoll_closed_descriptors)
{
	FOR_BOTH(a, b) {
		int ep = epoll_of(a.in, b.in), copy;

		make_ready(&a);
		make_ready(&b);
		copy = dup(a.in);
		close(a.in);
		EXPECT_EQ(3, ready_of(ep, 1000));
		close(copy);
		EXPECT_EQ(2, ready_of(ep, 1000));
		close(b.in);
		EXPECT_EQ(0, ready_of(ep, 1));
	}
}

TEST(epoll_duplicates)
{
	FOR_BOTH(a, b) {
		int ep = epoll_create1(0), copy = dup(ep);

		EXPECT_EQ(0, add(ep, a.in, EPOLLIN, 1));
		EXPECT_EQ(0, add(copy, b.in, EPOLLIN, 2));
		make_ready(&a);
		EXPECT_EQ(1, ready_of(copy, 1000));
		make_ready(&b);
		EXPECT_EQ(3, ready_of(ep, 1000));
		close(ep);
		EXPECT_EQ(3, ready_of(copy, 1000));
	}
}

TEST(epoll_data_and_out)
{
	FOR_BOTH(a, b) {
		int ep = epoll_create1(0);
		struct epoll_event ev[4];

		add(ep, a.out, EPOLLOUT, 0x1122334455667788);
		add(ep, b.out, EPOLLOUT, 0x8877665544332211);
		EXPECT_EQ(2, epoll_wait(ep, ev, 4, 1000));
		EXPECT_EQ(EPOLLOUT, ev[0].events);
		EXPECT_EQ(EPOLLOUT, ev[1].events);
		EXPECT_EQ(0x1122334455667788 ^ 0x8877665544332211,
			  ev[0].data.u64 ^ ev[1].data.u64);
	}
}

TEST(epoll_hang_up)
{
	FOR_BOTH(a, b) {
		struct source tcp = make_tcp();
		int ep = epoll_of(tcp.in, b.in);
		struct epoll_event ev[2];

		modify(ep, tcp.in, EPOLLIN | EPOLLRDHUP, 1);
		close(tcp.out);
		EXPECT_EQ(1, epoll_wait(ep, ev, 2, 10000));
		EXPECT_EQ(EPOLLIN | EPOLLRDHUP, ev[0].events);
	}
}

/* Both sides ready all the time, room for one: each comes. */
TEST(fairness)
{
	FOR_BOTH(a, b) {
		int ep = epoll_of(a.in, b.in), i, seen = 0;
		struct epoll_event ev;

		make_ready(&a);
		make_ready(&b);
		for (i = 0; i < 20; i++) {
			ASSERT_EQ(1, epoll_wait(ep, &ev, 1, 1000));
			seen |= ev.data.u32;
		}
		EXPECT_EQ(3, seen);
	}
}

struct adder {
	struct later later;
	int ep;
	struct source source;
};

static void add_later(struct later *later)
{
	struct adder *a = (struct adder *)later;

	if (add(a->ep, a->source.in, EPOLLIN, 2))
		abort();
	sleep_ms(10);
	make_ready(&a->source);
}

/* Who waits on a set of one kind sees what another thread adds of the other. */
TEST(epoll_add_while_waiting)
{
	FOR_BOTH(a, b) {
		struct adder adder = { { .ms = 10, .act = add_later }, epoll_create1(0), b };

		add(adder.ep, a.in, EPOLLIN, 1);
		later_start(&adder.later);
		EXPECT_EQ(2, ready_of(adder.ep, 20000));
		later_end(&adder.later);
	}
}

/* And one that was ready before it was added */
static void add_ready_later(struct later *later)
{
	struct adder *a = (struct adder *)later;

	make_ready(&a->source);
	if (add(a->ep, a->source.in, EPOLLIN, 2))
		abort();
}

TEST(epoll_add_ready_while_waiting)
{
	FOR_BOTH(a, b) {
		struct adder adder = { { .ms = 10, .act = add_ready_later }, epoll_create1(0), b };

		add(adder.ep, a.in, EPOLLIN, 1);
		later_start(&adder.later);
		EXPECT_EQ(2, ready_of(adder.ep, 20000));
		later_end(&adder.later);
	}
}

TEST(epoll_empty_set)
{
	FOR_BOTH(a, b) {
		struct adder adder = { { .ms = 10, .act = add_later }, epoll_create1(0), b };

		EXPECT_EQ(0, ready_of(adder.ep, 2));
		later_start(&adder.later);
		EXPECT_EQ(2, ready_of(adder.ep, -1));
		later_end(&adder.later);
	}
}

TEST(epoll_over_fork)
{
	FOR_BOTH(a, b) {
		int ep = epoll_of(a.in, b.in);
		pid_t child = CHILD(ready_of(ep, 20000));

		make_ready(&a);
		EXPECT_EQ(1, status_of(child));
		EXPECT_EQ(1, ready_of(ep, 1000));
	}
}

TEST(epoll_deep)
{
	FOR_BOTH(a, b) {
		int ep[4], i;

		ep[0] = epoll_of(a.in, b.in);
		for (i = 1; i < 4; i++) {
			ep[i] = epoll_create1(0);
			ASSERT_EQ(0, add(ep[i], ep[i - 1], EPOLLIN, i));
		}
		EXPECT_EQ(0, ready_of(ep[3], 1));
		struct later later = { .ms = 10, .fd = a.out };

		later_start(&later);
		EXPECT_EQ(3, ready_of(ep[3], 20000));
		later_end(&later);
		EXPECT_EQ(1, ready_of(ep[0], 0));
		drain(&a);
		EXPECT_EQ(0, ready_of(ep[3], 1));
		make_ready(&b);
		EXPECT_EQ(3, ready_of(ep[3], 1000));
	}
}

/* Threads that wait on one set: each event comes to one. */
struct crowd {
	int ep, got;
};

static void *crowd_wait(void *arg)
{
	struct crowd *c = arg;
	struct epoll_event ev;
	uint64_t value;

	while (epoll_wait(c->ep, &ev, 1, 30000) == 1 && ev.data.fd >= 0) {
		if (read(ev.data.fd, &value, sizeof(value)) == sizeof(value))
			__atomic_add_fetch(&c->got, 1, __ATOMIC_RELAXED);
		modify(c->ep, ev.data.fd, EPOLLIN | EPOLLONESHOT, ev.data.fd);
	}
	return NULL;
}

TEST(epoll_of_many_threads)
{
	struct crowd crowd = { .ep = epoll_create1(0) };
	struct source sources[8], end = host();
	pthread_t threads[6];
	int i, k;

	for (i = 0; i < 8; i++) {
		sources[i] = i & 1 ? host() : library();
		add(crowd.ep, sources[i].in, EPOLLIN | EPOLLONESHOT, sources[i].in);
	}
	for (i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, crowd_wait, &crowd);
	for (k = 0; k < 50; k++)
		for (i = 0; i < 8; i++)
			make_ready(&sources[i]);
	for (i = 0; i < 20000 && __atomic_load_n(&crowd.got, __ATOMIC_RELAXED) < 400; i++)
		sleep_ms(1);
	EXPECT_EQ(400, crowd.got);
	add(crowd.ep, end.in, EPOLLIN, 0xffffffff);
	make_ready(&end);
	for (i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
}

/* Threads that each wait for two, while all come one after the other */
static void *pair_wait(void *arg)
{
	struct source *s = arg;

	return (void *)(long)(wait_poll(s[0].in, s[1].in, 30000) == 1 ? 0 : 1);
}

TEST(many_mixed_pollers)
{
	struct source sources[40][2];
	pthread_t threads[40];
	void *wrong;
	int i;

	for (i = 0; i < 40; i++) {
		sources[i][0] = i & 1 ? host() : library();
		sources[i][1] = i & 1 ? library() : host();
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, pair_wait, sources[i]));
	}
	sleep_ms(20);
	for (i = 0; i < 40; i++)
		make_ready(&sources[i][0]);
	for (i = 0; i < 40; i++) {
		pthread_join(threads[i], &wrong);
		EXPECT_EQ(NULL, wrong);
	}
}

/* ---------------------------------------------------------- lists and sets */

TEST(long_lists)
{
	struct pollfd fds[600];
	struct source l = library(), h = host();
	int i;

	for (i = 0; i < 600; i++)
		fds[i] = (struct pollfd) { i & 1 ? l.in : h.in, POLLIN, 0 };
	EXPECT_EQ(0, poll(fds, 600, 1));
	make_ready(&l);
	EXPECT_EQ(300, poll(fds, 600, -1));
	EXPECT_EQ(POLLIN, fds[599].revents);
	EXPECT_EQ(0, fds[598].revents);
	make_ready(&h);
	EXPECT_EQ(600, poll(fds, 600, -1));
}

/* Who waits for one of the host beside others needs no more than one. */
TEST(one_is_allowed)
{
	const struct rlimit one = { 1, 1 };
	struct timeval patience = { .tv_sec = 5 };
	struct source udp = make_udp(), pipe = make_pipe();
	struct later first = { .fd = pipe.out }, second = { .fd = udp.out };
	uint64_t got;
	fd_set set;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &one));
	FD_ZERO(&set);
	FD_SET(udp.in, &set);
	FD_SET(pipe.in, &set);
	later_start(&first);
	EXPECT_EQ(1, select(FD_SETSIZE, &set, NULL, NULL, &patience));
	EXPECT_TRUE(FD_ISSET(pipe.in, &set));
	later_end(&first);
	later_start(&second);
	EXPECT_EQ(sizeof(got), read(udp.in, &got, sizeof(got)));
	later_end(&second);
}

TEST(high_numbers_in_select)
{
	struct source l = library(), h = host();
	fd_set in;

	ASSERT_EQ(1020, dup2(l.in, 1020));
	ASSERT_EQ(1023, dup2(h.in, 1023));
	make_ready(&l);
	FD_ZERO(&in);
	FD_SET(1020, &in);
	FD_SET(1023, &in);
	EXPECT_EQ(1, select(FD_SETSIZE, &in, NULL, NULL, NULL));
	EXPECT_TRUE(FD_ISSET(1020, &in));
	EXPECT_FALSE(FD_ISSET(1023, &in));
}

/* Who asks for all descriptors that it might have, with sets of the usual size */
TEST(select_of_all)
{
	struct {
		fd_set in;
		uint8_t after[8192];
	} sets;
	struct timeval none = { 0 };
	struct timespec no_time = { 0 };
	struct rlimit limit;
	unsigned int i;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	FOR_BOTH(a, b) {
		memset(&sets, 0, sizeof(sets));
		memset(sets.after, 0xff, sizeof(sets.after));
		FD_SET(a.in, &sets.in);
		FD_SET(b.in, &sets.in);
		EXPECT_EQ(0, select(getdtablesize(), &sets.in, NULL, NULL, &none));
		FD_SET(a.in, &sets.in);
		FD_SET(b.in, &sets.in);
		make_ready(&a);
		EXPECT_EQ(1, pselect(getdtablesize(), &sets.in, NULL, NULL, &no_time, NULL));
		EXPECT_TRUE(FD_ISSET(a.in, &sets.in));
		for (i = 0; i < sizeof(sets.after); i++) {
			ASSERT_EQ(0xff, sets.after[i]);
		}
	}
}

TEST(select_in_and_out)
{
	struct source l = make_tcp(), h = make_unix();
	struct timeval tv = { 5, 0 };
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(l.in, &in);
	FD_SET(l.in, &out);
	FD_SET(h.in, &in);
	FD_SET(h.in, &out);
	make_ready(&l);
	EXPECT_EQ(3, select((l.in > h.in ? l.in : h.in) + 1, &in, &out, NULL, &tv));
	EXPECT_TRUE(FD_ISSET(l.in, &in));
	EXPECT_FALSE(FD_ISSET(h.in, &in));
	EXPECT_TRUE(FD_ISSET(l.in, &out));
	EXPECT_TRUE(FD_ISSET(h.in, &out));
	EXPECT_LE(4, tv.tv_sec);
}

TEST(urgent_data)
{
	struct source tcp = make_tcp(), h = host();
	struct pollfd fds[2] = { { tcp.in, POLLPRI, 0 }, { h.in, POLLIN, 0 } };
	fd_set ex;

	EXPECT_EQ(0, poll(fds, 2, 1));
	EXPECT_EQ(1, send(tcp.out, "u", 1, MSG_OOB));
	EXPECT_EQ(1, poll(fds, 2, 10000));
	EXPECT_EQ(POLLPRI, fds[0].revents);
	FD_ZERO(&ex);
	FD_SET(tcp.in, &ex);
	EXPECT_EQ(1, select(tcp.in + 1, NULL, NULL, &ex, NULL));
	EXPECT_TRUE(FD_ISSET(tcp.in, &ex));
}

/* ---------------------------------------------------------------- signals */

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}


struct interrupter {
	struct later later;
	pthread_t target;
};

static void interrupt_target(struct later *later)
{
	pthread_kill(((struct interrupter *)later)->target, SIGUSR1);
}

TEST(interrupted)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int i;

	sigaction(SIGUSR1, &action, NULL);
	for (i = 0; i < NR_WAYS; i++) {
		FOR_BOTH(a, b) {
			struct interrupter in = {
				{ .ms = 5, .act = interrupt_target }, pthread_self()
			};

			caught = 0;
			later_start(&in.later);
			EXPECT_EQ(-EINTR, ways[i].wait(a.in, b.in, 20000)) {
				TH_LOG("%s of %s and %s", ways[i].name, a.name, b.name);
			}
			EXPECT_EQ(SIGUSR1, caught);
			later_end(&in.later);
			close(a.in);
			close(a.out);
			close(b.in);
			close(b.out);
		}
	}
}

/* From now on SIGUSR1 comes to its handler where a call lets it through. */
static void block_handled(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int pselect_of(int a, int b, const struct timespec *timeout, const sigset_t *mask)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(a, &in);
	FD_SET(b, &in);
	return pselect(100, &in, NULL, NULL, timeout, mask);
}

/* With the signal blocked but while the call waits, and pending already */
TEST(masks)
{
	struct epoll_event ev;
	sigset_t set, empty;

	block_handled();
	sigemptyset(&empty);
	FOR_BOTH(a, b) {
		struct pollfd fds[2] = { { a.in, POLLIN, 0 }, { b.in, POLLIN, 0 } };
		int ep = epoll_of(a.in, b.in);

		caught = 0;
		raise(SIGUSR1);
		EXPECT_EQ(0, poll(fds, 2, 1));
		EXPECT_EQ(0, caught);
		EXPECT_EQ(-1, ppoll(fds, 2, NULL, &empty));
		EXPECT_EQ(EINTR, errno);
		EXPECT_EQ(SIGUSR1, caught);
		caught = 0;
		raise(SIGUSR1);
		EXPECT_EQ(-1, epoll_pwait(ep, &ev, 1, -1, &empty));
		EXPECT_EQ(EINTR, errno);
		EXPECT_EQ(SIGUSR1, caught);
		caught = 0;
		raise(SIGUSR1);
		EXPECT_EQ(-1, pselect_of(a.in, b.in, NULL, &empty));
		EXPECT_EQ(EINTR, errno);
		EXPECT_EQ(SIGUSR1, caught);
		make_ready(&a);
		caught = 0;
		EXPECT_EQ(1, ppoll(fds, 2, NULL, &empty));
		EXPECT_EQ(1, epoll_pwait(ep, &ev, 1, -1, &empty));
		EXPECT_EQ(0, caught);
		sigprocmask(SIG_BLOCK, NULL, &set);
		EXPECT_TRUE(sigismember(&set, SIGUSR1));
	}
}

/* Who does not wait hears of it where nothing is ready; but of epoll. */
TEST(masks_without_waiting)
{
	struct timespec none = { 0 };
	struct epoll_event ev;
	sigset_t empty;

	block_handled();
	sigemptyset(&empty);
	FOR_BOTH(a, b) {
		struct pollfd fds[2] = { { a.in, POLLIN, 0 }, { b.in, POLLIN, 0 } };
		int ep = epoll_of(a.in, b.in);

		caught = 0;
		raise(SIGUSR1);
		EXPECT_EQ(0, epoll_pwait(ep, &ev, 1, 0, &empty));
		EXPECT_EQ(0, caught);
		EXPECT_EQ(-1, ppoll(fds, 2, &none, &empty));
		EXPECT_EQ(EINTR, errno);
		EXPECT_EQ(SIGUSR1, caught);
		EXPECT_EQ(0, ppoll(fds, 2, &none, &empty));
		caught = 0;
		raise(SIGUSR1);
		EXPECT_EQ(-1, pselect_of(a.in, b.in, &none, &empty));
		EXPECT_EQ(EINTR, errno);
		EXPECT_EQ(SIGUSR1, caught);
		caught = 0;
		raise(SIGUSR1);
		make_ready(&a);
		EXPECT_EQ(1, ppoll(fds, 2, &none, &empty));
		EXPECT_EQ(0, caught);
		EXPECT_EQ(-1, ppoll(fds + 1, 0, &none, &empty));
		EXPECT_EQ(SIGUSR1, caught);
		close(ep);
	}
}

TEST_HARNESS_MAIN
