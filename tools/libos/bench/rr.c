// SPDX-License-Identifier: GPL-2.0
/*
 * rr.c - request and response of one byte over TCP, with plain sockets: "rr serve
 * PORT" for one client, "rr ask ADDRESS PORT SECONDS", which prints the median.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS	2000000

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static int no_delay(int fd)
{
	int one = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int serve(int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, fd;
	char c;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (void *)&sa, sizeof(sa)) || listen(listener, 1))
		return 1;
	fd = accept(listener, NULL, NULL);
	no_delay(fd);
	while (read(fd, &c, 1) == 1)
		if (write(fd, &c, 1) != 1)
			return 1;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

static int ask(const char *address, int port, double seconds)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	float *times = calloc(MAX_ROUNDS, sizeof(*times));
	int fd = socket(AF_INET, SOCK_STREAM, 0), nr = 0;
	double start, before;
	char c = 0;

	inet_pton(AF_INET, address, &sa.sin_addr);
	if (connect(fd, (void *)&sa, sizeof(sa)) || no_delay(fd))
		return 1;
	start = now_us();
	do {
		before = now_us();
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			return 1;
		times[nr++] = now_us() - before;
	} while (now_us() - start < seconds * 1e6 && nr < MAX_ROUNDS);
	qsort(times, nr, sizeof(*times), by_time);
	printf("p50_us %.3f\n", times[nr / 2]);
	free(times);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]));
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(argv[2], atoi(argv[3]), atof(argv[4]));
	fprintf(stderr, "usage: rr serve PORT | rr ask ADDRESS PORT SECONDS\n");
	return 2;
}
