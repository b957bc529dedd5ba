// SPDX-License-Identifier: GPL-2.0
/*
 * inside.c - signals and faults of threads that are inside (see inside.h): no
 * handler runs there, none is lost, calls that wait are ended or made again.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include "check.h"
#include "inside.h"

#define call(...)	syscall(INSIDE_NR, __VA_ARGS__)

static volatile int count;
static int zero;
static sigjmp_buf jump;

static void outside(void)
{
	EQUAL(*(volatile uint32_t *)call(INSIDE_WHERE), 0);
}

static void handle_info(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO };

	EQUAL(sigaction(sig, &action, NULL), 0);
}

static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	EQUAL(sigaction(sig, &action, NULL), 0);
}

static void in_ms(int first, int interval)
{
	struct itimerval it = { { 0, interval * 1000 }, { 0, first * 1000 } };

	EQUAL(setitimer(ITIMER_REAL, &it, NULL), 0);
}

static void counts(int sig)
{
	(void)sig;
	outside();
	EQUAL(call(INSIDE_SPIN, 1), 0);
	count++;
}

static void mask(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	EQUAL(sigprocmask(how, &set, NULL), 0);
}

static int blocked(int sig)
{
	sigset_t now;

	EQUAL(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	return sigismember(&now, sig);
}

/* ---------------------------------------------------------------- waiting */

static void poll_ends(void)
{
	int i, before;

	handle(SIGALRM, counts, SA_RESTART);
	in_ms(1, 2);
	for (i = 0; i < 30; i++) {
		before = count;
		EQUAL(call(INSIDE_POLL, NULL, 0, NULL, NULL), -1);
		EQUAL(errno, EINTR);
		TRUE(count > before);
		EQUAL(blocked(SIGALRM), 0);
		EQUAL(blocked(SIGUSR1), 0);
	}
}

static void third_is_last(int sig)
{
	counts(sig);
	if (count == 3)
		handle(SIGALRM, counts, 0);
}

static void futex_restarts(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		count = 0;
		handle(SIGALRM, third_is_last, SA_RESTART);
		in_ms(2, 2);
		EQUAL(call(INSIDE_FUTEX, &zero, 0, NULL), -1);
		EQUAL(errno, EINTR);
		in_ms(0, 0);
		TRUE(count >= 4);
	}
}

static void leave(int sig)
{
	counts(sig);
	siglongjmp(jump, 1);
}

static void jump_out(void)
{
	volatile int i;

	handle(SIGALRM, leave, 0);
	for (i = 0; i < 40; i++) {
		if (!sigsetjmp(jump, 1)) {
			in_ms(1, 0);
			if (i % 2)
				call(INSIDE_POLL, NULL, 0, NULL, NULL);
			else
				call(INSIDE_FUTEX, &zero, 0, NULL);
			_exit(2);
		}
		EQUAL(call(INSIDE_SPIN, 1), 0);
		EQUAL(blocked(SIGALRM), 0);
	}
	EQUAL(count, 40);
}

static void in_poll(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	outside();
	EQUAL(sigismember(&uc->uc_sigmask, SIGUSR1), 1);	/* as before the call */
	EQUAL(sigismember(&uc->uc_sigmask, SIGUSR2), 0);
	EQUAL(blocked(SIGUSR1), sig == SIGUSR1);		/* as in the call */
	EQUAL(blocked(SIGUSR2), 1);
	count++;
}

/* The mask of ppoll lets in what is blocked else, pending before or not. */
static void poll_mask(void)
{
	sigset_t only2;
	int i;

	handle_info(SIGUSR1, in_poll, 0);
	handle_info(SIGALRM, in_poll, 0);
	mask(SIG_BLOCK, SIGUSR1);
	mask(SIG_BLOCK, SIGALRM);
	sigemptyset(&only2);
	sigaddset(&only2, SIGUSR2);
	for (i = 0; i < 10; i++) {
		if (i % 2)
			raise(SIGUSR1);
		else
			in_ms(1, 0);
		EQUAL(call(INSIDE_POLL, NULL, 0, NULL, &only2), -1);
		EQUAL(errno, EINTR);
		EQUAL(count, i + 1);
		EQUAL(blocked(SIGUSR1), 1);
		EQUAL(blocked(SIGUSR2), 0);
	}
}

