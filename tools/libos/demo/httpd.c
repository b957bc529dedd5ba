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
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "demo.h"

/* The kernel's packets, as it counts them itself */
static void read_counters(struct libos *kernel, char *text, size_t size)
{
	int fd = check(libos_open_file(kernel, "/proc/net/dev", 0, 0), "/proc/net/dev");
	ssize_t len = libos_read(kernel, fd, text, size - 1);

	text[len > 0 ? len : 0] = 0;
	libos_close_fd(kernel, fd);
}

static void answer(struct libos *kernel, int fd, unsigned int visit)
{
	char request[4096], counters[1024], page[2048], reply[4096];
	int len;

	if (libos_recv(kernel, fd, request, sizeof(request), 0) <= 0)
		return;
	read_counters(kernel, counters, sizeof(counters));
	len = snprintf(page, sizeof(page),
		       "Hello, visitor %u.\n"
		       "Linux %s serves this page. It is a library in process %d.\n\n%s",
		       visit, libos_release(kernel), getpid(), counters);
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
