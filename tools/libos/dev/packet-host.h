/* SPDX-License-Identifier: GPL-2.0 */
/* packet-host.h - the host's side of a RAW device: an interface that is the host's */
#ifndef _PACKET_HOST_H
#define _PACKET_HOST_H

#include <stdint.h>

#define PACKET_VNET_HDR_SIZE	10

/**
 * packet_host_open - opens a packet socket on an interface of the host
 * @hostname:	the interface's name
 * @features:	out: what it takes care of, LIB_NETDEV_F_*
 *
 * Reads and writes of the descriptor, which never block, are packets behind a
 * struct lib_vnet. It hears all that comes, for any hardware address, and nothing
 * of what the host itself sends. Returns the descriptor or a negative errno.
 */
int packet_host_open(const char *hostname, uint32_t *features);

#endif /* _PACKET_HOST_H */
