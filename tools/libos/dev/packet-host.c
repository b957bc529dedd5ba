// SPDX-License-Identifier: GPL-2.0
/* packet-host.c - see packet-host.h */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <liblinux.h>
#include "../lib/error.h"
#include "packet-host.h"

#define RECEIVE_BUFFER	(8 << 20)

static int set_up(int fd, int ifindex)
{
	struct packet_mreq all = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC };
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = ifindex,
	};
	int one = 1, size = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return 0;
}

int packet_host_open(const char *hostname, uint32_t *features)
{
	int ifindex = if_nametoindex(hostname), fd, err;

	if (!ifindex)
		return fail(ENODEV, "the host has no interface \"%s\": ip link shows them", hostname);
	/* Without a protocol it hears nothing before it is bound. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && (errno == EPERM || errno == EACCES))
		return fail(errno, "no permission for raw packets on \"%s\": be root, or have CAP_NET_RAW in its network namespace",
			    hostname);
	err = fd < 0 ? -errno : set_up(fd, ifindex);
	if (err) {
		if (fd >= 0)
			close(fd);
		return fail(-err, "cannot use interface \"%s\" of the host: %s", hostname,
			    strerror(-err));
	}
	*features = LIB_NETDEV_F_CSUM | LIB_NETDEV_F_TSO | LIB_NETDEV_F_USO;
	return fd;
}
