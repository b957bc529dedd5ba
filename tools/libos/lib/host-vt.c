// SPDX-License-Identifier: GPL-2.0
/*
 * host-vt.c - virtual time: a world of instances on one thread.
 *
 * The world has a heap of events and a list of instances with work to do
 * ("dirty"). A step runs the first dirty instance; if there is none, time jumps
 * to the first event. Nothing else moves the clock, the order of everything is
 * that of the heap and the list, and all randomness comes from the seed, so a
 * world repeats itself bit for bit. An idle instance is in no list and costs
 * nothing; its next timer is one event.
 *
 * A call that blocks steps the world from lib_host::idle.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "../dev/device.h"
#include "random.h"
#include "instance.h"

#define EPOCH_NS	(1735689600ULL * 1000000000)	/* 1 January 2025 */

struct libos_world {
	uint64_t now;
	uint64_t seed;
	uint64_t streams;	/* of random numbers given out */
	pthread_t owner;
	unsigned int nr_instances;
	unsigned int depth;	/* of libos_world_at() functions under way */
	struct heap heap;
	struct vt *dirty;
	struct vt **dirty_end;
};

struct vt {
	struct libos *l;
	struct event timer;	/* the kernel's next deadline */
	bool is_dirty;
	struct vt *next;
	struct rng rng;
};

/* A function of libos_world_at() */
struct appointment {
	struct event event;
	struct libos_world *world;
	void (*fn)(void *arg);
	void *arg;
};

/* ----------------------------------------------------------------- one step */

static void dirty(struct vt *vt)
{
	struct libos_world *world = vt->l->world;

	if (vt->is_dirty)
		return;
	vt->is_dirty = true;
	vt->next = NULL;
	*world->dirty_end = vt;
	world->dirty_end = &vt->next;
}

static void undirty(struct vt *vt)
{
	struct libos_world *world = vt->l->world;
	struct vt **at = &world->dirty;

	if (!vt->is_dirty)
		return;
	while (*at != vt)
		at = &(*at)->next;
	*at = vt->next;
	if (world->dirty_end == &vt->next)
		world->dirty_end = at;
	vt->is_dirty = false;
}

static void timer_event(struct event *event)
{
	dirty(container_of(event, struct vt, timer));
}

static void set_timer(struct vt *vt)
{
	struct libos *l = vt->l;

	if (l->deadline == LIB_TIME_NEVER)
		heap_clear(l->heap, &vt->timer);
	else if (!vt->timer.place || vt->timer.time != l->deadline)
		heap_set(l->heap, &vt->timer, l->deadline);
}

/* Mail goes to inboxes; whose it is gets dirty. */
static void distribute(struct letter *list)
{
	struct letter *letter;

	while ((letter = list)) {
		list = letter->next;
		mail_put(letter);
		dirty(letter->to->vt);
		mail_carried(letter);
	}
}

/* Runs an instance until it has nothing to do at this time. */
static void work(struct vt *vt)
{
	struct libos *l = vt->l;
	struct letter *mail;

	enter(l);
	mail_deliver(l);
	if (l->deadline <= l->world->now) {
		l->deadline = LIB_TIME_NEVER;
		l->exports.timer_fire();
	}
	l->exports.run();
	if (l->attention & ATT_REAP)
		fiber_reap(l);
	mail = mail_take(l);
	set_timer(vt);
	release(l);
	distribute(mail);
}

static void happen(struct event *event)
{
	struct libos *l = event->l;

	if (l)
		enter(l);
	event->fn(event);
	if (l) {
		dirty(l->vt);
		release(l);
	}
}

/* Does one thing that happens up to a time; says if there was one. */
static bool step(struct libos_world *world, uint64_t until)
{
	struct vt *vt = world->dirty;
	struct event *event;

	if (vt) {
		undirty(vt);
		work(vt);
		return true;
	}
	if (!world->heap.nr || heap_next(&world->heap) > until)
		return false;
	event = world->heap.events[0];
	heap_clear(&world->heap, event);
	world->now = max(world->now, event->time);
	happen(event);
	return true;
}

/* ---------------------------------------------------------------- host side */

static void vt_leave(struct libos *l)
{
	dirty(l->vt);
	release(l);
}

static void vt_event_set(struct libos *l, uint64_t time)
{
	(void)l;
	(void)time;
}

/*
 * Nothing will ever happen again: the call ends, with an error. It is -EDEADLK
 * for the caller, see call.c.
 */
static void end_stuck_call(struct libos *l, struct lib_task *task)
{
	l->stuck = true;
	if (task)
		l->exports.task_interrupt(task);
}

