// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nuseprocesses.c - sockets over fork, vfork, posix_spawn and exec, in
 * threads however made, sent to others by SCM_RIGHTS, and in processes that give up
 * their privileges. See nusecalls.h.
 */
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include "nusecalls.h"

extern char **environ;

/* ------------------------------------------------------------------ fork */

TEST(fork_shares_a_socket)
{
	int fd[2];
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	child = CHILD(({
		char c;

		(read(fd[1], &c, 1) != 1 || c != 'a') ||
			write(fd[1], "b", 1) != 1;
	}));
	EXPECT_EQ(1, write(fd[0], "a", 1));
	EXPECT_EQ(0, status_of(child));
	EXPECT_TRUE(passes(fd[0], fd[1]));
	char c;

	EXPECT_EQ(1, read(fd[0], &c, 1));
	EXPECT_EQ('b', c);
	EXPECT_TRUE(connected(fd));
}

TEST(closing_in_a_child)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(0, status_of(CHILD(close(fd[0]) || close(fd[1]) || is_open(fd[0]))));
	EXPECT_TRUE(connected(fd));
	pid_t child = CHILD(({ sleep_ms(20); 0; }));

	close(fd[0]);
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(0, read(fd[1], &c, 1));
}

/* A number means in the child what it does there. */
TEST(child_has_its_own_numbers)
{
	int fd[2], number;
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	number = dup(0);
	child = CHILD(({
		close(number);
		socket(AF_INET, SOCK_DGRAM, 0) != number || listen(number, 1) == 0;
	}));
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(-1, listen(number, 1));
	EXPECT_EQ(ENOTSOCK, errno);
}

TEST(generations)
{
	int fd[2];

	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(5, status_of(CHILD(status_of(CHILD(status_of(CHILD(
		connected(fd) ? 5 : 6)))))));
	EXPECT_TRUE(connected(fd));
}

TEST(orphan_goes_on)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(0, status_of(CHILD(({
		if (!fork()) {
			sleep_ms(20);
			_exit(write(fd[0], "o", 1) != 1);
		}
		0;
	}))));
	EXPECT_EQ(1, read(fd[1], &c, 1));
	EXPECT_EQ('o', c);
}

TEST(daemons)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(0, status_of(CHILD(({
		if (daemon(0, 0))
			_exit(1);
		write(fd[0], "d", 1) != 1;
	}))));
	EXPECT_EQ(1, read(fd[1], &c, 1));
	EXPECT_EQ('d', c);
}

/* A server that forks for each client */
TEST(forking_server)
{
	int listener = bound(SOCK_STREAM), i, fd;
	pid_t server = CHILD(({
		int i, fd;

		for (i = 0; i < 30; i++) {
			fd = accept(listener, NULL, NULL);
			if (!fork()) {
				char text[8];
				int n = read(fd, text, sizeof(text));

				_exit(write(fd, text, n) != n);
			}
			close(fd);
		}
		while (wait(NULL) > 0)
			;
		0;
	}));

	for (i = 0; i < 30; i++) {
		char text[8] = "";

		fd = dial(SOCK_STREAM, listener);
		ASSERT_LE(0, fd);
		ASSERT_EQ(4, write(fd, "text", 4));
		ASSERT_EQ(4, read(fd, text, 8));
		ASSERT_EQ(0, read(fd, text, 8));
		close(fd);
	}
	EXPECT_EQ(0, status_of(server));
}

/* Workers that were forked before wait in accept() all at once. */
TEST(preforked_server)
{
	int listener = bound(SOCK_STREAM), i, fd, served = 0;
	pid_t workers[4];
	char c;

	for (i = 0; i < 4; i++)
		workers[i] = CHILD(({
			int nr = 0, fd;
			char c;

			while ((fd = accept(listener, NULL, NULL)) >= 0) {
				if (read(fd, &c, 1) == 1 && c == 'q')
					_exit(nr);
				nr++;
				write(fd, &c, 1);
				close(fd);
			}
			200;
		}));
	for (i = 0; i < 40; i++) {
		fd = dial(SOCK_STREAM, listener);
		ASSERT_EQ(1, write(fd, "x", 1));
		ASSERT_EQ(1, read(fd, &c, 1));
		close(fd);
	}
	for (i = 0; i < 4; i++) {
		fd = dial(SOCK_STREAM, listener);
		ASSERT_EQ(1, write(fd, "q", 1));
	}
	for (i = 0; i < 4; i++)
		served += status_of(workers[i]);
	EXPECT_EQ(40, served);
}

