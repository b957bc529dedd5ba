// SPDX-License-Identifier: GPL-2.0
/*
 * pipe.c - see pipe.h
 *
 * Named pipes do not keep packets apart, and who has one for both directions reads
 * what it has written. So here their paths only say who belongs together: there is a
 * wire beside the one that is first in order, whoever says which first. The pipes need
 * not be there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "../lib/error.h"
#include "pipe.h"
#include "unix.h"

#define WIRE	".wire"

int pipe_open(const char *path, struct wire **wire)
{
	char two[2 * UNIX_PATH], of_wire[3 * UNIX_PATH], *other;
	int len = snprintf(two, sizeof(two), "%s", path);

	other = strchr(two, '|');
	if (other)
		*other++ = 0;
	if (!*two || (other && (!*other || strchr(other, '|'))) || len >= (int)sizeof(two))
		return fail(EINVAL, "\"%s\" is neither the path of a pipe nor of two, as A|B", path);
	snprintf(of_wire, sizeof(of_wire), "%s" WIRE, other && strcmp(other, two) < 0 ? other : two);
	return wire_open(of_wire, wire);
}
