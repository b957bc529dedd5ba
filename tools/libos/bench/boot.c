// SPDX-License-Identifier: GPL-2.0
/* boot.c - processor time from nothing to a first socket, in a new process */
#include <netinet/in.h>
#include <sys/socket.h>
#include <libos.h>
#include "bench.h"

int main(void)
{
	double start = cpu();
	struct libos *libos;

	if (libos_open(NULL, &libos) || libos_socket(libos, AF_INET, SOCK_STREAM, 0) < 0)
		die("%s", libos_error());
	put("boot_ms", (cpu() - start) * 1e3);
	return 0;
}
