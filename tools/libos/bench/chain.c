// SPDX-License-Identifier: GPL-2.0
/*
 * chain.c - UDP through a line of routers, one way, as fast as it goes: of
 * kernels and cables, of namespaces of one kernel and cables, or of namespaces
 * of the host and veth pairs.
 *
 *	chain kernels|namespaces|host ROUTERS SECONDS
 *
 * Node 0 sends to node ROUTERS + 1. Link i joins node i, address 10.1.i.1, and
 * node i + 1, address 10.1.i.2.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "bench.h"
#include "hostnet.h"
#include "load.h"

#define MAX_NODES	256

static const struct load *load;
static struct run *run;
static int nr_nodes;
static double cpu_begun, cpu_taken;
static pid_t server_pid;

static double cpu_used(void)
{
	return server_pid ? cpu() + cpu_of(server_pid) + cpu_softirqd() : cpu();
}

static void begin(struct run *run)
{
	(void)run;
	cpu_begun = cpu_used();
}

static void end(struct run *run)
{
	(void)run;
	cpu_taken = cpu_used() - cpu_begun;
}

static const char *text(const char *format, int number)
{
	static char buf[8][32];
	static int at;

	at = (at + 1) % 8;
	snprintf(buf[at], sizeof(buf[at]), format, number);
	return buf[at];
}

/* --------------------------------------------------------------------- host */

static void host_forward(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY);

	if (fd < 0 || write(fd, "1", 1) != 1)
		die("cannot set ip_forward");
	close(fd);
}

static void measure_host(void)
{
	int ns[MAX_NODES], i;
	struct end self = { 0 };

	for (i = 0; i < nr_nodes; i++)
		ns[i] = hostnet_new();
	for (i = 0; i + 1 < nr_nodes; i++)
		hostnet_join(ns[i], "right", text("10.1.%d.1/24", i), ns[i + 1], "left",
			     text("10.1.%d.2/24", i));
	for (i = 0; i + 1 < nr_nodes; i++) {
		hostnet_ip(ns[i], "route add default via 10.1.%d.2", i);
		host_forward();
	}
	hostnet_enter(ns[nr_nodes - 1]);
	server_pid = fork();
	if (!server_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		load->server(&self, run);
		_exit(0);
	}
	while (!run->ready)
		usleep(1000);
	hostnet_enter(ns[0]);
	load->client(&self, run);
	kill(server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
}

/* ------------------------------------------------------------------ library */

/* A node: a kernel, or a network namespace of the one kernel */
static struct node {
	struct libos *libos;
	int netns;
} nodes[MAX_NODES];

static void must(int ret)
{
	if (ret < 0)
		die("%s", libos_error());
}

static void enter(const struct node *node)
{
	if (node->netns >= 0)
		must(libos_setns(node->libos, node->netns, CLONE_NEWNET));
}

static void make_nodes(bool kernels)
{
	struct libos_config config = { .size = sizeof(config), .memory = 256 << 20 };
	int i;

	for (i = 0; i < nr_nodes; i++) {
		nodes[i].netns = -1;
		if (kernels) {
			must(libos_open(NULL, &nodes[i].libos));
			continue;
		}
		if (!i)
			must(libos_open(&config, &nodes[0].libos));
		nodes[i].libos = nodes[0].libos;
		must(libos_unshare(nodes[i].libos, CLONE_NEWNET));
		nodes[i].netns = libos_open_file(nodes[i].libos, "/proc/self/ns/net", O_RDONLY,
						 0);
		must(nodes[i].netns);
	}
}

static void join(int i)
{
	struct libos_port port[2];
	int k;

	for (k = 0; k < 2; k++) {
		port[k] = (struct libos_port) {
			.libos = nodes[i + k].libos,
			.name = k ? "left" : "right",
			.flags = nodes[i + k].netns >= 0 ? LIBOS_PORT_NETNS : 0,
			.netns = nodes[i + k].netns,
		};
	}
	must(libos_cable(&port[0], &port[1], NULL, NULL));
	for (k = 0; k < 2; k++) {
		enter(&nodes[i + k]);
		must(libos_addr_add(nodes[i + k].libos, port[k].name,
				    text(k ? "10.1.%d.2/24" : "10.1.%d.1/24", i)));
		must(libos_link_up(nodes[i + k].libos, port[k].name));
	}
}

static int finished[2];		/* a pipe in the first kernel */

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

/* The fibers go on when this has returned. */
static void measure_libos(bool kernels)
{
	static struct end first, last;
	char byte;
	int i;

	make_nodes(kernels);
	for (i = 0; i + 1 < nr_nodes; i++)
		join(i);
	for (i = 0; i + 1 < nr_nodes; i++) {
		enter(&nodes[i]);
		must(libos_route_add(nodes[i].libos, "default", text("10.1.%d.2", i), NULL));
		must(libos_sysctl_set(nodes[i].libos, "net.ipv4.ip_forward", "1"));
	}
	first.libos = nodes[0].libos;
	last.libos = nodes[nr_nodes - 1].libos;
	SYS(&first, pipe2, finished, 0L);
	enter(&nodes[nr_nodes - 1]);
	must(libos_spawn(last.libos, server_fiber, &last, 0));
	enter(&nodes[0]);
	must(libos_spawn(first.libos, client_fiber, &first, 0));
	SYS(&first, read, finished[0], &byte, 1L);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: chain kernels|namespaces|host ROUTERS SECONDS");
	nr_nodes = atoi(argv[2]) + 2;
	if (nr_nodes < 2 || nr_nodes > MAX_NODES)
		die("%s routers: 0 to %d", argv[2], MAX_NODES - 2);
	load = load_find("udp");
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*run = (struct run) {
		.server = inet_addr(text("10.1.%d.2", nr_nodes - 2)),
		.seconds = atof(argv[3]),
		.size = 1470,
		.begin = begin,
		.end = end,
	};
	if (!strcmp(argv[1], "host"))
		measure_host();
	else
		measure_libos(!strcmp(argv[1], "kernels"));
	put("packets", run->units);
	put("sent", run->sent);
	put("cpu_us_per_packet", cpu_taken * 1e6 / run->units);
	return 0;
}
