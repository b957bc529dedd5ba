// SPDX-License-Identifier: GPL-2.0
/*
 * processes.c - one kernel, two processes: memory and image data are shared,
 * the page with the host's functions is each process's own. A call that comes
 * to copy the caller's memory goes on in the caller's process.
 *
 * The host here is the least that does: one lock, and for each process a word
 * to sleep on.
 */
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include "harness.h"
#include "raw.h"

#define ROUNDS	500
#define PORT	7000

static struct shared {
	pthread_mutex_t lock;
	uint64_t deadline;
	uint32_t word[3];		/* by process */
	unsigned int parked;		/* calls that waited for their process */
	struct lib_task *task;		/* the second process's */
	uint32_t stage;
} *shared;

static struct raw raw;
static unsigned int self;

/* --------------------------------------------------------- the shared host */

static void enter(void)
{
	pthread_mutex_lock(&shared->lock);
}

static void leave(void)
{
	pthread_mutex_unlock(&shared->lock);
}

static uint64_t now_ns(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * S + ts.tv_nsec;
}

static void arm(void *ctx, uint64_t deadline)
{
	(void)ctx;
	shared->deadline = deadline;
}

static void futex(uint32_t *word, int op, uint32_t val)
{
	static const struct timespec moment = { .tv_nsec = 5000000 };

	syscall(SYS_futex, word, op, val, &moment, NULL, 0);
}

static void wake_process(void *ctx, struct lib_task *task)
{
	(void)ctx;
	shared->parked += !task->done;
	shared->word[task->process]++;
	futex(&shared->word[task->process], FUTEX_WAKE, 1);
}

static void wait_here(void *ctx, struct lib_task *task, uint64_t deadline)
{
	uint32_t seen = shared->word[self];

	(void)ctx;
	(void)task;
	(void)deadline;
	leave();
	futex(&shared->word[self], FUTEX_WAIT, seen);
	enter();
	if (now_ns(NULL) >= shared->deadline && raw.ex.timer_fire)
		raw.ex.timer_fire();
}

/* --------------------------------------------------------------- processes */

/* From now on what the kernel writes is seen by all processes. */
static int share(struct dl_phdr_info *info, size_t size, void *dl)
{
	const ElfW(Phdr) *p = info->dlpi_phdr, *end = p + info->dlpi_phnum;
	uintptr_t from, to;
	void *copy;

	(void)size;
	if (info->dlpi_addr != ((struct link_map *)dl)->l_addr)
		return 0;
	while (p < end && !(p->p_type == PT_LOAD && p->p_flags & PF_W))
		p++;
	from = (info->dlpi_addr + p->p_vaddr) & -4096UL;
	to = (info->dlpi_addr + p->p_vaddr + p->p_memsz + 4095) & -4096UL;
	copy = mmap(NULL, to - from, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy(copy, (void *)from, to - from);
	return mremap(copy, to - from, to - from, MREMAP_MAYMOVE | MREMAP_FIXED,
		      (void *)from) == (void *)from ? 1 : -1;
}

static int attach(unsigned int process)
{
	self = process;
	raw.host.process = process;
	if (mmap(raw.kernel.host_page, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != raw.kernel.host_page)
		return -1;
	return raw.ex.attach(&raw.host);
}

static int boot_shared(void)
{
	pthread_mutexattr_t attr;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared->deadline = LIB_TIME_NEVER;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->lock, &attr);
	self = 1;
	if (raw_load(&raw, LM_ID_BASE) || dl_iterate_phdr(share, raw.dl) != 1)
		return complain("the image cannot be shared");
	raw_prepare(&raw, RAW_MEMORY);
	raw.host.clock_ns = now_ns;
	raw.host.timer_arm = arm;
	raw.host.wake = wake_process;
	raw.host.idle = wait_here;
	enter();
	if (raw_init(&raw) || attach(1) || raw_up(&raw, "lo", true))
		return complain("no kernel");
	leave();
	return 0;
}

static long call(struct lib_task *task, long nr, long a, long b, long c)
{
	long ret;

	enter();
	ret = raw_call_of(&raw, task, nr, a, b, c);
	leave();
	return ret;
}

static void reach(uint32_t stage)
{
	__atomic_store_n(&shared->stage, stage, __ATOMIC_RELEASE);
}

static void await(uint32_t stage)
{
	while (__atomic_load_n(&shared->stage, __ATOMIC_ACQUIRE) < stage)
		usleep(100);
}

static struct sockaddr_in here(void)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int listener(void)
{
	struct lib_task *task = raw.kernel.boot_task;
	struct sockaddr_in sa = here();
	int fd = call(task, SYS_socket, AF_INET, SOCK_STREAM, 0);

	if (call(task, SYS_bind, fd, (long)&sa, sizeof(sa)) || call(task, SYS_listen, fd, 1, 0))
		return -1;
	return fd;
}

/* The second process: its task, a connection; ends with the number of a failed step. */
static int connected(int *fd)
{
	struct sockaddr_in sa = here();
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (attach(2))
		return 1;
	enter();
	err = raw.ex.task_create(raw.kernel.boot_task, &shared->task, LIB_TASK_PROCESS, NULL,
				 NULL, 0);
	leave();
	if (err || shared->task->process != 2)
		return 2;
	reach(1);
	*fd = call(shared->task, SYS_socket, AF_INET, SOCK_STREAM, 0);
	return call(shared->task, SYS_connect, *fd, (long)&sa, sizeof(sa)) ? 3 : 0;
}

/* ------------------------------------------------------------------- tests */

/* Both buffers lie at the same address: a copy in the wrong process shows. */
static char buffer[64];

static int ask(void)
{
	int fd, i, step = connected(&fd);

	for (i = 0; i < ROUNDS && !step; i++) {
		snprintf(buffer, sizeof(buffer), "question %d", i);
		if (call(shared->task, SYS_write, fd, (long)buffer, sizeof(buffer)) != 64)
			step = 4;
		else if (call(shared->task, SYS_read, fd, (long)buffer, sizeof(buffer)) != 64)
			step = 5;
		else if (atoi(buffer + strlen("answer ")) != i || buffer[0] != 'a')
			step = 6;
	}
	return step;
}

TEST(two_processes_talk)
{
	struct lib_task *task;
	int status, l, fd, i;
	pid_t pid;

	ASSERT_EQ(0, boot_shared());
	task = raw.kernel.boot_task;
	l = listener();
	ASSERT_LE(0, l);
	pid = fork();
	if (!pid)
		_exit(ask());
	await(1);
	fd = call(task, SYS_accept, l, 0, 0);
	ASSERT_LE(0, fd);
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(64, call(task, SYS_read, fd, (long)buffer, sizeof(buffer)));
		ASSERT_EQ(0, strncmp(buffer, "question ", 9));
		ASSERT_EQ(i, atoi(buffer + 9));
		snprintf(buffer, sizeof(buffer), "answer %d", i);
		ASSERT_EQ(64, call(task, SYS_write, fd, (long)buffer, sizeof(buffer)));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_LT(0, shared->parked);
	EXPECT_EQ(1, call(task, SYS_getpid, 0, 0, 0));
}

/* Killed where it sleeps in a call: the other reaps it, its connection ends. */
TEST(killed_in_a_call)
{
	struct lib_task *task;
	int l, fd, peer, status;
	pid_t pid;

	ASSERT_EQ(0, boot_shared());
	task = raw.kernel.boot_task;
	l = listener();
	ASSERT_LE(0, l);
	pid = fork();
	if (!pid) {
		if (!connected(&peer))
			call(shared->task, SYS_read, peer, (long)buffer, sizeof(buffer));
		_exit(1);
	}
	await(1);
	fd = call(task, SYS_accept, l, 0, 0);
	ASSERT_LE(0, fd);
	usleep(20000);
	enter();	/* so it is not inside the kernel */
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, shared->task->done);
	EXPECT_EQ(0, raw.ex.task_adopt(shared->task));
	EXPECT_EQ(0, raw.ex.task_kill(shared->task));
	leave();
	EXPECT_EQ(0, call(task, SYS_read, fd, (long)buffer, sizeof(buffer)));
	EXPECT_EQ(1, shared->task->dead);
	enter();
	EXPECT_EQ(0, raw.ex.task_exit(shared->task));
	leave();
	EXPECT_EQ(0, call(task, SYS_close, fd, 0, 0));
}

