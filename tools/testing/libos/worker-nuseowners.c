// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nuseowners.c - who gets SIGIO and SIGURG of a socket: processes, threads and
 * groups. See nusecalls.h.
 */
#include <limits.h>
#include <linux/sockios.h>
#include "nusecalls.h"

#define NOBODY	0x3fffffff		/* no process has this number */

static volatile sig_atomic_t caught, caught_by;

static void on_signal(int sig)
{
	caught_by = gettid();
	caught = sig;
}

static void expect_signals(void)
{
	signal(SIGIO, on_signal);
	signal(SIGURG, on_signal);
	caught = caught_by = 0;
}

static int wait_for_signal(void)
{
	while (!caught)
		sleep_ms(1);
	return caught;
}

/* Two connected UDP sockets, the second of which sends signals */
static int async_pair(int fd[2])
{
	return udp_pair(fd) ?: fcntl(fd[1], F_SETFL, O_ASYNC | O_NONBLOCK);
}

/* In a group of its own or that of @group: its status is the signal that it gets. */
static pid_t waiter(pid_t group)
{
	pid_t pid = CHILD(wait_for_signal());

	setpgid(pid, group);
	return pid;
}

static int owner(int fd)
{
	struct f_owner_ex ex = { 99, 99 };
	int number, from_ioctl = 0;

	if (fcntl(fd, F_GETOWN_EX, &ex) || ioctl(fd, FIOGETOWN, &from_ioctl))
		return INT_MIN;
	number = ex.type == F_OWNER_PGRP ? -ex.pid : ex.pid;
	return number == from_ioctl ? number : INT_MIN;
}

/* All of the group and nobody else */
TEST(a_group)
{
	pid_t first, second, other;
	int fd[2];

	expect_signals();
	ASSERT_EQ(0, async_pair(fd));
	first = waiter(0);
	second = waiter(first);
	other = waiter(0);
	ASSERT_EQ(0, fcntl(fd[1], F_SETOWN, -first));
	EXPECT_EQ(-first, owner(fd[1]));
	EXPECT_EQ(1, write(fd[0], "x", 1));
	EXPECT_EQ(SIGIO, status_of(first));
	EXPECT_EQ(SIGIO, status_of(second));
	EXPECT_EQ(0, caught);
	EXPECT_EQ(0, waitpid(other, NULL, WNOHANG));
	kill(other, SIGKILL);
	status_of(other);
}

TEST(its_own_group)
{
	pid_t child, writer;
	int fd[2];

	expect_signals();
	setpgid(0, 0);
	ASSERT_EQ(0, async_pair(fd));
	child = waiter(getpgrp());
	ASSERT_EQ(0, fcntl(fd[1], F_SETOWN, -getpgrp()));
	writer = CHILD(setpgid(0, 0) || write(fd[0], "x", 1) != 1);
	EXPECT_EQ(0, status_of(writer));
	EXPECT_EQ(SIGIO, wait_for_signal());
	EXPECT_EQ(SIGIO, status_of(child));
}

TEST(urgent_data_for_a_group)
{
	static const int requests[] = { FIOSETOWN, SIOCSPGRP };
	unsigned int i;
	pid_t child;
	int fd[2], group;

	expect_signals();
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		ASSERT_EQ(0, tcp_pair(fd));
		child = waiter(0);
		group = -child;
		ASSERT_EQ(0, ioctl(fd[1], requests[i], &group));
		EXPECT_EQ(-child, owner(fd[1]));
		EXPECT_EQ(1, send(fd[0], "!", 1, MSG_OOB));
		EXPECT_EQ(SIGURG, status_of(child));
	}
	EXPECT_EQ(0, caught);
}

struct idler {
	pthread_t thread;
	volatile pid_t tid;
	volatile bool end;
	int fd;
};

static void *idle(void *arg)
{
	struct idler *idler = arg;
	char c;

	idler->tid = gettid();
	if (idler->fd >= 0)
		read(idler->fd, &c, 1);
	while (!idler->end)
		sleep_ms(1);
	return NULL;
}

/* It makes no call, or waits in one */
TEST(another_thread)
{
	int fd[2], idle_fd[2], i;

	expect_signals();
	ASSERT_EQ(0, udp_pair(idle_fd));
	for (i = 0; i < 2; i++) {
		struct idler idler = { .fd = i ? idle_fd[1] : -1 };
		struct f_owner_ex ex = { .type = F_OWNER_TID }, got = { 0 };

		caught_by = caught = 0;
		ASSERT_EQ(0, async_pair(fd));
		ASSERT_EQ(0, pthread_create(&idler.thread, NULL, idle, &idler));
		while (!idler.tid)
			sleep_ms(1);
		sleep_ms(i * 20);
		ex.pid = idler.tid;
		ASSERT_EQ(0, fcntl(fd[1], F_SETOWN_EX, &ex));
		EXPECT_EQ(0, fcntl(fd[1], F_GETOWN_EX, &got));
		EXPECT_EQ(F_OWNER_TID, (int)got.type);
		EXPECT_EQ(idler.tid, got.pid);
		EXPECT_EQ(1, write(fd[0], "x", 1));
		EXPECT_EQ(SIGIO, wait_for_signal());
		EXPECT_EQ(idler.tid, caught_by);
		idler.end = true;
		write(idle_fd[0], "x", 1);
		pthread_join(idler.thread, NULL);
	}
}

/* Who was named by himself is known to others. */
TEST(the_calling_thread)
{
	struct f_owner_ex ex = { F_OWNER_TID, gettid() }, got = { 0 };
	int fd[2], pipes[2];
	pid_t child;

	expect_signals();
	ASSERT_EQ(0, async_pair(fd));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, fcntl(fd[1], F_SETOWN_EX, &ex));
	child = CHILD(fcntl(fd[1], F_GETOWN_EX, &got) || got.type != F_OWNER_TID ||
		      got.pid != getppid());
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(1, write(fd[0], "x", 1));
	EXPECT_EQ(SIGIO, wait_for_signal());
	EXPECT_EQ(gettid(), caught_by);
}

