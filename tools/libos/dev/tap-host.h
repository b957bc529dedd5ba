/* SPDX-License-Identifier: GPL-2.0 */
/* tap-host.h - the host's side of a TAP, for whatever kind of instance */
#ifndef _LIBOS_TAP_HOST_H
#define _LIBOS_TAP_HOST_H

#include <stdint.h>

#define TAP_VNET_HDR	10	/* bytes of struct lib_vnet in front of each packet */

/**
 * tap_host_open - opens a TAP interface, which is made unless it exists
 * @hostname:	its name; a "%d" becomes the first free number
 * @name:	out: the name it has
 * @features:	out: LIB_NETDEV_F_* that the host takes care of
 *
 * Returns a descriptor that never blocks, or a negative errno, with its text.
 */
int tap_host_open(const char *hostname, char name[16], uint32_t *features);

#endif /* _LIBOS_TAP_HOST_H */