/* ---------------------------------------------------------------- actions */

static volatile int ready, go_on;
static void (*meanwhile)(void);

/* @inside: the thread's catch_thread::inside, and catch_thread::signal behind it */
struct sender {
	int to, sig;
	volatile uint32_t *inside;
};

static void *send_inside(void *arg)
{
	struct sender *sender = arg;

	while (!ready || !*sender->inside)
		sched_yield();
	EQUAL(syscall(SYS_tgkill, getpid(), sender->to, sender->sig), 0);
	while (!sender->inside[1])
		sched_yield();
	if (meanwhile)
		meanwhile();
	go_on = 1;
	return NULL;
}

/* A signal comes while this thread is inside, then something happens elsewhere. */
static void during_with(int sig, void (*what)(void))
{
	struct sender sender = { gettid(), sig, (void *)call(INSIDE_WHERE) };
	pthread_t thread;

	meanwhile = what;
	ready = 0;
	go_on = 0;
	count = 0;
	EQUAL(pthread_create(&thread, NULL, send_inside, &sender), 0);
	ready = 1;	/* not inside any more for the thread's birth */
	EQUAL(call(INSIDE_SPIN_UNTIL, &go_on), 0);
	EQUAL(pthread_join(thread, NULL), 0);
}

static void during(void (*what)(void))
{
	during_with(SIGUSR1, what);
}

static void ignore(void)
{
	signal(SIGUSR1, SIG_IGN);
}

static void again(void)
{
	EQUAL(count, 0);
	handle(SIGUSR1, counts, SA_RESETHAND);
}

/* What counts is the action when the signal is delivered at last. */
static void changes(void)
{
	struct sigaction old;

	handle(SIGUSR1, counts, SA_RESETHAND | SA_NODEFER);
	EQUAL(sigaction(SIGUSR1, NULL, &old), 0);
	TRUE(old.sa_handler == counts);
	TRUE((old.sa_flags & ~0x04000000) == (int)(SA_RESETHAND | SA_NODEFER));
	during(NULL);
	EQUAL(count, 1);
	EQUAL(sigaction(SIGUSR1, NULL, &old), 0);
	TRUE(old.sa_handler == SIG_DFL);

	handle(SIGUSR1, counts, 0);
	during(ignore);
	EQUAL(count, 0);
	EQUAL(sigaction(SIGUSR1, NULL, &old), 0);
	TRUE(old.sa_handler == SIG_IGN);

	handle(SIGUSR1, leave, 0);
	during(again);
	EQUAL(count, 1);
	EQUAL(sigaction(SIGUSR1, NULL, &old), 0);
	TRUE(old.sa_handler == SIG_DFL);
}

static void to_default(void)
{
	signal(SIGUSR1, SIG_DFL);
}

static void reset_dies(void)
{
	int status, i, pid;

	for (i = 0; i < 2; i++) {
		pid = fork();
		if (!pid) {
			handle(SIGUSR1, counts, SA_RESETHAND);
			if (i)
				during(to_default);
			raise(SIGUSR1);
			raise(SIGUSR1);
			_exit(0);
		}
		EQUAL(waitpid(pid, &status, 0), pid);
		TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
	}
}

static int *reached;

static void reach(void)
{
	*reached = 1;
}

