// SPDX-License-Identifier: GPL-2.0
/*
 * load.c - see load.h
 *
 * stream: one TCP connection, 128 KiB a write. rr: one byte there and one back.
 * crr: connect, one byte each way, close, the server first. udp: datagrams one
 * way as fast as they go, received by the dozen. TCP has TCP_NODELAY and cubic.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "bench.h"
#include "load.h"

#define CHUNK		(128 << 10)
#define MAX_SAMPLES	1000000
#define WARM_UP		1000
#define BATCH		64

long host_result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long check(long ret, const char *what)
{
	if (ret < 0)
		die("%s: %s", what, strerror(-ret));
	return ret;
}

static struct sockaddr_in address(uint32_t host)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(LOAD_PORT),
		.sin_addr.s_addr = host,
	};
}

static void tune(struct end *end, int fd)
{
	int one = 1;

	check(SYS(end, setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "nodelay");
	check(SYS(end, setsockopt, fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), "cubic");
}

static int listen_at(struct end *end, struct run *run)
{
	int fd = check(SYS(end, socket, AF_INET, SOCK_STREAM, 0), "socket"), one = 1;
	struct sockaddr_in sa = address(INADDR_ANY);

	SYS(end, setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	tune(end, fd);
	check(SYS(end, bind, fd, &sa, sizeof(sa)), "bind");
	check(SYS(end, listen, fd, 128), "listen");
	run->ready = 1;
	return fd;
}

static int dial(struct end *end, struct run *run)
{
	int fd = check(SYS(end, socket, AF_INET, SOCK_STREAM, 0), "socket");
	struct sockaddr_in sa = address(run->server);

	tune(end, fd);
	check(SYS(end, connect, fd, &sa, sizeof(sa)), "connect");
	return fd;
}

/* One byte there and one back */
static void trip(struct end *end, int fd)
{
	char byte = 'x';

	if (SYS(end, write, fd, &byte, 1L) != 1 || SYS(end, read, fd, &byte, 1L) != 1)
		die("the other end closed the connection");
}

/* ------------------------------------------------------------------- stream */

static void stream_server(struct end *end, struct run *run)
{
	int listener = listen_at(end, run);
	int fd = check(SYS(end, accept, listener, NULL, NULL), "accept");
	char *chunk = malloc(CHUNK);
	long len;

	while ((len = SYS(end, read, fd, chunk, (long)CHUNK)) > 0)
		run->units += len;
	SYS(end, write, fd, "x", 1L);
	free(chunk);
}

static void stream_client(struct end *end, struct run *run)
{
	char *chunk = calloc(1, CHUNK), byte;
	int fd = dial(end, run);
	double stop;

	run->begin(run);
	stop = wall() + run->seconds;
	while (wall() < stop)
		check(SYS(end, write, fd, chunk, (long)CHUNK), "write");
	SYS(end, shutdown, fd, SHUT_WR);
	check(SYS(end, read, fd, &byte, 1L), "read");
	run->end(run);
	free(chunk);
}

/* ----------------------------------------------------------------------- rr */

static void rr_server(struct end *end, struct run *run)
{
	int listener = listen_at(end, run);
	int fd = check(SYS(end, accept, listener, NULL, NULL), "accept");
	char byte;

	tune(end, fd);
	while (SYS(end, read, fd, &byte, 1L) == 1)
		SYS(end, write, fd, &byte, 1L);
}

static void rr_client(struct end *end, struct run *run)
{
	double *times = malloc(MAX_SAMPLES * sizeof(*times)), last, now, stop;
	int fd = dial(end, run), i;
	size_t nr = 0;

	for (i = 0; i < WARM_UP; i++)
		trip(end, fd);
	run->begin(run);
	last = wall();
	stop = last + run->seconds;
	do {
		trip(end, fd);
		now = wall();
		times[nr++] = now - last;
		last = now;
	} while (now < stop && nr < MAX_SAMPLES);
	run->units = nr;
	run->end(run);
	run->p50 = quantile(times, nr, 0.5);
	free(times);
}

/* ---------------------------------------------------------------------- crr */

