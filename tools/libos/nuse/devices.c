// SPDX-License-Identifier: GPL-2.0
/*
 * devices.c - devices of a shared instance, in the place of the host library's.
 *
 * Each is a descriptor that all processes have under the same number, on which a
 * packet is a message behind a struct lib_vnet. So all kinds are one to those who
 * read and write them. So is a capture: a file to which all append.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../dev/packet-host.h"
#include "../dev/pcapng.h"
#include "../dev/tap-host.h"
#include "../lib/instance.h"
#include "config.h"
#include "pipe.h"
#include "share.h"
#include "wire.h"

struct libos_dev {
	struct libos *l;
	struct lib_netdev netdev;
	unsigned int nr;		/* in share->devices */
};

/* A capture file of the instance: own_fd(FD_CAPTURE + nr) */
struct libos_pcap {
	unsigned int nr;
	unsigned int nr_devices;	/* described there */
};

/* ------------------------------------------------------------------- kinds */

/* A descriptor gets the number that it has in all processes. */
static int place(int fd, unsigned int which)
{
	return dup2(fd, own_fd(which)) < 0 ? fail(errno, "no descriptor %d: %s", own_fd(which),
						  strerror(errno)) : 0;
}

/* The kernel's part; @fd is left alone. */
static int create(struct libos_dev *dev, const struct libos_port *port, uint32_t features)
{
	struct lib_task *task;
	int err;

	dev->l = port->libos;
	dev->netdev = (struct lib_netdev) {
		.size = sizeof(dev->netdev),
		.mtu = port->mtu,
		.flags = LIB_NETDEV_BROADCAST | LIB_NETDEV_MULTICAST,
		.features = features,
		.tx_ring = SHARE_HELD,
	};
	snprintf(dev->netdev.name, sizeof(dev->netdev.name), "%s", port->name);
	memcpy(dev->netdev.addr, port->mac, sizeof(dev->netdev.addr));
	task = task_enter(dev->l, &err);
	if (!task)
		return fail(-err, "%s: %s", dev->l->name, strerror(-err));
	err = share->exports.netdev_create(task, &dev->netdev);
	task_leave(dev->l);
	return err ? fail(-err, "cannot make device \"%s\": %s", dev->netdev.name,
			  strerror(-err)) : 0;
}

static int attach(struct libos_dev *dev, const struct libos_port *port, int fd,
		  uint32_t features, uint32_t vnet_hdr)
{
	unsigned int nr = share->nr_devices;
	int err;

	if (nr == SHARE_DEVICES)
		return fail(ENOSPC, "an instance has at most %u devices", SHARE_DEVICES);
	dev->nr = nr;
	err = place(fd, FD_DEVICE + nr) ?: create(dev, port, features);
	if (err)
		return err;
	share->devices[nr] = (struct share_device) { .id = dev->netdev.id, .vnet_hdr = vnet_hdr };
	__atomic_store_n(&share->nr_devices, nr + 1, __ATOMIC_RELEASE);
	return 0;
}

static int make(const struct libos_port *port, int fd, uint32_t features, uint32_t vnet_hdr,
		struct libos_dev **dev)
{
	int err;

	if (fd < 0)
		return fd;
	*dev = calloc(1, sizeof(**dev));
	err = *dev ? attach(*dev, port, fd, features, vnet_hdr) : fail(ENOMEM, "out of memory");
	if (err)
		free(*dev);
	return err;
}

static int make_tap(const struct nuse_interface *i, const struct libos_port *port,
		    struct libos_dev **dev)
{
	uint32_t features = 0;
	char name[16];
	int fd = tap_host_open(i->host, name, &features), err;

	err = make(port, fd, features, TAP_VNET_HDR, dev);
	if (fd >= 0)
		close(fd);
	return err;
}

static int make_wire(const struct nuse_interface *i, const struct libos_port *port,
		     struct libos_dev **dev)
{
	uint32_t features = LIB_NETDEV_F_CSUM | LIB_NETDEV_F_TSO | LIB_NETDEV_F_USO;
	bool is_pipe = i->kind == NUSE_PIPE;
	struct wire *wire;
	int err = make(port, is_pipe ? pipe_open(i->host, &wire) : wire_open(i->host, &wire),
		       features, WIRE_VNET_HDR, dev);

	if (!err)
		wire_plug(wire, (*dev)->netdev.id);
	return err;
}

static int make_raw(const struct nuse_interface *i, const struct libos_port *port,
		    struct libos_dev **dev)
{
	uint32_t features = 0;
	int fd = packet_host_open(i->host, &features), err;

	err = make(port, fd, features, PACKET_VNET_HDR_SIZE, dev);
	if (fd >= 0)
		close(fd);
	return err;
}

const nuse_maker nuse_makers[NUSE_NR_KINDS] = {
	[NUSE_RAW] = make_raw,
	[NUSE_TAP] = make_tap,
	[NUSE_PIPE] = make_wire,
	[NUSE_WIRE] = make_wire,
};

/* ------------------------------------------------- what else apply.c calls */

unsigned int libos_dev_ifindex(const struct libos_dev *dev)
{
	return dev->netdev.ifindex;
}

/* Devices end with the instance, whose configuration has failed. */
int libos_dev_close(struct libos_dev *dev)
{
	free(dev);
	return 0;
}

/* ---------------------------------------------------------------- captures */

static int start_capture(int fd, struct libos_pcap *pcap)
{
	unsigned char block[PCAPNG_BLOCK];
	size_t len = pcapng_section(block);

	pcap->nr = share->nr_captures;
	if (pcap->nr == SHARE_CAPTURES)
		return fail(ENOSPC, "an instance has at most %u captures", SHARE_CAPTURES);
	if (write(fd, block, len) != (ssize_t)len)
		return fail(errno, "writing the capture failed: %s", strerror(errno));
	return place(fd, FD_CAPTURE + pcap->nr);
}

int libos_pcap_open(const char *path, struct libos_pcap **pcapp)
{
	struct libos_pcap *pcap;
	int fd, err;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail(errno, "cannot write %s: %s", path, strerror(errno));
	pcap = calloc(1, sizeof(*pcap));
	err = pcap ? start_capture(fd, pcap) : fail(ENOMEM, "out of memory");
	close(fd);
	if (err) {
		free(pcap);
		return err;
	}
	share->nr_captures++;
	*pcapp = pcap;
	return 0;
}

int libos_pcap_add(struct libos_pcap *pcap, struct libos_dev *dev)
{
	unsigned char block[PCAPNG_BLOCK];
	char name[PCAPNG_NAME];
	ssize_t len;

	snprintf(name, sizeof(name), "%s %s", dev->l->name, dev->netdev.name);
	len = pcapng_interface(block, name);
	if (write(own_fd(FD_CAPTURE + pcap->nr), block, len) != len)
		return fail(errno, "writing the capture failed: %s", strerror(errno));
	share->devices[dev->nr].capture_id = pcap->nr_devices++;
	share->devices[dev->nr].capture = pcap->nr + 1;
	return 0;
}

/* It ends with the instance. */
int libos_pcap_close(struct libos_pcap *pcap)
{
	free(pcap);
	return 0;
}
