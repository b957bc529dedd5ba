/* SPDX-License-Identifier: GPL-2.0 */
/*
 * util.h - what the tests share: instances that are ready to use, a pair of
 * them joined by a cable, connections, streams, and captures.
 *
 * Each test is a process of its own (kselftest_harness.h forks), so nothing is
 * cleaned up that a process gives back by ending. Functions return NULL or a
 * negative errno when they fail, and print why.
 */
#ifndef _TESTS_UTIL_H
#define _TESTS_UTIL_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <libos.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif
#define MS		1000000ULL		/* nanoseconds */
#define S		1000000000ULL

/* Prints a diagnostic line of KTAP; returns -1. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Path of the library under test */
const char *liblinux(void);

/* Nanoseconds of the host's CLOCK_MONOTONIC */
uint64_t host_now(void);

/* "VmRSS" and the like of /proc/self/status, in KiB (or as it stands there) */
long self_status(const char *field);
/* Entries of /proc/self/fd, lines of /proc/self/maps */
int self_fds(void);
int self_maps(void);

/* ------------------------------------------------------------- instances */

/* Boots one, with lo up; @world may be NULL. */
struct libos *boot(struct libos_world *world);

/**
 * struct pair - two instances joined by a cable: eth0 is 10.0.0.1 and fc00::1
 * in @a, 10.0.0.2 and fc00::2 in @b
 */
struct pair {
	struct libos_world *world;	/* NULL: real time */
	struct libos *a, *b;
	struct libos_dev *dev[2];
};

/* @seed 0 is real time. */
int pair_open(struct pair *p, uint64_t seed, const struct libos_cable *cable);
int pair_close(struct pair *p);

/* A port whose address ends in @nr */
struct libos_port port_of(struct libos *l, unsigned int nr);

/* ------------------------------------------------------------- addresses */

struct sockaddr_storage address(const char *text, unsigned int port);
socklen_t address_len(const struct sockaddr_storage *addr);

/* ----------------------------------------------------------------- calls */

/* A socket bound to, and for streams listening at, an address */
int server(struct libos *l, int type, int protocol, const char *addr, unsigned int port);
/* A socket connected to an address */
int client(struct libos *l, int type, int protocol, const char *addr, unsigned int port);
/* Both ends of a stream from @a to @addr of @b; closes the listening socket. */
int connection(struct libos *a, struct libos *b, int protocol, const char *addr,
	       unsigned int port, int fd[2]);

/* Sends @text one way and back; 0 if it came. */
int echo(struct libos *a, int afd, struct libos *b, int bfd, const char *text);

/* Echo request and reply; nanoseconds of the instance's clock, or negative. */
int64_t ping(struct libos *l, const char *addr, int timeout_ms);

int set_int(struct libos *l, int fd, int level, int name, int value);
int get_int(struct libos *l, int fd, int level, int name);
/* Reads a file of the instance; the length, or negative. */
int read_file(struct libos *l, const char *path, char *buf, size_t len);
int write_file(struct libos *l, const char *path, const char *text);
/* A counter of /proc/net/snmp or /proc/net/netstat, as "TcpExt", "TCPTimeouts" */
long counter(struct libos *l, const char *group, const char *name);
/* A counter of a device, as "rx_packets" */
long dev_counter(struct libos *l, const char *dev, const char *name);

/**
 * struct stream - one direction of a connection, run by two fibers
 * @bytes:	to send
 * @sent, @received: so far
 * @bad:	bytes that came out wrong
 * @err:	errno of what ended it early
 * @finished:	time of the instance's clock at which the end was seen
 */
struct stream {
	struct libos *from, *to;
	int from_fd, to_fd;
	uint64_t bytes, sent, received, bad;
	int err;
	bool closed;
	uint64_t finished;
	uint8_t out[16384], in[16384];
};

/* Starts the fibers; the world, or the instances' threads, let them run. */
int stream_start(struct stream *s);

/* -------------------------------------------------------------- captures */

/* A packet of a capture file */
struct frame {
	uint64_t time;		/* nanoseconds */
	unsigned int dev;	/* its interface block, counted from 0 */
	bool out;		/* sent by that device */
	uint32_t len;
	const uint8_t *data;
};

struct capture {
	unsigned int nr_devs;
	char devs[16][64];
	unsigned int nr;
	struct frame *frames;
	uint8_t *file;
};

/* Reads a pcapng file; every byte of it has to make sense. */
int capture_read(struct capture *c, const char *path);

/* What a TCP segment over IPv4 says */
struct segment {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	uint32_t payload;
};

#define TH_FIN	1
#define TH_SYN	2
#define TH_RST	4
#define TH_PSH	8
#define TH_ACK	16

bool tcp_segment(const struct frame *f, struct segment *s);

/* The path of a file that is gone with this process */
const char *temp_path(void);

#endif /* _TESTS_UTIL_H */
