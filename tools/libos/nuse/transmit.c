// SPDX-License-Identifier: GPL-2.0
/*
 * transmit.c - packets on their way out of a shared instance.
 *
 * What the other end has no room for is held: it stays in the kernel's memory, and
 * whoever polls the devices sends it when there is room. Packets of a device go in
 * the order in which they came. When a device holds SHARE_HELD of them its queue in
 * the kernel stops, so that senders wait as they do for any network card.
 */
#include <asm/unistd.h>
#include <errno.h>
#include "catch.h"
#include "inner-share.h"

#define SHORT	256

static struct share_device *find(uint32_t id)
{
	unsigned int i;

	for (i = 0; i < share->nr_devices; i++)
		if (share->devices[i].id == id)
			return &share->devices[i];
	return NULL;
}

/*
 * Whether it is done with: sent, or refused for good. A short one is copied: the host
 * takes one piece faster than several.
 */
static bool send(const struct share_device *dev, const struct lib_packet *pkt)
{
	int fd = own_fd(FD_DEVICE + (dev - share->devices));
	struct lib_iov iov[1 + LIB_MAX_IOV];
	unsigned char copy[SHORT];
	unsigned int i;
	size_t len = dev->vnet_hdr;

	iov[0] = (struct lib_iov) { (void *)&pkt->vnet, len };
	for (i = 0; i < pkt->nr_iov; i++)
		iov[1 + i] = pkt->iov[i];
	if (len + pkt->len > sizeof(copy))
		return host_call(__NR_writev, fd, iov, 1 + i, 0, 0, 0) != -EAGAIN;
	__builtin_memcpy(copy, &pkt->vnet, len);
	for (i = 0; i < pkt->nr_iov; i++) {
		__builtin_memcpy(copy + len, pkt->iov[i].base, pkt->iov[i].len);
		len += pkt->iov[i].len;
	}
	return host_call(__NR_write, fd, copy, len, 0, 0, 0) != -EAGAIN;
}

static void hold(struct share_device *dev, const struct lib_packet *pkt)
{
	dev->held[(dev->first + dev->nr_held++) % SHARE_HELD] = *pkt;
}

/* The kernel lets go of the first that is held. */
static uint64_t release(struct share_device *dev)
{
	uint64_t token = dev->held[dev->first].token;

	dev->first = (dev->first + 1) % SHARE_HELD;
	dev->nr_held--;
	return token;
}

unsigned int share_transmit(void *ctx, uint32_t id, const struct lib_packet *pkts,
			    unsigned int nr)
{
	struct share_device *dev = find(id);
	unsigned int done = 0, i;

	(void)ctx;
	if (!dev || dev->down)
		return nr;
	if (dev->capture)
		share_capture(dev, true, pkts, nr);
	if (!dev->nr_held) {
		while (done < nr && send(dev, &pkts[done]))
			done++;
		if (done < nr)
			share_poll_again();
	}
	for (i = done; i < nr; i++)
		hold(dev, &pkts[i]);
	return done;
}

static bool let_go(struct share_device *dev, bool dropped)
{
	static uint64_t tokens[SHARE_HELD];
	unsigned int nr = 0;

	while (dev->nr_held && (dropped || send(dev, &dev->held[dev->first])))
		tokens[nr++] = release(dev);
	if (nr)
		share->exports.netdev_tx_done(dev->id, tokens, nr, 0);
	return nr;
}

bool share_transmit_held(struct share_device *dev)
{
	return let_go(dev, false);
}

void share_link(uint32_t id, bool up)
{
	struct share_device *dev = find(id);

	dev->down = !up;
	share->exports.netdev_carrier(id, up);
	if (!up)
		let_go(dev, true);
}
