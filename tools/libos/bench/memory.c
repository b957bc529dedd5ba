// SPDX-License-Identifier: GPL-2.0
/*
 * memory.c - what 64 instances in a process cost: all memory that closing them
 * would set free, and the processor time of the boots.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <libos.h>
#include "bench.h"

#define INSTANCES	64

static void open_one(void)
{
	struct libos *libos;

	if (libos_open(NULL, &libos) || libos_socket(libos, AF_INET, SOCK_STREAM, 0) < 0)
		die("%s", libos_error());
}

int main(void)
{
	struct usage before, after;
	double start;
	int i;

	open_one();	/* what all share */
	before = usage();
	start = cpu();
	for (i = 0; i < INSTANCES; i++)
		open_one();
	put("boot_ms", (cpu() - start) * 1e3 / INSTANCES);
	after = usage();
	put("private_kib", (after.pages - before.pages) / INSTANCES);
	put("tables_kib", (after.tables - before.tables) / INSTANCES);
	return 0;
}