TEST(many_children_at_once)
{
	int fd[2], i;
	pid_t children[40];

	ASSERT_EQ(0, udp_pair(fd));
	for (i = 0; i < 40; i++)
		children[i] = CHILD(write(fd[0], "x", 1) != 1);
	for (i = 0; i < 40; i++)
		EXPECT_EQ(0, status_of(children[i]));
	for (i = 0; i < 40; i++)
		EXPECT_EQ(1, read(fd[1], children, 10));
}

/* At once, even if the child does nothing with it */
TEST(what_a_child_inherits_ends_with_it)
{
	struct sockaddr_in addr;
	int fd, i;

	for (i = 0; i < 50; i++) {
		fd = bound(SOCK_STREAM);
		addr = name_of(fd);
		pid_t child = CHILD(0);

		close(fd);
		ASSERT_EQ(0, status_of(child));
		fd = socket(AF_INET, SOCK_STREAM, 0);
		ASSERT_EQ(0, bind(fd, (void *)&addr, sizeof(addr)));
		close(fd);
	}
}

/* The same of one that is killed */
TEST(what_a_child_has_ends_with_a_signal)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGSEGV };
	struct sockaddr_in addr;
	int fd, pipes[2], i;
	siginfo_t info;
	char c;

	ASSERT_EQ(0, pipe(pipes));
	for (i = 0; i < 60; i++) {
		fd = bound(SOCK_STREAM);
		addr = name_of(fd);
		pid_t child = CHILD(write(pipes[1], "r", 1) != 1 || pause());

		close(fd);
		ASSERT_EQ(1, read(pipes[0], &c, 1));
		kill(child, signals[i % 3]);
		if (i % 2) {
			ASSERT_EQ(1000 + signals[i % 3], status_of(child));
		} else {
			ASSERT_EQ(0, waitid(P_PID, child, &info, WEXITED));
			ASSERT_EQ(child, info.si_pid);
		}
		fd = socket(AF_INET, SOCK_STREAM, 0);
		ASSERT_EQ(0, bind(fd, (void *)&addr, sizeof(addr)));
		close(fd);
	}
}

/* In its place: what is over for the one is not over for the other. */
TEST(who_comes_after_one_that_was_killed)
{
	int fd[2], pipes[2], i;
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, pipe(pipes));
	for (i = 0; i < 150; i++) {
		pid_t child = CHILD(write(pipes[1], "r", 1) != 1 || pause());

		ASSERT_EQ(1, read(pipes[0], &c, 1));
		kill(child, SIGKILL);
		ASSERT_EQ(1000 + SIGKILL, status_of(child));
		child = CHILD(tcp_pair(fd) || !connected(fd));
		ASSERT_EQ(0, status_of(child));
	}
}

