/* SPDX-License-Identifier: GPL-2.0 */
/*
 * instance.h - an instance, and the way in and out of it.
 *
 * The rule of one: who touches an instance or calls one of its exports holds
 * its lock, from enter() to leave(), and is marked as inside. The kernel gives
 * the lock away in lib_host::idle only. What the kernel asks for on its own
 * stacks (packets, wake-ups, timers) is noted, with a bit in ::attention, and
 * done by the thread when it leaves.
 */
#ifndef _LIBOS_INSTANCE_H
#define _LIBOS_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <liblinux.h>
#include "clock.h"
#include "error.h"
#include "heap.h"
#include "libos.h"
#include "lock.h"
#include "mail.h"
#include "region.h"
#include "image.h"

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define min(a, b)	((a) < (b) ? (a) : (b))
#define max(a, b)	((a) > (b) ? (a) : (b))

struct libos_dev;
struct fiber;
struct rt;

/* What wants to be done before a thread leaves an instance */
#define ATT_MAIL	(1 << 0)	/* the outbox is not empty */
#define ATT_WAKE	(1 << 1)	/* threads are to be woken */
#define ATT_SOONER	(1 << 2)	/* a deadline is earlier than who sleeps knows */
#define ATT_ELECT	(1 << 3)	/* blocked threads, none of which polls */
#define ATT_GUARD	(1 << 4)	/* nobody takes care of timers and devices */
#define ATT_DEAD	(1 << 5)	/* the kernel panicked */
#define ATT_REAP	(1 << 6)	/* a libos_spawn() function has ended */
#define ATT_ALWAYS	(1 << 7)	/* in virtual time */

/* How an instance lives in time: host-rt.c, host-vt.c; all under its lock */
struct time_ops {
	/* Does what wants attention and gives the lock back. */
	void (*leave)(struct libos *l);
	/* An event is set; somebody may have to know. */
	void (*event_set)(struct libos *l, uint64_t time);
	/* Starts and stops polling a device's descriptor. */
	int (*poll_add)(struct libos *l, struct libos_dev *dev);
	void (*poll_del)(struct libos *l, struct libos_dev *dev);
	/* A call failed for want of data: looks at the devices. */
	void (*look)(struct libos *l);
	/* The last of an instance; the lock is not held. */
	void (*close)(struct libos *l);
};

#define NR_WAKES	8

/**
 * struct carrier - a host thread's task in one instance
 * @gen:	of the instance; with another one this is a left-over
 * @task:	the task; its first host word is what the thread sleeps on
 * @l:		the instance
 * @next:	in libos::carriers
 */
struct carrier {
	uint64_t gen;
	struct lib_task *task;
	struct libos *l;
	struct carrier *next;
};

struct libos {
	/* What every call touches */
	uint32_t lock;
	uint32_t attention;
	uint64_t gen;			/* never the same for two instances */
	uint64_t entries;		/* counts enter() */
	long (*syscall)(struct lib_task *task, long nr, long a0, long a1, long a2,
			long a3, long a4, long a5);
	uint64_t deadline;		/* lib_host::timer_arm */
	uint64_t sleeper_deadline;	/* what who sleeps knows; 0: nobody does */
	uint32_t blocked;		/* threads in lib_host::idle */
	uint32_t fibers;		/* libos_spawn() functions that run */

	/* What other threads write */
	struct letter *inbox __attribute__((aligned(64)));
	uint32_t overdue;		/* timers or devices need somebody */

	/* Under the lock */
	struct letter *outbox __attribute__((aligned(64)));
	struct clock clock;		/* in real time */
	struct heap *heap;		/* events: its own, or its world's */
	const struct time_ops *time;
	struct libos_dev **devices;	/* by lib_netdev::id */
	unsigned int nr_devices;	/* entries of ::devices */
	unsigned int nr_polled;		/* those with a descriptor to poll */
	struct carrier *carriers;	/* of all threads */
	struct lib_task *helper;	/* parent of new tasks; see call.c */
	bool stuck;			/* in virtual time: the call is ended */
	struct fiber *running;		/* libos_spawn() functions */
	struct fiber *ended;
	uint32_t *wakes[NR_WAKES];	/* futex words with a thread to wake */
	unsigned int nr_wakes;

