// SPDX-License-Identifier: GPL-2.0
/*
 * tasks.c - who runs in an instance: host threads that block, functions that
 * run as tasks, processes with descriptors of their own; interrupting and killing
 * them; calls that take long, or wait for their process; signals.
 */
#include "harness.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include "raw.h"

/* ------------------------------------------------- host threads that block */

FIXTURE(threads) {
	struct libos *l;
};

FIXTURE_SETUP(threads)
{
	self->l = boot(NULL);
	ASSERT_NE(NULL, self->l);
}

FIXTURE_TEARDOWN(threads)
{
}

struct blocked {
	struct libos *l;
	int fd, fd2;
	long ret;
	long tid;
	int blocking;		/* about to block */
};

static void about_to_block(struct blocked *b)
{
	b->tid = libos_syscall(b->l, SYS_gettid);
	__atomic_store_n(&b->blocking, 1, __ATOMIC_RELEASE);
}

static void *in_accept(void *arg)
{
	struct blocked *b = arg;

	about_to_block(b);
	b->ret = libos_accept4(b->l, b->fd, NULL, NULL, 0);
	return NULL;
}

static void *in_recv(void *arg)
{
	struct blocked *b = arg;
	char buf[16];

	about_to_block(b);
	b->ret = libos_recv(b->l, b->fd, buf, sizeof(buf), 0);
	return NULL;
}

static void *in_epoll(void *arg)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct blocked *b = arg;
	int ep = libos_epoll_create1(b->l, 0);

	libos_epoll_ctl(b->l, ep, EPOLL_CTL_ADD, b->fd, &event);
	about_to_block(b);
	b->ret = libos_epoll_wait(b->l, ep, &event, 1, -1);
	return NULL;
}

static void *in_poll(void *arg)
{
	struct blocked *b = arg;
	struct pollfd pfd = { .fd = b->fd, .events = POLLIN };

	about_to_block(b);
	b->ret = libos_poll(b->l, &pfd, 1, -1);
	return NULL;
}

static void *in_sleep(void *arg)
{
	struct timespec ts = { .tv_nsec = 300000000 };
	struct blocked *b = arg;

	about_to_block(b);
	b->ret = libos_nanosleep(b->l, &ts, NULL);
	return NULL;
}

static void wait_for_all(struct blocked *b, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		while (!__atomic_load_n(&b[i].blocking, __ATOMIC_ACQUIRE))
			usleep(1000);
	usleep(20000);
}

/* Five kinds of blocking calls at once; this thread completes them in turn. */
TEST_F(threads, block_at_once)
{
	static void *(*const kinds[])(void *arg) = {
		in_sleep, in_accept, in_recv, in_epoll, in_poll,
	};
	struct blocked b[ARRAY_SIZE(kinds)] = { { .l = self->l } };
	pthread_t threads[ARRAY_SIZE(kinds)];
	uint64_t start = host_now();
	unsigned int i;
	int pipe[2];

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		b[i].l = self->l;
	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe2, pipe, 0L));
	b[1].fd = server(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000);
	b[2].fd = server(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	b[3].fd = pipe[0];
	b[4].fd = pipe[0];
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, kinds[i], &b[i]));
	wait_for_all(b, ARRAY_SIZE(kinds));

	ASSERT_LE(0, client(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000));
	pthread_join(threads[1], NULL);
	EXPECT_LE(0, b[1].ret);
	i = client(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	ASSERT_EQ(5, libos_send(self->l, i, "hello", 5, 0));
	pthread_join(threads[2], NULL);
	EXPECT_EQ(5, b[2].ret);
	ASSERT_EQ(1, libos_write(self->l, pipe[1], "x", 1));
	pthread_join(threads[3], NULL);
	pthread_join(threads[4], NULL);
	EXPECT_EQ(1, b[3].ret);
	EXPECT_EQ(1, b[4].ret);
	pthread_join(threads[0], NULL);
	EXPECT_EQ(0, b[0].ret);
	EXPECT_LE(300 * MS, host_now() - start);
	EXPECT_GT(5 * S, host_now() - start);
}