/* Stopped, continued, looked at: it lives. */
TEST(waiting_for_what_has_not_ended)
{
	int fd[2], status;
	siginfo_t info;
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	pid_t child = CHILD(({
		while (read(fd[1], &c, 1) == 1)
			write(fd[1], &c, 1);
		7;
	}));

	EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
	EXPECT_EQ(0, waitid(P_PID, child, &info, WEXITED | WNOHANG));
	EXPECT_EQ(0, info.si_pid);
	kill(child, SIGSTOP);
	EXPECT_EQ(child, waitpid(child, &status, WUNTRACED));
	EXPECT_TRUE(WIFSTOPPED(status));
	kill(child, SIGCONT);
	EXPECT_EQ(child, waitpid(child, &status, WCONTINUED));
	EXPECT_TRUE(WIFCONTINUED(status));
	EXPECT_EQ(1, write(fd[0], "x", 1));
	EXPECT_EQ(1, read(fd[0], &c, 1));
	shutdown(fd[0], SHUT_WR);
	EXPECT_EQ(0, waitid(P_PID, child, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(7, info.si_status);
	EXPECT_EQ(0, waitid(P_PID, child, NULL, WEXITED | WNOWAIT));
	EXPECT_EQ(-1, syscall(SYS_wait4, child, 8, 0, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, waitpid(child, NULL, 0));
	EXPECT_EQ(ECHILD, errno);
	EXPECT_TRUE(passes(fd[1], fd[0]));
}

#define MANY		1000
#define MANY_PROGRAMS	500		/* which take longer */

/* At the same time, and again when they have gone */
TEST(a_thousand_children)
{
	static pid_t children[MANY];
	int fd[2], i, round;

	ASSERT_EQ(0, tcp_pair(fd));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < MANY; i++) {
			children[i] = CHILD(prctl(PR_SET_PDEATHSIG, SIGKILL) || pause());
			ASSERT_LT(0, children[i]);
		}
		EXPECT_TRUE(connected(fd));
		EXPECT_EQ(0, status_of(CHILD(connected(fd) ? 0 : 1)));
		for (i = 0; i < MANY; i++)
			kill(children[i], SIGKILL);
		for (i = 0; i < MANY; i++)
			ASSERT_EQ(1000 + SIGKILL, status_of(children[i]));
		EXPECT_TRUE(connected(fd));
	}
}

/* Waits for what does not come, in one of the ways there are. */
static int sleep_long(int how)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd[2], ep = epoll_create1(0);
	struct pollfd pfd[2];
	char c;

	if (tcp_pair(fd) || epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev))
		return 1;
	pfd[0] = (struct pollfd) { fd[0], POLLIN, 0 };
	pfd[1] = (struct pollfd) { ep, POLLIN, 0 };
	switch (how) {
	case 0:
		return read(fd[0], &c, 1);
	case 1:
		return poll(pfd, 1, -1);
	case 2:
		return poll(pfd, 2, -1);
	}
	return epoll_wait(ep, &ev, 1, -1);
}

static long times_woken(pid_t pid)
{
	char path[64], line[128];
	long times = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "voluntary_ctxt_switches: %ld", &times);
	if (file)
		fclose(file);
	return times;
}

/* Who waits does not wake now and then. */
TEST(sleepers_sleep)
{
	enum { SLEEPERS = 8 };
	pid_t children[SLEEPERS];
	long woken = 0;
	int i;

	for (i = 0; i < SLEEPERS; i++)
		children[i] = CHILD(sleep_long(i % 4));
	sleep(1);
	for (i = 0; i < SLEEPERS; i++)
		woken -= times_woken(children[i]);
	sleep(3);
	for (i = 0; i < SLEEPERS; i++)
		woken += times_woken(children[i]);
	EXPECT_GT(SLEEPERS, woken);
	for (i = 0; i < SLEEPERS; i++) {
		kill(children[i], SIGKILL);
		EXPECT_EQ(1000 + SIGKILL, status_of(children[i]));
	}
}

/* Timers of others go off. */
TEST(stopped_sleeper)
{
	pid_t children[4];
	int fd[2], i;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 4; i++)
		children[i] = CHILD(sleep_long(i));
	usleep(300000);
	for (i = 0; i < 4; i++)
		kill(children[i], SIGSTOP);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, poll(&(struct pollfd) { fd[0], POLLIN, 0 }, 1, 100));
	for (i = 0; i < 4; i++) {
		kill(children[i], SIGKILL);
		EXPECT_EQ(1000 + SIGKILL, status_of(children[i]));
	}
}

/* Waits for @fd in one of the ways there are, and takes what came. */
static int take_later(int fd, int how)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd pfd[2] = { { fd, POLLIN, 0 } };
	int ep = epoll_create1(0);
	char text[8];

	pfd[1] = (struct pollfd) { ep, POLLIN, 0 };
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) ||
	    (how == 1 && poll(pfd, 1, -1) != 1) || (how == 2 && poll(pfd, 2, -1) < 1) ||
	    (how == 3 && TEMP_FAILURE_RETRY(epoll_wait(ep, &ev, 1, -1)) != 1))
		return 1;
	return read(fd, text, 8) != 8 || memcmp(text, "for you", 8);
}

