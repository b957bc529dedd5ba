// SPDX-License-Identifier: GPL-2.0
/*
 * nusecall.c - what calls of a program on nuse cost: one of a socket, and one that
 * goes on to the host; against the bare contract and the host.
 *
 *	nusecall PATH
 *
 * PATH is the command nuse, which runs this program again, to measure inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bare.h"
#include "bench.h"

#define CALLS	500000
#define TURNS	5

/* Nanoseconds that @call takes, which must return @expected; the best of some turns */
#define MEASURE(call, expected) ({						\
	double __best = 1e9, __start, __ns;					\
	int __turn, __i;							\
										\
	if ((call) != (expected))						\
		die("%s is not %s", #call, #expected);				\
	for (__turn = 0; __turn < TURNS; __turn++) {				\
		__start = cpu();						\
		for (__i = 0; __i < CALLS; __i++)				\
			call;							\
		__ns = (cpu() - __start) / CALLS * 1e9;				\
		__best = __ns < __best ? __ns : __best;				\
	}									\
	__best;									\
})

static char buf[64];
static socklen_t len = sizeof(buf);

static double file_read(void)
{
	int fd = open("/dev/zero", O_RDONLY);

	return MEASURE(read(fd, buf, 1), 1);
}

static double contract(void)
{
	long fd;

	bare_boot();
#define CALL(nr, a, b, c) bare.syscall(bare_kernel.boot_task, nr, (long)(a), (long)(b), \
				       (long)(c), 0, 0, 0)
	fd = CALL(SYS_socket, AF_INET, SOCK_STREAM, 0);
	return MEASURE(CALL(SYS_getpeername, fd, buf, &len), -ENOTCONN);
}

static void inside(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	printf("%g %g\n", MEASURE(getpeername(fd, (void *)buf, &len), -1), file_read());
}

static FILE *start_inside(const char *nuse, const char *self)
{
	char command[1024];
	FILE *pipe;

	snprintf(command, sizeof(command), "%s --kernel %s -- %s inside", nuse, getenv("LIBLINUX"),
		 self);
	pipe = popen(command, "r");
	if (!pipe)
		die("%s: %s", command, strerror(errno));
	return pipe;
}

int main(int argc, char **argv)
{
	double bare_call, call, host_read, read;
	FILE *pipe;

	if (argc != 2)
		die("expected the path of nuse");
	if (!strcmp(argv[1], "inside")) {
		inside();
		return 0;
	}
	bare_call = contract();
	host_read = file_read();
	pipe = start_inside(argv[1], argv[0]);
	if (fscanf(pipe, "%lf %lf", &call, &read) != 2 || pclose(pipe))
		die("%s has failed", argv[1]);
	put("hook_ns", call - bare_call);
	put("passthrough_ns", read - host_read);
	return 0;
}