/* By the default action of any signal that has one; 32 and 33 are libc's. */
static void ends_outside(void)
{
	const struct rlimit none = { 0, 0 };
	int sig, status, pid;

	reached = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	EQUAL(setrlimit(RLIMIT_CORE, &none), 0);
	for (sig = 1; sig <= 64; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP || sig == SIGCHLD || sig == SIGCONT ||
		    sig == SIGURG || sig == SIGWINCH || sig == SIGTSTP || sig == SIGTTIN ||
		    sig == SIGTTOU || sig == 32 || sig == 33)
			continue;
		*reached = 0;
		pid = fork();
		if (!pid) {
			alarm(60);
			signal(sig, SIG_DFL);
			during_with(sig, reach);
			_exit(9);
		}
		EQUAL(waitpid(pid, &status, 0), pid);
		EQUAL(status, sig);
		EQUAL(*reached, 1);
	}
}

/* ------------------------------------------------------------------ storms */

#define STORM	20000

static unsigned char seen[STORM];
static int last[65];
static volatile int received;
static int in_order;

static void once(int sig, siginfo_t *info, void *context)
{
	int n = info->si_value.sival_int;

	(void)context;
	outside();
	EQUAL(info->si_code, SI_QUEUE);
	EQUAL(__atomic_exchange_n(&seen[n], 1, __ATOMIC_RELAXED), 0);
	if (in_order && n < last[sig])
		EQUAL(n, last[sig]);
	last[sig] = n;
	if (n % 7 == 0)
		call(INSIDE_SPIN, 3);
	__atomic_add_fetch(&received, 1, __ATOMIC_RELAXED);
}

/* A process that sends them all, at random moments */
static int killer(int total)
{
	int parent = getpid(), pid = fork(), i, pause;
	unsigned int random = 1;
	union sigval value;

	if (pid)
		return pid;
	for (i = 0; i < total; i++) {
		value.sival_int = i;
		while (sigqueue(parent, SIGRTMIN + i % 3, value)) {
			if (errno != EAGAIN)
				_exit(3);
			sched_yield();
		}
		random = random * 1103515245 + 12345;
		for (pause = random >> 16 & 1023; pause; pause--)
			asm volatile("pause");
	}
	_exit(0);
}

static void handle_storm(int flags)
{
	int i;

	for (i = 0; i < 3; i++)
		handle_info(SIGRTMIN + i, once, flags | (i ? SA_RESTART : 0));
}

static void work(int i)
{
	struct timespec soon = { 0, 50000 };
	struct pollfd none = { -1, POLLIN, 0 };

	switch (i % 5) {
	case 0:
		EQUAL(call(INSIDE_SPIN, i % 100), 0);
		break;
	case 1:
		if (call(INSIDE_POLL, &none, 1, &soon, NULL))
			EQUAL(errno, EINTR);
		break;
	case 2:
		EQUAL(call(INSIDE_FUTEX, &zero, 0, &soon), -1);
		TRUE(errno == EINTR || errno == ETIMEDOUT);
		break;
	case 3:
		EQUAL(call(INSIDE_TOUCH, 8), -1);
		EQUAL(errno, EFAULT);
		break;
	case 4:
		EQUAL(trapped(SYS_getppid), CAUGHT);
		EQUAL(getppid(), CAUGHT);
	}
}

static void end_storm(int pid, int total)
{
	int i;

	REAP(pid);
	EQUAL(received, total);
	for (i = 0; i < total; i++)
		EQUAL(seen[i], 1);
}

static void storm(void)
{
	struct rlimit few = { 40, 40 };		/* queued: often there is no room */
	int pid, i;

	alarm(60);
	setrlimit(RLIMIT_SIGPENDING, &few);
	in_order = 1;
	handle_storm(0);
	pid = killer(STORM);
	for (i = 0; received < STORM; i++)
		work(i);
	end_storm(pid, STORM);
}

static void *work_on(void *arg)
{
	long i;

	for (i = (long)arg; received < STORM; i++)
		work(i);
	return NULL;
}

static void storm_threads(void)
{
	pthread_t thread[8];
	long i;
	int pid;

	alarm(60);
	handle_storm(0);
	pid = killer(STORM);
	for (i = 0; i < 8; i++)
		EQUAL(pthread_create(&thread[i], NULL, work_on, (void *)i), 0);
	for (i = 0; i < 8; i++)
		EQUAL(pthread_join(thread[i], NULL), 0);
	end_storm(pid, STORM);
}

