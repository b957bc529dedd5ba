// SPDX-License-Identifier: GPL-2.0
/*
 * pcap.c - captures the traffic of devices in a pcapng file.
 *
 * Packets are taken where they cross the contract, so also on small stacks of
 * the kernel: they are gathered in a buffer.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "device.h"
#include "pcapng.h"

#define BUFFER_SIZE	(256 << 10)

struct libos_pcap {
	pthread_mutex_t mutex;
	int fd;
	int err;		/* of the first write that failed */
	uint32_t nr_devices;	/* described so far */
	struct libos_dev **devices;	/* NULL where one is gone */
	size_t used;
	unsigned char buffer[BUFFER_SIZE];
};

static void flush(struct libos_pcap *pcap)
{
	unsigned char *p = pcap->buffer;
	ssize_t len;

	for (; pcap->used && !pcap->err; p += len, pcap->used -= len) {
		len = write(pcap->fd, p, pcap->used);
		if (len < 0 && errno == EINTR)
			len = 0;
		else if (len < 0)
			pcap->err = errno;
		if (len < 0)
			break;
	}
	pcap->used = 0;
}

/* Where so many bytes can be written */
static void *room(struct libos_pcap *pcap, size_t len)
{
	if (pcap->used + len > BUFFER_SIZE)
		flush(pcap);
	return pcap->buffer + pcap->used;
}

static void put_interface(struct libos_pcap *pcap, const struct libos_dev *dev)
{
	char name[PCAPNG_NAME];

	snprintf(name, sizeof(name), "%s %s", dev->l->name, dev->name);
	pcap->used += pcapng_interface(room(pcap, PCAPNG_BLOCK), name);
}

static void put_packet(struct libos_pcap *pcap, uint32_t id, uint64_t time, bool out,
		       const struct lib_packet *pkt)
{
	unsigned char *at = room(pcap, pkt->len + PCAPNG_BLOCK);
	uint32_t i;

	at += pcapng_packet_begin(at, id, time, pkt->len);
	for (i = 0; i < pkt->nr_iov; i++) {
		memcpy(at, pkt->iov[i].base, pkt->iov[i].len);
		at += pkt->iov[i].len;
	}
	at += pcapng_packet_end(at, pkt->len, out);
	pcap->used = at - pcap->buffer;
}

void pcap_packets(struct libos_dev *dev, bool out, const struct lib_packet *pkts,
		  unsigned int nr)
{
	uint64_t time = dev->l->host.realtime_ns(dev->l);
	struct libos_pcap *pcap = dev->pcap;
	unsigned int i;

	pthread_mutex_lock(&pcap->mutex);
	for (i = 0; i < nr; i++)
		put_packet(pcap, dev->pcap_id, time, out, &pkts[i]);
	pthread_mutex_unlock(&pcap->mutex);
}

void pcap_forget(struct libos_dev *dev)
{
	struct libos_pcap *pcap = dev->pcap;

	if (!pcap)
		return;
	pthread_mutex_lock(&pcap->mutex);
	pcap->devices[dev->pcap_id] = NULL;
	pthread_mutex_unlock(&pcap->mutex);
	dev->pcap = NULL;
}

int libos_pcap_open(const char *path, struct libos_pcap **pcapp)
{
	struct libos_pcap *pcap = malloc(sizeof(*pcap));
	int err;

	if (!pcap)
		return fail(ENOMEM, "out of memory");
	memset(pcap, 0, offsetof(struct libos_pcap, buffer));
	pthread_mutex_init(&pcap->mutex, NULL);
	pcap->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (pcap->fd < 0) {
		err = fail(errno, "cannot write %s: %s", path, strerror(errno));
		free(pcap);
		return err;
	}
	pcap->used = pcapng_section(pcap->buffer);
	*pcapp = pcap;
	return 0;
}

static void set_pcap(struct libos_dev *dev, struct libos_pcap *pcap)
{
	dev->pcap = pcap;
	if (dev->ops->captured)
		dev->ops->captured(dev);
}

/* A number for a device: its interface block, in the order of the blocks. */
static int describe(struct libos_pcap *pcap, struct libos_dev *dev)
{
	struct libos_dev **devices;

	devices = realloc(pcap->devices, (pcap->nr_devices + 1) * sizeof(*devices));
	if (!devices)
		return fail(ENOMEM, "out of memory");
	pcap->devices = devices;
	devices[pcap->nr_devices] = dev;
	dev->pcap_id = pcap->nr_devices++;
	set_pcap(dev, pcap);
	put_interface(pcap, dev);
	return 0;
}

int libos_pcap_add(struct libos_pcap *pcap, struct libos_dev *dev)
{
	int err;

	if (here.inside)
		return fail(EDEADLK, "a capture cannot be started from inside %s",
			    here.inside->name);
	enter(dev->l);
	if (dev->pcap) {
		err = fail(EBUSY, "%s is captured already", dev->name);
	} else {
		pthread_mutex_lock(&pcap->mutex);
		err = describe(pcap, dev);
		pthread_mutex_unlock(&pcap->mutex);
	}
	leave(dev->l);
	return err;
}

int libos_pcap_close(struct libos_pcap *pcap)
{
	struct libos_dev *dev;
	uint32_t i;
	int err;

	if (!pcap)
		return 0;
	for (i = 0; i < pcap->nr_devices; i++) {
		dev = pcap->devices[i];
		if (!dev)
			continue;
		enter(dev->l);
		set_pcap(dev, NULL);
		leave(dev->l);
	}
	flush(pcap);
	err = pcap->err;
	if (close(pcap->fd) && !err)
		err = errno;
	pthread_mutex_destroy(&pcap->mutex);
	free(pcap->devices);
	free(pcap);
	return err ? fail(err, "writing the capture failed: %s", strerror(err)) : 0;
}
