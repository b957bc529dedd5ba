// SPDX-License-Identifier: GPL-2.0
/* Boots a Linux kernel in this process and sends it a packet through itself. */
#include <arpa/inet.h>
#include <stdio.h>
#include <libos.h>

int main(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(2015) };
	struct libos *kernel;
	char text[64] = "";
	int fd;

	if (libos_open(NULL, &kernel) || libos_link_up(kernel, "lo")) {
		fprintf(stderr, "%s\n", libos_error());
		return 1;
	}
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = libos_socket(kernel, AF_INET, SOCK_DGRAM, 0);
	if (libos_bind(kernel, fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    libos_sendto(kernel, fd, "Hello", 5, 0, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    libos_recv(kernel, fd, text, sizeof(text) - 1, 0) < 0) {
		perror("hello");
		return 1;
	}
	printf("%s from Linux %s\n", text, libos_release(kernel));
	return libos_close(kernel);
}