static volatile int turn;

static void *send_in_turn(void *arg)
{
	struct sender *sender = arg;
	int i, pause;

	for (i = 0; i < STORM / 4; i++) {
		while (turn <= i || !*sender->inside)
			;
		for (pause = i * 7 % 2000; pause; pause--)
			asm volatile("");
		EQUAL(syscall(SYS_tgkill, getpid(), sender->to, sender->sig), 0);
	}
	return NULL;
}

/* One signal inside for one wait, which has no other end: at any moment it is in time. */
static void no_window(void)
{
	struct sender sender = { gettid(), SIGUSR1, (void *)call(INSIDE_WHERE) };
	pthread_t thread;
	int i;

	alarm(60);
	handle(SIGUSR1, counts, 0);
	EQUAL(pthread_create(&thread, NULL, send_in_turn, &sender), 0);
	for (i = 0; i < STORM / 4; i++) {
		turn = i + 1;
		if (i % 2)
			EQUAL(call(INSIDE_POLL, NULL, 0, NULL, NULL), -1);
		else
			EQUAL(call(INSIDE_FUTEX, &zero, 0, NULL), -1);
		EQUAL(errno, EINTR);
		EQUAL(count, i + 1);
	}
	EQUAL(pthread_join(thread, NULL), 0);
}

/* What handlers have on their signal stack stays as it is, however they nest. */
static void guarded(int sig, siginfo_t *info, void *context)
{
	volatile unsigned char guard[512];
	unsigned int i;

	memset((void *)guard, sig, sizeof(guard));
	once(sig, info, context);
	call(INSIDE_SPIN, 20);
	for (i = 0; i < sizeof(guard); i++)
		EQUAL(guard[i], sig);
}

static void signal_stack(void)
{
	static char memory[65536];
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) }, now;
	int total = STORM / 5, pid, i;

	alarm(60);
	EQUAL(sigaltstack(&stack, NULL), 0);
	for (i = 0; i < 3; i++)
		handle_info(SIGRTMIN + i, guarded, SA_ONSTACK | SA_RESTART);
	handle(SIGALRM, counts, SA_ONSTACK | SA_RESTART);
	in_ms(1, 1);
	pid = killer(total);
	for (i = 0; received < total; i++)
		work(i);
	in_ms(0, 0);
	end_storm(pid, total);
	EQUAL(sigaltstack(NULL, &now), 0);
	EQUAL(now.ss_sp == stack.ss_sp && now.ss_size == stack.ss_size && !now.ss_flags, 1);
}

static char jump_stack[65536];

static void on_stack_leave(int sig)
{
	char *here = (char *)&sig;

	EQUAL(call(INSIDE_SPIN, 100), 0);
	TRUE(here > jump_stack && here < jump_stack + sizeof(jump_stack));
	siglongjmp(jump, 1);
}

/* Left by a jump, the signal stack is there for the next. */
static void signal_stack_jump(void)
{
	stack_t stack = { .ss_sp = jump_stack, .ss_size = sizeof(jump_stack) };
	volatile int i;

	EQUAL(sigaltstack(&stack, NULL), 0);
	handle(SIGALRM, on_stack_leave, SA_ONSTACK);
	for (i = 0; i < 20; i++) {
		if (!sigsetjmp(jump, 1)) {
			in_ms(1, 0);
			call(INSIDE_POLL, NULL, 0, NULL, NULL);
			_exit(2);
		}
	}
}

static void timer_info(int sig, siginfo_t *info, void *context)
{
	(void)context;
	(void)sig;
	outside();
	EQUAL(info->si_code, SI_TIMER);
	EQUAL(info->si_value.sival_int, 77);
	count++;
}

