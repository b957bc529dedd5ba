// SPDX-License-Identifier: GPL-2.0
/* musl.c - a program with another libc: all its calls are left to that. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include "../catch/check.h"
#include "core.h"

static void *all(void *arg)
{
	char buf[4];
	struct iovec v = { buf, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct pollfd fds = { .events = POLLIN };
	int pair[2];

	(void)arg;
	EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	EQUAL(send(pair[0], "abc", 3, 0), 3);
	fds.fd = pair[1];
	EQUAL(poll(&fds, 1, -1), 1);
	EQUAL(recvmsg(pair[1], &m, 0), 1);
	EQUAL(read(pair[1], buf, 4), 2);
	EQUAL(fcntl(pair[1], F_GETFL), O_RDWR);
	EQUAL(close(pair[0]), 0);
	EQUAL(close(pair[1]), 0);
	EQUAL(read(FD_SEEN, buf, 1), -1);
	EQUAL(errno, EBADF);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	all(NULL);
	EQUAL(pthread_create(&thread, NULL, all, NULL), 0);
	EQUAL(pthread_join(thread, NULL), 0);
	printf("fine\n");
	return 0;
}
