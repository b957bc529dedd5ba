/* SPDX-License-Identifier: GPL-2.0 */
/*
 * heap.h - events in the order of their time, and at equal times in the order
 * in which they were set: a binary heap of pointers; each event knows its place.
 */
#ifndef _LIBOS_HEAP_H
#define _LIBOS_HEAP_H

#include <stdint.h>

struct libos;

struct event {
	uint64_t time;
	uint64_t seq;
	uint32_t place;		/* in the heap, counted from 1; 0 is not set */
	struct libos *l;	/* under whose lock it happens; NULL: none */
	void (*fn)(struct event *event);
};

struct heap {
	struct event **events;
	uint32_t nr;
	uint32_t room;
	uint32_t promised;
	uint64_t seq;
};

/* Who has an event gets room for it once, so that setting it cannot fail. */
int heap_promise(struct heap *heap, unsigned int nr);
void heap_release(struct heap *heap, unsigned int nr);

/* Sets an event, or moves it if it is set. */
void heap_set(struct heap *heap, struct event *event, uint64_t time);
void heap_clear(struct heap *heap, struct event *event);
void heap_free(struct heap *heap);

static inline uint64_t heap_next(const struct heap *heap)
{
	return heap->nr ? heap->events[0]->time : UINT64_MAX;
}

#endif /* _LIBOS_HEAP_H */