static void timers(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN,
			       .sigev_value.sival_int = 77 };
	struct itimerspec spec = { { 0, 300000 }, { 0, 300000 } };
	timer_t timer;
	int i;

	handle_info(SIGRTMIN, timer_info, SA_RESTART);
	handle(SIGALRM, counts, 0);
	EQUAL(timer_create(CLOCK_MONOTONIC, &ev, &timer), 0);
	EQUAL(timer_settime(timer, 0, &spec, NULL), 0);
	in_ms(1, 1);
	for (i = 0; i < 2000 || count < 100; i++)
		work(i);
	EQUAL(timer_delete(timer), 0);
}

/* ------------------------------------------------------------------ faults */

static void fault_info(int sig, siginfo_t *info, void *context)
{
	(void)context;
	outside();
	TRUE(sig == SIGSEGV);
	EQUAL((long)info->si_addr, 24);
	EQUAL(blocked(SIGSEGV), 1);
	EQUAL(call(INSIDE_TOUCH, 8), -1);	/* faults inside are cured here too */
	EQUAL(errno, EFAULT);
	count++;
	siglongjmp(jump, 1);
}

static int crash(void)
{
	volatile int *volatile bad = (int *)24;

	return *bad;
}

static void faults(void)
{
	char *gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction old;
	volatile int i;

	EQUAL(sigaction(SIGSEGV, NULL, &old), 0);
	TRUE(old.sa_handler == SIG_DFL && !old.sa_flags);
	handle_info(SIGSEGV, fault_info, 0);
	EQUAL(sigaction(SIGSEGV, NULL, &old), 0);
	TRUE(old.sa_sigaction == fault_info);
	EQUAL(call(INSIDE_TOUCH, &zero), 0);
	EQUAL(munmap(gone, 4096), 0);
	for (i = 0; i < 10; i++) {
		EQUAL(call(INSIDE_TOUCH, gone), -1);
		EQUAL(errno, EFAULT);
		EQUAL(call(INSIDE_JUMP, INSIDE_NOWHERE), -1);
		EQUAL(errno, EFAULT);
		if (!sigsetjmp(jump, 1))
			crash();
		EQUAL(count, i + 1);
		EQUAL(blocked(SIGSEGV), 0);
	}
	mask(SIG_BLOCK, SIGSEGV);
	EQUAL(blocked(SIGSEGV), 1);
	EQUAL(call(INSIDE_TOUCH, gone), -1);
	EQUAL(errno, EFAULT);
}

static void sent(int sig)
{
	outside();
	EQUAL(blocked(sig), 1);
	count++;
}

/* SIGSEGV that somebody sends is a signal as others. */
static void sent_faults(void)
{
	handle(SIGSEGV, sent, 0);
	raise(SIGSEGV);
	EQUAL(count, 1);
	mask(SIG_BLOCK, SIGSEGV);
	raise(SIGSEGV);
	EQUAL(count, 1);
	mask(SIG_UNBLOCK, SIGSEGV);
	EQUAL(count, 2);
	signal(SIGSEGV, SIG_IGN);
	raise(SIGSEGV);
	EQUAL(count, 2);
	EQUAL(call(INSIDE_TOUCH, 8), -1);
	EQUAL(errno, EFAULT);
}

static void never(int sig)
{
	(void)sig;
	_exit(9);
}

static void crash_inside(void)
{
	handle(SIGSEGV, never, 0);
	call(INSIDE_CRASH, 24);
}

static void jump_inside(void)
{
	handle(SIGSEGV, never, 0);
	call(INSIDE_JUMP, 24);
}

static void crash_outside(void)
{
	crash();
}

static void crash_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	crash();
}

static void crash_blocked(void)
{
	handle(SIGSEGV, never, 0);
	mask(SIG_BLOCK, SIGSEGV);
	crash();
}

static void crash_again(int sig)
{
	(void)sig;
	crash();
}

static void crash_twice(void)
{
	handle(SIGSEGV, crash_again, 0);
	crash();
}

static void kill_self(void)
{
	raise(SIGSEGV);
}

