// SPDX-License-Identifier: GPL-2.0
/*
 * talk.c - two Linux kernels in one process, joined by a cable, speak TCP, UDP,
 * SCTP and MPTCP.
 *
 * Each end is a function that libos_spawn() runs in its kernel. Their blocking
 * calls suspend them alone, so one thread carries both kernels and both ends.
 */
#include <arpa/inet.h>
#include <linux/mptcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "demo.h"

#ifndef SOL_MPTCP
#define SOL_MPTCP	284
#endif

#define PORT		7777
#define SECONDS		0.25
#define ADDRESS(n)	"10.0.0." #n

static const struct protocol {
	const char *name;
	int type, number, chunk;
} protocols[] = {
	{ "TCP", SOCK_STREAM, IPPROTO_TCP, 65536 },
	{ "UDP", SOCK_DGRAM, IPPROTO_UDP, 1472 },
	{ "SCTP", SOCK_STREAM, IPPROTO_SCTP, 16384 },
	{ "MPTCP", SOCK_STREAM, IPPROTO_MPTCP, 65536 },
};

static struct libos *left, *right;
static const struct protocol *protocol;		/* of the conversation under way */
static double received;
static int left_done[2], right_done[2];		/* pipes in their kernels */

static struct sockaddr_in server_address(void)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = inet_addr(ADDRESS(2)),
	};
}

static int open_socket(struct libos *kernel)
{
	int fd = libos_socket(kernel, AF_INET, protocol->type, protocol->number);

	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ENOPROTOOPT)) {
		fprintf(stderr, "talk: this kernel has no %s: build it with ./defconfig\n",
			protocol->name);
		exit(1);
	}
	return check(fd, "socket");
}

/* In the right kernel: receives until the other end closes. */
static void server(void *arg)
{
	int fd = *(int *)arg, listener = fd;
	static char buf[65536];
	ssize_t len;

	if (protocol->type == SOCK_STREAM) {
		check(libos_listen(right, listener, 1), "listen");
		fd = check(libos_accept4(right, listener, NULL, NULL, 0), "accept");
	}
	while ((len = libos_recv(right, fd, buf, sizeof(buf), 0)) > 0)
		received += len;
	if (fd != listener)
		libos_close_fd(right, fd);
	libos_write(right, right_done[1], "x", 1);
}

/* MPTCP may fall back to TCP: then this was no demonstration of it. */
static void check_mptcp(int fd)
{
	struct mptcp_info info = { 0 };
	socklen_t len = sizeof(info);

	check(libos_getsockopt(left, fd, SOL_MPTCP, MPTCP_INFO, &info, &len), "MPTCP_INFO");
	if (info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK) {
		fprintf(stderr, "talk: MPTCP fell back to TCP\n");
		exit(1);
	}
}

/* In the left kernel: sends for a while. */
static void client(void *arg)
{
	struct sockaddr_in addr = server_address();
	int fd = open_socket(left);
	static char buf[65536];
	double stop;

	(void)arg;
	check(libos_connect(left, fd, (struct sockaddr *)&addr, sizeof(addr)), "connect");
	stop = seconds() + SECONDS;
	while (seconds() < stop)
		check(libos_send(left, fd, buf, protocol->chunk, 0), "send");
	if (protocol->number == IPPROTO_MPTCP)
		check_mptcp(fd);
	libos_close_fd(left, fd);
	libos_write(left, left_done[1], "x", 1);
}

static void converse(void)
{
	struct sockaddr_in addr = server_address();
	int fd = open_socket(right), one = 1;
	double start = seconds();
	char byte;

	received = 0;
	libos_setsockopt(right, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	check(libos_bind(right, fd, (struct sockaddr *)&addr, sizeof(addr)), "bind");
	must(libos_spawn(right, server, &fd, 0));
	must(libos_spawn(left, client, NULL, 0));
	libos_read(left, left_done[0], &byte, 1);
	if (protocol->type == SOCK_DGRAM)	/* has no end of its own */
		libos_shutdown(right, fd, SHUT_RD);
	libos_read(right, right_done[0], &byte, 1);
	libos_close_fd(right, fd);
	printf("   %-6s %6.2f GB/s\n", protocol->name, received / (seconds() - start) * 1e-9);
}

static struct libos *boot(const char *name, const char *address)
{
	struct libos_config config = { .size = sizeof(config), .name = name };
	struct libos *kernel;
	double start = seconds();

	must(libos_open(&config, &kernel));
	printf("   %-6s Linux %s, booted in %.1f ms, address %s\n", name,
	       libos_release(kernel), (seconds() - start) * 1e3, address);
	return kernel;
}

int main(void)
{
	struct libos_port ends[2];

	left = boot("left", ADDRESS(1));
	right = boot("right", ADDRESS(2));
	ends[0] = (struct libos_port) { .libos = left, .name = "eth0" };
	ends[1] = (struct libos_port) { .libos = right, .name = "eth0" };
	must(libos_cable(&ends[0], &ends[1], NULL, NULL));
	must(libos_addr_add(left, "eth0", ADDRESS(1) "/24"));
	must(libos_addr_add(right, "eth0", ADDRESS(2) "/24"));
	must(libos_link_up(left, "eth0"));
	must(libos_link_up(right, "eth0"));
	libos_syscall(left, SYS_pipe, left_done);
	libos_syscall(right, SYS_pipe, right_done);
	for (protocol = protocols; protocol < protocols + 4; protocol++)
		converse();
	must(libos_close(right));
	must(libos_close(left));
	return 0;
}