TEST(a_process_by_a_threads_number)
{
	struct idler idler = { .fd = -1 };
	int fd[2];

	expect_signals();
	ASSERT_EQ(0, async_pair(fd));
	ASSERT_EQ(0, pthread_create(&idler.thread, NULL, idle, &idler));
	while (!idler.tid)
		sleep_ms(1);
	ASSERT_EQ(0, fcntl(fd[1], F_SETOWN, idler.tid));
	EXPECT_EQ(1, write(fd[0], "x", 1));
	EXPECT_EQ(SIGIO, wait_for_signal());
	idler.end = true;
	pthread_join(idler.thread, NULL);
}

/* Only named: it gets no signal. */
TEST(a_process_of_the_machine)
{
	struct f_owner_ex ex = { F_OWNER_PID, 1 };
	int fd[2];

	ASSERT_EQ(0, udp_pair(fd));
	EXPECT_EQ(0, fcntl(fd[1], F_SETOWN, 1));
	EXPECT_EQ(1, owner(fd[1]));
	EXPECT_EQ(0, fcntl(fd[1], F_SETOWN, 0));
	EXPECT_EQ(0, owner(fd[1]));
	EXPECT_EQ(0, fcntl(fd[1], F_SETOWN_EX, &ex));
	EXPECT_EQ(1, owner(fd[1]));
}

TEST(nobody)
{
	struct f_owner_ex ex = { 77, getpid() };
	int fd[2], none = -NOBODY, i;

	ASSERT_EQ(0, udp_pair(fd));
	EXPECT_EQ(0, owner(fd[1]));
	EXPECT_EQ(-1, fcntl(fd[1], F_SETOWN, NOBODY));
	EXPECT_EQ(ESRCH, errno);
	EXPECT_EQ(-1, fcntl(fd[1], F_SETOWN, -NOBODY));
	EXPECT_EQ(ESRCH, errno);
	EXPECT_EQ(-1, ioctl(fd[1], FIOSETOWN, &none));
	EXPECT_EQ(ESRCH, errno);
	EXPECT_EQ(-1, fcntl(fd[1], F_SETOWN, INT_MIN));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fcntl(fd[1], F_SETOWN_EX, &ex));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, syscall(SYS_fcntl, fd[1], F_SETOWN_EX, 8));
	EXPECT_EQ(EFAULT, errno);
	for (i = F_OWNER_TID; i <= F_OWNER_PGRP; i++) {
		ex = (struct f_owner_ex) { i, NOBODY };
		EXPECT_EQ(-1, fcntl(fd[1], F_SETOWN_EX, &ex));
		EXPECT_EQ(ESRCH, errno);
		ex = (struct f_owner_ex) { i, 0 };
		EXPECT_EQ(0, fcntl(fd[1], F_SETOWN_EX, &ex));
		EXPECT_EQ(0, owner(fd[1]));
	}
	EXPECT_EQ(0, owner(fd[1]));
}

/* One after the other: those that have gone are nobody. */
TEST(many_groups)
{
	pid_t child;
	int fd[2], i;

	expect_signals();
	ASSERT_EQ(0, async_pair(fd));
	for (i = 0; i < 150; i++) {
		child = waiter(0);
		ASSERT_EQ(0, fcntl(fd[1], F_SETOWN, -child));
		ASSERT_EQ(-child, owner(fd[1]));
		if (i % 10) {
			kill(child, SIGKILL);
			ASSERT_EQ(1000 + SIGKILL, status_of(child));
		} else {
			EXPECT_EQ(1, write(fd[0], "x", 1));
			ASSERT_EQ(SIGIO, status_of(child));
		}
		ASSERT_EQ(0, owner(fd[1]));
		EXPECT_EQ(1, write(fd[0], "x", 1));
	}
	EXPECT_EQ(0, caught);
}

/* A server that has given up its privileges, and its workers */
TEST(of_another_user)
{
	int fd[2];

	if (setresuid(65534, 65534, 65534))
		SKIP(return, "needs root");
	expect_signals();
	setpgid(0, 0);
	ASSERT_EQ(0, async_pair(fd));
	pid_t child = waiter(getpgrp());

	ASSERT_EQ(0, fcntl(fd[1], F_SETOWN, -getpgrp()));
	EXPECT_EQ(1, write(fd[0], "x", 1));
	EXPECT_EQ(SIGIO, wait_for_signal());
	EXPECT_EQ(SIGIO, status_of(child));
}

/* Who waits in a call is interrupted. */
TEST(a_group_that_waits)
{
	struct sigaction action = { .sa_handler = on_signal };
	int fd[2], wait_fd[2];
	pid_t child;

	ASSERT_EQ(0, async_pair(fd));
	ASSERT_EQ(0, tcp_pair(wait_fd));
	sigaction(SIGIO, &action, NULL);
	child = CHILD(({
		char c;

		setpgid(0, 0);
		write(wait_fd[1], "r", 1);
		read(wait_fd[1], &c, 1) < 0 && errno == EINTR ? caught : 1;
	}));
	char c;

	EXPECT_EQ(1, read(wait_fd[0], &c, 1));
	ASSERT_EQ(0, fcntl(fd[1], F_SETOWN, -child));
	sleep_ms(20);
	EXPECT_EQ(1, write(fd[0], "x", 1));
	EXPECT_EQ(SIGIO, status_of(child));
}

TEST_HARNESS_MAIN
