/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nusecalls.h - what the programs of nusecalls.py have in common: connections over
 * the loopback, processes and threads that end, descriptors of both kinds.
 *
 * These programs are ordinary ones: they know nothing of nuse, and pass on the host
 * kernel. A socket of AF_INET is the library's under nuse; pipes and the like are
 * the host's. Each test is a process of its own (kselftest_harness.h).
 */
#ifndef _TESTS_NUSECALLS_H
#define _TESTS_NUSECALLS_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

static inline struct sockaddr_in loopback(unsigned int port)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static inline struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);

	getsockname(fd, (void *)&addr, &len);
	return addr;
}

/* A socket with any port of the loopback, which listens if it is a stream's */
static inline int bound(int type)
{
	struct sockaddr_in addr = loopback(0);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)))
		return -1;
	if ((type & 15) == SOCK_STREAM && listen(fd, 64))
		return -1;
	return fd;
}

static inline int dial(int type, int to)
{
	struct sockaddr_in addr = name_of(to);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || (connect(fd, (void *)&addr, sizeof(addr)) && errno != EINPROGRESS))
		return -1;
	return fd;
}

/* Both ends of a TCP connection. No part of who calls vfork() or sigsetjmp() */
static __attribute__((noinline, unused)) int tcp_pair(int fd[2])
{
	int listener = bound(SOCK_STREAM);

	fd[0] = dial(SOCK_STREAM, listener);
	fd[1] = accept(listener, NULL, NULL);
	close(listener);
	return fd[0] < 0 || fd[1] < 0 ? -1 : 0;
}

/* Two UDP sockets, connected to each other */
static __attribute__((noinline, unused)) int udp_pair(int fd[2])
{
	struct sockaddr_in addr;

	fd[0] = bound(SOCK_DGRAM);
	fd[1] = bound(SOCK_DGRAM);
	addr = name_of(fd[1]);
	if (connect(fd[0], (void *)&addr, sizeof(addr)))
		return -1;
	addr = name_of(fd[0]);
	return connect(fd[1], (void *)&addr, sizeof(addr));
}

/* One byte there and it is read. */
static inline bool passes(int from, int to)
{
	char c = 'x', got = 0;

	return write(from, &c, 1) == 1 && read(to, &got, 1) == 1 && got == c;
}

static inline bool connected(int fd[2])
{
	return passes(fd[0], fd[1]) && passes(fd[1], fd[0]);
}

static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static inline bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static inline int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static inline void sleep_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts))
		;
}

/* The status of a child that has ended: 0 is fine, 1000 + n a signal. */
static inline int status_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			return -1;
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A child that does @work in this test's memory of now; its status is @work's. */
#define CHILD(work) ({						\
	pid_t __pid = fork();					\
	if (!__pid)						\
		_exit(work);					\
	__pid;							\
})

/* Something done by another thread after a while: the main one is blocked by then */
struct later {
	int ms, fd, other;
	pthread_t thread;
	void (*act)(struct later *later);
};

static inline void *later_run(void *arg)
{
	struct later *later = arg;

	sleep_ms(later->ms);
	later->act(later);
	return NULL;
}

static inline void later_write(struct later *later)
{
	uint64_t one = 1;

	if (write(later->fd, &one, sizeof(one)) < 0)
		abort();
}

static inline void later_start(struct later *later)
{
	if (!later->act)
		later->act = later_write;
	if (!later->ms)
		later->ms = 30;
	if (pthread_create(&later->thread, NULL, later_run, later))
		abort();
}

static inline void later_end(struct later *later)
{
	pthread_join(later->thread, NULL);
}

#endif /* _TESTS_NUSECALLS_H */