/* What they wait for comes while they are stopped. */
TEST(stopped_waiters)
{
	int fds[4][2], fd[2], i, round;
	pid_t children[4];

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, tcp_pair(fds[i]));
		children[i] = CHILD(take_later(fds[i][1], i));
	}
	sleep_ms(200);
	for (i = 0; i < 4; i++) {
		kill(children[i], SIGSTOP);
		EXPECT_EQ(8, write(fds[i][0], "for you", 8));
	}
	for (round = 0; round < 50; round++)
		EXPECT_TRUE(connected(fd));
	EXPECT_EQ(0, status_of(CHILD(!connected(fd))));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(1, write(fds[i][0], "x", 1));	/* it has no lock */
		kill(children[i], SIGCONT);
		EXPECT_EQ(0, status_of(children[i]));
	}
}

static void *flood(void *unused)
{
	static char much[60000];
	struct sockaddr_in sa = loopback(9);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	while (sendto(fd, much, sizeof(much), 0, (struct sockaddr *)&sa, sizeof(sa)))
		;
	return unused;
}

/* As one thread, or as more beside the first */
static pid_t flooding_child(int nr)
{
	pthread_t thread;

	return CHILD(({
		if (nr == 1)
			flood(NULL);
		while (--nr)
			pthread_create(&thread, NULL, flood, NULL);
		while (pause())
			;
		0;
	}));
}

/* Who makes calls all the time is stopped between two of them. */
static void stop_at_work(struct __test_metadata *_metadata, int nr)
{
	int fd[2], round;
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	child = flooding_child(nr);
	for (round = 0; round < 300; round++) {
		kill(child, SIGSTOP);
		EXPECT_TRUE(connected(fd));
		kill(child, SIGCONT);
		sleep_ms(1);
	}
	kill(child, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, status_of(child));
}

TEST(stopped_at_work)
{
	stop_at_work(_metadata, 1);
}

TEST(threads_stopped_at_work)
{
	stop_at_work(_metadata, 4);
}

TEST(threads_stopped_as_they_begin)
{
	int fd[2], round;
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	for (round = 0; round < 400; round++) {
		child = flooding_child(4);
		usleep(round * 10);
		kill(child, SIGSTOP);
		EXPECT_TRUE(connected(fd));
		kill(child, SIGKILL);
		EXPECT_EQ(1000 + SIGKILL, status_of(child));
	}
}

/* One thread stops them all. */
TEST(stops_itself_at_work)
{
	int fd[2], round, status;
	pthread_t thread;
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	child = CHILD(({
		for (round = 0; round < 3; round++)
			pthread_create(&thread, NULL, flood, NULL);
		for (;; round++)
			round % 2 ? raise(SIGSTOP) : kill(getpid(), SIGSTOP);
		0;
	}));
	for (round = 0; round < 500; round++) {
		ASSERT_EQ(child, waitpid(child, &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
		EXPECT_TRUE(connected(fd));
		kill(child, SIGCONT);
	}
	kill(child, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, status_of(child));
}

static void *stop_again(void *unused)
{
	while (!raise(SIGSTOP))
		;
	return unused;
}

/* One thread stops the program while another one is about to end it. */
TEST(stopped_while_it_execs)
{
	int fd[2], round, i, status;
	pthread_t thread;
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	for (round = 0; round < 300; round++) {
		child = CHILD(({
			for (i = 0; i < 3; i++)
				pthread_create(&thread, NULL, flood, NULL);
			pthread_create(&thread, NULL, stop_again, NULL);
			usleep(round * 5);
			execl("/bin/true", "true", NULL);
		}));
		while (waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status))
			kill(child, SIGCONT);
		EXPECT_EQ(0, status);
		ASSERT_TRUE(connected(fd));
	}
}

TEST(many_programs)
{
	static char *argv[] = { "sleep", "25", NULL };
	static pid_t children[MANY_PROGRAMS];
	int fd[2], i;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < MANY_PROGRAMS; i++) {
		ASSERT_EQ(0, posix_spawnp(&children[i], "sleep", NULL, NULL, argv, environ));
	}
	EXPECT_TRUE(connected(fd));
	EXPECT_EQ(3, WEXITSTATUS(system("exit 3")));
	for (i = 0; i < MANY_PROGRAMS; i++) {
		kill(children[i], SIGKILL);
		EXPECT_EQ(1000 + SIGKILL, status_of(children[i]));
	}
	EXPECT_TRUE(connected(fd));
}

