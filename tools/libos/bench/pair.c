// SPDX-License-Identifier: GPL-2.0
/*
 * pair.c - two kernels joined by a cable, or two network namespaces of the host
 * joined by a veth, and a load between them.
 *
 *	pair libos|host stream|rr|crr|udp on|off SECONDS
 *
 * "off" turns segmentation offload and GRO off at both ends; a veth and a cable
 * both keep checksum offload. The library's ends are two fibers (libos_spawn())
 * of one host thread, or that thread and a fiber; the host's are two processes.
 * Whoever runs this pins it to one processor.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "bench.h"
#include "hostnet.h"
#include "load.h"

static struct run *run;
static const struct load *load;
static pid_t server_pid;		/* the host's */
static struct { double wall, cpu; } begun, taken;

/* --------------------------------------------------------------- measuring */

static double cpu_used(void)
{
	return server_pid ? cpu() + cpu_of(server_pid) + cpu_softirqd() : cpu();
}

static void begin(struct run *run)
{
	begun.cpu = cpu_used();
	begun.wall = wall();
	run->units = 0;
}

static void end(struct run *run)
{
	(void)run;
	taken.wall = wall() - begun.wall;
	taken.cpu = cpu_used() - begun.cpu;
}

static void report(void)
{
	put("units", run->units);
	put("sent", run->sent);
	put("per_s", run->units / taken.wall);
	put("per_cpu_s", run->units / taken.cpu);
	put("p50_us", run->p50 * 1e6);
}

/* --------------------------------------------------------------------- host */

static void measure_host(bool off)
{
	struct end a = { 0 };
	int ns[2] = { hostnet_new(), hostnet_new() };

	hostnet_join(ns[0], "eth0", "10.0.0.1/24", ns[1], "eth0", "10.0.0.2/24");
	if (off)
		offloads_off(&a, "eth0");
	hostnet_enter(ns[0]);
	if (off)
		offloads_off(&a, "eth0");
	hostnet_enter(ns[1]);
	server_pid = fork();
	if (!server_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		load->server(&a, run);
		_exit(0);
	}
	while (!run->ready)
		usleep(1000);
	hostnet_enter(ns[0]);
	load->client(&a, run);
	kill(server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
}

/* ------------------------------------------------------------------ library */

static struct end ends[2];
static int finished[2];		/* a pipe in the client's kernel */

static void server_fiber(void *arg)
{
	load->server(arg, run);
}

static void client_fiber(void *arg)
{
	struct end *end = arg;

	load->client(end, run);
	SYS(end, write, finished[1], "x", 1L);
}

static void must(int ret)
{
	if (ret < 0)
		die("%s", libos_error());
}

static void run_fiber(struct end *end)
{
	char byte;

	SYS(end, pipe2, finished, 0L);
	must(libos_spawn(end->libos, client_fiber, end, 0));
	SYS(end, read, finished[0], &byte, 1L);
}

static void measure_libos(bool off)
{
	struct libos_port port[2];
	int i;

	for (i = 0; i < 2; i++) {
		must(libos_open(NULL, &ends[i].libos));
		port[i] = (struct libos_port) { .libos = ends[i].libos, .name = "eth0" };
	}
	must(libos_cable(&port[0], &port[1], NULL, NULL));
	for (i = 0; i < 2; i++) {
		must(libos_addr_add(ends[i].libos, "eth0", i ? "10.0.0.2/24" : "10.0.0.1/24"));
		must(libos_link_up(ends[i].libos, "eth0"));
		if (off)
			offloads_off(&ends[i], "eth0");
	}
	must(libos_spawn(ends[1].libos, server_fiber, &ends[1], 0));
	if (load->thread)
		load->client(&ends[0], run);
	else
		run_fiber(&ends[0]);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		die("usage: pair libos|host stream|rr|crr|udp on|off SECONDS");
	load = load_find(argv[2]);
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*run = (struct run) {
		.server = inet_addr("10.0.0.2"),
		.seconds = atof(argv[4]),
		.size = 64,
		.begin = begin,
		.end = end,
	};
	if (!strcmp(argv[1], "host"))
		measure_host(!strcmp(argv[3], "off"));
	else
		measure_libos(!strcmp(argv[3], "off"));
	report();
	return 0;
}
