// SPDX-License-Identifier: GPL-2.0
/*
 * nuseshare.c - an instance that processes share: programs that were forked and
 * programs that came later, their threads, and what happens when one is killed.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "harness.h"
#include "nuse/inner-share.h"
#include "nuse/vdso.h"
#include "shared.h"

#define PORT	7000
#define ROUNDS	300

static struct sockaddr_in server_address(void)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int listener(void)
{
	struct sockaddr_in sa = server_address();
	int fd = call(SYS_socket, AF_INET, SOCK_STREAM);

	return call(SYS_bind, fd, (long)&sa, sizeof(sa)) || call(SYS_listen, fd, 16) ? -1 : fd;
}

static int dial(void)
{
	struct sockaddr_in sa = server_address();
	int fd = call(SYS_socket, AF_INET, SOCK_STREAM);

	return call(SYS_connect, fd, (long)&sa, sizeof(sa)) ? -1 : fd;
}

/* Asks and checks the answers, from a buffer at an address that the server uses, too. */
static char buffer[64];

static int ask(int fd)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		snprintf(buffer, sizeof(buffer), "question %d", i);
		if (call(SYS_write, fd, (long)buffer, sizeof(buffer)) != sizeof(buffer))
			return 4;
		if (call(SYS_read, fd, (long)buffer, sizeof(buffer)) != sizeof(buffer))
			return 5;
		if (strncmp(buffer, "answer ", 7) || atoi(buffer + 7) != i)
			return 6;
	}
	return 0;
}

static int answer(int fd, char *buf)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (call(SYS_read, fd, (long)buf, sizeof(buffer)) != sizeof(buffer) ||
		    atoi(buf + strlen("question ")) != i)
			return -1;
		snprintf(buf, sizeof(buffer), "answer %d", i);
		if (call(SYS_write, fd, (long)buf, sizeof(buffer)) != sizeof(buffer))
			return -1;
	}
	return 0;
}

/* fork(), as the catcher will do it */
static pid_t fork_here(void)
{
	int err, number = share_fork(share_self(share_process.number, &err));
	pid_t pid;

	if (number < 0)
		return -1;
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (share_forked(number))
		_exit(1);
	return 0;
}

static int run_client(void)
{
	int fd = dial();

	return fd < 0 ? 3 : ask(fd);
}

/* ------------------------------------------------------------------- tests */

TEST(forked)
{
	int l, fd, status;
	pid_t pid;

	ASSERT_EQ(0, start());
	EXPECT_EQ(1, call(SYS_getpid));
	l = listener();
	ASSERT_LE(0, l);
	pid = fork_here();
	if (!pid)
		_exit(run_client());
	fd = call(SYS_accept, l);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, answer(fd, buffer));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* What it had open is closed when it is reaped. */
	share_reap(pid);
	EXPECT_EQ(0, call(SYS_read, fd, (long)buffer, 1));
}

static void *reap(void *arg)
{
	int status;

	waitpid(*(pid_t *)arg, &status, 0);
	share_reap(*(pid_t *)arg);
	return NULL;
}

