/* SPDX-License-Identifier: GPL-2.0 */
/* inventory.h - the interfaces of an instance and their addresses, in a line */
#ifndef _NUSE_INVENTORY_H
#define _NUSE_INVENTORY_H

#include <libos.h>

/* "eth0 10.0.0.2/24 fc00::2/64, eth1": those that are up, without link-local addresses */
void inventory(struct libos *l, char *text, size_t size);

#endif /* _NUSE_INVENTORY_H */
