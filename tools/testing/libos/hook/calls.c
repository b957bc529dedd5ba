// SPDX-License-Identifier: GPL-2.0
/*
 * calls.c - every function that is hooked: with a library descriptor the core
 * sees its call; with another one it is libc's. "calls alone" has no core.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "../catch/check.h"
#include "core.h"

ssize_t __read(int fd, void *buf, size_t size);
ssize_t __read_chk(int fd, void *buf, size_t size, size_t room);
ssize_t __write(int fd, const void *buf, size_t size);
ssize_t __send(int fd, const void *buf, size_t size, int flags);
ssize_t __recv_chk(int fd, void *buf, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags,
		       struct sockaddr *address, socklen_t *len);
int __connect(int fd, const struct sockaddr *address, socklen_t len);
int __fcntl(int fd, int cmd, ...);
int __close(int fd);
int __poll(struct pollfd *fds, nfds_t nr, int timeout);
int __poll_chk(struct pollfd *fds, nfds_t nr, int timeout, size_t room);

static char buf[16];
static struct sockaddr address;
static socklen_t len;
static struct msghdr msg;
static struct mmsghdr msgs[2];
static struct iovec iov;
static off_t offset;
static struct epoll_event event;
static struct pollfd pollfds[2] = { { .fd = FD_SEEN } };
static struct timespec timeout;

#define SIX(a, b, c, d, e, f, ...) (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)

/* The call has to come to the core as number @nr with these arguments, then zeroes. */
#define CAME(call, nr, ...) do {						\
	check_came(#call, (call), SYS_##nr, (long[]){ SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0) }); \
} while (0)

static void check_came(const char *what, long ret, long nr, const long args[6])
{
	if (ret != SEEN || RECORD->nr != nr || memcmp(RECORD->args, args, sizeof(RECORD->args))) {
		printf("%s: returned %ld, number %ld\n", what, ret, RECORD->nr);
		fflush(stdout);
		_exit(1);
	}
	memset(RECORD, 0, sizeof(*RECORD));
}

static void all_come(void)
{
	int fd = FD_SEEN;

	CAME(read(fd, buf, 5), read, fd, buf, 5);
	CAME(__read(fd, buf, 5), read, fd, buf, 5);
	CAME(__read_chk(fd, buf, 5, 5), read, fd, buf, 5);
	CAME(write(fd, buf, 5), write, fd, buf, 5);
	CAME(__write(fd, buf, 5), write, fd, buf, 5);
	CAME(readv(fd, &iov, 1), readv, fd, &iov, 1);
	CAME(writev(fd, &iov, 1), writev, fd, &iov, 1);
	CAME(recv(fd, buf, 5, MSG_PEEK), recvfrom, fd, buf, 5, MSG_PEEK);
	CAME(__recv_chk(fd, buf, 5, 6, MSG_PEEK), recvfrom, fd, buf, 5, MSG_PEEK);
	CAME(recvfrom(fd, buf, 5, 1, &address, &len), recvfrom, fd, buf, 5, 1, &address, &len);
	CAME(__recvfrom_chk(fd, buf, 5, 5, 1, &address, &len), recvfrom, fd, buf, 5, 1, &address,
	     &len);
	CAME(recvmsg(fd, &msg, 1), recvmsg, fd, &msg, 1);
	CAME(recvmmsg(fd, msgs, 2, 1, &timeout), recvmmsg, fd, msgs, 2, 1, &timeout);
	CAME(send(fd, buf, 5, 1), sendto, fd, buf, 5, 1);
	CAME(__send(fd, buf, 5, 1), sendto, fd, buf, 5, 1);
	CAME(sendto(fd, buf, 5, 1, &address, 16), sendto, fd, buf, 5, 1, &address, 16);
	CAME(sendmsg(fd, &msg, 1), sendmsg, fd, &msg, 1);
	CAME(sendmmsg(fd, msgs, 2, 1), sendmmsg, fd, msgs, 2, 1);
	CAME(sendfile(fd, 3, &offset, 4), sendfile, fd, 3, &offset, 4);
	CAME(sendfile64(3, fd, &offset, 4), sendfile, 3, fd, &offset, 4);
	CAME(splice(fd, &offset, 3, NULL, 4, 1), splice, fd, &offset, 3, 0, 4, 1);
	CAME(splice(3, NULL, fd, &offset, 4, 1), splice, 3, 0, fd, &offset, 4, 1);
	CAME(connect(fd, &address, 16), connect, fd, &address, 16);
	CAME(__connect(fd, &address, 16), connect, fd, &address, 16);
	CAME(accept(fd, &address, &len), accept, fd, &address, &len);
	CAME(accept4(fd, &address, &len, SOCK_CLOEXEC), accept4, fd, &address, &len, SOCK_CLOEXEC);
	CAME(bind(fd, &address, 16), bind, fd, &address, 16);
	CAME(listen(fd, 9), listen, fd, 9);
	CAME(shutdown(fd, SHUT_WR), shutdown, fd, SHUT_WR);
	CAME(getsockname(fd, &address, &len), getsockname, fd, &address, &len);
	CAME(getpeername(fd, &address, &len), getpeername, fd, &address, &len);
	CAME(getsockopt(fd, 1, 2, buf, &len), getsockopt, fd, 1, 2, buf, &len);
	CAME(setsockopt(fd, 1, 2, buf, 4), setsockopt, fd, 1, 2, buf, 4);
	CAME(ioctl(fd, FIONREAD, buf), ioctl, fd, FIONREAD, buf);
	CAME(fcntl(fd, F_SETFL, O_NONBLOCK), fcntl, fd, F_SETFL, O_NONBLOCK);
	CAME(fcntl64(fd, F_SETFL, O_NONBLOCK), fcntl, fd, F_SETFL, O_NONBLOCK);
	CAME(__fcntl(fd, F_SETFL, O_NONBLOCK), fcntl, fd, F_SETFL, O_NONBLOCK);
	CAME(close(fd), close, fd);
	CAME(__close(fd), close, fd);
	CAME(poll(pollfds, 2, 5), poll, pollfds, 2, 5);
	CAME(__poll(pollfds, 2, 5), poll, pollfds, 2, 5);
	CAME(__poll_chk(pollfds, 2, 5, sizeof(pollfds)), poll, pollfds, 2, 5);
	CAME(epoll_wait(fd, &event, 1, 5), epoll_wait, fd, &event, 1, 5);
	CAME(epoll_ctl(fd, EPOLL_CTL_ADD, 3, &event), epoll_ctl, fd, EPOLL_CTL_ADD, 3, &event);
	CAME(epoll_ctl(3, EPOLL_CTL_ADD, fd, &event), epoll_ctl, 3, EPOLL_CTL_ADD, fd, &event);
}

