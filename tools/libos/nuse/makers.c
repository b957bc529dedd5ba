// SPDX-License-Identifier: GPL-2.0
/* makers.c - the kinds of devices that instances of the host library have */
#include "config.h"

static int make_tap(const struct nuse_interface *i, const struct libos_port *port,
		    struct libos_dev **dev)
{
	return libos_tap(port, i->host, dev);
}

const nuse_maker nuse_makers[NUSE_NR_KINDS] = {
	[NUSE_TAP] = make_tap,
};