static void vt_idle(void *ctx, struct lib_task *task, uint64_t deadline)
{
	struct libos *l = ctx;
	bool stepped;

	(void)deadline;
	if (l->attention & ATT_MAIL)
		dirty(l->vt);
	set_timer(l->vt);
	l->blocked++;
	release(l);
	stepped = step(l->world, UINT64_MAX);
	enter(l);
	l->blocked--;
	if (!stepped)
		end_stuck_call(l, task);
}

static uint64_t vt_clock(void *ctx)
{
	struct libos *l = ctx;

	return l->world->now;
}

static uint64_t vt_realtime(void *ctx)
{
	return EPOCH_NS + vt_clock(ctx);
}

static void vt_random(void *ctx, void *buf, size_t len)
{
	struct libos *l = ctx;

	rng_fill(&l->vt->rng, buf, len);
}

static int vt_poll_add(struct libos *l, struct libos_dev *dev)
{
	return fail(EOPNOTSUPP, "%s: %s lives in virtual time and cannot wait for the host",
		    dev->name, l->name);
}

static void vt_close(struct libos *l)
{
	undirty(l->vt);
	heap_clear(l->heap, &l->vt->timer);
	heap_release(l->heap, 1);
	l->world->nr_instances--;
	free(l->vt);
}

static const struct time_ops vt_ops = {
	.leave = vt_leave,
	.event_set = vt_event_set,
	.poll_add = vt_poll_add,
	.close = vt_close,
};

int vt_init(struct libos *l)
{
	struct libos_world *world = l->world;
	struct vt *vt;

	if (!pthread_equal(world->owner, pthread_self()))
		return fail(EPERM, "the world belongs to the thread that made it");
	vt = calloc(1, sizeof(*vt));
	if (!vt || heap_promise(&world->heap, 1)) {
		free(vt);
		return fail(ENOMEM, "out of memory");
	}
	vt->l = l;
	vt->timer.fn = timer_event;
	rng_seed(&vt->rng, world->seed, world->streams++);
	world->nr_instances++;
	l->vt = vt;
	l->heap = &world->heap;
	l->time = &vt_ops;
	l->attention = ATT_ALWAYS;
	l->host.clock_ns = vt_clock;
	l->host.realtime_ns = vt_realtime;
	l->host.random = vt_random;
	l->host.idle = vt_idle;
	return 0;
}

/* -------------------------------------------------------------- the caller's */

struct libos_world *libos_world_new(uint64_t seed)
{
	struct libos_world *world = calloc(1, sizeof(*world));

	if (!world) {
		fail(ENOMEM, "out of memory");
		return NULL;
	}
	world->seed = seed;
	world->owner = pthread_self();
	world->dirty_end = &world->dirty;
	return world;
}

int libos_world_free(struct libos_world *world)
{
	if (!world)
		return 0;
	if (world->nr_instances)
		return fail(EBUSY, "the world has %u instances: close them first",
			    world->nr_instances);
	if (world->depth)
		return fail(EBUSY, "a function of libos_world_at() is under way");
	while (world->heap.nr)	/* appointments: nobody else is left */
		free(container_of(world->heap.events[--world->heap.nr],
				  struct appointment, event));
	heap_free(&world->heap);
	free(world);
	return 0;
}

uint64_t libos_world_now(const struct libos_world *world)
{
	return world->now;
}

int libos_world_run(struct libos_world *world, uint64_t until)
{
	if (here.inside || world->depth)
		return fail(EDEADLK, "the world runs already");
	while (step(world, until))
		;
	if (!world->heap.nr && until == UINT64_MAX)
		return 1;
	world->now = max(world->now, until);
	return !world->heap.nr;
}

static void keep(struct event *event)
{
	struct appointment *a = container_of(event, struct appointment, event);
	struct libos_world *world = a->world;

	heap_release(&world->heap, 1);
	world->depth++;
	a->fn(a->arg);
	world->depth--;
	free(a);
}

int libos_world_at(struct libos_world *world, uint64_t time, void (*fn)(void *arg), void *arg)
{
	struct appointment *a = calloc(1, sizeof(*a));

	if (!a || heap_promise(&world->heap, 1)) {
		free(a);
		return fail(ENOMEM, "out of memory");
	}
	a->event.fn = keep;
	a->world = world;
	a->fn = fn;
	a->arg = arg;
	heap_set(&world->heap, &a->event, max(time, world->now));
	return 0;
}

uint64_t world_realtime(const struct libos_world *world)
{
	return EPOCH_NS + world->now;
}

uint64_t world_new_seed(struct libos_world *world)
{
	struct rng rng;

	rng_seed(&rng, world->seed, world->streams++);
	return rng_next(&rng);
}
