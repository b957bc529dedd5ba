// SPDX-License-Identifier: GPL-2.0
/* mail.c - see mail.h */
#include <sched.h>
#include "instance.h"

void mail_post(struct letter *letter)
{
	struct libos *from = letter->from;

	if (letter->boxed || __atomic_exchange_n(&letter->posted, 1, __ATOMIC_ACQ_REL))
		return;
	letter->next = from->outbox;
	letter->boxed = true;
	from->outbox = letter;
	from->attention |= ATT_MAIL;
}

/* The other way round: a stack becomes a queue. */
static struct letter *reverse(struct letter *list)
{
	struct letter *back = NULL, *next;

	for (; list; list = next) {
		next = list->next;
		list->next = back;
		back = list;
	}
	return back;
}

struct letter *mail_take(struct libos *from)
{
	struct letter *list = reverse(from->outbox), *letter;

	from->outbox = NULL;
	from->attention &= ~ATT_MAIL;
	for (letter = list; letter; letter = letter->next) {
		letter->boxed = false;
		__atomic_fetch_add(&letter->carried, 1, __ATOMIC_RELAXED);
	}
	return list;
}

void mail_put(struct letter *letter)
{
	struct libos *to = letter->to;

	letter->next = __atomic_load_n(&to->inbox, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&to->inbox, &letter->next, letter, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

void mail_carried(struct letter *letter)
{
	__atomic_fetch_sub(&letter->carried, 1, __ATOMIC_RELEASE);
}

bool mail_waits(struct libos *to)
{
	return __atomic_load_n(&to->inbox, __ATOMIC_SEQ_CST);
}

bool mail_deliver(struct libos *to)
{
	struct letter *letter, *next;

	if (!__atomic_load_n(&to->inbox, __ATOMIC_RELAXED))
		return false;
	letter = reverse(__atomic_exchange_n(&to->inbox, NULL, __ATOMIC_ACQUIRE));
	for (; letter; letter = next) {
		next = letter->next;
		mail_open(letter);
	}
	return true;
}

/* The letter lies in a box at most: takes it out. Both locks are held. */
static void unpost(struct letter *letter)
{
	struct letter **at = &letter->from->outbox, *list, *next;

	while (*at && *at != letter)
		at = &(*at)->next;
	if (*at)
		*at = letter->next;
	list = __atomic_exchange_n(&letter->to->inbox, NULL, __ATOMIC_ACQUIRE);
	for (list = reverse(list); list; list = next) {
		next = list->next;
		if (list != letter)
			mail_put(list);
	}
	letter->boxed = false;
	letter->posted = 0;
}

void mail_stop(struct letter *letter)
{
	struct libos *a = min(letter->from, letter->to), *b = max(letter->from, letter->to);
	bool done;

	do {
		enter(a);
		if (b != a)
			lock(&b->lock);
		done = !__atomic_load_n(&letter->carried, __ATOMIC_ACQUIRE);
		if (done)
			unpost(letter);
		if (b != a)
			unlock(&b->lock);
		leave(a);
		if (!done)
			sched_yield();
	} while (!done);
	if (b != a) {	/* what came for it meanwhile */
		enter(b);
		leave(b);
	}
}
