// SPDX-License-Identifier: GPL-2.0
/*
 * lossy.c - a TCP transfer of 60 seconds over a bad line, in virtual time, with
 * a capture of every packet.
 *
 *	lossy CAPTURE
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "demo.h"

#define SEED		2015
#define SIMULATED	60
#define SECOND		1000000000ULL

static struct libos *kernels[2];
static double received;
static int client_fd;

static struct sockaddr_in server_address(void)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(7777),
		.sin_addr.s_addr = inet_addr("10.0.0.2"),
	};
}

static void server(void *arg)
{
	struct sockaddr_in addr = server_address();
	int fd = check(libos_socket(arg, AF_INET, SOCK_STREAM, 0), "socket");
	static char buf[65536];
	ssize_t len;

	check(libos_bind(arg, fd, (struct sockaddr *)&addr, sizeof(addr)), "bind");
	check(libos_listen(arg, fd, 1), "listen");
	fd = check(libos_accept4(arg, fd, NULL, NULL, 0), "accept");
	while ((len = libos_recv(arg, fd, buf, sizeof(buf), 0)) > 0)
		received += len;
}

static void client(void *arg)
{
	struct sockaddr_in addr = server_address();
	static char buf[65536];

	client_fd = check(libos_socket(arg, AF_INET, SOCK_STREAM, 0), "socket");
	check(libos_connect(arg, client_fd, (struct sockaddr *)&addr, sizeof(addr)), "connect");
	while (libos_send(arg, client_fd, buf, sizeof(buf), 0) > 0)
		;
}

static unsigned int retransmitted(void)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	check(libos_getsockopt(kernels[0], client_fd, IPPROTO_TCP, TCP_INFO, &info, &len),
	      "TCP_INFO");
	return info.tcpi_total_retrans;
}

int main(int argc, char **argv)
{
	struct libos_line line = { .delay_ns = SECOND / 50, .rate_bps = 10000000, .loss = 0.01 };
	struct libos_cable cable = { .size = sizeof(cable), .line = { line, line } };
	struct libos_config config = { .size = sizeof(config) };
	struct libos_port ends[2];
	struct libos_dev *devices[2];
	struct libos_pcap *pcap;
	double start = seconds();
	int i;

	if (argc != 2) {
		fprintf(stderr, "usage: lossy CAPTURE\n");
		return 1;
	}
	config.world = libos_world_new(SEED);
	for (i = 0; i < 2; i++) {
		must(libos_open(&config, &kernels[i]));
		ends[i] = (struct libos_port) { .libos = kernels[i], .name = "eth0" };
	}
	must(libos_cable(&ends[0], &ends[1], &cable, devices));
	must(libos_pcap_open(argv[1], &pcap));
	must(libos_pcap_add(pcap, devices[0]));
	for (i = 0; i < 2; i++) {
		must(libos_addr_add(kernels[i], "eth0", i ? "10.0.0.2/24" : "10.0.0.1/24"));
		must(libos_link_up(kernels[i], "eth0"));
	}
	must(libos_spawn(kernels[1], server, kernels[1], 0));
	must(libos_spawn(kernels[0], client, kernels[0], 0));
	libos_world_run(config.world, SIMULATED * SECOND);

	printf("   %d s simulated in %.2f s: %.1f MB received, %u segments sent again\n", SIMULATED,
	       seconds() - start, received * 1e-6, retransmitted());
	must(libos_pcap_close(pcap));
	return 0;
}
