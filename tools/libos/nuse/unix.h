/* SPDX-License-Identifier: GPL-2.0 */
/*
 * unix.h - sockets of the host at paths, by which keepers and commands meet.
 *
 * They carry messages, whole, with descriptors. Functions return a negative
 * errno on failure, and say nothing: their callers know what it means.
 */
#ifndef _NUSE_UNIX_H
#define _NUSE_UNIX_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#define UNIX_PATH	sizeof(((struct sockaddr_un *)0)->sun_path)
#define UNIX_FDS	64		/* descriptors in one message */

/* A connection to who listens at @path */
int unix_dial(const char *path);

/*
 * The same, or, if nobody does, a socket that listens there; then *first. What
 * one that died has left there is removed.
 */
int unix_meet(const char *path, bool *first);

/* Whoever is at the other end: its pid if it is this user's or root's, else -EPERM. */
pid_t unix_peer(int fd);

int unix_send(int fd, const void *data, size_t len, const int *fds, unsigned int nr);

/* The length of the message, 0 at the end; *nr descriptors, at most UNIX_FDS */
ssize_t unix_receive(int fd, void *data, size_t size, int *fds, unsigned int *nr);

#endif /* _NUSE_UNIX_H */
