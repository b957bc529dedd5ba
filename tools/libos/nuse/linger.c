// SPDX-License-Identifier: GPL-2.0
/*
 * linger.c - see linger.h
 *
 * The kernel counts the connections that are nobody's and not over yet. Whether they
 * get on is seen by its counters of TCP, which repetitions change, too: who never
 * answers is waited for until these are PATIENCE apart.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "linger.h"
#include "loop.h"
#include "share.h"

#define LOOK_NS		5000000
#define PATIENCE_NS	2000000000ULL
#define NS_PER_S	1000000000ULL

static struct source timer;

static void again(struct source *source)
{
	uint64_t count;

	read(source->fd, &count, sizeof(count));
}

int linger_serve(void)
{
	timer = (struct source) {
		.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), .ready = again,
	};
	return loop_add(&timer);
}

static void look_again(void)
{
	struct itimerspec spec = { .it_value.tv_nsec = LOOK_NS };

	timerfd_settime(timer.fd, 0, &spec, NULL);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* The end of what a file of the instance says, from @key; "" if it does not */
static void read_from(struct libos *l, const char *path, const char *key, char *text, size_t size)
{
	char all[2048];
	int fd = libos_open_file(l, path, O_RDONLY, 0);
	ssize_t len = libos_read(l, fd, all, sizeof(all) - 1);
	const char *at;

	libos_close_fd(l, fd);
	all[len > 0 ? len : 0] = 0;
	at = strstr(all, key);
	snprintf(text, size, "%s", at ?: "");
}

static unsigned int orphans(struct libos *l)
{
	unsigned int nr = 0;
	char text[64];

	read_from(l, "/proc/net/sockstat", "orphan ", text, sizeof(text));
	sscanf(text, "orphan %u", &nr);
	return nr;
}

/* @at changes with each that goes. */
static unsigned int held(unsigned int *at)
{
	unsigned int i, nr = 0;

	for (i = 0, *at = 0; i < share->nr_devices; i++) {
		nr += share->devices[i].nr_held;
		*at += share->devices[i].first;
	}
	return nr;
}

/* Whether nothing has changed for long */
static bool is_silent(struct libos *l, unsigned int nr, unsigned int at)
{
	static char before[256];
	static uint64_t until;
	char state[256];
	int len = snprintf(state, sizeof(state), "%u %u ", nr, at);

	read_from(l, "/proc/net/snmp", "\nTcp: 1", state + len, sizeof(state) - len);
	if (!strcmp(state, before))
		return now() > until;
	strcpy(before, state);
	until = now() + PATIENCE_NS;
	return false;
}

bool linger(struct libos *l)
{
	unsigned int at, nr = held(&at) + orphans(l);

	if (!nr || is_silent(l, nr, at))
		return false;
	look_again();
	return true;
}
