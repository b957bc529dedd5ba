/* SPDX-License-Identifier: GPL-2.0 */
/* demo.h - what the demonstrations share: they end with one line if anything fails. */
#ifndef _DEMO_H
#define _DEMO_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libos.h>

/* For functions of the library, which say themselves what is wrong */
static inline void must(int ret)
{
	if (ret < 0) {
		fprintf(stderr, "%s: %s\n", program_invocation_short_name, libos_error());
		exit(1);
	}
}

/* For system calls */
static inline int check(int ret, const char *what)
{
	if (ret < 0) {
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
			strerror(errno));
		exit(1);
	}
	return ret;
}

static inline double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

#endif /* _DEMO_H */
