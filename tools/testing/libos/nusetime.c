// SPDX-License-Identifier: GPL-2.0
/*
 * nusetime.c - the time of day of an instance follows the host's, when that is set.
 * Here the instance's is set wrong instead, and the keeper's timer made due.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include "harness.h"
#include "nuse/loop.h"
#include "nuse/timeofday.h"
#include "shared.h"

#define NS_PER_S	1000000000LL
#define HOUR		3600
#define MARGIN_NS	NS_PER_S

static int64_t ns(struct timespec ts)
{
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t host_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ns(ts);
}

static int64_t instance_time(void)
{
	struct timespec ts = { 0 };

	call(SYS_clock_gettime, CLOCK_REALTIME, (long)&ts);
	return ns(ts);
}

/* Of a packet's arrival */
static int64_t packet_time(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = call(SYS_socket, AF_INET, SOCK_DGRAM), len = sizeof(sa), one = 1;
	char c = 'x', control[CMSG_SPACE(sizeof(struct timespec))] = "";
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct timespec ts = { 0 };

	call(SYS_bind, fd, (long)&sa, sizeof(sa));
	call(SYS_getsockname, fd, (long)&sa, (long)&len);
	call(SYS_setsockopt, fd, SOL_SOCKET, SO_TIMESTAMPNS, (long)&one, sizeof(one));
	call(SYS_sendto, fd, (long)&c, 1, 0, (long)&sa, sizeof(sa));
	call(SYS_recvmsg, fd, (long)&msg, 0);
	if (msg.msg_controllen)
		memcpy(&ts, CMSG_DATA((struct cmsghdr *)control), sizeof(ts));
	call(SYS_close, fd);
	return ns(ts);
}

static bool is_right(int64_t (*get)(void))
{
	int64_t before = host_time(), got = get(), after = host_time();

	return got > before - MARGIN_NS && got < after + MARGIN_NS;
}

static void set_wrong(int seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += seconds;
	call(SYS_clock_settime, CLOCK_REALTIME, (long)&ts);
}

/* The timer that ends when the host's clock is set; -1: there is none */
static int find_timer(void)
{
	char path[40], text[256];
	int fd, found = -1;
	FILE *file;

	for (fd = 3; fd < 100 && found < 0; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		file = fopen(path, "r");
		while (file && fgets(text, sizeof(text), file))
			if (!strcmp(text, "settime flags: 03\n"))
				found = fd;
		if (file)
			fclose(file);
	}
	return found;
}

static int due(int timer)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1 };

	return timerfd_settime(timer, 0, &soon, NULL);
}

static void serve(int loop)
{
	struct pollfd fd = { loop, POLLIN, 0 };

	poll(&fd, 1, 10000);
	loop_serve();
}

TEST(follows_the_host)
{
	int timer, loop, i;

	loop = loop_open();
	ASSERT_LE(0, loop);
	ASSERT_EQ(0, timeofday_serve());
	timer = find_timer();
	ASSERT_LE(0, timer);
	ASSERT_EQ(0, start());
	EXPECT_TRUE(is_right(instance_time));
	EXPECT_TRUE(is_right(packet_time));
	for (i = 0; i < 4; i++) {
		set_wrong(i % 2 ? -HOUR : HOUR);
		loop_serve();
		EXPECT_FALSE(is_right(instance_time));
		EXPECT_FALSE(is_right(packet_time));

		ASSERT_EQ(0, due(timer));
		EXPECT_EQ(-1, find_timer());
		serve(loop);
		EXPECT_TRUE(is_right(instance_time));
		EXPECT_TRUE(is_right(packet_time));
		EXPECT_EQ(timer, find_timer());
	}
}

/* It is set before there is an instance. */
TEST(before_the_start)
{
	int loop = loop_open();

	ASSERT_LE(0, loop);
	ASSERT_EQ(0, timeofday_serve());
	ASSERT_EQ(0, due(find_timer()));
	ASSERT_EQ(0, start());
	serve(loop);
	EXPECT_TRUE(is_right(instance_time));
	EXPECT_LE(0, find_timer());
}

TEST_HARNESS_MAIN
