// SPDX-License-Identifier: GPL-2.0
/*
 * debugged.c - for debuggers: threads send its arguments, one by one, to a socket of
 * the main one; then a child is another program. With no arguments, it waits.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int receiver;
static struct sockaddr_in addr = { .sin_family = AF_INET };

__attribute__((noinline)) static void got(const char *word)
{
	printf("got %s\n", word);
	fflush(stdout);
}

static void *send_word(void *word)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	sendto(fd, word, strlen(word) + 1, 0, (struct sockaddr *)&addr, sizeof(addr));
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	socklen_t len = sizeof(addr);
	pthread_t thread;
	char word[100];
	int i, pid;

	receiver = socket(AF_INET, SOCK_DGRAM, 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(receiver, (struct sockaddr *)&addr, sizeof(addr));
	getsockname(receiver, (struct sockaddr *)&addr, &len);
	for (i = 1; i < argc; i++) {
		pthread_create(&thread, NULL, send_word, argv[i]);
		recv(receiver, word, sizeof(word), 0);
		got(word);
		pthread_join(thread, NULL);
	}
	if (argc == 1) {
		got("nothing");
		recv(receiver, word, sizeof(word), 0);
	}
	pid = fork();
	if (!pid)
		execlp("echo", "echo", "child", NULL);
	waitpid(pid, NULL, 0);
	return 7;
}
