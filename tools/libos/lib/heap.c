// SPDX-License-Identifier: GPL-2.0
/* heap.c - see heap.h */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include "heap.h"

#define max(a, b)	((a) > (b) ? (a) : (b))

static bool before(const struct event *a, const struct event *b)
{
	return a->time != b->time ? a->time < b->time : a->seq < b->seq;
}

static void put(struct heap *heap, uint32_t at, struct event *event)
{
	heap->events[at] = event;
	event->place = at + 1;
}

static void sift(struct heap *heap, uint32_t at, struct event *event)
{
	uint32_t child;

	while (at && before(event, heap->events[(at - 1) / 2])) {
		put(heap, at, heap->events[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	while ((child = 2 * at + 1) < heap->nr) {
		if (child + 1 < heap->nr &&
		    before(heap->events[child + 1], heap->events[child]))
			child++;
		if (!before(heap->events[child], event))
			break;
		put(heap, at, heap->events[child]);
		at = child;
	}
	put(heap, at, event);
}

int heap_promise(struct heap *heap, unsigned int nr)
{
	uint32_t room = max(2 * heap->room, heap->promised + nr);
	struct event **events;

	if (heap->promised + nr > heap->room) {
		events = realloc(heap->events, room * sizeof(*events));
		if (!events)
			return -ENOMEM;
		heap->events = events;
		heap->room = room;
	}
	heap->promised += nr;
	return 0;
}

void heap_release(struct heap *heap, unsigned int nr)
{
	heap->promised -= nr;
}

void heap_set(struct heap *heap, struct event *event, uint64_t time)
{
	event->time = time;
	event->seq = heap->seq++;
	if (!event->place)
		put(heap, heap->nr++, event);
	sift(heap, event->place - 1, event);
}

void heap_clear(struct heap *heap, struct event *event)
{
	uint32_t at = event->place - 1;
	struct event *last;

	if (!event->place)
		return;
	event->place = 0;
	last = heap->events[--heap->nr];
	if (last != event)
		sift(heap, at, last);
}

void heap_free(struct heap *heap)
{
	free(heap->events);
	heap->events = NULL;
	heap->nr = 0;
	heap->room = 0;
}
