/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Atomic operations are plain C: one host thread at a time runs an instance,
 * and interrupts are calls made between two of its steps.
 */
#ifndef _ASM_LIB_ATOMIC_H
#define _ASM_LIB_ATOMIC_H

#include <linux/types.h>
#include <asm/cmpxchg.h>
#include <asm/barrier.h>

#define arch_atomic_read(v)		READ_ONCE((v)->counter)
#define arch_atomic_set(v, i)		WRITE_ONCE((v)->counter, i)
#define arch_atomic64_read(v)		READ_ONCE((v)->counter)
#define arch_atomic64_set(v, i)		WRITE_ONCE((v)->counter, i)
#define ATOMIC64_INIT(i)		{ (i) }

#define LIB_ATOMIC_OP(atomic, type, op, c_op)					\
static __always_inline void arch_##atomic##_##op(type i, atomic##_t *v)	\
{										\
	v->counter = v->counter c_op i;						\
}										\
static __always_inline type arch_##atomic##_fetch_##op(type i, atomic##_t *v)	\
{										\
	type old = v->counter;							\
										\
	v->counter = old c_op i;						\
	return old;								\
}										\
static __always_inline type arch_##atomic##_##op##_return(type i, atomic##_t *v) \
{										\
	return v->counter = v->counter c_op i;					\
}

#define LIB_ATOMIC(atomic, type)						\
	LIB_ATOMIC_OP(atomic, type, add, +)					\
	LIB_ATOMIC_OP(atomic, type, sub, -)					\
	LIB_ATOMIC_OP(atomic, type, and, &)					\
	LIB_ATOMIC_OP(atomic, type, or, |)					\
	LIB_ATOMIC_OP(atomic, type, xor, ^)

LIB_ATOMIC(atomic, int)
LIB_ATOMIC(atomic64, s64)

/* The rest is made of these. */
#define arch_atomic_xchg(v, i)		arch_xchg(&(v)->counter, i)
#define arch_atomic64_xchg(v, i)	arch_xchg(&(v)->counter, i)
#define arch_atomic_cmpxchg(v, o, n)	arch_cmpxchg(&(v)->counter, o, n)
#define arch_atomic64_cmpxchg(v, o, n)	arch_cmpxchg(&(v)->counter, o, n)
#define arch_atomic_add_return		arch_atomic_add_return
#define arch_atomic_sub_return		arch_atomic_sub_return
#define arch_atomic_fetch_add		arch_atomic_fetch_add
#define arch_atomic_fetch_sub		arch_atomic_fetch_sub
#define arch_atomic_fetch_and		arch_atomic_fetch_and
#define arch_atomic_fetch_or		arch_atomic_fetch_or
#define arch_atomic_fetch_xor		arch_atomic_fetch_xor
#define arch_atomic64_add_return	arch_atomic64_add_return
#define arch_atomic64_sub_return	arch_atomic64_sub_return
#define arch_atomic64_fetch_add		arch_atomic64_fetch_add
#define arch_atomic64_fetch_sub		arch_atomic64_fetch_sub
#define arch_atomic64_fetch_and		arch_atomic64_fetch_and
#define arch_atomic64_fetch_or		arch_atomic64_fetch_or
#define arch_atomic64_fetch_xor		arch_atomic64_fetch_xor

#endif /* _ASM_LIB_ATOMIC_H */
