// SPDX-License-Identifier: GPL-2.0
/* sockets.c - threads that are cancelled while they wait for a socket of the library */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include "../catch/check.h"

static int fd, cleanups;

static void cleanup(void *arg)
{
	(void)arg;
	cleanups++;
}

static void wait_for_ever(long how)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd pollfd = { fd, POLLIN, 0 };
	struct msghdr msg = { 0 };
	char byte;
	fd_set set;
	int ep;

	switch (how) {
	case 0:
		read(fd, &byte, 1);
		break;
	case 1:
		recv(fd, &byte, 1, 0);
		break;
	case 2:
		recvmsg(fd, &msg, 0);
		break;
	case 3:
		poll(&pollfd, 1, -1);
		break;
	case 4:
		FD_ZERO(&set);
		FD_SET(fd, &set);
		select(fd + 1, &set, NULL, NULL, NULL);
		break;
	case 5:
		ep = epoll_create1(0);
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
		epoll_wait(ep, &event, 1, -1);
		break;
	}
}

static void *thread(void *how)
{
	pthread_cleanup_push(cleanup, NULL);
	wait_for_ever((long)how);
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancelled(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	pthread_t id;
	void *ret;
	long i;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	EQUAL(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	for (i = 0; i < 300; i++) {
		cleanups = 0;
		EQUAL(pthread_create(&id, NULL, thread, (void *)(i % 6)), 0);
		if (i / 6 % 3)
			usleep(i / 6 % 3 * 200);
		EQUAL(pthread_cancel(id), 0);
		EQUAL(pthread_join(id, &ret), 0);
		EQUAL((long)ret, (long)PTHREAD_CANCELED);
		TRUE(cleanups <= 1);
	}
}

int main(int argc, char **argv)
{
	static const struct check checks[] = { { "cancelled", cancelled }, { NULL, NULL } };

	return check_main(argc, argv, checks);
}
