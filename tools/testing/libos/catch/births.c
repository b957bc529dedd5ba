// SPDX-License-Identifier: GPL-2.0
/*
 * births.c - threads and processes, made in every way: all are caught from
 * their first instruction, and the core is told of each.
 */
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include "check.h"

#define STACK	65536

extern char **environ;

/* How many births the core knows of, in all processes before this one */
static long births(void)
{
	return syscall(SYS_getpgid, 4243) / 1000;
}

static void forks(void)
{
	int i, pid;
	long before = births();

	for (i = 0; i < 20; i++) {
		pid = i % 2 ? fork() : syscall(SYS_fork);
		if (!pid)
			_exit(getppid() != CAUGHT || trapped(SYS_getppid) != CAUGHT);
		REAP(pid);
	}
	EQUAL(births() - before, 20);
}

static void vforks(void)
{
	volatile long inside;
	volatile int i;
	int pid;

	for (i = 0; i < 20; i++) {
		inside = 0;
		pid = vfork();
		if (!pid) {
			inside = trapped(SYS_getppid);
			if (i % 2)
				execl("/bin/true", "true", NULL);
			_exit(0);
		}
		REAP(pid);
		EQUAL(inside, CAUGHT);
		EQUAL(trapped(SYS_getppid), CAUGHT);
	}
}

/* What vfork's child does to its signals is not its parent's. */
static void vfork_signals(void)
{
	struct sigaction action;
	int pid;

	signal(SIGSYS, SIG_IGN);
	pid = vfork();
	if (!pid) {
		signal(SIGSYS, SIG_DFL);
		_exit(0);
	}
	REAP(pid);
	sigaction(SIGSYS, NULL, &action);
	TRUE(action.sa_handler == SIG_IGN);
}

static volatile int raised;

static void on_sigsys(int sig)
{
	(void)sig;
	raised++;
}

static void *raise_on(void *arg)
{
	while (!*(volatile int *)arg)
		raise(SIGSYS);
	return NULL;
}

/* Nor is it seen by its parent's other threads, which run on. */
static void vfork_beside_threads(void)
{
	pthread_t thread;
	volatile int i, stop = 0;
	int pid;

	signal(SIGSYS, on_sigsys);
	EQUAL(pthread_create(&thread, NULL, raise_on, (void *)&stop), 0);
	for (i = 0; i < 200 || !raised; i++) {
		pid = vfork();
		if (!pid) {
			signal(SIGSYS, SIG_DFL);
			usleep(50);
			_exit(0);
		}
		REAP(pid);
	}
	stop = 1;
	EQUAL(pthread_join(thread, NULL), 0);
}

/* Lets a child go on until it ends, which must be well; how many times it has trapped */
static int stops(int pid)
{
	int status, n = 0;

	for (;;) {
		EQUAL(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status))
			break;
		n += WSTOPSIG(status) == SIGTRAP;
		EQUAL(ptrace(PTRACE_CONT, pid, NULL,
			     WSTOPSIG(status) == SIGTRAP ? 0 : (long)WSTOPSIG(status)), 0);
	}
	EQUAL(status, 0);
	return n;
}

/*
 * A debugger starts a program by vfork, itself or by a shell: the child is not stopped
 * while its parent waits, but for each program that was exec'ed.
 */
static void traced(void)
{
	int pid, shell;

	for (shell = 0; shell < 2; shell++) {
		pid = vfork();
		if (!pid) {
			if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
				_exit(9);
			if (shell)
				execl("/bin/sh", "sh", "-c", "exec /bin/true", NULL);
			else
				execl("/bin/true", "true", NULL);
			_exit(9);
		}
		EQUAL(stops(pid), shell + 1);
	}
}

static void spawns(void)
{
	char *argv[] = { "sh", "-c", "exit $((PPID - 4242))", NULL };
	char *none[] = { "none", NULL };
	posix_spawnattr_t attr;
	sigset_t all;
	int i, pid;

	posix_spawnattr_init(&attr);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &all);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	for (i = 0; i < 10; i++) {
		EQUAL(posix_spawn(&pid, "/bin/sh", NULL, i % 2 ? &attr : NULL, argv, environ), 0);
		REAP(pid);
		EQUAL(posix_spawn(&pid, "/none", NULL, NULL, none, environ), ENOENT);
	}
}

