/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pcapng.h - the blocks of a capture file, in pcapng format: one section header,
 * an interface description for each device, and for each packet an enhanced packet
 * block with its direction. (libpcap writes only the older format, which has no
 * interfaces.)
 *
 * Functions write at @to and return how many bytes. No libc is needed.
 */
#ifndef _LIBOS_PCAPNG_H
#define _LIBOS_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCAPNG_NAME	64	/* bytes of a name that are used, at most */
#define PCAPNG_BLOCK	128	/* ... of a block without packet data, at most */

size_t pcapng_section(void *to);
size_t pcapng_interface(void *to, const char *name);

/* A packet of @len bytes of the interface that was described as number @id, from 0. */
size_t pcapng_packet_begin(void *to, uint32_t id, uint64_t ns, uint32_t len);
/* To stand behind its bytes; @out: it was sent by that device. */
size_t pcapng_packet_end(void *to, uint32_t len, bool out);

#endif /* _LIBOS_PCAPNG_H */