/* Reads what the first process writes, one byte at a time. */
static int listen_only(void)
{
	int fd, step = connected(&fd);

	while (!step && call(shared->task, SYS_read, fd, (long)buffer, 1) == 1)
		;
	return step;
}

static int count_ours(void *arg, const char *path, unsigned int mode)
{
	(void)mode;
	if (self == 1 && !strncmp(path, "net/", 4))
		++*(int *)arg;
	return 0;
}

/*
 * Control calls of a task whose turn comes behind a call of the other process.
 * What they take and give lies where only the caller has memory.
 */
TEST(control_calls_behind_a_call_of_another_process)
{
	static const char name[] = "net.ipv4.ip_default_ttl";
	struct lib_task *task, *other;
	struct mine {
		char name[32], value[8], text[16];
		struct lib_netdev dev;
		int nr;
	} *mine;
	int status, l, fd, i;
	pid_t pid;

	ASSERT_EQ(0, boot_shared());
	task = raw.kernel.boot_task;
	l = listener();
	ASSERT_LE(0, l);
	pid = fork();
	if (!pid)
		_exit(listen_only());
	mine = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mine);
	memcpy(mine->name, name, sizeof(name));
	await(1);
	fd = call(task, SYS_accept, l, 0, 0);
	ASSERT_LE(0, fd);
	enter();
	ASSERT_EQ(0, raw.ex.task_create(task, &other, 0, NULL, NULL, 0));
	leave();
	for (i = 0; i < 4 * 25; i++) {
		while (__atomic_load_n(&shared->task->done, __ATOMIC_RELAXED))
			usleep(100);
		enter();
		ASSERT_EQ(1, raw_call_of(&raw, task, SYS_write, fd, (long)"x", 1));
		switch (i % 4) {
		case 0:
			snprintf(mine->value, sizeof(mine->value), "%d", 20 + i);
			EXPECT_EQ(0, raw.ex.sysctl_set(other, mine->name, mine->value));
			break;
		case 1:
			EXPECT_LT(0, raw.ex.sysctl_get(other, mine->name, mine->text, 16));
			EXPECT_STREQ(mine->value, mine->text);
			break;
		case 2:
			mine->dev = (struct lib_netdev) { .size = sizeof(mine->dev) };
			EXPECT_EQ(0, raw.ex.netdev_create(other, &mine->dev));
			EXPECT_LT(0, mine->dev.id);
			EXPECT_LT(0, mine->dev.ifindex);
			EXPECT_EQ(0, raw.ex.netdev_destroy(other, mine->dev.id));
			break;
		case 3:
			mine->nr = 0;
			EXPECT_EQ(0, raw.ex.sysctl_iterate(other, count_ours, &mine->nr));
			EXPECT_LT(100, mine->nr);
			break;
		}
		leave();
	}
	EXPECT_LT(0, shared->parked);	/* how many is a matter of who comes first */
	EXPECT_EQ(0, call(task, SYS_shutdown, fd, SHUT_RDWR, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
