// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nuseerrors.c - bad pointers, closed numbers and descriptors of the wrong
 * kind, in every call on a socket. See nusecalls.h.
 */
#include <sys/sendfile.h>
#include "nusecalls.h"

#define BAD	8

/* Calls on a socket, with arguments behind the descriptor that are good if 0 */
struct call {
	const char *name;
	int nr;
	long args[5];
};

static char buf[64];
static struct sockaddr_in addr;
static socklen_t len = sizeof(addr);
static struct iovec iov = { buf, sizeof(buf) };
static struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
static int value;

#define P(x)	((long)(x))

static const struct call calls[] = {
	{ "bind", SYS_bind, { P(&addr), sizeof(addr) } },
	{ "connect", SYS_connect, { P(&addr), sizeof(addr) } },
	{ "listen", SYS_listen, { 1 } },
	{ "accept", SYS_accept, { 0, 0 } },
	{ "accept4", SYS_accept4, { 0, 0, 0 } },
	{ "shutdown", SYS_shutdown, { SHUT_RD } },
	{ "getsockname", SYS_getsockname, { P(&addr), P(&len) } },
	{ "getpeername", SYS_getpeername, { P(&addr), P(&len) } },
	{ "getsockopt", SYS_getsockopt, { SOL_SOCKET, SO_ERROR, P(&value), P(&len) } },
	{ "setsockopt", SYS_setsockopt, { SOL_SOCKET, SO_REUSEADDR, P(&value), sizeof(value) } },
	{ "sendto", SYS_sendto, { P(buf), 1, MSG_DONTWAIT, 0, 0 } },
	{ "recvfrom", SYS_recvfrom, { P(buf), 1, MSG_DONTWAIT, 0, 0 } },
	{ "sendmsg", SYS_sendmsg, { P(&msg), MSG_DONTWAIT } },
	{ "recvmsg", SYS_recvmsg, { P(&msg), MSG_DONTWAIT } },
};

static long make(const struct call *c, int fd)
{
	return syscall(c->nr, fd, c->args[0], c->args[1], c->args[2], c->args[3], c->args[4]);
}

TEST(closed_numbers)
{
	static const int numbers[] = { -1, 900, 4000, 4100, 5000, 70000, 1 << 30 };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (k = 0; k < ARRAY_SIZE(numbers); k++) {
			errno = 0;
			EXPECT_EQ(-1, make(&calls[i], numbers[k])) {
				TH_LOG("%s of %d", calls[i].name, numbers[k]);
			}
			EXPECT_EQ(EBADF, errno) {
				TH_LOG("%s of %d", calls[i].name, numbers[k]);
			}
		}
	}
}

TEST(other_calls_on_closed_numbers)
{
	static const int numbers[] = { -1, 900, 4000, 4100, 70000 };
	struct stat st;
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(numbers); k++) {
		int fd = numbers[k];

		EXPECT_EQ(-1, read(fd, buf, 1));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, write(fd, buf, 1));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, readv(fd, &iov, 1));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, fstat(fd, &st));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, ioctl(fd, FIONREAD, &value));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, fcntl(fd, F_GETFL));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, fcntl(fd, F_DUPFD, 0));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, dup2(fd, 5));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, lseek(fd, 0, SEEK_CUR));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, fsync(fd));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, sendfile(fd, 0, NULL, 1));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(P(MAP_FAILED), P(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0)));
		EXPECT_EQ(EBADF, errno);
	}
}

TEST(not_a_socket)
{
	int fds[3] = { open("/dev/null", O_RDWR), eventfd(0, 0), epoll_create1(0) };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (k = 0; k < 3; k++) {
			errno = 0;
			EXPECT_EQ(-1, make(&calls[i], fds[k])) {
				TH_LOG("%s of %d", calls[i].name, k);
			}
			EXPECT_EQ(ENOTSOCK, errno) {
				TH_LOG("%s of %d", calls[i].name, k);
			}
		}
	}
}

/* Of a connected socket, with something to be read */
static long fault(int nr, int fd, long a, long b, long c, long d, long e)
{
	errno = 0;
	return syscall(nr, fd, a, b, c, d, e) == -1 && errno == EFAULT ? 0 : 1000 + errno;
}

#define FAULTS(nr, ...)	EXPECT_EQ(0, fault(nr, fd, __VA_ARGS__))

static void faults(struct __test_metadata *_metadata, int fd, int listener, int fresh)
{
	FAULTS(SYS_read, BAD, 1, 0, 0, 0);
	FAULTS(SYS_write, BAD, 1, 0, 0, 0);
	FAULTS(SYS_readv, BAD, 1, 0, 0, 0);
	FAULTS(SYS_writev, BAD, 1, 0, 0, 0);
	FAULTS(SYS_recvfrom, BAD, 1, 0, 0, 0);
	FAULTS(SYS_sendto, BAD, 1, 0, 0, 0);
	FAULTS(SYS_recvmsg, BAD, 0, 0, 0, 0);
	FAULTS(SYS_sendmsg, BAD, 0, 0, 0, 0);
	FAULTS(SYS_recvmmsg, BAD, 1, 0, 0, 0);
	FAULTS(SYS_sendmmsg, BAD, 1, 0, 0, 0);
	FAULTS(SYS_getsockname, BAD, P(&len), 0, 0, 0);
	FAULTS(SYS_getsockname, P(&addr), BAD, 0, 0, 0);
	FAULTS(SYS_getpeername, BAD, P(&len), 0, 0, 0);
	FAULTS(SYS_getsockopt, SOL_SOCKET, SO_TYPE, BAD, P(&len), 0);
	FAULTS(SYS_getsockopt, SOL_SOCKET, SO_TYPE, P(&value), BAD, 0);
	FAULTS(SYS_setsockopt, SOL_SOCKET, SO_REUSEADDR, BAD, 4, 0);
	FAULTS(SYS_ioctl, FIONREAD, BAD, 0, 0, 0);
	FAULTS(SYS_ioctl, FIONBIO, BAD, 0, 0, 0);
	FAULTS(SYS_ioctl, SIOCGIFCONF, BAD, 0, 0, 0);
	FAULTS(SYS_fstat, BAD, 0, 0, 0, 0);
	FAULTS(SYS_write, P(buf) | 1L << 47, 1, 0, 0, 0);
	FAULTS(SYS_write, -4096, 1, 0, 0, 0);
	fd = fresh;
	FAULTS(SYS_bind, BAD, sizeof(addr), 0, 0, 0);
	FAULTS(SYS_connect, BAD, sizeof(addr), 0, 0, 0);
	fd = listener;
	FAULTS(SYS_accept, BAD, P(&len), 0, 0, 0);
}