/* ---------------------------------------------------------- vfork and spawn */

TEST(vfork_and_exec)
{
	int fd[2], i;
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 10; i++) {
		child = vfork();
		if (!child) {
			execl("/bin/sh", "sh", "-c", "exit 4", NULL);
			_exit(5);
		}
		EXPECT_EQ(4, status_of(child));
		EXPECT_TRUE(connected(fd));
	}
	child = vfork();
	if (!child)
		_exit(6);
	EXPECT_EQ(6, status_of(child));
	child = vfork();
	if (!child) {
		execl("/nowhere", "nowhere", NULL);
		_exit(errno == ENOENT ? 7 : 8);
	}
	EXPECT_EQ(7, status_of(child));
	EXPECT_TRUE(connected(fd));
}

/* What a vfork child does with descriptors is its own affair. */
TEST(vfork_and_descriptors)
{
	int fd[2], saved;
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	saved = fd[0];
	child = vfork();
	if (!child) {
		dup2(fd[0], 1);
		close(fd[0]);
		close(fd[1]);
		execl("/bin/sh", "sh", "-c", "echo hello", NULL);
		_exit(5);
	}
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(saved, fd[0]);
	char text[8] = "";

	EXPECT_EQ(6, recv(fd[1], text, 6, MSG_WAITALL));
	EXPECT_STREQ("hello\n", text);
	EXPECT_TRUE(connected(fd));
}

TEST(spawn_with_file_actions)
{
	posix_spawn_file_actions_t actions;
	char *argv[] = { "cat", NULL }, text[8] = "";
	int fd[2], back[2], i;
	pid_t child;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, tcp_pair(fd));
		ASSERT_EQ(0, tcp_pair(back));
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, fd[1], 0);
		posix_spawn_file_actions_adddup2(&actions, back[0], 1);
		posix_spawn_file_actions_addclose(&actions, fd[0]);
		posix_spawn_file_actions_addclose(&actions, fd[1]);
		ASSERT_EQ(0, posix_spawn(&child, "/bin/cat", &actions, NULL, argv, environ));
		close(fd[1]);
		close(back[0]);
		EXPECT_EQ(6, write(fd[0], "hello\n", 6));
		shutdown(fd[0], SHUT_WR);
		EXPECT_EQ(6, recv(back[1], text, 6, MSG_WAITALL));
		EXPECT_STREQ("hello\n", text);
		EXPECT_EQ(0, read(back[1], text, 1));
		EXPECT_EQ(0, status_of(child));
		close(fd[0]);
		close(back[1]);
	}
}

TEST(exec_with_sockets_as_stdio)
{
	int fd[2];
	char text[16] = "";
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	child = fork();
	if (!child) {
		dup2(fd[1], 0);
		dup2(fd[1], 1);
		closefrom(3);
		execl("/bin/sh", "sh", "-c", "read line; echo got $line; exit 9", NULL);
	}
	close(fd[1]);
	EXPECT_EQ(4, write(fd[0], "abc\n", 4));
	EXPECT_EQ(8, recv(fd[0], text, 8, MSG_WAITALL));
	EXPECT_STREQ("got abc\n", text);
	EXPECT_EQ(0, read(fd[0], text, 1));
	EXPECT_EQ(9, status_of(child));
}

/* The exec'ing process has threads in the middle of calls. */
static void *block(void *arg)
{
	char c;

	return (void *)read(*(int *)arg, &c, 1);
}

TEST(exec_with_threads)
{
	int fd[2], i;
	pthread_t thread;
	char text[8];
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 10; i++) {
		child = fork();
		if (!child) {
			pthread_create(&thread, NULL, block, &fd[0]);
			pthread_create(&thread, NULL, block, &fd[0]);
			sleep_ms(i);
			dup2(fd[0], 1);
			execl("/bin/echo", "echo", "hello", NULL);
		}
		EXPECT_EQ(6, recv(fd[1], text, 6, MSG_WAITALL));
		EXPECT_EQ(0, status_of(child));
	}
	EXPECT_TRUE(connected(fd));
}

