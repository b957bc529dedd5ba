/* SPDX-License-Identifier: GPL-2.0 */
/*
 * check.h - for programs that run caught: each case is a process of its own, a
 * fault ends it with a line that says where. core.c says what caught calls do.
 */
#ifndef _CATCH_CHECK_H
#define _CATCH_CHECK_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CAUGHT	4242

#define EQUAL(got, expected) do {						\
	long __got = (got), __expected = (expected);				\
	if (__got != __expected) {						\
		printf("%s:%d: %s is %ld, not %ld (errno %d)\n", __FILE__, __LINE__, #got, \
		       __got, __expected, errno);				\
		fflush(stdout);							\
		_exit(1);							\
	}									\
} while (0)

#define TRUE(expr) EQUAL(!!(expr), 1)

/* Waits for a child that has to end well. */
#define REAP(pid) do {								\
	int __status;								\
	EQUAL(waitpid(pid, &__status, __WALL), pid);				\
	EQUAL(__status, 0);							\
} while (0)

struct check {
	const char *name;
	void (*run)(void);
};

/* Calls come from an instruction that cannot be patched. */
__attribute__((noinline, unused)) static long trapped(long nr)
{
	long ret;

	asm volatile("nop; syscall; nop" : "=a" (ret) : "0" (nr) : "rcx", "r11", "memory");
	return ret;
}

/* Runs all, or those that are named. */
static inline int check_main(int argc, char **argv, const struct check *c)
{
	int i, pid;

	for (; c->name; c++) {
		for (i = 1; i < argc && strcmp(argv[i], c->name); i++)
			;
		if (argc > 1 && i == argc)
			continue;
		pid = fork();
		if (!pid) {
			alarm(20);
			c->run();
			fflush(stdout);
			_exit(0);
		}
		int status;
		if (waitpid(pid, &status, 0) != pid || status) {
			printf("%s failed, status %x\n", c->name, status);
			return 1;
		}
	}
	printf("fine\n");
	return 0;
}

#endif /* _CATCH_CHECK_H */
