// SPDX-License-Identifier: GPL-2.0
/* preload.c - as libnuse.so: arms the catcher when the program starts. */
#include <nuse/catch.h>

__attribute__((constructor)) static void arm(void)
{
	if (catch_init())
		__builtin_trap();
}