TEST(program_that_came_later)
{
	char arg[64];
	int l, fd, step, status;
	pid_t pid;

	ASSERT_EQ(0, start());
	l = listener();
	ASSERT_LE(0, l);
	snprintf(arg, sizeof(arg), "%d", share->fd_base);
	pid = fork();
	if (!pid) {
		setenv("NUSE_TEST", arg, 1);
		execl("/proc/self/exe", "nuseshare", NULL);
		_exit(9);
	}
	fd = call(SYS_accept, l);
	ASSERT_LE(0, fd);
	step = answer(fd, buffer);
	EXPECT_EQ(0, step);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* In the new program: before main(), where the harness is */
static void __attribute__((constructor)) come_later(void)
{
	const char *arg = getenv("NUSE_TEST");

	if (!arg)
		return;
	map_gateway();
	vdso_init();
	_exit(share_map(atoi(arg)) || share_attach() ? 8 : run_client());
}

static void *serve_one(void *arg)
{
	char buf[64];

	return answer((long)arg, buf) ? "failed" : NULL;
}

TEST(threads_of_many_processes)
{
	enum { CLIENTS = 4 };
	pthread_t threads[CLIENTS];
	pid_t pids[CLIENTS];
	void *failed;
	int l, i, status;
	long fd;

	ASSERT_EQ(0, start());
	l = listener();
	ASSERT_LE(0, l);
	for (i = 0; i < CLIENTS; i++) {
		pids[i] = fork_here();
		if (!pids[i])
			_exit(run_client());
	}
	for (i = 0; i < CLIENTS; i++) {
		fd = call(SYS_accept, l);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, serve_one, (void *)fd));
	}
	for (i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

static void *wait_long(void *arg)
{
	struct pollfd poll = { (long)arg, POLLIN, 0 };

	return call(SYS_poll, (long)&poll, 1, -1) == 1 ? NULL : "failed";
}

/* Enters while a thread polls. */
static bool enter_beside_poller(void)
{
	int tries = 5000;

	while (tries--) {
		if (share_enter())
			return false;
		if (share->poller && share->poller <= SHARE_THREADS && share->timer)
			return true;
		share_leave();
		usleep(1000);
	}
	return false;
}

/* A deadline that is put off leaves the timer alone, a nearer one sets it for who waits. */
TEST(deadline_while_another_polls)
{
	const uint64_t one = 1;
	uint64_t timer;
	pthread_t thread;
	void *failed;
	long fd;

	ASSERT_EQ(0, start());
	fd = call(SYS_eventfd2, 0, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_long, (void *)fd));

	ASSERT_TRUE(enter_beside_poller());
	timer = share->timer;
	share_arm(NULL, timer + 1000);
	EXPECT_EQ(timer, share->timer);
	share_arm(NULL, timer - 1000);
	EXPECT_EQ(timer - 1000, share->timer);
	share_leave();

	EXPECT_EQ(sizeof(one), call(SYS_write, fd, (long)&one, sizeof(one)));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
}

TEST(killed_in_a_call)
{
	pthread_t thread;
	pid_t pid;
	int l, fd;

	ASSERT_EQ(0, start());
	l = listener();
	ASSERT_LE(0, l);
	pid = fork_here();
	if (!pid) {
		call(SYS_read, dial(), (long)buffer, 1);
		_exit(1);
	}
	fd = call(SYS_accept, l);
	ASSERT_LE(0, fd);
	usleep(20000);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, reap, &pid));
	EXPECT_EQ(0, call(SYS_read, fd, (long)buffer, 1));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, share->members[2].pid);
	EXPECT_EQ(1, call(SYS_getpid));
}

static void *kill_and_reap(void *pid)
{
	usleep(50000);
	kill(*(pid_t *)pid, SIGKILL);
	return reap(pid);
}

/* A call waits for a process that does not come any more: it ends where it is. */
TEST(killed_when_its_turn_came)
{
	pthread_t thread;
	pid_t pid;
	int l, fd;

	ASSERT_EQ(0, start());
	l = listener();
	ASSERT_LE(0, l);
	pid = fork_here();
	if (!pid) {
		fd = dial();
		while (call(SYS_read, fd, (long)buffer, 1) == 1)
			;
		_exit(1);
	}
	fd = call(SYS_accept, l);
	ASSERT_LE(0, fd);
	usleep(20000);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(0, pthread_create(&thread, NULL, kill_and_reap, &pid));
	EXPECT_EQ(1, call(SYS_write, fd, (long)buffer, 1));
	EXPECT_GE(0, call(SYS_read, fd, (long)buffer, 1));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, share->members[2].pid);
	EXPECT_EQ(1, call(SYS_getpid));
}

/* A child that waits for @fd; its thread is *entry. */
static pid_t waiting_child(int fd, struct share_thread **entry)
{
	unsigned int before = share->nr_threads;
	pid_t pid = fork_here();

	if (!pid)
		_exit(call(SYS_read, fd, (long)buffer, 8) != 8);
	while (__atomic_load_n(&share->nr_threads, __ATOMIC_RELAXED) == before)
		usleep(1000);
	*entry = &share->threads[before];
	usleep(20000);
	return pid;
}

/* A child that does something under the lock and is killed before it wakes anybody */
#define KILLED_BEFORE_IT_WAKES(something)				\
({									\
	pid_t _pid = fork_here();					\
	int _err;							\
									\
	if (!_pid) {							\
		struct share_thread *self = share_self(share_process.number, &_err);	\
									\
		_exit(share_enter() ?: ({				\
			something;					\
			share->nr_wakes = 0;				\
			share_leave();					\
			self == NULL;					\
		}));							\
	}								\
	_pid;								\
})

