/* SPDX-License-Identifier: GPL-2.0 */
/* requests.h - the keeper's side of control.h: who comes to the socket, and what they get */
#ifndef _NUSE_REQUESTS_H
#define _NUSE_REQUESTS_H

#include <stdbool.h>
#include <time.h>
#include "control.h"

/**
 * struct facts - what the keeper knows of its instance
 * @instance:	NULL before it is there
 * @start:	when it was made, CLOCK_MONOTONIC
 * @ending:	it is to end, and takes nobody in any more
 */
struct facts {
	char name[CONTROL_NAME];
	struct libos *instance;
	struct timespec start;
	bool ending;
};

/* Serves who comes to @fd, which listens; @end is called if they want that. */
int requests_serve(int fd, const struct facts *facts, void (*end)(void));

/* Tells who started the keeper: the descriptors of the instance, or why there is none. */
int requests_report(int fd, const struct facts *facts, int err);

#endif /* _NUSE_REQUESTS_H */