/* Each thread is a thread of process 1, and gone with it. */
TEST_F(threads, are_tasks)
{
	struct blocked b[8];
	pthread_t threads[8];
	char path[64], buf[64];
	unsigned int i;
	int fd = server(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000), to;

	memset(b, 0, sizeof(b));
	for (i = 0; i < 8; i++) {
		b[i].l = self->l;
		b[i].fd = fd;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, in_recv, &b[i]));
	}
	wait_for_all(b, 8);
	for (i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", b[i].tid);
		EXPECT_LT(0, read_file(self->l, path, buf, sizeof(buf)));
	}
	to = client(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(1, libos_send(self->l, to, "x", 1, 0));
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(1, b[i].ret);
		snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", b[i].tid);
		EXPECT_EQ(-ENOENT, read_file(self->l, path, buf, sizeof(buf)));
	}
}

static void *many_calls(void *arg)
{
	struct blocked *b = arg;
	int fd[2], i;
	char byte;

	if (libos_syscall(b->l, SYS_pipe2, fd, 0L))
		return NULL;
	for (i = 0; i < 20000; i++)
		b->ret += libos_write(b->l, fd[1], "x", 1) + libos_read(b->l, fd[0], &byte, 1);
	return NULL;
}

/* Four threads that call as fast as they can: no call is lost or mixed up. */
TEST_F(threads, race)
{
	struct blocked b[4];
	pthread_t threads[4];
	int i;

	memset(b, 0, sizeof(b));
	for (i = 0; i < 4; i++) {
		b[i].l = self->l;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, many_calls, &b[i]));
	}
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(40000, b[i].ret);
	}
}

static void *ping_pong(void *arg)
{
	struct blocked *b = arg;
	char byte = 0;
	int i;

	for (i = 0; i < 5000; i++) {
		b->ret += libos_write(b->l, b->fd2, &byte, 1);
		b->ret += libos_read(b->l, b->fd, &byte, 1);
	}
	return NULL;
}

/* Two threads that wake each other */
TEST_F(threads, ping_pong)
{
	struct blocked b[2];
	pthread_t threads[2];
	int there[2], back[2], i;

	memset(b, 0, sizeof(b));
	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe2, there, 0L));
	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe2, back, 0L));
	b[0] = (struct blocked) { .l = self->l, .fd = back[0], .fd2 = there[1] };
	b[1] = (struct blocked) { .l = self->l, .fd = there[0], .fd2 = back[1] };
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, ping_pong, &b[i]));
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(10000, b[i].ret);
	}
}

static void *no_call(void *arg)
{
	struct blocked *b = arg;

	b->ret = libos_close(b->l);
	return NULL;
}

TEST_F(threads, close_is_busy_while_a_call_blocks)
{
	struct blocked b = { .l = self->l };
	pthread_t thread;

	b.fd = server(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	ASSERT_EQ(0, pthread_create(&thread, NULL, in_recv, &b));
	wait_for_all(&b, 1);
	EXPECT_EQ(-EBUSY, libos_close(self->l));
	EXPECT_LT(0, strlen(libos_error()));
	libos_send(self->l, client(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000), "x", 1, 0);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, libos_close(self->l));
}

/* Another thread than the one that opened it may close it. */
TEST_F(threads, close_from_another_thread)
{
	struct blocked b = { .l = self->l };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, no_call, &b));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, b.ret);
}

