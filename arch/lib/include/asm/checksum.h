/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_CHECKSUM_H
#define _ASM_LIB_CHECKSUM_H

unsigned int do_csum(const unsigned char *buf, int len);
#define do_csum do_csum

#include <asm-generic/checksum.h>

#endif /* _ASM_LIB_CHECKSUM_H */