TEST(bad_pointers)
{
	int fd[2], listener = bound(SOCK_STREAM);

	ASSERT_EQ(0, tcp_pair(fd));
	dial(SOCK_STREAM, listener);
	write(fd[1], buf, 10);
	faults(_metadata, fd[0], listener, socket(AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(-1, syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(10, read(fd[0], buf, sizeof(buf)) >= 0 ? 10 : -1);
	EXPECT_TRUE(connected(fd));
}

/* The end of what may be read lies in the middle of the buffer. */
TEST(half_of_a_buffer)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd[2];

	ASSERT_EQ(0, munmap(pages + 4096, 4096));
	ASSERT_EQ(0, udp_pair(fd));
	EXPECT_EQ(-1, write(fd[0], pages + 4090, 20));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(20, write(fd[0], pages, 20));
	EXPECT_EQ(-1, read(fd[1], pages + 4090, 20));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(6, write(fd[0], pages + 4090, 6));
	EXPECT_EQ(6, read(fd[1], pages + 4090, 6));
	EXPECT_TRUE(connected(fd));
	EXPECT_EQ(0, mprotect(pages, 4096, PROT_READ));
	EXPECT_EQ(20, write(fd[0], pages, 20));
	EXPECT_EQ(-1, read(fd[1], pages, 20));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(connected(fd));
}

/* A program's own handler of a bad access of its own */
static volatile sig_atomic_t faulted;
static char *page;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	faulted = info->si_addr == page;
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

TEST(faults_of_the_program)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, old;
	int fd[2];

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(0, sigaction(SIGSEGV, &action, &old));
	EXPECT_EQ(SIG_DFL, old.sa_handler);
	*(volatile char *)page = 1;
	EXPECT_EQ(1, faulted);
	faulted = 0;
	mprotect(page, 4096, PROT_NONE);
	ASSERT_EQ(0, udp_pair(fd));
	EXPECT_EQ(-1, write(fd[0], page, 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, faulted);
	EXPECT_EQ(1000 + SIGSEGV, status_of(CHILD(({
		signal(SIGSEGV, SIG_DFL);
		*(volatile char *)page = 1;
		0;
	}))));
	EXPECT_TRUE(connected(fd));
}

TEST(wrong_arguments)
{
	int fd[2];

	EXPECT_EQ(-1, socket(77, SOCK_STREAM, 0));
	EXPECT_EQ(EAFNOSUPPORT, errno);
	EXPECT_EQ(-1, socket(AF_INET, SOCK_STREAM, 77));
	EXPECT_EQ(EPROTONOSUPPORT, errno);
	EXPECT_EQ(-1, socketpair(AF_INET, SOCK_STREAM, 0, fd));
	EXPECT_EQ(EOPNOTSUPP, errno);
	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(-1, getsockopt(fd[0], SOL_SOCKET, 9999, &value, &len));
	EXPECT_EQ(ENOPROTOOPT, errno);
	EXPECT_EQ(-1, setsockopt(fd[0], SOL_SOCKET, SO_RCVBUF, &value, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, bind(fd[0], (void *)&addr, 3));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, accept(fd[0], NULL, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, connect(fd[0], (void *)&(struct sockaddr_in) { .sin_family = AF_INET }, 16));
	EXPECT_EQ(EISCONN, errno);
	EXPECT_EQ(-1, fsync(fd[0]));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fchdir(fd[0]));
	EXPECT_EQ(ENOTDIR, errno);
	EXPECT_EQ(-1, openat(fd[0], "x", O_RDONLY));
	EXPECT_EQ(ENOTDIR, errno);
}

/* Where there is no memory for a larger table, a number is not there, and not said to be. */
TEST(no_memory_for_a_number)
{
	struct sockaddr_in name;
	socklen_t size = sizeof(name);
	struct rlimit limit;
	int fd, last, got;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 20000 ? limit.rlim_max : 20000;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	last = limit.rlim_cur - 1;
	fd = bound(SOCK_DGRAM);
	ASSERT_LE(0, fd);
	while (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		;
	got = dup2(fd, last);
	if (got < 0) {
		EXPECT_EQ(ENOMEM, errno);
		EXPECT_EQ(-1, fcntl(last, F_GETFD));
	} else {
		EXPECT_EQ(0, getsockname(last, (void *)&name, &size));
	}
}

TEST_HARNESS_MAIN