/* A timer of the kernel fires on time though no thread is in the instance. */
TEST_F(threads, nobody_there)
{
	struct itimerspec its = { .it_value.tv_nsec = 50000000 };
	int fd = libos_syscall(self->l, SYS_timerfd_create, 1L, O_NONBLOCK);
	int a, b;
	uint64_t ticks = 0;
	char buf[8];

	/* keepalive and delayed work go on too: here an RTO on a lossless loopback is not needed */
	ASSERT_EQ(0, libos_syscall(self->l, SYS_timerfd_settime, fd, 0L, &its, NULL));
	a = server(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	b = client(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	usleep(100000);
	EXPECT_EQ(8, libos_read(self->l, fd, &ticks, 8));
	EXPECT_EQ(1, ticks);
	EXPECT_EQ(1, libos_send(self->l, b, "x", 1, 0));
	EXPECT_EQ(1, libos_recv(self->l, a, buf, 8, MSG_DONTWAIT));
}

/* -------------------------------------------------------------- functions */

struct worker {
	struct libos *l;
	int number, in, out;
	long sum, tid;
	bool done;
};

/* Passes tokens on, each one larger by one. */
static void pass_on(void *arg)
{
	struct worker *w = arg;
	int token;

	w->tid = libos_syscall(w->l, SYS_gettid);
	while (libos_syscall(w->l, SYS_read, w->in, &token, sizeof(token)) == sizeof(token)) {
		w->sum++;
		token++;
		libos_syscall(w->l, SYS_write, w->out, &token, sizeof(token));
	}
	w->done = true;
}

#define NR_WORKERS	250

/* A ring of functions that block in reads; no host thread but this one */
TEST(hundreds_of_functions)
{
	static struct worker w[NR_WORKERS];
	struct libos_world *world = libos_world_new(1);
	struct libos *l = boot(world);
	int pipes[NR_WORKERS + 1][2], i, token = 0;
	struct timespec ts = { .tv_nsec = 1000 };

	ASSERT_NE(NULL, l);
	for (i = 0; i <= NR_WORKERS; i++)
		ASSERT_EQ(0, libos_syscall(l, SYS_pipe2, pipes[i], 0L));
	for (i = 0; i < NR_WORKERS; i++) {
		w[i] = (struct worker) { .l = l, .number = i, .in = pipes[i][0],
					 .out = pipes[i + 1][1] };
		ASSERT_LT(0, libos_spawn(l, pass_on, &w[i], 16384));
	}
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(4, libos_write(l, pipes[0][1], &token, 4));
		ASSERT_EQ(4, libos_read(l, pipes[NR_WORKERS][0], &token, 4));
	}
	EXPECT_EQ(50 * NR_WORKERS, token);
	EXPECT_EQ(1, self_status("Threads"));
	for (i = 0; i < NR_WORKERS; i++) {
		EXPECT_EQ(50, w[i].sum);
		EXPECT_LT(1, w[i].tid);
		libos_close_fd(l, pipes[i][1]);
	}
	libos_nanosleep(l, &ts, NULL);
	for (i = 0; i < NR_WORKERS; i++)
		EXPECT_TRUE(w[i].done);
	EXPECT_EQ(0, libos_close(l));
	EXPECT_EQ(0, libos_world_free(world));
}

static void sleeper(void *arg)
{
	struct worker *w = arg;
	struct timespec ts = { .tv_nsec = 20000000 };

	w->sum = libos_syscall(w->l, SYS_nanosleep, &ts, NULL);
	w->done = true;
}

TEST_F(threads, functions_in_real_time)
{
	struct worker w[10];
	int i;

	memset(w, 0, sizeof(w));
	for (i = 0; i < 10; i++) {
		w[i].l = self->l;
		ASSERT_LT(0, libos_spawn(self->l, sleeper, &w[i], 0));
	}
	usleep(200000);		/* outside of the instance */
	for (i = 0; i < 10; i++)
		EXPECT_TRUE(w[i].done);
}

static void deep(void *arg)
{
	volatile char room[200000];
	struct worker *w = arg;

	room[0] = room[sizeof(room) - 1] = 1;
	w->sum = libos_syscall(w->l, SYS_getpid) + room[0];
	w->done = true;
}

/* Functions that never block: each gets its time, and timers run. */
struct spinning {
	struct libos *l;
	int start, timer;
	uint32_t *other, mine;
	bool expired, met;
};

static void spin(void *arg)
{
	struct spinning *s = arg;
	struct itimerspec in = { .it_value.tv_nsec = 3000000 };
	uint64_t count;
	char byte;
	long i;

	libos_read(s->l, s->start, &byte, 1);
	s->timer = libos_syscall(s->l, SYS_timerfd_create, CLOCK_MONOTONIC, O_NONBLOCK);
	libos_syscall(s->l, SYS_timerfd_settime, s->timer, 0, &in, NULL);
	for (i = 0; i < 50000000 && !(s->expired && s->met); i++) {
		s->mine++;
		s->expired |= libos_read(s->l, s->timer, &count, sizeof(count)) == sizeof(count);
		s->met |= i > 1000 && *s->other > 1000;
	}
}

TEST_F(threads, functions_that_never_block)
{
	struct spinning a = { .l = self->l }, b = { .l = self->l, .other = &a.mine };
	struct timespec ts = { .tv_nsec = 50000000 };
	int start[2];

	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe, start));
	a.other = &b.mine;
	a.start = b.start = start[0];
	ASSERT_LT(0, libos_spawn(self->l, spin, &a, 0));
	ASSERT_LT(0, libos_spawn(self->l, spin, &b, 0));
	ASSERT_EQ(2, libos_write(self->l, start[1], "go", 2));
	EXPECT_EQ(0, libos_nanosleep(self->l, &ts, NULL));
	EXPECT_TRUE(a.expired && a.met && b.expired && b.met);
	EXPECT_EQ(0, libos_close(self->l));
}

