// SPDX-License-Identifier: GPL-2.0
/*
 * sockets.c - signals of libc itself in calls that wait for sockets of the library,
 * and of the host: threads are cancelled, and their stacks unwound; threads become
 * another user, and go on. Compiled with -fexceptions, or there are no cleanups; for
 * musl, which does not unwind, and whose stdio is not cancelled, with -DMUSL.
 */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include "../catch/check.h"

#ifdef MUSL
#define CLEANUPS	0
#define NR_WAYS		10
#else
#define CLEANUPS	2
#define NR_WAYS		11
#endif

static int udp, ends[2], cleanups;
static volatile int begun;
static FILE *file;

static void clean(int *by)
{
	cleanups += *by;
}

static int socket_of_any_port(struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(*addr);

	*addr = (struct sockaddr_in) { .sin_family = AF_INET };
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EQUAL(bind(fd, (struct sockaddr *)addr, len), 0);
	EQUAL(getsockname(fd, (struct sockaddr *)addr, &len), 0);
	return fd;
}

/* ------------------------------------------------------------ cancellation */

static void wait_in_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, udp, &event);
	epoll_wait(ep, &event, 1, -1);
}

static void wait_in_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(udp, &set);
	select(udp + 1, &set, NULL, NULL, NULL);
}

static void wait_for_ever(long how)
{
	struct pollfd fds[] = { { udp, POLLIN, 0 }, { ends[0], POLLIN, 0 } };
	struct msghdr msg = { 0 };
	sigset_t none;
	char byte;

	switch (how) {
	case 0:
		read(udp, &byte, 1);
		break;
	case 1:
		recv(udp, &byte, 1, 0);
		break;
	case 2:
		recvmsg(udp, &msg, 0);
		break;
	case 3:
		poll(fds, 1, -1);
		break;
	case 4:
		poll(fds, 2, -1);
		break;
	case 5:
		wait_in_select();
		break;
	case 6:
		wait_in_epoll();
		break;
	case 7:
		read(ends[0], &byte, 1);
		break;
	case 8:
		poll(fds + 1, 1, -1);
		break;
	case 9:
		sigemptyset(&none);
		sigsuspend(&none);
		break;
	case 10:
		fgetc(file);
		break;
	}
}

__attribute__((noinline)) static void wait_deep(long how)
{
	__attribute__((cleanup(clean))) int one = 1;

	asm volatile("" : "+m" (one));
	wait_for_ever(how);
	asm volatile("" : "+m" (one));
}

static void *waits(void *how)
{
	__attribute__((cleanup(clean))) int one = 1;

	wait_deep((long)how);
	asm volatile("" : "+m" (one));
	return NULL;
}

static void cancelled(void)
{
	struct sockaddr_in addr;
	pthread_t id;
	void *ret;
	long i;

	udp = socket_of_any_port(&addr);
	EQUAL(pipe(ends), 0);
	file = fdopen(ends[0], "r");
	for (i = 0; i < 40 * NR_WAYS; i++) {
		cleanups = 0;
		EQUAL(pthread_create(&id, NULL, waits, (void *)(i % NR_WAYS)), 0);
		if (i / NR_WAYS % 3)
			usleep(i / NR_WAYS % 3 * 200);
		EQUAL(pthread_cancel(id), 0);
		EQUAL(pthread_join(id, &ret), 0);
		EQUAL((long)ret, (long)PTHREAD_CANCELED);
		EQUAL(cleanups, CLEANUPS);
		EQUAL(ftrylockfile(file), 0);
		funlockfile(file);
	}
}

/* At any moment of calls that do not wait */
static void *busy(void *arg)
{
	char byte;

	(void)arg;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	begun = 1;
	while (begun)
		recv(udp, &byte, 1, MSG_DONTWAIT);
	return NULL;
}

static void at_any_moment(void)
{
	struct sockaddr_in addr;
	pthread_t id;
	void *ret;
	int i, j;

	udp = socket_of_any_port(&addr);
	for (i = 0; i < 500; i++) {
		begun = 0;
		EQUAL(pthread_create(&id, NULL, busy, NULL), 0);
		while (!begun)
			usleep(10);
		for (j = 0; j < i * 10; j++)
			asm volatile("");
		EQUAL(pthread_cancel(id), 0);
		EQUAL(pthread_join(id, &ret), 0);
		EQUAL((long)ret, (long)PTHREAD_CANCELED);
	}
}

/* ----------------------------------------------------- another user, in all threads */

#define ROUNDS	300

struct talker {
	int fd;
	struct sockaddr_in addr, to;
	pthread_t id;
};

static void *talks(void *arg)
{
	struct talker *t = arg;
	int n, got;

	for (n = 0; n < ROUNDS; n++) {
		EQUAL(sendto(t->fd, &n, sizeof(n), 0, (void *)&t->to, sizeof(t->to)), sizeof(n));
		EQUAL(recv(t->fd, &got, sizeof(got), 0), sizeof(got));
		EQUAL(got, n);
	}
	return NULL;
}

static void others_go_on(void)
{
	struct talker t[2];
	int i;

	for (i = 0; i < 2; i++)
		t[i].fd = socket_of_any_port(&t[i].addr);
	for (i = 0; i < 2; i++) {
		t[i].to = t[!i].addr;
		EQUAL(pthread_create(&t[i].id, NULL, talks, &t[i]), 0);
	}
	for (i = 0; i < ROUNDS; i++)
		EQUAL(setreuid(-1, geteuid()), 0);
	for (i = 0; i < 2; i++)
		EQUAL(pthread_join(t[i].id, NULL), 0);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{ "cancelled", cancelled }, { "at_any_moment", at_any_moment },
		{ "others_go_on", others_go_on }, { NULL, NULL },
	};

	return check_main(argc, argv, checks);
}
