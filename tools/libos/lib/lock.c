// SPDX-License-Identifier: GPL-2.0
/*
 * lock.c - the lock's slow side: spin for about as long as a system call of an
 * instance takes, then sleep.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "lock.h"

#define SPINS	64

void futex_wait(uint32_t *word, uint32_t val, uint64_t until)
{
	struct timespec ts = {
		.tv_sec = until / 1000000000,
		.tv_nsec = until % 1000000000,
	};

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, val,
		until == UINT64_MAX ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);
}

void futex_wake(uint32_t *word, int nr)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr, NULL, NULL, 0);
}

void lock_slow(uint32_t *word)
{
	int i;

	for (i = 0; i < SPINS; i++) {
		if (!__atomic_load_n(word, __ATOMIC_RELAXED) && lock_try(word))
			return;
		__builtin_ia32_pause();
	}
	while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE))
		futex_wait(word, 2, UINT64_MAX);
}

void unlock_slow(uint32_t *word)
{
	futex_wake(word, 1);
}