/* All of these end the process, by that signal. */
static void deaths(void)
{
	static void (*const ways[])(void) = { crash_inside, jump_inside, crash_outside,
					      crash_ignored, crash_blocked, crash_twice,
					      kill_self };
	struct rlimit none = { 0, 0 };
	unsigned int i;
	int status, pid;

	setrlimit(RLIMIT_CORE, &none);
	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		pid = fork();
		if (!pid) {
			ways[i]();
			_exit(0);
		}
		EQUAL(waitpid(pid, &status, 0), pid);
		TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
}

/* ----------------------------------------------------------------- threads */

static void *core_of(void *arg)
{
	(void)arg;
	call(INSIDE_SPIN, 1);
	return (void *)call(INSIDE_CORE);
}

static int guest(void *arg)
{
	EQUAL(call(INSIDE_CORE), 0);
	work(0);
	*(long *)arg = call(INSIDE_CORE);
	return 0;
}

/* Each thread has its own, whatever its thread pointer is. */
static void own_core(void)
{
	char *stack = malloc(65536);
	long mine, theirs = 0;
	pthread_t thread;
	void *other;
	int pid;

	call(INSIDE_SPIN, 1);
	mine = call(INSIDE_CORE);
	TRUE(mine);
	EQUAL(pthread_create(&thread, NULL, core_of, NULL), 0);
	EQUAL(pthread_join(thread, &other), 0);
	TRUE(other && (long)other != mine);
	pid = vfork();
	if (!pid) {
		if (call(INSIDE_CORE))
			_exit(1);
		work(0);
		if (!call(INSIDE_CORE) || call(INSIDE_CORE) == mine)
			_exit(2);
		_exit(0);
	}
	REAP(pid);
	EQUAL(call(INSIDE_CORE), mine);
	pid = clone(guest, stack + 65536, CLONE_VM | SIGCHLD, &theirs);
	while (!*(volatile long *)&theirs)
		work(0);
	REAP(pid);
	TRUE(theirs != mine);
	EQUAL(call(INSIDE_CORE), mine);
	pid = fork();
	if (!pid)
		_exit(call(INSIDE_CORE) != 0);
	REAP(pid);
}

static void vfork_storm(void)
{
	volatile int i;
	int pid;

	handle(SIGALRM, counts, SA_RESTART);
	in_ms(1, 1);
	for (i = 0; i < 200 || count < 10; i++) {
		pid = vfork();
		if (!pid) {
			work(i % 4);
			_exit(0);
		}
		work(i);
		while (waitpid(pid, NULL, 0) < 0)
			;
	}
	in_ms(0, 0);
}

/* The core sees both ends. */
static void exits(void)
{
	long before = syscall(SYS_getpgid, 4244);
	pthread_t thread;
	int status, i, pid;

	for (i = 0; i < 5; i++) {
		EQUAL(pthread_create(&thread, NULL, core_of, NULL), 0);
		EQUAL(pthread_join(thread, NULL), 0);
	}
	EQUAL(syscall(SYS_getpgid, 4244) - before, 5);
	pid = fork();
	if (!pid)
		_exit(4242);
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(WEXITSTATUS(status), 42);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{ "poll_ends", poll_ends }, { "futex_restarts", futex_restarts },
		{ "jump_out", jump_out }, { "poll_mask", poll_mask }, { "changes", changes },
		{ "reset_dies", reset_dies }, { "ends_outside", ends_outside },
		{ "storm", storm },
		{ "storm_threads", storm_threads }, { "no_window", no_window },
		{ "signal_stack", signal_stack },
		{ "signal_stack_jump", signal_stack_jump }, { "timers", timers },
		{ "faults", faults }, { "sent_faults", sent_faults }, { "deaths", deaths },
		{ "own_core", own_core }, { "vfork_storm", vfork_storm }, { "exits", exits },
		{ NULL, NULL },
	};

	return check_main(argc, argv, checks);
}
