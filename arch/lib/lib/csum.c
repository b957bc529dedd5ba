// SPDX-License-Identifier: GPL-2.0
/*
 * The Internet checksum, eight bytes at a time: the sum of 32-bit words in a
 * 64-bit register needs no carry, and folds to the same 16 bits.
 */
#include <linux/types.h>
#include <linux/unaligned.h>
#include <asm/checksum.h>

unsigned int do_csum(const unsigned char *buf, int len)
{
	u64 sum = 0;

	for (; len >= 8; buf += 8, len -= 8) {
		u64 word = get_unaligned((const u64 *)buf);

		sum += word;
		sum += sum < word;
	}
	if (len & 4) {
		u64 word = get_unaligned((const u32 *)buf);

		sum += word;
		sum += sum < word;
		buf += 4;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	if (len & 2) {
		sum += get_unaligned((const u16 *)buf);
		buf += 2;
	}
	if (len & 1)
		sum += *buf;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}
