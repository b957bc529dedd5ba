// SPDX-License-Identifier: GPL-2.0
/*
 * wire.c - see wire.h
 *
 * The first who comes makes both ends and listens at the path; the second gets
 * his end there. Both keepers keep both ends, so nobody sees the other go, and
 * the descriptors that programs have are never replaced: when the second goes,
 * his end is free again; when the first goes, the second listens in his place.
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <liblinux.h>
#include "../lib/error.h"
#include "loop.h"
#include "share.h"
#include "control.h"
#include "unix.h"
#include "wire.h"

#define BUFFER	(4 << 20)	/* for what one TCP connection has under way, if the host allows */

/**
 * struct wire - one wire of this instance
 * @ends:	own end, other end
 * @door:	listens at the path; fd -1: the partner does
 * @partner:	a connection to who has the other end; fd -1: it is free
 * @device:	the device of the contract at the own end
 */
struct wire {
	struct wire *next;
	char path[UNIX_PATH];
	int ends[2];
	struct source door;
	struct source partner;
	uint32_t device;
	bool plugged;
};

static struct wire *wires;

#define wire_of(source, member) \
	((struct wire *)((char *)(source) - offsetof(struct wire, member)))

static void partner_gone(struct source *source);

static void set_link(struct wire *wire)
{
	if (!wire->plugged || share_enter())
		return;
	share_link(wire->device, wire->partner.fd >= 0);
	share->exports.run();
	share_leave();
}

static int add_partner(struct wire *wire, int fd)
{
	int err;

	wire->partner = (struct source) { .fd = fd, .ready = partner_gone };
	err = loop_add(&wire->partner);
	if (err)
		wire->partner.fd = -1;
	set_link(wire);
	return err;
}

/* Somebody comes. */
static void knock(struct source *source)
{
	struct wire *wire = wire_of(source, door);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);
	int ends[2] = { wire->ends[1], wire->ends[0] };
	bool free = wire->partner.fd < 0 && fd >= 0 && unix_peer(fd) > 0;

	if (fd < 0)
		return;
	if (unix_send(fd, "", 1, ends, free ? 2 : 0) || !free || add_partner(wire, fd))
		close(fd);
}

static int listen_here(struct wire *wire, int fd)
{
	wire->door = (struct source) { .fd = fd, .ready = knock };
	return loop_add(&wire->door);
}

/* Nothing is ever said on this connection but that it ends. */
static void partner_gone(struct source *source)
{
	struct wire *wire = wire_of(source, partner);
	bool first;
	int fd;

	loop_remove(source);
	source->fd = -1;
	set_link(wire);
	if (wire->door.fd >= 0)
		return;
	fd = unix_meet(wire->path, &first);
	if (fd >= 0 && (!first || listen_here(wire, fd)))
		close(fd);
}

static int make_ends(struct wire *wire)
{
	int size = BUFFER, i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, wire->ends))
		return fail(errno, "no sockets for wire %s: %s", wire->path, strerror(errno));
	for (i = 0; i < 2; i++)
		if (setsockopt(wire->ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
			setsockopt(wire->ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

/* What was sent when nobody was there is of no use. */
static void drain(int fd)
{
	char byte;

	while (read(fd, &byte, 1) >= 0)
		;
}

static int take_ends(struct wire *wire, int fd)
{
	int fds[UNIX_FDS];
	unsigned int nr;
	ssize_t len;
	char byte;

	len = unix_receive(fd, &byte, 1, fds, &nr);
	if (len < 0)
		return fail(-len, "wire %s: %s", wire->path, strerror(-len));
	if (nr != 2)
		return fail(EBUSY, "wire %s has two ends, and two instances have them: use another path",
			    wire->path);
	memcpy(wire->ends, fds, sizeof(wire->ends));
	drain(wire->ends[0]);
	return 0;
}

static int meet(struct wire *wire)
{
	bool first;
	int fd = unix_meet(wire->path, &first), err;

	if (fd < 0)
		return fail(-fd, "no wire can be at %s: %s", wire->path,
			    fd == -EADDRINUSE ? "there is a file" : strerror(-fd));
	err = first ? make_ends(wire) : take_ends(wire, fd);
	if (err) {
		if (first)
			unlink(wire->path);
		close(fd);
		return err;
	}
	err = first ? listen_here(wire, fd) : add_partner(wire, fd);
	return err ? fail(-err, "wire %s: %s", wire->path, strerror(-err)) : 0;
}

/* One of the two that have it may be about to end. */
static int meet_patiently(struct wire *wire)
{
	int tries = ENDING_MS / 10, err;

	while ((err = meet(wire)) == -EBUSY && tries--)
		usleep(10000);
	return err;
}

/* The keeper will be in another directory. */
static int absolute(char path[UNIX_PATH], const char *given)
{
	char here[PATH_MAX] = "";

	if (*given != '/' && !getcwd(here, sizeof(here)))
		return fail(errno, "no current directory for wire %s: %s", given, strerror(errno));
	if (snprintf(path, UNIX_PATH, "%s%s%s", here, *here ? "/" : "", given) >= (int)UNIX_PATH)
		return fail(ENAMETOOLONG, "the path of wire %s/%s is too long: at most %zu characters",
			    here, given, UNIX_PATH - 1);
	return 0;
}

int wire_open(const char *path, struct wire **wirep)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	int err;

	if (!wire)
		return fail(ENOMEM, "out of memory");
	wire->door.fd = -1;
	wire->partner.fd = -1;
	err = absolute(wire->path, path) ?: meet_patiently(wire);
	if (err) {
		free(wire);
		return err;
	}
	wire->next = wires;
	wires = wire;
	*wirep = wire;
	return wire->ends[0];
}

void wire_plug(struct wire *wire, uint32_t id)
{
	wire->device = id;
	wire->plugged = true;
	set_link(wire);
}

void wire_close_all(void)
{
	for (; wires; wires = wires->next) {
		if (wires->door.fd >= 0) {
			unlink(wires->path);
			loop_remove(&wires->door);
		}
		if (wires->partner.fd >= 0)
			loop_remove(&wires->partner);
	}
}
