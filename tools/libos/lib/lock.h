/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lock.h - the lock of an instance: one atomic instruction in, one out.
 *
 * The word is 0 when free, 1 when held, 2 when held and somebody sleeps on it.
 */
#ifndef _LIBOS_LOCK_H
#define _LIBOS_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

void lock_slow(uint32_t *word);
void unlock_slow(uint32_t *word);

/* Sleeps while *word is val, at most until the CLOCK_MONOTONIC time. */
void futex_wait(uint32_t *word, uint32_t val, uint64_t until);
void futex_wake(uint32_t *word, int nr);

static inline bool lock_try(uint32_t *word)
{
	uint32_t zero = 0;

	return __atomic_compare_exchange_n(word, &zero, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void lock(uint32_t *word)
{
	if (unlikely(!lock_try(word)))
		lock_slow(word);
}

/* Also a full barrier: what is read after it is no older than the unlock. */
static inline void unlock(uint32_t *word)
{
	if (unlikely(__atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST) == 2))
		unlock_slow(word);
}

#endif /* _LIBOS_LOCK_H */
