// SPDX-License-Identifier: GPL-2.0
/*
 * static.c - a program that is linked statically, with threads, children and
 * its own network: a server in a thread, clients in children. Whose kernel it
 * talks to, it tells by the interfaces.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS	5
#define BYTES	(1 << 20)

#define check(what) do {							\
	if (!(what)) {								\
		fprintf(stderr, "static.c:%d: %s: %s\n", __LINE__, #what, strerror(errno)); \
		exit(1);							\
	}									\
} while (0)

static int server;
static struct sockaddr_in at = { .sin_family = AF_INET };

static void *echo(void *fd)
{
	char buffer[4096];
	ssize_t len;

	while ((len = recv((long)fd, buffer, sizeof(buffer), 0)) > 0)
		check(send((long)fd, buffer, len, 0) == len);
	check(!len);
	close((long)fd);
	return NULL;
}

static void *serve(void *unused)
{
	pthread_t threads[CLIENTS];
	int i;

	for (i = 0; i < CLIENTS; i++) {
		long fd = accept(server, NULL, NULL);

		check(fd >= 0);
		check(!pthread_create(&threads[i], NULL, echo, (void *)fd));
	}
	for (i = 0; i < CLIENTS; i++)
		check(!pthread_join(threads[i], NULL));
	return unused;
}

static void listen_on_loopback(void)
{
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(server >= 0);
	check(!bind(server, (struct sockaddr *)&at, sizeof(at)));
	check(!listen(server, CLIENTS));
	check(!getsockname(server, (struct sockaddr *)&at, &len));
}

static int client(char letter)
{
	char out[1024], in[sizeof(out)];
	int fd = socket(AF_INET, SOCK_STREAM, 0), i;

	memset(out, letter, sizeof(out));
	check(fd >= 0);
	check(!connect(fd, (struct sockaddr *)&at, sizeof(at)));
	for (i = 0; i < BYTES; i += sizeof(out)) {
		check(write(fd, out, sizeof(out)) == sizeof(out));
		check(recv(fd, in, sizeof(in), MSG_WAITALL) == sizeof(in));
		check(!memcmp(in, out, sizeof(in)));
	}
	return 0;
}

int main(void)
{
	struct if_nameindex *all = if_nameindex(), *i;
	pthread_t thread;
	int n, status;

	check(all);
	for (i = all; i->if_name; i++)
		printf("%s\n", i->if_name);
	fflush(stdout);
	listen_on_loopback();
	check(!pthread_create(&thread, NULL, serve, NULL));
	for (n = 0; n < CLIENTS; n++) {
		pid_t child = fork();

		check(child >= 0);
		if (!child)
			_exit(client('a' + n));
	}
	for (n = 0; n < CLIENTS; n++)
		check(wait(&status) > 0 && !status);
	check(!pthread_join(thread, NULL));
	check(!system("ip -br link show lo"));
	puts("ok");
	return 0;
}