#define FAILS(call, error) do {							\
	errno = 0;								\
	EQUAL(call, -1);							\
	EQUAL(errno, error);							\
} while (0)

static void errors(void)
{
	FAILS(read(FD_AGAIN, buf, 1), EAGAIN);
	FAILS(getpeername(FD_AGAIN, &address, &len), EAGAIN);
	FAILS(read(FD_SEEN - 1, buf, 1), EBADF);
	FAILS(read(FD_LAST + 1, buf, 1), EBADF);
	FAILS(read(FD_SEEN + 65536, buf, 1), EBADF);
	FAILS(close(-1), EBADF);
	FAILS(listen(0x7fffffff, 1), EBADF);
	FAILS(fcntl(FD_SEEN, F_GETOWN), EBADF);		/* more than a call: left to libc */
}

/* Calls on the host's descriptors, with and without a core */
static void passed_on(void)
{
	struct pollfd fds = { .events = POLLIN };
	struct iovec v = { buf, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int pair[2], ep = epoll_create1(0), n;

	EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fds.fd = pair[1];
	EQUAL(poll(&fds, 1, 0), 0);
	EQUAL(write(pair[0], "abcdefgh", 8), 8);
	EQUAL(poll(&fds, 1, -1), 1);
	EQUAL(__poll_chk(&fds, 1, -1, sizeof(fds)), 1);
	EQUAL(epoll_ctl(ep, EPOLL_CTL_ADD, pair[1], &event), 0);
	EQUAL(epoll_wait(ep, &event, 1, 0), 0);
	EQUAL(ioctl(pair[1], FIONREAD, &n), 0);
	EQUAL(n, 8);
	EQUAL(read(pair[1], buf, 1), 1);
	EQUAL(recv(pair[1], buf, 1, MSG_PEEK), 1);
	EQUAL(*buf, 'b');
	EQUAL(__recvfrom_chk(pair[1], buf, 1, 1, 0, NULL, NULL), 1);
	EQUAL(*buf, 'b');
	EQUAL(recvmsg(pair[1], &m, 0), 1);
	EQUAL(*buf, 'c');
	EQUAL(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	EQUAL(fcntl(pair[1], F_GETFL), O_RDWR | O_NONBLOCK);
	EQUAL(shutdown(pair[0], SHUT_WR), 0);
	EQUAL(close(pair[0]), 0);
	EQUAL(read(pair[1], buf, 16), 5);
	EQUAL(read(pair[1], buf, 1), 0);
	EQUAL(close(pair[1]), 0);
	FAILS(close(pair[1]), EBADF);
	EQUAL(close(ep), 0);
}

/* What libc refuses to do with a buffer that is too small, a hook leaves to it. */
static void too_small(void)
{
	int i, status, pid;

	fflush(stdout);
	for (i = 0; i < 4; i++) {
		pid = fork();
		if (!pid) {
			close(2);
			if (i == 0)
				__read_chk(FD_SEEN, buf, 5, 4);
			if (i == 1)
				__recv_chk(FD_SEEN, buf, 5, 4, 0);
			if (i == 2)
				__recvfrom_chk(FD_SEEN, buf, 5, 4, 0, NULL, NULL);
			if (i == 3)
				__poll_chk(pollfds, 2, 0, sizeof(*pollfds));
			_exit(0);
		}
		EQUAL(waitpid(pid, &status, 0), pid);
		EQUAL(WTERMSIG(status), SIGABRT);
	}
}

static void *everything(void *arg)
{
	(void)arg;
	all_come();
	errors();
	passed_on();
	return NULL;
}

static void in_thread(void)
{
	pthread_t thread;

	EQUAL(pthread_create(&thread, NULL, everything, NULL), 0);
	EQUAL(pthread_join(thread, NULL), 0);
	everything(NULL);
}

static void alone(void)
{
	passed_on();
	errno = 0;
	FAILS(read(FD_SEEN, buf, 1), EBADF);
	FAILS(getpeername(FD_AGAIN, &address, &len), EBADF);
	FAILS(epoll_wait(FD_SEEN, &event, 1, 0), EBADF);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{ "come", all_come }, { "errors", errors }, { "passed_on", passed_on },
		{ "too_small", too_small }, { "in_thread", in_thread }, { NULL, NULL },
	};
	static const struct check without[] = { { "alone", alone }, { NULL, NULL } };

	if (mmap(RECORD, sizeof(*RECORD), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != RECORD)
		return 1;
	return check_main(argc, argv, argc > 1 && !strcmp(argv[1], "alone") ? without : checks);
}
