// SPDX-License-Identifier: GPL-2.0
/*
 * The Internet checksum, eight bytes at a time: the sum of 32-bit words in a
 * 64-bit register needs no carry, and folds to the same 16 bits.
 */
#include <linux/types.h>
#include <asm/checksum.h>

typedef u16 __attribute__((may_alias, aligned(1))) word16;
typedef u32 __attribute__((may_alias, aligned(1))) word32;
typedef u64 __attribute__((may_alias, aligned(1))) word64;

unsigned int do_csum(const unsigned char *buf, int len)
{
	u64 sum = 0;

	for (; len >= 8; buf += 8, len -= 8) {
		u64 word = *(const word64 *)buf;

		sum += word;
		sum += sum < word;
	}
	if (len & 4) {
		u64 word = *(const word32 *)buf;

		sum += word;
		sum += sum < word;
		buf += 4;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	if (len & 2) {
		sum += *(const word16 *)buf;
		buf += 2;
	}
	if (len & 1)
		sum += *buf;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}