/* One that fails late leaves the threads as they are. */
TEST(exec_that_fails)
{
	char *large = malloc(1 << 20);
	int fd[2], other[2];
	pthread_t thread;
	void *got;

	memset(large, 'x', (1 << 20) - 1);
	large[(1 << 20) - 1] = 0;
	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, tcp_pair(other));
	ASSERT_EQ(0, pthread_create(&thread, NULL, block, &fd[0]));
	sleep_ms(5);
	EXPECT_EQ(-1, execl("/bin/echo", "echo", large, NULL));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_EQ(1, write(fd[1], "x", 1));
	pthread_join(thread, &got);
	EXPECT_EQ(1, (long)got);
	EXPECT_TRUE(connected(other));
}

TEST(system_and_popen)
{
	int fd[2], i;
	char line[32];
	FILE *pipe;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(i, WEXITSTATUS(system(i == 0 ? "true" : i == 1 ? "exit 1" :
					 i == 2 ? "exit 2" : i == 3 ? "exit 3" : "exit 4")));
		pipe = popen("echo popen", "r");
		ASSERT_TRUE(pipe);
		EXPECT_TRUE(fgets(line, sizeof(line), pipe));
		EXPECT_STREQ("popen\n", line);
		EXPECT_EQ(0, pclose(pipe));
	}
	EXPECT_TRUE(connected(fd));
}

/* --------------------------------------------------------------- threads */

static void *echo_thread(void *arg)
{
	int fd = *(int *)arg;
	char c;

	while (read(fd, &c, 1) == 1)
		if (write(fd, &c, 1) != 1)
			return (void *)1;
	return NULL;
}

TEST(many_threads_blocked)
{
	int fd[50][2], i, k;
	pthread_t threads[50];
	void *failed;
	char c;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, tcp_pair(fd[i]));
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, echo_thread, &fd[i][1]));
	}
	for (k = 0; k < 5; k++) {
		for (i = 0; i < 50; i++) {
			ASSERT_EQ(1, write(fd[i][0], "x", 1));
		}
		for (i = 49; i >= 0; i--) {
			ASSERT_EQ(1, read(fd[i][0], &c, 1));
		}
	}
	for (i = 0; i < 50; i++)
		close(fd[i][0]);
	for (i = 0; i < 50; i++) {
		pthread_join(threads[i], &failed);
		EXPECT_EQ(NULL, failed);
	}
}

static void *short_thread(void *arg)
{
	return (void *)(long)(write(*(int *)arg, "x", 1) != 1);
}

TEST(short_threads)
{
	int fd[2], i;
	pthread_t thread;
	void *failed;
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, short_thread, &fd[0]));
		ASSERT_EQ(1, read(fd[1], &c, 1));
		pthread_join(thread, &failed);
		ASSERT_EQ(NULL, failed);
	}
}

/* More stacks than a table has room for, one after the other */
TEST(threads_at_many_places)
{
	const size_t size = 65536;
	const int nr = 5000;
	pthread_attr_t attr;
	pthread_t thread;
	void *failed;
	int fd[2], i;
	char *place, c;

	ASSERT_EQ(0, tcp_pair(fd));
	place = mmap(NULL, nr * size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, place);
	pthread_attr_init(&attr);
	for (i = 0; i < nr; i++) {
		pthread_attr_setstack(&attr, place + i * size, size);
		ASSERT_EQ(0, pthread_create(&thread, &attr, short_thread, &fd[0]));
		pthread_join(thread, &failed);
		ASSERT_EQ(NULL, failed) {
			TH_LOG("thread %d", i);
		}
		ASSERT_EQ(1, read(fd[1], &c, 1));
		madvise(place + i * size, size, MADV_DONTNEED);
	}
	EXPECT_TRUE(connected(fd));
}

TEST(detached_threads)
{
	int fd[2], i;
	pthread_t thread;
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, short_thread, &fd[0]));
		pthread_detach(thread);
	}
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(1, read(fd[1], &c, 1));
	}
}

TEST(cancel_in_recv)
{
	int fd[2], i;
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, echo_thread, &fd[0]));
		sleep_ms(i % 4);
		EXPECT_EQ(0, pthread_cancel(thread));
		EXPECT_EQ(0, pthread_join(thread, &ret));
		EXPECT_EQ(PTHREAD_CANCELED, ret);
	}
	EXPECT_TRUE(connected(fd));
}

