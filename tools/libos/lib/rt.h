/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rt.h - an instance in real time, and the service thread.
 *
 * Somebody takes care of an instance's timers and devices: a thread that is
 * blocked in one of its calls (the poller; the others sleep), or the service
 * thread, one a process. That looks after an instance whose threads come and
 * go ("hot") once a millisecond, and becomes its poller ("owned") when nobody
 * has entered it for that long. A poller that appears just takes the role; the
 * service thread finds out when it wakes up for the instance next.
 */
#ifndef _LIBOS_RT_H
#define _LIBOS_RT_H

#include "instance.h"

/* A thread asleep in lib_host::idle that does not poll */
struct waiter {
	struct waiter *next;
	struct waiter **prev;
	uint32_t *word;
};

struct rt {
	struct libos *l;
	struct heap heap;
	int epfd;		/* devices and ::kick_fd; -1 without devices */
	int kick_fd;
	uint64_t removed;	/* counts devices that are gone */
	bool kick;		/* write to kick_fd after the unlock */
	uint32_t *poller;	/* the word of the thread that polls */
	struct waiter *waiters;
	int cores;		/* that the program may run on */
	int spin_pause;		/* waits to go without spinning */
	int spin_failures;

	/* Under the instance's lock */
	enum { CARE_NONE, CARE_HOT, CARE_OWNED } care;	/* the service thread's */
	bool calls;		/* for the service thread */
	struct rt *next_calling;

	/* The service thread's own */
	struct rt *next;	/* hot ones */
	bool in_hot;
	struct event timer;	/* in its heap while owned */
	bool armed;		/* ::epfd is in its set */
	uint64_t seen;		/* libos::entries at the last tick */
	unsigned int quiet;	/* ticks since they changed */
};

/* host-rt.c, for both; under the lock of the instance */
uint64_t rt_next(struct libos *l);	/* the next deadline */
bool rt_fire(struct libos *l);		/* runs what is due */
bool rt_receive(struct libos *l, int timeout_ms);	/* from its devices */
void rt_let_go(struct libos *l);	/* for the service thread: works, gives the lock back */
/* Letters that nobody has in hand, which the service thread is to carry */
bool rt_common_waits(void);
void rt_carry_common(void);
/* The lock is not held. */
int wait_events(int epfd, struct epoll_event *events, int max, uint64_t until);

/* service.c: one instance more, and one less */
int service_get(void);
void service_put(struct rt *rt);
/* There are letters that nobody has in hand. */
void service_wake(void);
/* Look at it: it got hot, or it is owned and has an earlier deadline. */
void service_call(struct rt *rt);

#endif /* _LIBOS_RT_H */