static int new_process(void *arg)
{
	*(long *)arg = trapped(SYS_getppid);
	return getppid() != CAUGHT;
}

/* A process on our memory, with a stack of its own; and one on a copy */
static void clones(void)
{
	char *stack = malloc(STACK);
	long seen = 0;
	int pid;

	pid = clone(new_process, stack + STACK, CLONE_VM | SIGCHLD, &seen);
	REAP(pid);
	EQUAL(seen, CAUGHT);
	seen = 0;
	pid = clone(new_process, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, &seen);
	REAP(pid);
	EQUAL(seen, CAUGHT);
	seen = 0;
	pid = clone(new_process, stack + STACK, SIGCHLD, &seen);
	REAP(pid);
	EQUAL(seen, 0);
	EQUAL(clone(new_process, stack + STACK, CLONE_THREAD, &seen), -1);
	EQUAL(errno, EINVAL);
	EQUAL(trapped(SYS_getppid), CAUGHT);
}

static void clone3s(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int i, pid;

	for (i = 0; i < 3; i++) {
		args.flags = i == 1 ? 0x100000000UL /* CLONE_CLEAR_SIGHAND */ : 0;
		pid = syscall(SYS_clone3, &args, sizeof(args));
		if (!pid)
			_exit(trapped(SYS_getppid) != CAUGHT);
		REAP(pid);
	}
}

static void *work(void *arg)
{
	char buf[4];
	long i;

	for (i = 0; i < 3000; i++) {
		if (getppid() != CAUGHT || trapped(SYS_getppid) != CAUGHT ||
		    syscall(SYS_getppid) != CAUGHT || read(600, buf, 4) != 4)
			return NULL;
		sched_yield();
	}
	return arg;
}

static void threads(void)
{
	pthread_t thread[16];
	void *ret;
	long i, round;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < 16; i++)
			EQUAL(pthread_create(&thread[i], NULL, work, thread), 0);
		for (i = 0; i < 16; i++) {
			EQUAL(pthread_join(thread[i], &ret), 0);
			TRUE(ret == thread);
		}
	}
}

static volatile int raw_done;

static int raw_thread(void *arg)
{
	*(long *)arg = trapped(SYS_getppid);
	raw_done = 1;
	syscall(SYS_exit, 0);
	return 0;
}

/* A thread of no library, without a thread pointer of its own */
static void raw_clone(void)
{
	char *stack = malloc(STACK);
	long seen = 0;
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	TRUE(clone(raw_thread, stack + STACK, flags, &seen) > 0);
	while (!raw_done)
		usleep(100);
	EQUAL(seen, CAUGHT);
	usleep(1000);
}

static void *exec_in_thread(void *arg)
{
	execl("/bin/sh", "sh", "-c", "exit $((PPID - 4242))", NULL);
	return arg;
}

static void execs(void)
{
	pthread_t thread;
	int pid = fork();

	if (!pid) {
		pthread_create(&thread, NULL, exec_in_thread, NULL);
		pthread_join(thread, NULL);
		_exit(9);
	}
	REAP(pid);
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", "exec sh -c 'exec env sh -c \"exit \\$((PPID - 4242))\"'",
		      NULL);
		_exit(9);
	}
	REAP(pid);
}

/* Nothing is left behind by a thousand children. */
static void no_growth(void)
{
	char path[40], line[256];
	int i, pid, lines[2] = { 0, 0 };
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", getpid());
	for (i = 0; i < 120; i++) {
		pid = vfork();
		if (!pid) {
			if (i % 10 == 0)
				execl("/bin/true", "true", NULL);
			_exit(0);
		}
		REAP(pid);
		if (i != 20 && i != 119)
			continue;
		maps = fopen(path, "r");
		while (fgets(line, sizeof(line), maps))
			lines[i == 119]++;
		fclose(maps);
	}
	TRUE(lines[1] <= lines[0] + 2);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{ "forks", forks }, { "vforks", vforks }, { "vfork_signals", vfork_signals },
		{ "vfork_beside_threads", vfork_beside_threads },
		{ "traced", traced }, { "spawns", spawns }, { "clones", clones }, { "clone3s", clone3s },
		{ "threads", threads }, { "raw_clone", raw_clone }, { "execs", execs },
		{ "no_growth", no_growth }, { NULL, NULL },
	};

	return check_main(argc, argv, checks);
}