/* The call of another was to go on: it does when it is reaped. */
TEST(killed_before_it_woke_who_is_next)
{
	static const uint64_t one = 1;
	struct share_thread *entry;
	int fd, status;
	pid_t poller, pid, killed;

	ASSERT_EQ(0, start());
	poller = waiting_child(call(SYS_eventfd2, 0, 0), &entry);
	fd = call(SYS_eventfd2, 0, 0);
	pid = waiting_child(fd, &entry);
	killed = KILLED_BEFORE_IT_WAKES(({
		share->exports.syscall(self->task, SYS_write, fd, (long)&one, 8, 0, 0, 0);
		share->exports.task_kill(self->task);	/* it gives way */
	}));
	ASSERT_EQ(killed, waitpid(killed, &status, 0));
	EXPECT_EQ(0, status);
	share_reap(killed);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	kill(poller, SIGKILL);
}

static bool is_to_wake(const struct share_thread *thread)
{
	return __atomic_load_n(&thread->word, __ATOMIC_RELAXED);
}

/* Others were to look around: they do. */
static void wake_who_sleeps(struct __test_metadata *_metadata, bool reaped)
{
	static const uint64_t one = 1;
	struct share_thread *poller, *sleeper;
	int fd, status, i;
	pid_t killed;

	ASSERT_EQ(0, start());
	fd = call(SYS_eventfd2, 0, EFD_SEMAPHORE);
	ASSERT_LT(0, waiting_child(fd, &poller));
	ASSERT_LT(0, waiting_child(fd, &sleeper));
	killed = KILLED_BEFORE_IT_WAKES(poller->word = sleeper->word = 1);
	ASSERT_EQ(killed, waitpid(killed, &status, 0));
	EXPECT_EQ(0, status);
	if (reaped)
		share_reap(killed);
	while (is_to_wake(poller) || is_to_wake(sleeper))
		usleep(1000);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(8, call(SYS_write, fd, (long)&one, 8));
		ASSERT_LT(0, wait(&status));
		EXPECT_EQ(0, status);
	}
}

TEST(killed_before_it_woke_who_sleeps)
{
	wake_who_sleeps(_metadata, true);
}

/* So it is where it may yet go on: the keeper wakes them. */
TEST(stopped_before_it_woke_who_sleeps)
{
	wake_who_sleeps(_metadata, false);
}

/* Nobody hangs: who waits for the lock finds out, and the instance is dead. */
TEST(killed_inside)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, start());
	pid = fork_here();
	if (!pid) {
		share_enter();
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(-EOWNERDEAD, call(SYS_getpid));
	EXPECT_EQ(-EOWNERDEAD, call(SYS_getpid));
	EXPECT_STREQ("a process was killed inside the kernel", share->reason);
}

/* A child that makes a task, which takes it @ms milliseconds, or for ever */
static pid_t make_for(int ms)
{
	pid_t pid = fork_here();

	if (pid < 0)
		return pid;
	if (!pid) {
		share_enter();
		share->creating = gettid();
		share_leave();
		usleep(ms ? 1000 * ms : 60000000);
		share_enter();
		share->creating = 0;
		share_leave();
		_exit(0);
	}
	while (!__atomic_load_n(&share->creating, __ATOMIC_ACQUIRE))
		usleep(1000);
	return pid;
}

/* Who kills waits for it. */
TEST(not_killed_while_it_makes_another)
{
	pid_t pid;

	ASSERT_EQ(0, start());
	pid = make_for(30);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(share_keep_out());
	EXPECT_EQ(0, share->creating);
	kill(pid, SIGKILL);
	share_let_in();
	reap(&pid);
	EXPECT_EQ(1, call(SYS_getpid));
}

/* Who waits to make one, too, finds out. */
TEST(killed_while_it_made_another)
{
	pid_t pid;

	ASSERT_EQ(0, start());
	pid = make_for(0);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(-1, fork_here());
	EXPECT_EQ(-EOWNERDEAD, call(SYS_getpid));
	EXPECT_STREQ("a process was killed while it made another", share->reason);
}

TEST_HARNESS_MAIN
