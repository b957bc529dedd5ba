// SPDX-License-Identifier: GPL-2.0
/*
 * syscall.c - what the shortest system call costs: through the table of the
 * contract, through libos, and on the host.
 */
#include <sys/syscall.h>
#include <unistd.h>
#include <libos.h>
#include "bare.h"
#include "bench.h"

#define CALLS	2000000

#define MEASURE(name, call)						\
do {									\
	double start = cpu();						\
	int i;								\
									\
	for (i = 0; i < CALLS; i++)					\
		call;							\
	put(name, (cpu() - start) / CALLS * 1e9);			\
} while (0)

int main(void)
{
	struct libos *libos;

	bare_boot();
	if (libos_open(NULL, &libos))
		die("%s", libos_error());
	MEASURE("contract_ns", bare.syscall(bare_kernel.boot_task, SYS_getpid, 0, 0, 0, 0, 0, 0));
	MEASURE("libos_ns", libos_syscall(libos, SYS_getpid));
	MEASURE("host_ns", syscall(SYS_getpid));
	return 0;
}
