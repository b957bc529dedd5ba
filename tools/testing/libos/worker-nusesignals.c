// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nusesignals.c - signals in the middle of calls on sockets: they end those
 * that wait or let them go on, and their handlers make calls or never return. See
 * nusecalls.h.
 */
#include <setjmp.h>
#include "nusecalls.h"

#define MIB	(1 << 20)

static volatile sig_atomic_t caught;
static int handler_fd[2];
static volatile int handler_failed;

static void on_signal(int sig)
{
	(void)sig;
	caught++;
}

static void handle(int sig, void (*fn)(int sig), int flags)
{
	struct sigaction action = { .sa_handler = fn, .sa_flags = flags };

	caught = 0;
	sigaction(sig, &action, NULL);
}

/* A signal for this thread after a while, then something else a while later */
struct signaller {
	struct later later;
	pthread_t target;
	void (*then)(struct signaller *s);
	int fd;
	struct sockaddr_in addr;
};

static void send_signal(struct later *later)
{
	struct signaller *s = (struct signaller *)later;

	pthread_kill(s->target, SIGUSR1);
	if (!s->then)
		return;
	sleep_ms(15);
	s->then(s);
}

#define SIGNALLER(...)	\
	{ .later = { .ms = 15, .act = send_signal }, .target = pthread_self(), __VA_ARGS__ }

/* ------------------------------------------------------------ EINTR, SA_RESTART */

static void then_write(struct signaller *s)
{
	if (write(s->fd, "x", 1) != 1)
		abort();
}

static void then_connect(struct signaller *s)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (void *)&s->addr, sizeof(s->addr)))
		abort();
}

TEST(recv_is_interrupted)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	struct signaller s = SIGNALLER(.fd = fd[0]);

	handle(SIGUSR1, on_signal, 0);
	later_start(&s.later);
	EXPECT_EQ(-1, recv(fd[1], &c, 1, 0));
	EXPECT_EQ(EINTR, errno);
	EXPECT_EQ(1, caught);
	later_end(&s.later);
}

TEST(recv_goes_on)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	struct signaller s = SIGNALLER(.fd = fd[0], .then = then_write);

	handle(SIGUSR1, on_signal, SA_RESTART);
	later_start(&s.later);
	EXPECT_EQ(1, recv(fd[1], &c, 1, 0));
	EXPECT_EQ(1, caught);
	later_end(&s.later);
}

