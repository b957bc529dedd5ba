// SPDX-License-Identifier: GPL-2.0
/*
 * namespace.c - what a further network namespace in an instance costs, and on
 * the host: time to make it, and (library only) memory of the process.
 */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include "bench.h"
#include "end.h"

#define NAMESPACES	64
#define MEMORY		(128ULL << 20)

long host_result(long ret)
{
	return ret;
}

/* An open descriptor keeps it. */
static void make(struct end *end)
{
	if (SYS(end, unshare, CLONE_NEWNET) < 0 ||
	    SYS(end, open, "/proc/self/ns/net", O_RDONLY, 0L) < 0)
		die("cannot make a network namespace");
}

static double make_many(struct end *end)
{
	double start;
	int i;

	make(end);
	start = cpu();
	for (i = 0; i < NAMESPACES; i++)
		make(end);
	return (cpu() - start) * 1e3 / NAMESPACES;
}

int main(void)
{
	struct libos_config config = { .size = sizeof(config), .memory = MEMORY };
	struct end host = { 0 }, end;
	struct usage before, after;

	if (libos_open(&config, &end.libos))
		die("%s", libos_error());
	make(&end);	/* what all share */
	before = usage();
	put("ms", make_many(&end));
	after = usage();
	put("kib", (after.pages - before.pages) / (NAMESPACES + 1));
	put("host_ms", make_many(&host));
	return 0;
}