static void crr_server(struct end *end, struct run *run)
{
	int listener = listen_at(end, run), fd;
	char byte;

	for (;;) {
		fd = check(SYS(end, accept, listener, NULL, NULL), "accept");
		if (SYS(end, read, fd, &byte, 1L) == 1)
			SYS(end, write, fd, &byte, 1L);
		SYS(end, close, fd);
	}
}

static void connect_once(struct end *end, struct run *run)
{
	int fd = dial(end, run);
	char byte;

	trip(end, fd);
	if (SYS(end, read, fd, &byte, 1L) != 0)
		die("more than one byte came back");
	SYS(end, close, fd);
}

static void crr_client(struct end *end, struct run *run)
{
	double stop;
	int i;

	for (i = 0; i < WARM_UP / 10; i++)
		connect_once(end, run);
	run->begin(run);
	stop = wall() + run->seconds;
	do {
		connect_once(end, run);
		run->units++;
	} while (wall() < stop);
	run->end(run);
}

/* ---------------------------------------------------------------------- udp */

/* A sender that shares the processor leaves much at a time: there is room. */
static int udp_socket(struct end *end)
{
	int fd = check(SYS(end, socket, AF_INET, SOCK_DGRAM, 0), "socket"), bytes = 8 << 20;

	if (SYS(end, setsockopt, fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		SYS(end, setsockopt, fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return fd;
}

static void udp_server(struct end *end, struct run *run)
{
	static char buf[BATCH][2048];
	static struct iovec iov[BATCH];
	static struct mmsghdr msgs[BATCH];
	struct sockaddr_in sa = address(INADDR_ANY);
	int fd = udp_socket(end), room = 4 << 20, i;
	long nr;

	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec) { buf[i], sizeof(buf[i]) };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	/* Room for what comes until the server runs: nothing is to be lost. */
	check(SYS(end, setsockopt, fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), "room");
	check(SYS(end, bind, fd, &sa, sizeof(sa)), "bind");
	run->ready = 1;
	while ((nr = SYS(end, recvmmsg, fd, msgs, (long)BATCH, (long)MSG_WAITFORONE, NULL)) > 0)
		run->units += nr;
}

static void udp_client(struct end *end, struct run *run)
{
	int fd = udp_socket(end), i;
	struct timespec rest = { .tv_nsec = 50000000 };
	struct sockaddr_in sa = address(run->server);
	char buf[2048] = { 0 };
	uint64_t before;
	double stop;

	check(SYS(end, connect, fd, &sa, sizeof(sa)), "connect");
	for (i = 0; i < WARM_UP / 10; i++)
		SYS(end, sendto, fd, buf, (long)run->size, 0L, NULL, 0L);
	SYS(end, nanosleep, &rest, NULL);
	before = run->units;
	run->begin(run);
	stop = wall() + run->seconds;
	do {
		for (i = 0; i < 32; i++)
			run->sent += SYS(end, sendto, fd, buf, (long)run->size, 0L, NULL, 0L) > 0;
	} while (wall() < stop);
	run->end(run);
	run->units -= before;
}

/* -------------------------------------------------------------------- tables */

static const struct load loads[] = {
	{ "stream", false, stream_server, stream_client },
	{ "rr", true, rr_server, rr_client },
	{ "crr", false, crr_server, crr_client },
	{ "udp", false, udp_server, udp_client },
};

const struct load *load_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		if (!strcmp(loads[i].name, name))
			return &loads[i];
	die("no load \"%s\": stream, rr, crr or udp", name);
}

void offloads_off(struct end *end, const char *device)
{
	static const uint32_t commands[] = {
		ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO,
	};
	int fd = check(SYS(end, socket, AF_INET, SOCK_DGRAM, 0), "socket");
	struct ethtool_value value = { 0 };
	struct ifreq ifr = { 0 };
	size_t i;

	strncpy(ifr.ifr_name, device, sizeof(ifr.ifr_name) - 1);
	ifr.ifr_data = (void *)&value;
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		value.cmd = commands[i];
		check(SYS(end, ioctl, fd, SIOCETHTOOL, &ifr), "ethtool");
	}
	SYS(end, close, fd);
}