static int raw_thread(void *arg)
{
	int *fd = arg;
	char c;

	syscall(SYS_read, fd[1], &c, 1);
	syscall(SYS_write, fd[1], &c, 1);
	syscall(SYS_exit, 0);
	return 0;
}

/* A thread that no libc knows of, with storage of its own for that */
TEST(raw_clone)
{
	static char stack[65536], tls[4096] __attribute__((aligned(64)));
	int fd[2], i;
	char c;

	*(void **)tls = tls;
	((void **)tls)[2] = tls;
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, tcp_pair(fd));
		ASSERT_LT(0, clone(raw_thread, stack + sizeof(stack) - 64,
				   CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
				   CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS, fd, NULL, tls));
		EXPECT_EQ(1, write(fd[0], "x", 1));
		EXPECT_EQ(1, read(fd[0], &c, 1));
		sleep_ms(10);
	}
}

static int raw_echo(void *arg)
{
	int *fd = arg;
	char c;

	while (syscall(SYS_read, fd[1], &c, 1) == 1)
		syscall(SYS_write, fd[1], &c, 1);
	syscall(SYS_exit, 0);
	return 0;
}

/* Threads with no storage of their own: they have their creator's, who waits meanwhile, too. */
TEST(raw_clones_without_storage)
{
	static char stacks[3][65536];
	int fd[3][2], tid[3], i, k;
	char c;

	for (k = 0; k < 3; k++) {
		ASSERT_EQ(0, tcp_pair(fd[k]));
		tid[k] = clone(raw_echo, stacks[k] + sizeof(stacks[k]) - 64,
			       CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			       CLONE_SYSVSEM, fd[k]);
		ASSERT_LT(0, tid[k]);
	}
	for (i = 0; i < 200; i++) {
		for (k = 0; k < 3; k++)
			ASSERT_EQ(1, write(fd[k][0], "x", 1));
		for (k = 2; k >= 0; k--)
			ASSERT_EQ(1, read(fd[k][0], &c, 1));
	}
	for (k = 0; k < 3; k++) {
		EXPECT_EQ(0, shutdown(fd[k][0], SHUT_WR));
		for (i = 0; i < 5000 && !syscall(SYS_tkill, tid[k], 0); i++)
			sleep_ms(1);
		EXPECT_NE(5000, i);
	}
}

/* One thread closes what another waits for, and goes on. */
TEST(main_thread_exits)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	pid_t child = CHILD(({
		pthread_t thread;

		close(fd[0]);
		pthread_create(&thread, NULL, echo_thread, &fd[1]);
		syscall(SYS_exit, 3);
		0;
	}));

	close(fd[1]);
	EXPECT_EQ(1, write(fd[0], "x", 1));
	EXPECT_EQ(1, read(fd[0], &c, 1));
	close(fd[0]);
	EXPECT_LE(0, status_of(child));
}

TEST(exit_while_threads_wait)
{
	int fd[2], i;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(3, status_of(CHILD(({
			pthread_t thread;
			int k;

			for (k = 0; k < 5; k++)
				pthread_create(&thread, NULL, block, &fd[1]);
			sleep_ms(i);
			exit(3);
			0;
		}))));
	EXPECT_TRUE(connected(fd));
}

/* ------------------------------------------------------------- SCM_RIGHTS */

static int send_fds(int to, const int *fds, int nr)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = "";
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = CMSG_SPACE(nr * sizeof(int)) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
	return sendmsg(to, &msg, 0);
}

static int receive_fds(int from, int *fds, int nr, int flags)
{
	char control[CMSG_SPACE(8 * sizeof(int))], c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;

	if (recvmsg(from, &msg, flags) != 1)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return 0;
	nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int) < (unsigned int)nr ?
	     (int)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : nr;
	memcpy(fds, CMSG_DATA(cmsg), nr * sizeof(int));
	return nr;
}

TEST(pass_within_a_process)
{
	int fd[2], un[2], both[2], got[2];

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, un));
	both[0] = fd[0];
	both[1] = open("/dev/null", O_RDWR);
	EXPECT_EQ(1, send_fds(un[0], both, 2));
	close(fd[0]);
	EXPECT_EQ(2, receive_fds(un[1], got, 2, MSG_CMSG_CLOEXEC));
	EXPECT_TRUE(passes(got[0], fd[1]));
	EXPECT_EQ(FD_CLOEXEC, fcntl(got[0], F_GETFD));
	EXPECT_EQ(1, write(got[1], "x", 1));
}

