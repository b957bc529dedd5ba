// SPDX-License-Identifier: GPL-2.0
/*
 * reset.c - an instance goes back to a snapshot, in place: processor time of
 * the reset and the first call after it. Before each, a socket was opened and
 * bound.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <libos.h>
#include "bench.h"

#define ROUNDS	500

int main(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(80) };
	double times[ROUNDS], start;
	struct libos *libos;
	int snapshot, fd, i;

	if (libos_open(NULL, &libos))
		die("%s", libos_error());
	snapshot = libos_snapshot(libos);
	if (snapshot < 0)
		die("%s", libos_error());
	for (i = 0; i < ROUNDS; i++) {
		fd = libos_socket(libos, AF_INET, SOCK_STREAM, 0);
		if (libos_bind(libos, fd, (struct sockaddr *)&sa, sizeof(sa)))
			die("%s", libos_error());
		start = cpu();
		if (libos_reset(libos, snapshot))
			die("%s", libos_error());
		if (libos_syscall(libos, SYS_getpid) != 1)
			die("no call after a reset");
		times[i] = (cpu() - start) * 1e6;
	}
	put("us", quantile(times, ROUNDS, 0.5));
	return 0;
}