TEST_F(threads, stack_as_large_as_asked)
{
	struct worker w = { .l = self->l };

	ASSERT_LT(0, libos_spawn(self->l, deep, &w, 256 << 10));
	usleep(1000);
	EXPECT_TRUE(w.done);
	EXPECT_EQ(2, w.sum);
	EXPECT_EQ(-ENOMEM, libos_spawn(self->l, deep, &w, 1UL << 40));
}

/* ------------------------------------------------- the contract, one thread */

FIXTURE(contract) {
	struct raw r;
	struct lib_task *boot;
};

FIXTURE_SETUP(contract)
{
	ASSERT_EQ(0, raw_boot(&self->r));
	ASSERT_EQ(0, raw_up(&self->r, "lo", true));
	self->boot = self->r.kernel.boot_task;
}

FIXTURE_TEARDOWN(contract)
{
	EXPECT_EQ(1, raw_call(&self->r, SYS_getpid));
}

static struct lib_task *task_new(struct raw *r, unsigned int flags)
{
	struct lib_task *task = NULL;

	if (r->ex.task_create(r->kernel.boot_task, &task, flags, NULL, NULL, 0))
		return NULL;
	return task;
}

TEST_F(contract, create_and_exit)
{
	struct raw *r = &self->r;
	struct lib_task *task, *other = NULL;
	int i;

	EXPECT_EQ(-EINVAL, r->ex.task_create(self->boot, &other, 0x80000000, NULL, NULL, 0));
	EXPECT_EQ(NULL, other);
	task = task_new(r, 0);
	ASSERT_NE(NULL, task);
	EXPECT_EQ(1, task->done);
	EXPECT_EQ(0, task->dead);
	EXPECT_EQ(1, task->process);
	EXPECT_EQ(task->tid, raw_call_of(r, task, SYS_gettid, 0));
	EXPECT_EQ(1, raw_call_of(r, task, SYS_getpid, 0));
	EXPECT_EQ(0, r->ex.task_exit(task));
	EXPECT_EQ(-EINVAL, r->ex.task_exit(self->boot));
	for (i = 0; i < 3000; i++) {
		task = task_new(r, i & 1 ? LIB_TASK_PROCESS : 0);
		ASSERT_NE(NULL, task);
		ASSERT_EQ(0, r->ex.task_exit(task));
	}
}

