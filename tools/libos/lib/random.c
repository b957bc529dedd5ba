// SPDX-License-Identifier: GPL-2.0
/* random.c - see random.h */
#include <string.h>
#include "random.h"

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t rotl(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

void rng_seed(struct rng *rng, uint64_t seed, uint64_t stream)
{
	uint64_t state = seed;
	int i;

	state = splitmix(&state) ^ stream * 0xd1342543de82ef95;
	for (i = 0; i < 4; i++)
		rng->s[i] = splitmix(&state);
}

uint64_t rng_next(struct rng *rng)
{
	uint64_t *s = rng->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

void rng_fill(struct rng *rng, void *buf, size_t len)
{
	unsigned char *p = buf;
	size_t part;
	uint64_t r;

	for (; len; p += part, len -= part) {
		part = len < sizeof(r) ? len : sizeof(r);
		r = rng_next(rng);
		memcpy(p, &r, part);
	}
}

bool rng_chance(struct rng *rng, double probability)
{
	return probability > 0 && (rng_next(rng) >> 11) * 0x1p-53 < probability;
}
