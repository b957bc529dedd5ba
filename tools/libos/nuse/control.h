/* SPDX-License-Identifier: GPL-2.0 */
/*
 * control.h - where the instances of a user are, and how one talks to them.
 *
 * In one directory, which is the user's alone, each instance has a socket
 * NAME.sock, on which its keeper listens, or, dead, a file NAME.log. A command connects,
 * sends one request, and gets one answer; the connection stays until the command
 * is done. Functions return a negative errno on failure, with its text in
 * libos_error().
 */
#ifndef _NUSE_CONTROL_H
#define _NUSE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include "unix.h"

#define CONTROL_NAME	32		/* bytes of a name */
#define CONTROL_TEXT	(68 << 10)	/* ... of a text, at most */

#define ENDING_MS	500		/* for an instance to go whose last program has gone */

#define CONTROL_LOG_FILE ".log"		/* of an instance that died, see keeper.c */

enum control_request {
	CONTROL_JOIN,		/* a program comes: the descriptors of the instance */
	CONTROL_LIST,		/* a line of "nuse ls", fields behind the name */
	CONTROL_LOG,		/* what its kernel has said */
	CONTROL_REMOVE		/* it ends; so does the connection, then */
};

/**
 * struct control_answer - what the keeper says
 * @err:	0, or a negative errno: @text says why
 * @fd_base:	number of the first of the hidden descriptors
 * @which:	for each descriptor that comes with it: its number from there
 * @pid:	the keeper's
 * @name:	the instance's
 */
struct control_answer {
	int32_t err;
	uint32_t fd_base;
	uint32_t pid;
	uint8_t which[UNIX_FDS];
	char name[CONTROL_NAME];
	char text[CONTROL_TEXT];
};

/* Path of a file of an instance: @suffix is ".sock" or another. */
int control_path(char path[UNIX_PATH], const char *name, const char *suffix);

/**
 * control_claim - makes a name an instance's
 * @name:	the name; if it is "", the first that is free of @program and a number
 * @program:	a program's path, or NULL
 *
 * Returns the socket at which its keeper is to listen.
 */
int control_claim(char name[CONTROL_NAME], const char *program);

/* Removes the socket of an instance. */
void control_forget(const char *name);

/* Connects to the keeper of an instance. */
int control_dial(const char *name);

/* Calls @fn for each instance that there is, in the order of their names. */
int control_each(int (*fn)(const char *name));

/* For the keeper: to be sent with unix_send() */
size_t control_answer_size(const struct control_answer *answer);

/* Gets an answer, with @nr descriptors; the keeper's refusal is a failure. */
int control_receive(int fd, struct control_answer *answer, int *fds, unsigned int *nr);

/* Asks and gets the answer. */
int control_ask(int fd, enum control_request request, struct control_answer *answer, int *fds,
		unsigned int *nr);

#endif /* _NUSE_CONTROL_H */
