// SPDX-License-Identifier: GPL-2.0
/*
 * pcap.c - captures the traffic of devices in a pcapng file.
 *
 * Three kinds of block: one section header, an interface description for each
 * device, an enhanced packet block for each packet, with its direction.
 * libpcap writes only the older format, which has no interfaces. Packets are
 * taken where they cross the contract, so also on small stacks of the kernel:
 * they are gathered in a buffer.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "device.h"

#define BUFFER_SIZE	(256 << 10)

#define BLOCK_SECTION	0x0a0d0d0a
#define BLOCK_INTERFACE	1
#define BLOCK_PACKET	6
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINKTYPE_ETHERNET 1
#define OPT_END		0
#define OPT_IF_NAME	2
#define OPT_IF_TSRESOL	9
#define OPT_EPB_FLAGS	2
#define FLAG_INBOUND	1
#define FLAG_OUTBOUND	2

struct libos_pcap {
	pthread_mutex_t mutex;
	int fd;
	int err;		/* of the first write that failed */
	uint32_t nr_devices;	/* described so far */
	struct libos_dev **devices;	/* NULL where one is gone */
	size_t used;
	unsigned char buffer[BUFFER_SIZE];
};

struct block {
	uint32_t type;
	uint32_t len;
};

struct option {
	uint16_t code;
	uint16_t len;
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

static void put(struct libos_pcap *pcap, const void *data, size_t len)
{
	memcpy(pcap->buffer + pcap->used, data, len);
	pcap->used += len;
}

static void put32(struct libos_pcap *pcap, uint32_t value)
{
	put(pcap, &value, sizeof(value));
}

static void pad(struct libos_pcap *pcap)
{
	static const char zero[4];

	put(pcap, zero, -pcap->used & 3);
}

static void put_option(struct libos_pcap *pcap, uint16_t code, const void *data, uint16_t len)
{
	struct option option = { code, len };

	put(pcap, &option, sizeof(option));
	put(pcap, data, len);
	pad(pcap);
}

/* A block begins; it has at most so many bytes. Blocks begin on 4 bytes. */
static size_t begin(struct libos_pcap *pcap, uint32_t type, size_t room)
{
	if (pcap->used + room > BUFFER_SIZE)
		flush(pcap);
	put32(pcap, type);
	put32(pcap, 0);
	return pcap->used - sizeof(struct block);
}

/* It ends: its length is at both ends. */
static void end(struct libos_pcap *pcap, size_t start)
{
	uint32_t len = pcap->used + sizeof(len) - start;

	put32(pcap, len);
	memcpy(pcap->buffer + start + offsetof(struct block, len), &len, sizeof(len));
}

static void put_section(struct libos_pcap *pcap)
{
	static const struct {
		uint32_t magic;
		uint16_t major, minor;
		int64_t length;
	} __attribute__((packed)) section = { BYTE_ORDER_MAGIC, 1, 0, -1 };
	size_t start = begin(pcap, BLOCK_SECTION, 64);

	put(pcap, &section, sizeof(section));
	end(pcap, start);
}

static void put_interface(struct libos_pcap *pcap, const struct libos_dev *dev)
{
	static const unsigned char nanoseconds = 9;
	size_t start = begin(pcap, BLOCK_INTERFACE, 256);
	char name[64];

	put32(pcap, LINKTYPE_ETHERNET);
	put32(pcap, 0);		/* no limit of length */
	snprintf(name, sizeof(name), "%s %s", dev->l->name, dev->name);
	put_option(pcap, OPT_IF_NAME, name, strlen(name));
	put_option(pcap, OPT_IF_TSRESOL, &nanoseconds, 1);
	put_option(pcap, OPT_END, "", 0);
	end(pcap, start);
}

static void put_packet(struct libos_pcap *pcap, uint32_t id, uint64_t time, uint32_t flags,
		       const struct lib_packet *pkt)
{
	size_t start = begin(pcap, BLOCK_PACKET, pkt->len + 64);
	uint32_t i;

	put32(pcap, id);
	put32(pcap, time >> 32);
	put32(pcap, time);
	put32(pcap, pkt->len);
	put32(pcap, pkt->len);
	for (i = 0; i < pkt->nr_iov; i++)
		put(pcap, pkt->iov[i].base, pkt->iov[i].len);
	pad(pcap);
	put_option(pcap, OPT_EPB_FLAGS, &flags, sizeof(flags));
	put_option(pcap, OPT_END, "", 0);
	end(pcap, start);
}

void pcap_packets(struct libos_dev *dev, bool out, const struct lib_packet *pkts,
		  unsigned int nr)
{
	uint64_t time = dev->l->host.realtime_ns(dev->l);
	struct libos_pcap *pcap = dev->pcap;
	unsigned int i;

	pthread_mutex_lock(&pcap->mutex);
	for (i = 0; i < nr; i++)
		put_packet(pcap, dev->pcap_id, time, out ? FLAG_OUTBOUND : FLAG_INBOUND,
			   &pkts[i]);
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
	put_section(pcap);
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
