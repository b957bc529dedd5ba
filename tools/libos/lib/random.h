/* SPDX-License-Identifier: GPL-2.0 */
/*
 * random.h - seeded random numbers: xoshiro256**, its state filled by
 * splitmix64 from a seed and a stream number, so that streams are independent.
 */
#ifndef _LIBOS_RANDOM_H
#define _LIBOS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *rng, uint64_t seed, uint64_t stream);
uint64_t rng_next(struct rng *rng);
void rng_fill(struct rng *rng, void *buf, size_t len);

/* True with the given probability; draws nothing if that is 0. */
bool rng_chance(struct rng *rng, double probability);

#endif /* _LIBOS_RANDOM_H */
