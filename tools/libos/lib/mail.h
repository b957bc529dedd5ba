/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mail.h - work that one instance has for another, delivered in the other.
 *
 * A letter is posted under the lock of its sender and lies in the sender's
 * outbox until the thread that leaves the sender takes it along to the
 * receiver's inbox; whoever holds the receiver's lock next delivers it. So no
 * thread ever holds two locks, and none waits for a lock to get a packet out.
 * Posting a letter that is on its way does nothing: delivery looks at all
 * there is at that time.
 */
#ifndef _LIBOS_MAIL_H
#define _LIBOS_MAIL_H

#include <stdbool.h>
#include <stdint.h>

struct libos;

struct letter {
	struct libos *from;
	struct libos *to;
	void (*deliver)(struct letter *letter);	/* under the lock of @to */
	struct letter *next;
	bool boxed;		/* lies in the outbox; under the sender's lock */
	uint32_t posted;	/* is on its way */
	uint32_t carried;	/* a thread has it, or is still at the receiver */
};

/* Letters in a row; all zero is empty. */
struct queue {
	struct letter *first;
	struct letter *last;
};

/* Adds a list at the end. */
static inline void queue_add(struct queue *queue, struct letter *list)
{
	if (!list)
		return;
	if (queue->first)
		queue->last->next = list;
	else
		queue->first = list;
	while (list->next)
		list = list->next;
	queue->last = list;
}

/* Takes the first letter; NULL if there is none. */
static inline struct letter *queue_get(struct queue *queue)
{
	struct letter *letter = queue->first;

	if (letter) {
		queue->first = letter->next;
		letter->next = NULL;
	}
	return letter;
}

/* Takes all, as a list. */
static inline struct letter *queue_all(struct queue *queue)
{
	struct letter *list = queue->first;

	queue->first = NULL;
	return list;
}

/* Under the lock of the sender. */
void mail_post(struct letter *letter);

/* Under the lock of the sender: all letters posted, now the caller's to carry. */
struct letter *mail_take(struct libos *from);

/* Puts a carried letter into its inbox; needs no lock. */
void mail_put(struct letter *letter);

/*
 * Under the lock of the receiver: delivers a letter that is in no box. What is
 * posted from here on needs another delivery.
 */
static inline void mail_open(struct letter *letter)
{
	__atomic_exchange_n(&letter->posted, 0, __ATOMIC_SEQ_CST);
	letter->deliver(letter);
}

/* The carrier has left the receiver. */
void mail_carried(struct letter *letter);

/* Whether there is something to deliver; needs no lock. */
bool mail_waits(struct libos *to);

/* Under the lock of the receiver: delivers all; says if there were any. */
bool mail_deliver(struct libos *to);

/* Waits until a letter that is posted no more is nowhere; no lock is held. */
void mail_stop(struct letter *letter);

#endif /* _LIBOS_MAIL_H */
