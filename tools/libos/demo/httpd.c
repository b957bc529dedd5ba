// SPDX-License-Identifier: GPL-2.0
/*
 * httpd.c - a web server whose network stack is a library.
 *
 *	httpd [TAP [ADDRESS/LENGTH]]
 *
 * Makes the TAP interface (default tap0) on the host, boots a kernel behind it
 * with an address of its own (default 10.0.0.2/24) and serves one page on
 * port 80. The host's side of the TAP is an ordinary interface: give it an
 * address of the same network, set it up, and open the page.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "demo.h"

/* One number of the kernel's, from its own /sys */
static int counter(struct libos *kernel, const char *name)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/eth0/statistics/%s", name);
	fd = check(libos_open_file(kernel, path, O_RDONLY, 0), path);
	check(libos_read(kernel, fd, text, sizeof(text) - 1), path);
	libos_close_fd(kernel, fd);
	return atoi(text);
}

static void answer(struct libos *kernel, int fd, unsigned int visit)
{
	char request[4096], page[512], reply[1024];
	int len;

	if (libos_recv(kernel, fd, request, sizeof(request), 0) <= 0)
		return;
	len = snprintf(page, sizeof(page),
		       "Hello, visitor %u. Linux %s serves this page,\n"
		       "a library in process %d. So far it received %d packets and sent %d.\n",
		       visit, libos_release(kernel), getpid(), counter(kernel, "rx_packets"),
		       counter(kernel, "tx_packets"));
	len = snprintf(reply, sizeof(reply),
		       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
		       "Content-Length: %d\r\nConnection: close\r\n\r\n%s", len, page);
	libos_send(kernel, fd, reply, len, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	const char *tap = argc > 1 ? argv[1] : "tap0";
	const char *address = argc > 2 ? argv[2] : "10.0.0.2/24";
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct libos_port port = { .name = "eth0" };
	unsigned int visit = 0;
	int listener, fd;

	must(libos_open(NULL, &port.libos));
	must(libos_tap(&port, tap, NULL));
	must(libos_addr_add(port.libos, "eth0", address));
	must(libos_link_up(port.libos, "eth0"));

	listener = check(libos_socket(port.libos, AF_INET, SOCK_STREAM, 0), "socket");
	check(libos_bind(port.libos, listener, (struct sockaddr *)&any, sizeof(any)), "bind");
	check(libos_listen(port.libos, listener, 16), "listen");
	printf("http://%.*s/ behind %s\n", (int)strcspn(address, "/"), address, tap);
	fflush(stdout);
	for (;;) {
		fd = check(libos_accept4(port.libos, listener, NULL, NULL, 0), "accept");
		answer(port.libos, fd, ++visit);
		libos_close_fd(port.libos, fd);
	}
}