/* With a timeout it does not, whatever the handler has. */
TEST(recv_with_a_timeout)
{
	struct timeval tv = { 20, 0 };
	int fd[2];
	char c;

	ASSERT_EQ(0, udp_pair(fd));
	struct signaller s = SIGNALLER(.fd = fd[0]);

	setsockopt(fd[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	handle(SIGUSR1, on_signal, SA_RESTART);
	later_start(&s.later);
	EXPECT_EQ(-1, recv(fd[1], &c, 1, 0));
	EXPECT_EQ(EINTR, errno);
	later_end(&s.later);
}

TEST(accept_is_interrupted_or_goes_on)
{
	int listener = bound(SOCK_STREAM), fd;
	struct signaller s = SIGNALLER(.addr = name_of(listener));

	handle(SIGUSR1, on_signal, 0);
	later_start(&s.later);
	EXPECT_EQ(-1, accept(listener, NULL, NULL));
	EXPECT_EQ(EINTR, errno);
	later_end(&s.later);
	handle(SIGUSR1, on_signal, SA_RESTART);
	s.then = then_connect;
	later_start(&s.later);
	fd = accept(listener, NULL, NULL);
	EXPECT_LE(0, fd);
	EXPECT_EQ(1, caught);
	later_end(&s.later);
}

/* Nobody answers: packets to this address are dropped at a full queue. */
TEST(connect_is_interrupted)
{
	int listener = bound(SOCK_STREAM), fd, i, err = 0;
	struct sockaddr_in addr = name_of(listener);
	struct signaller s = SIGNALLER();

	listen(listener, 0);
	for (i = 0; i < 3; i++)
		dial(SOCK_STREAM | SOCK_NONBLOCK, listener);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	handle(SIGUSR1, on_signal, 0);
	later_start(&s.later);
	err = connect(fd, (void *)&addr, sizeof(addr)) ? errno : 0;
	EXPECT_EQ(EINTR, err);
	later_end(&s.later);
}

TEST(send_is_interrupted)
{
	static char block[MIB];
	int fd[2];
	ssize_t n;

	ASSERT_EQ(0, tcp_pair(fd));
	struct signaller s = SIGNALLER();

	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	while (write(fd[0], block, sizeof(block)) > 0)
		;
	fcntl(fd[0], F_SETFL, 0);
	handle(SIGUSR1, on_signal, 0);
	later_start(&s.later);
	n = write(fd[0], block, sizeof(block));
	EXPECT_EQ(-1, n > 0 ? -1 : n);
	EXPECT_EQ(1, caught);
	later_end(&s.later);
}

TEST(ignored_signals_do_not_interrupt)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	struct signaller s = SIGNALLER(.fd = fd[0], .then = then_write);

	signal(SIGUSR1, SIG_IGN);
	later_start(&s.later);
	EXPECT_EQ(1, recv(fd[1], &c, 1, 0));
	later_end(&s.later);
	sigset_t set;

	handle(SIGUSR1, on_signal, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	later_start(&s.later);
	EXPECT_EQ(1, recv(fd[1], &c, 1, 0));
	EXPECT_EQ(0, caught);
	later_end(&s.later);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	EXPECT_EQ(1, caught);
}

TEST(default_action_kills)
{
	int fd[2], i;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 10; i++) {
		pid_t child = CHILD(({
			char c;

			read(fd[1], &c, 1) != 1;
		}));

		sleep_ms(i);
		kill(child, SIGTERM);
		EXPECT_EQ(1000 + SIGTERM, status_of(child));
	}
	EXPECT_TRUE(connected(fd));
}

TEST(stop_and_continue)
{
	int fd[2], status;
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	pid_t child = CHILD(({
		char c;

		read(fd[1], &c, 1) != 1 || write(fd[1], &c, 1) != 1;
	}));

	sleep_ms(10);
	kill(child, SIGSTOP);
	EXPECT_EQ(child, waitpid(child, &status, WUNTRACED));
	EXPECT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(1, write(fd[0], "x", 1));
	kill(child, SIGCONT);
	EXPECT_EQ(1, read(fd[0], &c, 1));
	EXPECT_EQ(0, status_of(child));
}

/* ---------------------------------------------------- handlers that make calls */

static void on_signal_talk(int sig)
{
	(void)sig;
	caught++;
	if (!passes(handler_fd[0], handler_fd[1]))
		handler_failed = 1;
}

struct shooter {
	pthread_t target;
	volatile bool done;
};

static void *shoot(void *arg)
{
	struct shooter *s = arg;
	int i;

	for (i = 0; i < 200; i++) {
		pthread_kill(s->target, SIGUSR1);
		sleep_ms(1);
	}
	s->done = true;
	return NULL;
}

TEST(handlers_make_calls)
{
	int fd[2], n = 0;
	struct shooter shooter = { .target = pthread_self() };
	pthread_t thread;
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, tcp_pair(handler_fd));
	handle(SIGUSR1, on_signal_talk, SA_RESTART);
	ASSERT_EQ(0, pthread_create(&thread, NULL, shoot, &shooter));
	while (!shooter.done) {
		ASSERT_EQ(1, write(fd[0], "x", 1));
		ASSERT_EQ(1, read(fd[1], &c, 1));
		n++;
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(0, handler_failed);
	EXPECT_LT(0, caught);
	EXPECT_LT(0, n);
}

static sigjmp_buf away;

static void on_signal_jump(int sig)
{
	(void)sig;
	caught++;
	siglongjmp(away, 1);
}

TEST(handlers_jump_away)
{
	volatile int i;
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	handle(SIGUSR1, on_signal_jump, 0);
	for (i = 0; i < 20; i++) {
		struct signaller s = SIGNALLER();

		s.later.ms = 1 + i % 3;
		if (!sigsetjmp(away, 1)) {
			later_start(&s.later);
			read(fd[1], &c, 1);
			ASSERT_EQ(0, 1);
		}
		later_end(&s.later);
	}
	EXPECT_EQ(20, caught);
	EXPECT_TRUE(connected(fd));
}

/* At any moment of busy calls, too */
TEST(handlers_jump_away_at_any_time)
{
	struct itimerval timer = { { 0, 700 }, { 0, 700 } }, off = { 0 };
	int fd[2];
	char c;

	ASSERT_EQ(0, udp_pair(fd));
	handle(SIGALRM, on_signal_jump, 0);
	if (!sigsetjmp(away, 1))
		setitimer(ITIMER_REAL, &timer, NULL);
	while (caught < 200) {
		write(fd[0], "x", 1);
		recv(fd[1], &c, 1, MSG_DONTWAIT);
	}
	setitimer(ITIMER_REAL, &off, NULL);
	while (recv(fd[1], &c, 1, MSG_DONTWAIT) > 0)
		;
	EXPECT_TRUE(connected(fd));
}

/* --------------------------------------------------------------- storms */

static void *storm_sink(void *arg)
{
	long all = 0, n;
	char buf[20000];

	while ((n = read(*(int *)arg, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		all += n > 0 ? n : 0;
	return (void *)all;
}

static void storm(struct __test_metadata *_metadata, int flags)
{
	struct itimerval timer = { { 0, 500 }, { 0, 500 } }, off = { 0 };
	static char block[100000];
	pthread_t thread;
	long sent = 0, n;
	int fd[2];
	void *got;

	ASSERT_EQ(0, tcp_pair(fd));
	handle(SIGALRM, on_signal, flags);
	setitimer(ITIMER_REAL, &timer, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, storm_sink, &fd[1]));
	while (sent < 64 * MIB && caught < 2000) {
		n = write(fd[0], block, sizeof(block));
		ASSERT_TRUE(n > 0 || errno == EINTR);
		sent += n > 0 ? n : 0;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	close(fd[0]);
	pthread_join(thread, &got);
	EXPECT_EQ(sent, (long)got);
	EXPECT_LT(0, caught);
}

TEST(storm_with_restart)
{
	storm(_metadata, SA_RESTART);
}

TEST(storm_without_restart)
{
	storm(_metadata, 0);
}

TEST(storm_on_a_signal_stack)
{
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };

	sigaltstack(&stack, NULL);
	storm(_metadata, SA_RESTART | SA_ONSTACK);
}

/* ----------------------------------------------------------------- beside */

static void on_child(int sig)
{
	int saved = errno;

	(void)sig;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		caught++;
	errno = saved;
}

TEST(children_waited_for_in_a_handler)
{
	int fd[2], i;
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	handle(SIGCHLD, on_child, SA_RESTART);
	for (i = 0; i < 30; i++) {
		if (!fork())
			_exit(write(fd[0], "x", 1) != 1);
		ASSERT_EQ(1, read(fd[1], &c, 1));
	}
	for (i = 0; i < 5000 && caught < 30; i++)
		sleep_ms(1);
	EXPECT_EQ(30, caught);
}

TEST(sigwait_beside)
{
	int fd[2], sig;
	sigset_t set;

	ASSERT_EQ(0, tcp_pair(fd));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	struct signaller s = SIGNALLER(.fd = fd[0], .then = then_write);
	char c;

	later_start(&s.later);
	EXPECT_EQ(0, sigwait(&set, &sig));
	EXPECT_EQ(SIGUSR1, sig);
	EXPECT_EQ(1, read(fd[1], &c, 1));
	later_end(&s.later);
	EXPECT_EQ(0, raise(SIGUSR1));
	struct timespec none = { 0 };

	EXPECT_EQ(SIGUSR1, sigtimedwait(&set, NULL, &none));
}

TEST(alarm_ends_a_wait)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	handle(SIGALRM, on_signal, 0);
	struct itimerval timer = { { 0, 0 }, { 0, 20000 } };

	setitimer(ITIMER_REAL, &timer, NULL);
	EXPECT_EQ(-1, read(fd[0], &c, 1));
	EXPECT_EQ(EINTR, errno);
	setitimer(ITIMER_REAL, &timer, NULL);
	EXPECT_EQ(-1, pause());
	EXPECT_EQ(2, caught);
}

/* The signal is information, too. */
static siginfo_t got_info;

static void on_info(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	got_info = *info;
	caught++;
}

TEST(information_of_a_signal)
{
	struct sigaction action = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };
	union sigval value = { .sival_int = 77 };
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	caught = 0;
	sigaction(SIGUSR2, &action, NULL);
	pid_t self = getpid(), child = CHILD(({
		sleep_ms(15);
		sigqueue(self, SIGUSR2, value);
	}));

	EXPECT_EQ(-1, read(fd[0], &c, 1));
	EXPECT_EQ(EINTR, errno);
	EXPECT_EQ(1, caught);
	EXPECT_EQ(77, got_info.si_value.sival_int);
	EXPECT_EQ(child, got_info.si_pid);
	EXPECT_EQ(SI_QUEUE, got_info.si_code);
	EXPECT_EQ(0, status_of(child));
}

TEST(signals_of_many_threads)
{
	int fd[8][2], i, k;
	pthread_t threads[8];
	void *all;

	handle(SIGUSR1, on_signal, SA_RESTART);
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, tcp_pair(fd[i]));
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, storm_sink, &fd[i][1]));
	}
	for (k = 0; k < 50; k++) {
		for (i = 0; i < 8; i++) {
			pthread_kill(threads[i], SIGUSR1);
			ASSERT_EQ(1, write(fd[i][0], "x", 1));
		}
		sleep_ms(1);
	}
	for (i = 0; i < 8; i++) {
		close(fd[i][0]);
		pthread_join(threads[i], &all);
		EXPECT_EQ(50, (long)all);
	}
	EXPECT_LT(0, caught);
}

TEST_HARNESS_MAIN
