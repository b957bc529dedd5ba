/* SPDX-License-Identifier: GPL-2.0 */
/*
 * device.h - the interface between an instance and what its devices are
 * joined to.
 *
 * A backend makes a device with device_create(), gets its packets in ->xmit()
 * and gives what arrives to device_rx(). ->xmit() runs on a small stack of the
 * kernel, which must not be called from there. It sends packets at once, or
 * takes note of them and posts a letter; their memory then stays until
 * device_tx_done() names their tokens. All but ->close() runs under the
 * instance's lock.
 */
#ifndef _LIBOS_DEVICE_H
#define _LIBOS_DEVICE_H

#include "../lib/instance.h"

/**
 * struct device_ops - a kind of device
 * @xmit:	takes packets from the kernel; returns how many, counted from the
 *		first, are done with
 * @receive:	its descriptor is readable
 * @captured:	its packets are captured from now on, or no more: see
 *		libos_dev::pcap; may be NULL
 * @close:	removes the device and all that belongs to it; no lock is held
 */
struct device_ops {
	unsigned int (*xmit)(struct libos_dev *dev, const struct lib_packet *pkts,
			     unsigned int nr);
	void (*receive)(struct libos_dev *dev);
	void (*captured)(struct libos_dev *dev);
	void (*close)(struct libos_dev *dev);
};

/**
 * struct libos_dev - one device; backends embed it
 * @l:		the instance
 * @ops:	its kind
 * @id:		the contract's name for it
 * @fd:		descriptor to poll, or -1
 * @pcap:	the file that it is captured in, or NULL
 * @pcap_id:	its interface number there
 */
struct libos_dev {
	struct libos *l;
	const struct device_ops *ops;
	uint32_t id;
	uint32_t ifindex;
	char name[16];
	char hostname[16];
	int fd;
	struct libos_pcap *pcap;
	uint32_t pcap_id;
};

/* Makes the device in the kernel; @tx_ring 0 is 256. */
int device_create(struct libos_dev *dev, const struct device_ops *ops,
		  const struct libos_port *port, uint32_t features, uint32_t tx_ring);
/* Removes it from the kernel; its packets are gone. The lock is not held. */
void device_destroy(struct libos_dev *dev);

/* Under the instance's lock: lib_host::netdev_tx */
unsigned int device_xmit(struct libos *l, uint32_t id, const struct lib_packet *pkts,
			 unsigned int nr);

/* Sets an event of the instance that has a promise; under its lock. */
void event_set(struct libos *l, struct event *event, uint64_t time);
void event_clear(struct libos *l, struct event *event);

/* pcap.c: notes packets; @out from the kernel */
void pcap_packets(struct libos_dev *dev, bool out, const struct lib_packet *pkts,
		  unsigned int nr);
void pcap_forget(struct libos_dev *dev);

/* Under the instance's lock: */
static inline void device_rx(struct libos_dev *dev, const struct lib_packet *pkts,
			     unsigned int nr)
{
	if (unlikely(dev->pcap))
		pcap_packets(dev, false, pkts, nr);
	dev->l->exports.netdev_rx(dev->id, pkts, nr);
}

static inline void device_tx_done(struct libos_dev *dev, const uint64_t *tokens,
				  unsigned int nr)
{
	dev->l->exports.netdev_tx_done(dev->id, tokens, nr, 0);
}

#endif /* _LIBOS_DEVICE_H */
