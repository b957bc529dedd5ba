/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_CHECKSUM_H
#define _ASM_LIB_CHECKSUM_H

#include <linux/types.h>

unsigned int do_csum(const unsigned char *buf, int len);
#define do_csum do_csum
#define ip_fast_csum ip_fast_csum
#define csum_tcpudp_nofold csum_tcpudp_nofold

/* A 64-bit sum of few 32-bit words has no carry. */
static inline __wsum lib_csum_fold64(u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (__force __wsum)(u32)(sum + (sum >> 32));
}

static inline __wsum csum_tcpudp_nofold(__be32 saddr, __be32 daddr, __u32 len, __u8 proto,
					__wsum sum)
{
	return lib_csum_fold64((__force u64)saddr + (__force u32)daddr + (__force u32)sum +
			       ((u64)(proto + len) << 8));
}

#include <asm-generic/checksum.h>

static inline __sum16 ip_fast_csum(const void *iph, unsigned int ihl)
{
	const u32 *word = iph;
	u64 sum = 0;

	while (ihl--)
		sum += *word++;
	return csum_fold(lib_csum_fold64(sum));
}

#endif /* _ASM_LIB_CHECKSUM_H */
