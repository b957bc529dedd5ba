/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_TIMEX_H
#define _ASM_LIB_TIMEX_H

typedef unsigned long cycles_t;

extern unsigned long lib_cycles;

/* Differs at each reading, as jitter does, and still repeats exactly. */
static inline cycles_t get_cycles(void)
{
	return ++lib_cycles;
}
#define get_cycles get_cycles

#define CLOCK_TICK_RATE 1000000

#include <asm-generic/timex.h>

#endif /* _ASM_LIB_TIMEX_H */
