/* SPDX-License-Identifier: GPL-2.0 */
/*
 * load.h - the loads: programs that block in their system calls, one at each
 * end.
 */
#ifndef _LOAD_H
#define _LOAD_H

#include <stdbool.h>
#include "end.h"

#define LOAD_PORT	5001

/**
 * struct run - one run of a load; in memory that both ends see
 * @server:	address of the server, in network order
 * @seconds:	how long the client works
 * @size:	bytes of a datagram
 * @ready:	the server listens
 * @units:	bytes, round trips, connections or packets that got through
 * @sent:	packets sent
 * @p50:	median of a round trip, seconds
 * @begin, @end: called by the client around what is measured
 */
struct run {
	uint32_t server;
	double seconds;
	int size;
	volatile int ready;
	volatile uint64_t units;
	uint64_t sent;
	double p50;
	void (*begin)(struct run *run);
	void (*end)(struct run *run);
};

/**
 * struct load - one kind of load
 * @name:	what it is called
 * @thread:	in the library the client is the host thread that opened the
 *		kernels; else it is a fiber, as the server is. Whatever is faster
 * @server:	one end
 * @client:	the other
 */
struct load {
	const char *name;
	bool thread;
	void (*server)(struct end *end, struct run *run);
	void (*client)(struct end *end, struct run *run);
};

/* "stream", "rr", "crr", "udp" */
const struct load *load_find(const char *name);

/* No segmentation by the device and no packets put together, in a device's end */
void offloads_off(struct end *end, const char *device);

#endif /* _LOAD_H */