	struct lib_exports exports;
	struct lib_kernel kernel;
	struct lib_host host;
	struct image image;
	struct region region;
	unsigned int slot;
	uint32_t flags;
	char name[32];
	char panic[128];
	void (*console)(void *arg, const char *text, size_t len);
	void *console_arg;
	uint64_t snapshot_id;		/* what its memory maps; 0: its own */

	struct libos_world *world;	/* virtual time, or NULL */
	struct rt *rt;			/* host-rt.c's */
	struct vt *vt;			/* host-vt.c's */
};

/* What a host thread knows about itself */
struct here {
	struct libos *inside;		/* whose lock it holds */
	struct carrier *last;		/* of its last call */
};
extern __thread struct here here __attribute__((tls_model("initial-exec")));

static inline void enter(struct libos *l)
{
	lock(&l->lock);
	here.inside = l;
	l->entries++;
}

/* For a visitor: does not count as use of the instance. */
static inline bool enter_try(struct libos *l)
{
	if (!lock_try(&l->lock))
		return false;
	here.inside = l;
	return true;
}

/* Gives the lock back and nothing else. */
static inline void release(struct libos *l)
{
	here.inside = NULL;
	unlock(&l->lock);
}

void leave_again(struct libos *l);

static inline void leave(struct libos *l)
{
	if (unlikely(l->attention)) {
		l->time->leave(l);
		return;
	}
	release(l);
	if (unlikely(__atomic_load_n(&l->inbox, __ATOMIC_RELAXED) ||
		     __atomic_load_n(&l->overdue, __ATOMIC_RELAXED)))
		leave_again(l);
}

/* call.c: the tasks of host threads, and their calls */

/* States of the word that a thread sleeps on */
#define AWAKE		0
#define SLEEPING	1	/* in futex_wait() */
#define POLLING		2	/* in epoll_wait() */
#define SPINNING	3	/* looks at it */

static inline uint32_t *task_word(struct lib_task *task)
{
	return (uint32_t *)&task->host[0];
}

/* Which signals of process 1 are not for the task; under the lock. */
void task_block_signals(struct libos *l, struct lib_task *task, uint64_t mask);
/* Makes the calling thread ready to run an instance. */
int carrier_prepare(struct libos *l);
/* Makes it process 1 of the instance that has booted. */
void carrier_boot(struct libos *l);
/* Forgets the carriers of all threads: their tasks are gone. Lock not held. */
void carrier_forget_all(struct libos *l);
/* Likewise for functions of libos_spawn(). */
void fiber_forget_all(struct libos *l);
/* Frees those that have ended; under the lock. */
void fiber_reap(struct libos *l);

/*
 * Enters with the calling thread's (or fiber's) task, for exports that want
 * one; NULL and *err if that cannot be.
 */
struct lib_task *task_enter(struct libos *l, int *err);
void task_leave(struct libos *l);

/* Lets the kernel's own tasks do what there is to do. */
void let_kernel_work(struct libos *l);

long call(struct libos *l, long nr, long a0, long a1, long a2, long a3, long a4, long a5);

/* instance.c */
extern struct libos *instances[NR_SLOTS];	/* for the fault handler */
int instance_new(const struct libos_config *config, int slot, struct libos **lp);
void instance_start(struct libos *l);
uint64_t new_gen(void);
void instance_free(struct libos *l);

/* fault.c */
int fault_init(void);
/* Gives the thread a signal stack unless it has one; for fault_thread_end(). */
void *fault_thread(void);
void fault_thread_end(void *stack);

/* callbacks.c: what is the same in both kinds of time */
void callbacks_init(struct libos *l);

int rt_init(struct libos *l);

/* host-vt.c */
int vt_init(struct libos *l);
uint64_t world_realtime(const struct libos_world *world);
uint64_t world_new_seed(struct libos_world *world);	/* another one each time */

#endif /* _LIBOS_INSTANCE_H */
