/* SPDX-License-Identifier: GPL-2.0 */
/* Time does not pass by waiting. */
#ifndef _ASM_LIB_DELAY_H
#define _ASM_LIB_DELAY_H

#include <asm/processor.h>

static inline void ndelay(unsigned long ns)
{
	lib_spin_ns += ns;
}
#define ndelay		ndelay
#define udelay(us)	ndelay((us) * 1000UL)
#define __delay		ndelay

#endif /* _ASM_LIB_DELAY_H */
