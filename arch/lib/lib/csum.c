// SPDX-License-Identifier: GPL-2.0
/*
 * The Internet checksum, eight bytes at a time, which folds to the same 16 bits.
 */
#include <linux/types.h>
#include <asm/checksum.h>

typedef u16 __attribute__((may_alias, aligned(1))) word16;
typedef u32 __attribute__((may_alias, aligned(1))) word32;
typedef u64 __attribute__((may_alias, aligned(1))) word64;

static u64 add(u64 sum, u64 word)
{
	sum += word;
	return sum + (sum < word);
}

unsigned int do_csum(const unsigned char *buf, int len)
{
	u64 sum = 0;

	for (; len >= 8; buf += 8, len -= 8)
		sum = add(sum, *(const word64 *)buf);
	if (len & 4) {
		sum = add(sum, *(const word32 *)buf);
		buf += 4;
	}
	if (len & 2) {
		sum = add(sum, *(const word16 *)buf);
		buf += 2;
	}
	if (len & 1)
		sum = add(sum, *buf);
	return (__force u16)~csum_fold(lib_csum_fold64(sum));
}
