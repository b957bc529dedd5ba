/* SPDX-License-Identifier: GPL-2.0 */
/*
 * clock.h - CLOCK_MONOTONIC, read from the processor's counter.
 *
 * An instance reads its clock several times for each packet, and asking the host
 * takes twice as long as reading the counter. So the host is asked only now and
 * then, and tells how fast the counter runs; in between the counter counts. That is
 * only done where the host's kernel itself goes by the counter: it has found it to
 * run evenly, and alike on all processors. Time never goes back.
 */
#ifndef _LIBOS_CLOCK_H
#define _LIBOS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct clock - one reader's; all zero is a new one
 * @counter:	when the host was asked last
 * @ns:		what it said
 * @room:	for so long after that the counter is good; 0: not at all
 * @rate:	nanoseconds a count, times 2^32; 0: unknown
 * @last:	what was read last
 * @mark_counter: from here on the rate is measured
 * @mark_ns:	likewise
 */
struct clock {
	uint64_t counter;
	uint64_t ns;
	uint64_t room;
	uint64_t rate;
	uint64_t last;
	uint64_t mark_counter;
	uint64_t mark_ns;
};

/* Of who uses clocks: what the host says, and whether the counter is good at all */
uint64_t clock_ask(void);
bool clock_is_even(void);

/* Whether the host's kernel goes by the counter */
bool clock_source_is_counter(void);

/* Asks the host, and goes on from there. */
uint64_t clock_look(struct clock *clock);

static inline uint64_t clock_read(struct clock *clock)
{
	uint64_t passed = __builtin_ia32_rdtsc() - clock->counter, now;

	if (passed < clock->room)
		now = clock->ns + (passed * clock->rate >> 32);
	else
		now = clock_look(clock);
	if (now > clock->last)
		clock->last = now;
	return clock->last;
}

#endif /* _LIBOS_CLOCK_H */
