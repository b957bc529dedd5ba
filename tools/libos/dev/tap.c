// SPDX-License-Identifier: GPL-2.0
/*
 * tap.c - joins a device to a TAP interface of the host.
 *
 * Packets cross with a virtio_net_hdr, which is what struct lib_vnet is, so
 * checksums and segmentation are left to whoever needs them. One system call
 * of the host a packet each way: the descriptor takes no batches.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "device.h"
#include "tap-host.h"

#define RX_BATCH	64
#define RX_BUFFER	(4 * LIB_MAX_PACKET)

/**
 * struct tap - one device
 * @dev:	what all devices have
 * @buffer:	where packets are read to, one behind the other
 */
struct tap {
	struct libos_dev dev;
	unsigned char *buffer;
};

static struct tap *to_tap(struct libos_dev *dev)
{
	return container_of(dev, struct tap, dev);
}

/*
 * On a small stack of the kernel. The descriptor never blocks; what the host
 * does not take is lost, as on any wire.
 */
static unsigned int tap_xmit(struct libos_dev *dev, const struct lib_packet *pkts,
			     unsigned int nr)
{
	struct iovec iov[1 + LIB_MAX_IOV];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		iov[0].iov_base = (void *)&pkts[i].vnet;
		iov[0].iov_len = TAP_VNET_HDR;
		memcpy(iov + 1, pkts[i].iov, pkts[i].nr_iov * sizeof(*iov));
		if (writev(dev->fd, iov, 1 + pkts[i].nr_iov) < 0)
			continue;
	}
	return nr;
}

static void tap_receive(struct libos_dev *dev)
{
	unsigned char *at = to_tap(dev)->buffer, *end = at + RX_BUFFER;
	struct lib_packet pkts[RX_BATCH];
	struct lib_iov iov[RX_BATCH];
	unsigned int nr = 0;
	ssize_t len;

	while (nr < RX_BATCH && end - at >= LIB_MAX_PACKET) {
		len = read(dev->fd, at, LIB_MAX_PACKET);
		if (len <= TAP_VNET_HDR)
			break;
		iov[nr].base = at + TAP_VNET_HDR;
		iov[nr].len = len - TAP_VNET_HDR;
		pkts[nr] = (struct lib_packet) {
			.iov = &iov[nr], .nr_iov = 1, .len = len - TAP_VNET_HDR,
		};
		memcpy(&pkts[nr].vnet, at, TAP_VNET_HDR);
		nr++;
		at += (len + 15) & ~15;
	}
	if (nr)
		device_rx(dev, pkts, nr);
}

static void tap_free(struct tap *tap)
{
	if (tap->dev.fd >= 0)
		close(tap->dev.fd);
	free(tap->buffer);
	free(tap);
}

static void tap_close(struct libos_dev *dev)
{
	device_destroy(dev);
	tap_free(to_tap(dev));
}

static const struct device_ops tap_ops = {
	.xmit = tap_xmit,
	.receive = tap_receive,
	.close = tap_close,
};

static int start_polling(struct libos_dev *dev, int fd)
{
	int err;

	enter(dev->l);
	dev->fd = fd;
	err = dev->l->time->poll_add(dev->l, dev);
	if (err)
		dev->fd = -1;
	leave(dev->l);
	return err;
}

int libos_tap(const struct libos_port *port, const char *hostname, struct libos_dev **dev)
{
	uint32_t features = 0;
	struct tap *tap;
	int fd, err;

	if (here.inside)
		return fail(EDEADLK, "a TAP cannot be opened from inside %s", here.inside->name);
	if (port->libos->world)
		return fail(EOPNOTSUPP, "%s lives in virtual time: a TAP needs the real one",
			    port->libos->name);
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return fail(ENOMEM, "out of memory");
	tap->dev.fd = -1;
	tap->buffer = malloc(RX_BUFFER);
	fd = tap->buffer ? tap_host_open(hostname ? hostname : "tap%d", tap->dev.hostname, &features)
			 : fail(ENOMEM, "out of memory");
	if (fd < 0) {
		tap_free(tap);
		return fd;
	}
	err = device_create(&tap->dev, &tap_ops, port, features, 0);
	if (!err) {
		err = start_polling(&tap->dev, fd);
		if (err)
			device_destroy(&tap->dev);
	}
	if (err) {
		close(fd);
		tap_free(tap);
		return err;
	}
	if (dev)
		*dev = &tap->dev;
	return 0;
}
