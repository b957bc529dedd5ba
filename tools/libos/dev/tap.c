// SPDX-License-Identifier: GPL-2.0
/*
 * tap.c - joins a device to a TAP interface of the host.
 *
 * Packets cross with a virtio_net_hdr, which is what struct lib_vnet is, so
 * checksums and segmentation are left to whoever needs them. One system call
 * of the host a packet each way: the descriptor takes no batches.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "device.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

#define VNET_HDR_SIZE	10
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
		iov[0].iov_len = VNET_HDR_SIZE;
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
		if (len <= VNET_HDR_SIZE)
			break;
		iov[nr].base = at + VNET_HDR_SIZE;
		iov[nr].len = len - VNET_HDR_SIZE;
		pkts[nr] = (struct lib_packet) {
			.iov = &iov[nr], .nr_iov = 1, .len = len - VNET_HDR_SIZE,
		};
		memcpy(&pkts[nr].vnet, at, VNET_HDR_SIZE);
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

static int open_error(int err, const char *name)
{
	switch (err) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return fail(err, "this host has no /dev/net/tun: modprobe tun, or mknod it (character device 10 200)");
	case EPERM:
	case EACCES:
		return fail(err, "no permission for TAP interface \"%s\": be root, have CAP_NET_ADMIN, or own the interface",
			    name);
	case EBUSY:
		return fail(err, "TAP interface \"%s\" is in use by another program", name);
	case EINVAL:
		return fail(err, "interface \"%s\" of the host is no TAP interface", name);
	}
	return fail(err, "cannot open TAP interface \"%s\": %s", name, strerror(err));
}

/* Opens the host's side; gives the descriptor and fills in the name. */
static int open_host(const char *hostname, char *name, uint32_t *features)
{
	unsigned int offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd, err;

	if (strlen(hostname) >= sizeof(ifr.ifr_name))
		return fail(EINVAL, "interface name \"%s\" is too long: at most 15 characters",
			    hostname);
	strcpy(ifr.ifr_name, hostname);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return open_error(errno, hostname);
	if (ioctl(fd, TUNSETIFF, &ifr)) {
		err = open_error(errno, hostname);
		close(fd);
		return err;
	}
	*features = LIB_NETDEV_F_CSUM | LIB_NETDEV_F_TSO | LIB_NETDEV_F_USO;
	if (ioctl(fd, TUNSETOFFLOAD, offloads | TUN_F_USO4 | TUN_F_USO6)) {
		*features &= ~LIB_NETDEV_F_USO;
		if (ioctl(fd, TUNSETOFFLOAD, offloads))
			*features = 0;
	}
	strcpy(name, ifr.ifr_name);
	return fd;
}

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
	fd = tap->buffer ? open_host(hostname ? hostname : "tap%d", tap->dev.hostname, &features)
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
