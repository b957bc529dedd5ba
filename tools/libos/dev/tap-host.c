// SPDX-License-Identifier: GPL-2.0
/* tap-host.c - see tap-host.h */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <liblinux.h>
#include "../lib/error.h"
#include "tap-host.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

#define PATIENCE_MS	500

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

/* Who has it may be about to end, as the instance of a program that has just ended. */
static int attach(int fd, struct ifreq *ifr)
{
	int tries = PATIENCE_MS, ret;

	while ((ret = ioctl(fd, TUNSETIFF, ifr)) && errno == EBUSY && tries--)
		usleep(1000);
	return ret;
}

int tap_host_open(const char *hostname, char name[16], uint32_t *features)
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
	if (attach(fd, &ifr)) {
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
