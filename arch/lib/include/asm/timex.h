/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_TIMEX_H
#define _ASM_LIB_TIMEX_H

/* Differs at each reading, as jitter does, and still repeats exactly. */
extern unsigned long lib_cycles;
#define get_cycles()	(++lib_cycles)

#include <asm-generic/timex.h>

#endif /* _ASM_LIB_TIMEX_H */
