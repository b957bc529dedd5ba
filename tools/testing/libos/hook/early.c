// SPDX-License-Identifier: GPL-2.0
/*
 * early.c - calls before any constructor: while the program is relocated, by a
 * function that chooses another one, and by the first list of functions that runs.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include "../catch/check.h"
#include "core.h"

static int early;
static long chosen_ret, first_ret;
static char buf[4];

static int yes(void)
{
	return 1;
}

/* -z now: what stands before it in the list of relocations is there already. */
static int (*choose(void))(void)
{
	chosen_ret = read(-1, buf, 1);
	early = 1;
	return yes;
}

int chosen(void) __attribute__((ifunc("choose")));

static void first(void)
{
	first_ret = read(FD_AGAIN, buf, 1);
}

__attribute__((section(".preinit_array"), used)) static void (*const list[])(void) = { first };

int main(void)
{
	TRUE(chosen());
	EQUAL(early, 1);
	EQUAL(chosen_ret, -1);
	EQUAL(first_ret, -1);
	EQUAL(close(FD_LAST + 1), -1);
	printf("fine\n");
	return 0;
}