TEST_F(contract, process_has_its_own_descriptors)
{
	struct raw *r = &self->r;
	struct lib_task *thread = task_new(r, 0), *process = task_new(r, LIB_TASK_PROCESS);
	int fd;

	ASSERT_NE(NULL, thread);
	ASSERT_NE(NULL, process);
	EXPECT_EQ(process->tid, raw_call_of(r, process, SYS_getpid, 0));
	fd = raw_call(r, SYS_socket, AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(0, raw_call_of(r, thread, SYS_fcntl, fd, F_GETFD));
	EXPECT_EQ(-EBADF, raw_call_of(r, process, SYS_fcntl, fd, F_GETFD));
	EXPECT_EQ(0, raw_call_of(r, process, SYS_socket, AF_INET, SOCK_STREAM, 0));
}

/* exit(2) of a task: it is dead, the others live. */
TEST_F(contract, exit_of_a_task)
{
	struct raw *r = &self->r;
	struct lib_task *task = task_new(r, 0);

	ASSERT_NE(NULL, task);
	raw_call_of(r, task, SYS_exit, 0);
	EXPECT_EQ(1, task->dead);
	EXPECT_EQ(-ESRCH, raw_call_of(r, task, SYS_getpid, 0));
	EXPECT_EQ(0, r->ex.task_exit(task));
}

static bool interrupt_it(struct raw *r, struct lib_task *task)
{
	r->on_idle = NULL;
	r->ex.task_interrupt(task);
	return true;
}

TEST_F(contract, interrupt)
{
	struct raw *r = &self->r;
	struct timespec ts = { .tv_sec = 10 };
	int pipe[2];
	char byte;
	long ret;

	ASSERT_EQ(0, raw_call(r, SYS_pipe2, pipe, 0));
	r->on_idle = interrupt_it;
	ret = raw_call(r, SYS_read, pipe[0], &byte, 1);
	EXPECT_TRUE(ret == -EINTR || (ret <= -512 && ret >= -516));
	r->on_idle = interrupt_it;
	ret = raw_call(r, SYS_nanosleep, &ts, NULL);
	EXPECT_TRUE(ret == -EINTR || (ret <= -512 && ret >= -516));
	/* no left-over hits the next call; one that is in no call is not touched */
	EXPECT_EQ(0, r->ex.task_interrupt(self->boot));
	EXPECT_EQ(1, raw_call(r, SYS_write, pipe[1], "x", 1));
	EXPECT_EQ(1, raw_call(r, SYS_read, pipe[0], &byte, 1));
	ts.tv_sec = 1;
	EXPECT_EQ(0, raw_call(r, SYS_nanosleep, &ts, NULL));
}

/* What another host thread would do while this one is blocked */
struct helper {
	struct lib_task *task;
	int fd;
	long ret;
};

static bool write_byte(struct raw *r, struct lib_task *task)
{
	struct helper *h = r->arg;

	(void)task;
	r->on_idle = NULL;
	h->ret = raw_call_of(r, h->task, SYS_write, h->fd, "y", 1);
	return true;
}

TEST_F(contract, call_while_another_is_blocked)
{
	struct raw *r = &self->r;
	struct helper h = { .task = task_new(r, 0) };
	int pipe[2];
	char byte = 0;

	ASSERT_EQ(0, raw_call(r, SYS_pipe2, pipe, 0));
	h.fd = pipe[1];
	r->arg = &h;
	r->on_idle = write_byte;
	EXPECT_EQ(1, raw_call(r, SYS_read, pipe[0], &byte, 1));
	EXPECT_EQ('y', byte);
	EXPECT_EQ(1, h.ret);
}

static bool kill_it(struct raw *r, struct lib_task *task)
{
	r->on_idle = NULL;
	r->ex.task_kill(task);
	return true;
}

TEST_F(contract, kill)
{
	struct raw *r = &self->r;
	struct lib_task *process = task_new(r, LIB_TASK_PROCESS), *thread = NULL;
	int pipe[2];
	char byte;

	ASSERT_NE(NULL, process);
	EXPECT_GT(0, r->ex.task_kill(self->boot));
	ASSERT_EQ(0, r->ex.task_create(process, &thread, 0, NULL, NULL, 0));
	EXPECT_EQ(process->tid, raw_call_of(r, thread, SYS_getpid, 0));
	ASSERT_EQ(0, raw_call_of(r, process, SYS_pipe2, pipe, 0));
	r->on_idle = kill_it;
	EXPECT_GT(0, raw_call_of(r, process, SYS_read, pipe[0], &byte, 1));
	r->ex.run();
	EXPECT_EQ(1, process->dead);
	EXPECT_EQ(1, thread->dead);
	EXPECT_EQ(-ESRCH, raw_call_of(r, thread, SYS_getpid, 0));
	EXPECT_EQ(0, r->ex.task_exit(thread));
	EXPECT_EQ(0, r->ex.task_exit(process));
}

/* ------------------------------------------------- functions, by the contract */

struct function {
	struct raw *r;
	struct lib_task *task;
	int steps;
	uint64_t woke_at;
	bool own_stack;
	char *stack;
};

static void nap(void *arg)
{
	struct timespec ts = { .tv_sec = 3 };
	struct function *f = arg;

	f->steps++;
	f->stack = __builtin_frame_address(0);
	f->task = *f->r->kernel.running;
	raw_call_of(f->r, NULL, SYS_nanosleep, &ts, NULL);
	f->woke_at = f->r->now;
	f->steps++;
}

TEST_F(contract, function)
{
	struct raw *r = &self->r;
	struct function f = { .r = r };
	struct lib_task *task;
	uint64_t start = r->now;

	ASSERT_EQ(0, r->ex.task_create(self->boot, &task, 0, nap, &f, 0));
	EXPECT_EQ(-EBUSY, r->ex.task_exit(task));
	r->ex.run();
	EXPECT_EQ(1, f.steps);
	EXPECT_EQ(task, f.task);
	EXPECT_EQ(NULL, *r->kernel.running);
	EXPECT_LE((char *)r->kernel.memory, f.stack);
	EXPECT_GT((char *)r->kernel.memory + r->kernel.memory_size, f.stack);
	EXPECT_EQ(0, task->dead);
	raw_sleep(r, 2 * S);
	EXPECT_EQ(1, f.steps);
	raw_sleep(r, 2 * S);
	EXPECT_EQ(2, f.steps);
	EXPECT_LE(start + 3 * S, f.woke_at);
	EXPECT_GT(start + 3 * S + MS, f.woke_at);
	EXPECT_EQ(1, task->dead);
	EXPECT_EQ(0, r->ex.task_exit(task));
}

/* ------------------------------------------------- calls that take their time */

#define PIECE	(2UL << 20)
#define PIECES	160		/* more than 65,536 pages */

struct long_read {
	struct raw *r;
	struct long_read *other;
	char *to;
	long got;
	bool began, ended;
	bool amid;		/* it began while the other's call was under way */
};

/* Much room that takes little memory */
static char *much_room(void)
{
	char *room = mmap(NULL, PIECES * PIECE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("piece", 0), i;

	if (room == MAP_FAILED || fd < 0 || ftruncate(fd, PIECE))
		return NULL;
	for (i = 0; i < PIECES; i++)
		if (mmap(room + i * PIECE, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 fd, 0) == MAP_FAILED)
			return NULL;
	close(fd);
	return room;
}

static void read_zeros(void *arg)
{
	struct long_read *l = arg;
	int fd = raw_call(l->r, SYS_open, "/dev/zero", O_RDONLY);

	l->amid = l->other->began && !l->other->ended;
	l->began = true;
	l->got = raw_call(l->r, SYS_read, fd, l->to, PIECES * PIECE);
	l->ended = true;
}

/* No tick comes while the kernel is inside: others get their turn nevertheless. */
TEST_F(contract, long_call_lets_others_run)
{
	struct raw *r = &self->r;
	struct lib_task *tasks[2];
	struct long_read calls[2];
	char *room = much_room();
	int i;

	ASSERT_NE(NULL, room);
	for (i = 0; i < 2; i++) {
		calls[i] = (struct long_read) { .r = r, .other = &calls[!i], .to = room };
		ASSERT_EQ(0, r->ex.task_create(self->boot, &tasks[i], 0, read_zeros, &calls[i], 0));
	}
	r->ex.run();
	for (i = 0; i < 2; i++) {
		EXPECT_EQ((long)(PIECES * PIECE), calls[i].got);
		EXPECT_EQ(0, r->ex.task_exit(tasks[i]));
	}
	EXPECT_TRUE(calls[0].amid || calls[1].amid);
	munmap(room, PIECES * PIECE);
}

/* ---------------------------------------------------------------- signals */

TEST_F(contract, sigpipe_reaches_the_caller)
{
	struct raw *r = &self->r;
	int fd[2];

	ASSERT_EQ(0, raw_call(r, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, fd));
	raw_call(r, SYS_close, fd[1]);
	EXPECT_EQ(-EPIPE, raw_call(r, SYS_write, fd[0], "x", 1));
	EXPECT_EQ(1, r->signals);
	EXPECT_EQ(SIGPIPE, r->signal);
	EXPECT_EQ(self->boot, r->signalled);
	EXPECT_EQ(-EPIPE, raw_call(r, SYS_sendto, fd[0], "x", 1, MSG_NOSIGNAL, NULL, 0));
	EXPECT_EQ(1, r->signals);
}

TEST_F(contract, signals_of_timers_and_kill)
{
	struct raw *r = &self->r;
	uint64_t mask = 1ULL << (SIGUSR2 - 1);

	EXPECT_EQ(0, raw_call(r, SYS_alarm, 2));
	raw_sleep(r, 3 * S);
	raw_call(r, SYS_getpid);
	EXPECT_EQ(1, r->signals);
	EXPECT_EQ(SIGALRM, r->signal);
	EXPECT_EQ(0, raw_call(r, SYS_kill, 1, SIGUSR1));
	EXPECT_EQ(2, r->signals);
	EXPECT_EQ(SIGUSR1, r->signal);
	/* blocked ones wait */
	EXPECT_EQ(0, raw_call(r, SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8));
	EXPECT_EQ(0, raw_call(r, SYS_kill, 1, SIGUSR2));
	EXPECT_EQ(2, r->signals);
	EXPECT_EQ(0, raw_call(r, SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, 8));
	EXPECT_EQ(3, r->signals);
	EXPECT_EQ(SIGUSR2, r->signal);
}

static bool signal_it(struct raw *r, struct lib_task *task)
{
	struct helper *h = r->arg;

	(void)task;
	r->on_idle = NULL;
	raw_call_of(r, h->task, SYS_tgkill, 1, 1, SIGUSR1);
	return true;
}

TEST_F(contract, signal_interrupts_a_call)
{
	struct raw *r = &self->r;
	struct helper h = { .task = task_new(r, 0) };
	int pipe[2];
	char byte;
	long ret;

	ASSERT_EQ(0, raw_call(r, SYS_pipe2, pipe, 0));
	r->arg = &h;
	r->on_idle = signal_it;
	ret = raw_call(r, SYS_read, pipe[0], &byte, 1);
	EXPECT_TRUE(ret == -EINTR || (ret <= -512 && ret >= -516));
	EXPECT_EQ(SIGUSR1, r->signal);
}

/* ------------------------------------------- one instance, several processes */

static void become(struct raw *r, uint32_t process)
{
	r->host.process = process;
	r->ex.attach(&r->host);
}

/* A call of process 1 that waits while process 2 has the instance */
struct waiting {
	struct lib_task *reader, *writer;	/* of processes 1 and 2 */
	int pipe[2];
	char buf[4];		/* the reader's */
	bool (*meanwhile)(struct raw *r, struct waiting *w);
	bool held_up;		/* what was done meanwhile could not be */
	bool parked;		/* the reader's process was told that it must go on */
	bool early;		/* the buffer was written by the wrong process */
};

static bool process_2_writes(struct raw *r, struct lib_task *task)
{
	struct waiting *w = r->arg;

	r->on_idle = NULL;
	r->woken = NULL;
	become(r, 2);
	raw_call_of(r, w->writer, SYS_write, w->pipe[1], "z", 1);
	r->ex.run();
	w->parked = r->woken == task && !task->done;
	w->held_up = w->meanwhile && !w->meanwhile(r, w);
	w->early = w->buf[0];
	become(r, 1);
	return true;
}

/* Process 1 is blocked in read() when process 2 writes. */
static long read_of_another_process(struct raw *r, struct waiting *w)
{
	if (raw_call(r, SYS_pipe2, w->pipe, 0))
		return -1;
	w->reader = task_new(r, LIB_TASK_PROCESS);
	become(r, 2);
	w->writer = task_new(r, 0);
	become(r, 1);
	if (!w->reader || !w->writer || w->writer->process != 2)
		return -1;
	r->arg = w;
	r->on_idle = process_2_writes;
	return raw_call_of(r, w->reader, SYS_read, w->pipe[0], w->buf, sizeof(w->buf));
}

/* The reader's call is to go on in process 1 alone, where its buffer is. */
TEST_F(contract, call_waits_for_its_process)
{
	struct waiting w = { };

	EXPECT_EQ(1, read_of_another_process(&self->r, &w));
	EXPECT_EQ('z', w.buf[0]);
	EXPECT_TRUE(w.parked);
	EXPECT_FALSE(w.early);
}

/* All that others want works on, and so does the pipe. */
static bool others_go_on(struct raw *r, struct waiting *w)
{
	static const struct timespec hour = { .tv_sec = 3600 };
	int pipe[2];
	char byte;

	return !raw_call_of(r, w->writer, SYS_nanosleep, &hour, NULL) &&
	       !raw_call_of(r, w->writer, SYS_pipe2, pipe, 0) &&
	       raw_call_of(r, w->writer, SYS_write, pipe[1], "x", 1) == 1 &&
	       raw_call_of(r, w->writer, SYS_read, pipe[0], &byte, 1) == 1 &&
	       raw_call_of(r, w->writer, SYS_write, w->pipe[1], "y", 1) == 1;
}

TEST_F(contract, process_that_does_not_come_holds_up_nobody)
{
	struct waiting w = { .meanwhile = others_go_on };

	EXPECT_EQ(2, read_of_another_process(&self->r, &w));
	EXPECT_FALSE(w.held_up);
	EXPECT_EQ(0, memcmp(w.buf, "zy", 2));
	EXPECT_FALSE(w.early);
	EXPECT_LE(3600 * S, self->r.now);
}

/* Its process has died. */
static bool adopt_reader(struct raw *r, struct waiting *w)
{
	r->ex.task_adopt(w->reader);
	r->ex.run();
	return w->reader->done;
}

TEST_F(contract, adopt_a_call_that_waits_for_its_process)
{
	struct waiting w = { .meanwhile = adopt_reader };

	EXPECT_GT(0, read_of_another_process(&self->r, &w));
	EXPECT_FALSE(w.held_up);
	EXPECT_TRUE(w.parked);
	EXPECT_EQ(0, w.buf[0]);
}

/* Another process ends it, be its own there or not. */
static bool kill_reader(struct raw *r, struct waiting *w)
{
	r->ex.task_kill(w->reader);
	r->ex.run();
	return w->reader->dead;
}

TEST_F(contract, kill_a_call_that_waits_for_its_process)
{
	struct waiting w = { .meanwhile = kill_reader };

	EXPECT_EQ(-ESRCH, read_of_another_process(&self->r, &w));
	EXPECT_FALSE(w.held_up);
	EXPECT_TRUE(w.parked);
	EXPECT_FALSE(w.early);
}

/* It is not interrupted by halves: what it had to wait for has come. */
static bool interrupt_reader(struct raw *r, struct waiting *w)
{
	r->ex.task_interrupt(w->reader);
	r->ex.run();
	return !w->reader->done;
}

TEST_F(contract, interrupt_a_call_that_waits_for_its_process)
{
	struct waiting w = { .meanwhile = interrupt_reader };

	EXPECT_EQ(1, read_of_another_process(&self->r, &w));
	EXPECT_FALSE(w.held_up);
	EXPECT_EQ('z', w.buf[0]);
	EXPECT_FALSE(w.early);
}

/* A process died in a call: a survivor adopts the task; its memory is EFAULT. */
static bool adopt_it(struct raw *r, struct lib_task *task)
{
	r->on_idle = NULL;
	become(r, 2);
	r->ex.task_adopt(task);
	return true;
}

TEST_F(contract, adopt)
{
	struct raw *r = &self->r;
	struct lib_task *task = task_new(r, LIB_TASK_PROCESS);
	char buf[4] = "";
	int pipe[2];
	long ret;

	ASSERT_NE(NULL, task);
	ASSERT_EQ(0, raw_call_of(r, task, SYS_pipe2, pipe, 0));
	r->on_idle = adopt_it;
	ret = raw_call_of(r, task, SYS_read, pipe[0], buf, 4);
	EXPECT_GT(0, ret);
	EXPECT_EQ(2, task->process);
	EXPECT_EQ(0, r->ex.task_kill(task));
	r->ex.run();
	EXPECT_EQ(1, task->dead);
	become(r, 1);
}

TEST_HARNESS_MAIN
