// SPDX-License-Identifier: GPL-2.0
/* clock-source.c - by what the host's kernel itself tells the time */
#include <stdio.h>
#include <string.h>
#include "clock.h"

bool clock_source_is_counter(void)
{
	FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource",
			   "re");
	char name[8] = "";
	bool is;

	if (!file)
		return false;
	is = fgets(name, sizeof(name), file) && !strcmp(name, "tsc\n");
	fclose(file);
	return is;
}
