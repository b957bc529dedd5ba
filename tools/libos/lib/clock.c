// SPDX-License-Identifier: GPL-2.0
/* clock.c - see clock.h */
#include "clock.h"

/* In counts, at some GHz: 0.1 ms to rely on the rate; measured over 10 ms to 1 s */
#define ROOM		(1ULL << 18)
#define MEASURE_MIN	(1ULL << 25)
#define MEASURE_MAX	(1ULL << 31)

/* A rate that is new by a thousandth tells of a stop or a jump, not of a clock. */
static void measure(struct clock *clock)
{
	uint64_t counts = clock->counter - clock->mark_counter, rate, change;

	if (counts < MEASURE_MIN)
		return;
	rate = counts < MEASURE_MAX ? ((clock->ns - clock->mark_ns) << 32) / counts : 0;
	change = rate > clock->rate ? rate - clock->rate : clock->rate - rate;
	if (clock->rate && rate && change > clock->rate >> 10)
		rate = 0;
	clock->rate = rate;
	clock->room = rate && clock_is_even() ? ROOM : 0;
	clock->mark_counter = clock->counter;
	clock->mark_ns = clock->ns;
}

/* In this order: a thread that loses the processor in between is late, not early. */
uint64_t clock_look(struct clock *clock)
{
	clock->ns = clock_ask();
	clock->counter = __builtin_ia32_rdtsc();
	measure(clock);
	return clock->ns;
}
