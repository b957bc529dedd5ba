// SPDX-License-Identifier: GPL-2.0
/* cancel.c - threads that are cancelled, or get a signal, in calls of the library */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "../catch/check.h"
#include "core.h"

static char buf[16];
static int cleanups, waits_on;

static void cleanup(void *factor)
{
	cleanups = cleanups * 10 + (long)factor;
}

static void *waits(void *arg)
{
	(void)arg;
	pthread_cleanup_push(cleanup, (void *)2);
	pthread_cleanup_push(cleanup, (void *)1);
	read(waits_on, buf, 1);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void join(pthread_t thread, void *expected)
{
	void *ret;

	EQUAL(pthread_join(thread, &ret), 0);
	EQUAL((long)ret, (long)expected);
}

static pthread_t start(void *(*function)(void *))
{
	pthread_t thread;

	EQUAL(pthread_create(&thread, NULL, function, NULL), 0);
	return thread;
}

static void await(int *word)
{
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void waiting(void)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 200; i++) {
		cleanups = RECORD->waits = 0;
		thread = start(waits);
		await(&RECORD->waits);
		if (i % 2)
			usleep(100);
		EQUAL(pthread_cancel(thread), 0);
		join(thread, PTHREAD_CANCELED);
		EQUAL(cleanups, 12);
	}
}

/* Before it waits, maybe before it begins */
static void at_any_moment(void)
{
	pthread_t thread;
	int i, j;

	for (i = 0; i < 500; i++) {
		thread = start(waits);
		for (j = 0; j < i * 20; j++)
			asm volatile("");
		EQUAL(pthread_cancel(thread), 0);
		join(thread, PTHREAD_CANCELED);
	}
}

/* Only where libc's function is a cancellation point, and if the thread allows it */
static void *points(void *arg)
{
	int old;

	(void)arg;
	EQUAL(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old), 0);
	EQUAL(pthread_cancel(pthread_self()), 0);
	EQUAL(read(FD_SEEN, buf, 1), SEEN);
	EQUAL(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old), 0);
	EQUAL(getpeername(FD_SEEN, NULL, NULL), SEEN);
	EQUAL(listen(FD_AGAIN, 0), -1);
	cleanups = 1;
	send(FD_SEEN, buf, 1, 0);
	cleanups = 2;
	return NULL;
}

static void pending(void)
{
	join(start(points), PTHREAD_CANCELED);
	EQUAL(cleanups, 1);
}

static void *stays(void *arg)
{
	int old;

	(void)arg;
	EQUAL(read(FD_SEEN, buf, 1), SEEN);
	EQUAL(read(FD_AGAIN, buf, 1), -1);
	EQUAL(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old), 0);
	EQUAL(old, PTHREAD_CANCEL_DEFERRED);
	EQUAL(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old), 0);
	EQUAL(read(FD_SEEN, buf, 1), SEEN);
	EQUAL(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old), 0);
	EQUAL(old, PTHREAD_CANCEL_ASYNCHRONOUS);
	return NULL;
}

static void type(void)
{
	join(start(stays), NULL);
	stays(NULL);
}

static int handled;

static void handler(int sig)
{
	handled = sig;
}

static void *interrupted(void *arg)
{
	(void)arg;
	EQUAL(read(waits_on, buf, 1), -1);
	EQUAL(errno, EINTR);
	return &handled;
}

/* Signals until one comes while it waits: before that, they end nothing. */
static void signals(void)
{
	struct sigaction action = { .sa_handler = handler };
	pthread_t thread;

	EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	RECORD->waits = 0;
	thread = start(interrupted);
	await(&RECORD->waits);
	while (pthread_tryjoin_np(thread, NULL)) {
		pthread_kill(thread, SIGUSR1);
		usleep(1000);
	}
	EQUAL(handled, SIGUSR1);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{ "waiting", waiting }, { "at_any_moment", at_any_moment }, { "pending", pending },
		{ "type", type }, { "signals", signals }, { NULL, NULL },
	};

	if (mmap(RECORD, sizeof(*RECORD), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != RECORD)
		return 1;
	waits_on = FD_WAITS;
	if (check_main(argc, argv, checks))
		return 1;
	fflush(stdout);
	waits_on = FD_INSIDE;
	return check_main(argc, argv, checks);
}
