// SPDX-License-Identifier: GPL-2.0
/*
 * signals.c - signals in caught calls, caught calls in handlers, and programs
 * that have plans of their own with SIGSYS.
 */
#include <poll.h>
#include <setjmp.h>
#include <sys/select.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <ucontext.h>
#include "check.h"

static volatile int count;
static sigjmp_buf jump;

static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigfillset(&action.sa_mask);
	EQUAL(sigaction(sig, &action, NULL), 0);
}

static void in_ms(int first, int interval)
{
	struct itimerval it = { { 0, interval * 1000 }, { 0, first * 1000 } };

	EQUAL(setitimer(ITIMER_REAL, &it, NULL), 0);
}

static void calls(int sig)
{
	(void)sig;
	EQUAL(getppid(), CAUGHT);
	EQUAL(trapped(SYS_getppid), CAUGHT);
	count++;
}

/* The handler's mask is full, and it makes calls. */
static void full_mask(void)
{
	int i;

	handle(SIGUSR1, calls, 0);
	for (i = 0; i < 100; i++) {
		raise(SIGUSR1);
		EQUAL(trapped(SYS_getppid), CAUGHT);
	}
	EQUAL(count, 100);
}

static void third_is_last(int sig)
{
	calls(sig);
	if (count == 3)
		handle(SIGALRM, calls, 0);
}

/* A caught call that waits goes on while handlers restart it, and then is ended. */
static void restart(void)
{
	char byte;
	int i;

	for (i = 0; i < 2; i++) {
		count = 0;
		handle(SIGALRM, third_is_last, SA_RESTART);
		in_ms(5, 5);
		EQUAL(i ? syscall(SYS_read, 777, &byte, 1) : read(777, &byte, 1), -1);
		EQUAL(errno, EINTR);
		in_ms(0, 0);
		TRUE(count >= 4);
	}
}

static void leave(int sig)
{
	calls(sig);
	siglongjmp(jump, 1);
}

static void leave_at_once(int sig)
{
	(void)sig;
	count++;
	siglongjmp(jump, 1);
}

/* ... and traps, at any moment: sites that are new are patched all the same. */
static void jump_out_of_traps(void)
{
	struct itimerval it = { { 0, 200 }, { 0, 200 } };
	const unsigned char *libc = (void *)getppid;

	handle(SIGALRM, leave_at_once, 0);
	sigsetjmp(jump, 1);
	if (!count)
		setitimer(ITIMER_REAL, &it, NULL);
	while (count < 1000)
		EQUAL(trapped(SYS_getppid), CAUGHT);
	in_ms(0, 0);
	EQUAL(getppid(), CAUGHT);
	EQUAL(libc[0], 0xe9);
}

/* Handlers leave a call that waits by a jump; the next finds all in order. */
static void jump_out(void)
{
	char byte;
	volatile int i;

	handle(SIGALRM, leave, 0);
	for (i = 0; i < 20; i++) {
		if (!sigsetjmp(jump, 1)) {
			in_ms(2, 0);
			read(777, &byte, 1);
			_exit(2);
		}
		EQUAL(getppid(), CAUGHT);
	}
	EQUAL(count, 20);
}

static void nested(int sig)
{
	char byte;

	if (count++ < 3) {
		in_ms(2, 0);
		EQUAL(syscall(SYS_read, 777, &byte, 1), -1);
		EQUAL(errno, EINTR);
	}
	calls(sig);
}

/* Handlers on a signal stack, in calls that wait, in handlers on that stack */
static void signal_stack(void)
{
	static char memory[65536];
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) }, now;
	struct sigaction action = { .sa_handler = nested, .sa_flags = SA_ONSTACK | SA_NODEFER };
	char byte;

	EQUAL(sigaltstack(&stack, NULL), 0);
	EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	in_ms(2, 0);
	EQUAL(read(777, &byte, 1), -1);
	EQUAL(errno, EINTR);
	EQUAL(count, 8);
	EQUAL(sigaltstack(NULL, &now), 0);
	EQUAL(now.ss_sp == stack.ss_sp && now.ss_size == stack.ss_size && !now.ss_flags, 1);
}

/* Waiting with a full mask: SIGSYS has to come through, for the handler's calls. */
static void waiting(void)
{
	sigset_t all_but, block;
	struct epoll_event ev;
	int ep = epoll_create1(0);

	handle(SIGALRM, calls, 0);
	sigfillset(&all_but);
	sigdelset(&all_but, SIGALRM);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	EQUAL(sigprocmask(SIG_BLOCK, &block, NULL), 0);
	in_ms(3, 0);
	EQUAL(sigsuspend(&all_but), -1);
	EQUAL(errno, EINTR);
	in_ms(3, 0);
	EQUAL(ppoll(NULL, 0, NULL, &all_but), -1);
	EQUAL(errno, EINTR);
	in_ms(3, 0);
	EQUAL(pselect(0, NULL, NULL, NULL, NULL, &all_but), -1);
	EQUAL(errno, EINTR);
	in_ms(3, 0);
	EQUAL(epoll_pwait(ep, &ev, 1, -1, &all_but), -1);
	EQUAL(errno, EINTR);
	EQUAL(count, 4);
}

