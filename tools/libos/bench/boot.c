// SPDX-License-Identifier: GPL-2.0
/*
 * boot.c - processor time from nothing to a first socket, in a new process; and
 * what the host takes for a page of memory, of which a boot needs 750
 */
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <libos.h>
#include "bench.h"

#define PAGE	4096
#define PAGES	1024

static double fresh_page_ns(void)
{
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double start;
	int i;

	if (memory == MAP_FAILED || madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE))
		die("cannot map memory");
	start = cpu();
	for (i = 0; i < PAGES; i++)
		memory[i * PAGE] = 1;
	return (cpu() - start) * 1e9 / PAGES;
}

int main(void)
{
	double start = cpu();
	struct libos *libos;

	if (libos_open(NULL, &libos) || libos_socket(libos, AF_INET, SOCK_STREAM, 0) < 0)
		die("%s", libos_error());
	put("boot_ms", (cpu() - start) * 1e3);
	put("fresh_page_ns", fresh_page_ns());
	return 0;
}
