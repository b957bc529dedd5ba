// SPDX-License-Identifier: GPL-2.0
/*
 * clone.c - 200 clones of one snapshot, each in a process of its own and all
 * alive: processor time to the first socket of each, and its memory.
 */
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <libos.h>
#include "bench.h"

#define CLONES	200

static struct result {
	double ms;
	double kib;
	double tables_kib;
} *results;

/* The instance is gone before the clones come: its addresses are theirs. */
static int take_snapshot(void)
{
	struct libos *libos;
	int snapshot;

	if (libos_open(NULL, &libos))
		die("%s", libos_error());
	snapshot = libos_snapshot(libos);
	if (snapshot < 0 || libos_close(libos))
		die("%s", libos_error());
	return snapshot;
}

static void child(int snapshot, struct result *result, int done)
{
	struct usage before = usage(), after;
	double start = cpu();
	struct libos *libos;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (libos_clone(snapshot, NULL, &libos) ||
	    libos_socket(libos, AF_INET, SOCK_STREAM, 0) < 0)
		die("%s", libos_error());
	result->ms = (cpu() - start) * 1e3;
	after = usage();
	result->kib = after.pages - before.pages;
	result->tables_kib = after.tables - before.tables;
	if (write(done, "x", 1) == 1)
		pause();
}

int main(void)
{
	int snapshot = take_snapshot(), done[2], i;
	double ms[CLONES], kib[CLONES], tables[CLONES];
	pid_t pids[CLONES];
	char byte;

	results = mmap(NULL, CLONES * sizeof(*results), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < CLONES; i++) {
		if (pipe(done))
			die("pipe");
		pids[i] = fork();
		if (!pids[i]) {
			child(snapshot, &results[i], done[1]);
			return 1;
		}
		close(done[1]);
		if (read(done[0], &byte, 1) != 1)
			die("a clone failed");
		close(done[0]);
	}
	for (i = 0; i < CLONES; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		ms[i] = results[i].ms;
		kib[i] = results[i].kib;
		tables[i] = results[i].tables_kib;
	}
	put("ms", quantile(ms, CLONES, 0.5));
	put("kib", quantile(kib, CLONES, 0.5));
	put("tables_kib", quantile(tables, CLONES, 0.5));
	return 0;
}
