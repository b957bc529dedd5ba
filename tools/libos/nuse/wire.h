/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wire.h - an Ethernet wire between two instances, without a host stack between.
 *
 * It is a pair of connected sockets that carry packets, each behind a struct
 * lib_vnet: one end for each instance.
 */
#ifndef _NUSE_WIRE_H
#define _NUSE_WIRE_H

#include <stdint.h>

#define WIRE_VNET_HDR	10

struct wire;

/*
 * Finds the end of the wire at @path that is free. Returns its descriptor, which
 * never blocks, or a negative errno, with its text. The keeper's loop is open.
 */
int wire_open(const char *path, struct wire **wire);

/* Device number @id is at this end: its link is up while somebody has the other. */
void wire_plug(struct wire *wire, uint32_t id);

/* Nobody will use these ends any more: who has the others can go on without them. */
void wire_close_all(void);

#endif /* _NUSE_WIRE_H */
