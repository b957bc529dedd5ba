/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_CMPXCHG_H
#define _ASM_LIB_CMPXCHG_H

#include <linux/types.h>

#define arch_xchg(ptr, x)						\
({									\
	__typeof__(ptr) __ptr = (ptr);					\
	__typeof__(*(ptr)) __old = *__ptr;				\
									\
	*__ptr = (__typeof__(*(ptr)))(x);				\
	__old;								\
})

#define arch_cmpxchg(ptr, o, n)						\
({									\
	__typeof__(ptr) __ptr = (ptr);					\
	__typeof__(*(ptr)) __old = *__ptr;				\
									\
	if (__old == (__typeof__(*(ptr)))(o))				\
		*__ptr = (__typeof__(*(ptr)))(n);			\
	__old;								\
})

#define arch_cmpxchg_local	arch_cmpxchg
#define arch_cmpxchg64		arch_cmpxchg
#define arch_cmpxchg64_local	arch_cmpxchg

#endif /* _ASM_LIB_CMPXCHG_H */
