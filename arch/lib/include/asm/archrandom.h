/* SPDX-License-Identifier: GPL-2.0 */
/* The caller is the hardware's random number generator. */
#ifndef _ASM_LIB_ARCHRANDOM_H
#define _ASM_LIB_ARCHRANDOM_H

#include <linux/types.h>

size_t __must_check arch_get_random_seed_longs(unsigned long *v, size_t max_longs);

static inline size_t __must_check arch_get_random_longs(unsigned long *v, size_t max_longs)
{
	return 0;
}

#endif /* _ASM_LIB_ARCHRANDOM_H */