static void fill_mask(int sig, siginfo_t *info, void *context)
{
	(void)info;
	sigfillset(&((ucontext_t *)context)->uc_sigmask);
	calls(sig);
}

/* A handler that returns to a mask which has everything */
static void return_to_mask(void)
{
	struct sigaction action = { .sa_sigaction = fill_mask, .sa_flags = SA_SIGINFO };
	sigset_t now;

	EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	raise(SIGUSR1);
	EQUAL(trapped(SYS_getppid), CAUGHT);
	EQUAL(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	EQUAL(sigismember(&now, SIGUSR2), 1);
	EQUAL(sigismember(&now, SIGSYS), 1);
}

/* Action and mask of SIGSYS are what the program made them. */
static void own_sigsys(void)
{
	struct sigaction old;
	sigset_t set, now;

	EQUAL(sigaction(SIGSYS, NULL, &old), 0);
	TRUE(old.sa_handler == SIG_DFL);
	handle(SIGSYS, calls, 0);
	EQUAL(sigaction(SIGSYS, NULL, &old), 0);
	TRUE(old.sa_handler == calls);
	EQUAL(sigismember(&old.sa_mask, SIGSYS), 1);
	handle(SIGUSR1, calls, 0);
	EQUAL(sigaction(SIGUSR1, NULL, &old), 0);
	EQUAL(sigismember(&old.sa_mask, SIGSYS), 1);
	raise(SIGSYS);
	EQUAL(count, 1);
	sigfillset(&set);
	EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	EQUAL(getppid(), CAUGHT);
	EQUAL(trapped(SYS_getppid), CAUGHT);
	EQUAL(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	EQUAL(sigismember(&now, SIGSYS), 1);
	kill(getpid(), SIGSYS);
	EQUAL(count, 1);
	sigemptyset(&set);
	EQUAL(sigprocmask(SIG_SETMASK, &set, &now), 0);
	EQUAL(sigismember(&now, SIGSYS), 1);
	EQUAL(count, 2);
	signal(SIGSYS, SIG_IGN);
	raise(SIGSYS);
	EQUAL(count, 2);
}

static siginfo_t seen;

static void see(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	seen = *info;
	count++;
}

/* What a signal carries is there after it was blocked, too. */
static void blocked_with_info(void)
{
	struct sigaction action = { .sa_sigaction = see, .sa_flags = SA_SIGINFO };
	union sigval value = { .sival_int = 77 };
	static const int sigs[] = { SIGSYS, SIGSEGV, SIGBUS };
	sigset_t all, none;
	int i;

	sigfillset(&all);
	sigemptyset(&none);
	for (i = 0; i < 6; i++) {
		count = 0;
		EQUAL(sigaction(sigs[i % 3], &action, NULL), 0);
		EQUAL(sigprocmask(SIG_BLOCK, &all, NULL), 0);
		EQUAL(i < 3 ? kill(getpid(), sigs[i]) : sigqueue(getpid(), sigs[i % 3], value), 0);
		EQUAL(count, 0);
		EQUAL(sigprocmask(SIG_SETMASK, &none, NULL), 0);
		EQUAL(count, 1);
		EQUAL(seen.si_signo, sigs[i % 3]);
		EQUAL(seen.si_code, i < 3 ? SI_USER : SI_QUEUE);
		EQUAL(seen.si_pid, getpid());
		EQUAL(seen.si_int, i < 3 ? 0 : 77);
	}
}

static void die_of_sigsys(void)
{
	int status, pid = fork();

	if (!pid) {
		raise(SIGSYS);
		_exit(0);
	}
	EQUAL(waitpid(pid, &status, 0), pid);
	TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

/* A timer that hits all stages of calls */
static void storm(void)
{
	int i;

	handle(SIGALRM, calls, SA_RESTART);
	in_ms(1, 1);
	for (i = 0; i < 20000 || count < 50; i++) {
		EQUAL(trapped(SYS_getppid), CAUGHT);
		EQUAL(getppid(), CAUGHT);
		if (i % 100 == 0) {
			int pid = fork();

			if (!pid)
				_exit(getppid() != CAUGHT);
			REAP(pid);
		}
	}
	in_ms(0, 0);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{ "full_mask", full_mask }, { "restart", restart }, { "jump_out", jump_out },
		{ "jump_out_of_traps", jump_out_of_traps },
		{ "blocked_with_info", blocked_with_info },
		{ "signal_stack", signal_stack }, { "waiting", waiting },
		{ "return_to_mask", return_to_mask }, { "own_sigsys", own_sigsys },
		{ "die_of_sigsys", die_of_sigsys }, { "storm", storm }, { NULL, NULL },
	};

	return check_main(argc, argv, checks);
}
