// SPDX-License-Identifier: GPL-2.0
/*
 * worker-short.c - the short run that valgrind.py watches: boots, passes
 * datagrams over the loopback, has a bad pointer refused, closes. With an
 * argument it also does what valgrind has to find: "lose" loses memory,
 * "overrun" reads behind the end of some.
 */
#include "util.h"

static int talk(struct libos *l)
{
	int a = server(l, SOCK_DGRAM, 0, "127.0.0.1", 7000), b, i;

	b = client(l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	if (a < 0 || b < 0)
		return -1;
	for (i = 0; i < 10; i++) {
		char buf[64];

		if (libos_send(l, b, "short", 6, 0) != 6 ||
		    libos_recv(l, a, buf, sizeof(buf), 0) != 6 || strcmp(buf, "short"))
			return complain("datagram: %s", strerror(errno));
	}
	if (libos_bind(l, b, NULL, 16) != -1 || errno != EFAULT)
		return complain("a bad pointer was not refused");
	return 0;
}

static void misbehave(const char *how)
{
	char *volatile memory = malloc(4321);

	if (!strcmp(how, "overrun"))
		printf("# %d\n", memory[4321] == 17);
	memory = NULL;
}

int main(int argc, char **argv)
{
	struct libos *l = boot(NULL);

	if (!l || talk(l))
		return 1;
	if (argc > 1)
		misbehave(argv[1]);
	return libos_close(l) ? 1 : 0;
}
