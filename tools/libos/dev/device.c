// SPDX-License-Identifier: GPL-2.0
/* device.c - what all devices have in common; see device.h */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include "device.h"

/* Makes room for a device in the instance's table. */
static int remember(struct libos_dev *dev)
{
	struct libos *l = dev->l;
	unsigned int nr = l->nr_devices;
	struct libos_dev **devices;

	if (dev->id >= nr) {
		nr = dev->id + 1 > 2 * nr ? dev->id + 1 : 2 * nr;
		devices = realloc(l->devices, nr * sizeof(*devices));
		if (!devices)
			return -ENOMEM;
		memset(devices + l->nr_devices, 0,
		       (nr - l->nr_devices) * sizeof(*devices));
		l->devices = devices;
		l->nr_devices = nr;
	}
	l->devices[dev->id] = dev;
	return 0;
}

/* A task in the namespace that the port asks for; its creator's otherwise. */
static int port_task(const struct libos_port *port, struct lib_task *task,
		     struct lib_task **helper)
{
	struct lib_exports *k = &port->libos->exports;
	int err;

	*helper = NULL;
	if (!(port->flags & LIBOS_PORT_NETNS))
		return 0;
	err = k->task_create(task, helper, 0, NULL, NULL, 0);
	if (err)
		return fail(-err, "no task for a device: %s", strerror(-err));
	err = k->syscall(*helper, SYS_setns, port->netns, CLONE_NEWNET, 0, 0, 0, 0);
	if (err)
		fail(-err, "descriptor %d is not a network namespace of the instance: %s",
		     port->netns, strerror(-err));
	return err;
}

static int create(struct libos_dev *dev, const struct libos_port *port,
		  struct lib_netdev *netdev, struct lib_task *task)
{
	struct lib_exports *k = &dev->l->exports;
	struct lib_task *helper;
	int err = port_task(port, task, &helper);

	if (!err) {
		err = k->netdev_create(helper ? helper : task, netdev);
		if (err)
			fail(-err, "cannot make device \"%s\": %s", netdev->name,
			     strerror(-err));
	}
	if (helper)
		k->task_exit(helper);
	if (err)
		return err;
	dev->id = netdev->id;
	dev->ifindex = netdev->ifindex;
	memcpy(dev->name, netdev->name, sizeof(dev->name));
	err = remember(dev);
	if (err) {
		k->netdev_destroy(task, dev->id);
		return fail(-err, "out of memory");
	}
	return 0;
}

int device_create(struct libos_dev *dev, const struct device_ops *ops,
		  const struct libos_port *port, uint32_t features, uint32_t tx_ring)
{
	struct lib_netdev netdev = {
		.size = sizeof(netdev),
		.mtu = port->mtu,
		.flags = LIB_NETDEV_BROADCAST | LIB_NETDEV_MULTICAST,
		.features = features,
		.tx_ring = tx_ring,
	};
	struct lib_task *task;
	int err;

	if (port->name && strlen(port->name) >= sizeof(netdev.name))
		return fail(EINVAL, "device name \"%s\" is too long: at most 15 characters",
			    port->name);
	snprintf(netdev.name, sizeof(netdev.name), "%s", port->name ? port->name : "eth%d");
	memcpy(netdev.addr, port->mac, sizeof(netdev.addr));
	dev->l = port->libos;
	dev->ops = ops;
	dev->fd = -1;
	task = task_enter(dev->l, &err);
	if (!task)
		return err;
	err = create(dev, port, &netdev, task);
	task_leave(dev->l);
	return err;
}

void device_destroy(struct libos_dev *dev)
{
	struct libos *l = dev->l;
	struct lib_task *task;
	int err;

	task = task_enter(l, &err);
	if (task)
		l->exports.netdev_destroy(task, dev->id);
	else
		enter(l);
	if (dev->fd >= 0)
		l->time->poll_del(l, dev);
	l->devices[dev->id] = NULL;
	pcap_forget(dev);
	task_leave(l);
}

unsigned int device_xmit(struct libos *l, uint32_t id, const struct lib_packet *pkts,
			 unsigned int nr)
{
	struct libos_dev *dev = id < l->nr_devices ? l->devices[id] : NULL;

	if (!dev)
		return nr;
	if (unlikely(dev->pcap))
		pcap_packets(dev, true, pkts, nr);
	return dev->ops->xmit(dev, pkts, nr);
}

void event_set(struct libos *l, struct event *event, uint64_t time)
{
	event->l = l;
	heap_set(l->heap, event, time);
	l->time->event_set(l, time);
}

void event_clear(struct libos *l, struct event *event)
{
	heap_clear(l->heap, event);
}

int libos_dev_close(struct libos_dev *dev)
{
	if (!dev)
		return 0;
	if (here.inside)
		return fail(EDEADLK, "a device cannot be closed from inside an instance");
	dev->ops->close(dev);
	return 0;
}

int libos_dev_carrier(struct libos_dev *dev, int up)
{
	struct libos *l = dev->l;
	int err;

	if (!task_enter(l, &err))
		return err;
	err = l->exports.netdev_carrier(dev->id, !!up);
	task_leave(l);
	return err ? fail(-err, "%s: %s", dev->name, strerror(-err)) : 0;
}

const char *libos_dev_name(const struct libos_dev *dev)
{
	return dev->name;
}

const char *libos_dev_hostname(const struct libos_dev *dev)
{
	return dev->hostname;
}

unsigned int libos_dev_ifindex(const struct libos_dev *dev)
{
	return dev->ifindex;
}