TEST(pass_to_a_child)
{
	int fd[2], un[2], i;
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, un));
	child = CHILD(({
		int got, i;

		for (i = 0; i < 20; i++) {
			if (receive_fds(un[1], &got, 1, 0) != 1 || write(got, "y", 1) != 1)
				_exit(1);
			close(got);
		}
		0;
	}));
	for (i = 0; i < 20; i++) {
		char c;

		ASSERT_EQ(0, tcp_pair(fd));
		ASSERT_EQ(1, send_fds(un[0], &fd[0], 1));
		close(fd[0]);
		ASSERT_EQ(1, read(fd[1], &c, 1));
		ASSERT_EQ(0, read(fd[1], &c, 1));
		close(fd[1]);
	}
	EXPECT_EQ(0, status_of(child));
}

/* ------------------------------------------------------------- privileges */

static int as_nobody(int fd[2])
{
	int more[2];

	if (setgid(65534) || setuid(65534))
		return 77;
	if (!connected(fd) || tcp_pair(more) || !connected(more))
		return 1;
	if (status_of(CHILD(connected(more) ? 0 : 1)))
		return 2;
	if (WEXITSTATUS(system("exit 3")) != 3)
		return 3;
	return connected(fd) ? 0 : 4;
}

static bool can_map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED && !munmap(memory, size);
}

/* What is mapped beside the program does not count. */
TEST(limit_of_address_space)
{
	struct rlimit limit = { 64 << 20, 80 << 20 }, got;
	int fd[2];

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	EXPECT_TRUE(can_map(16 << 20));
	EXPECT_FALSE(can_map(128 << 20));
	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &got));
	EXPECT_EQ(64 << 20, got.rlim_cur);
	EXPECT_EQ(80 << 20, got.rlim_max);
	EXPECT_TRUE(connected(fd));
	EXPECT_EQ(0, status_of(CHILD(!connected(fd) || !can_map(16 << 20) || can_map(128 << 20))));
	EXPECT_EQ(0, system("test $(ulimit -v) = 65536"));
	limit.rlim_cur = limit.rlim_max;
	ASSERT_EQ(0, prlimit(getpid(), RLIMIT_AS, &limit, &got));
	EXPECT_EQ(64 << 20, got.rlim_cur);
	ASSERT_EQ(0, prlimit(0, RLIMIT_AS, NULL, &got));
	EXPECT_EQ(80 << 20, got.rlim_cur);
	EXPECT_EQ(-1, syscall(__NR_setrlimit, RLIMIT_AS, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, prlimit(0, RLIMIT_AS, (void *)8, NULL));
	EXPECT_EQ(EFAULT, errno);
}

TEST(setuid_to_nobody)
{
	int fd[2], status;

	ASSERT_EQ(0, tcp_pair(fd));
	status = status_of(CHILD(as_nobody(fd)));
	if (status == 77)
		SKIP(return, "there is no other user");
	EXPECT_EQ(0, status);
	EXPECT_TRUE(connected(fd));
}

static int in_chroot(int fd[2], const char *dir)
{
	int more[2];

	if (chroot(dir) || chdir("/"))
		return 77;
	if (!connected(fd) || tcp_pair(more) || !connected(more))
		return 1;
	if (status_of(CHILD(connected(more) ? 0 : 1)))
		return 2;
	pid_t child = fork();

	if (!child) {
		execl("/bin/sh", "sh", "-c", "exit 3", NULL);
		_exit(errno == ENOENT ? 9 : 10);
	}
	return status_of(child) == 9 && connected(fd) ? 0 : 4;
}

TEST(chroot_after_start)
{
	char dir[] = "/tmp/nuseprocessesXXXXXX";
	int fd[2], status;

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_TRUE(mkdtemp(dir));
	status = status_of(CHILD(in_chroot(fd, dir)));
	rmdir(dir);
	if (status == 77)
		SKIP(return, "chroot is not allowed");
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
