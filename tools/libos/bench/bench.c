// SPDX-License-Identifier: GPL-2.0
/* bench.c - see bench.h */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "bench.h"

void put(const char *name, double value)
{
	printf("%s %.9g\n", name, value);
	fflush(stdout);
}

void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* ------------------------------------------------------------------- clocks */

static double read_clock(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

double wall(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double cpu(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

double cpu_of(pid_t pid)
{
	clockid_t id;

	return clock_getcpuclockid(pid, &id) ? 0 : read_clock(id);
}

static int read_file(const char *path, char *buf, size_t len)
{
	FILE *file = fopen(path, "r");

	if (!file)
		return -1;
	len = fread(buf, 1, len - 1, file);
	buf[len] = 0;
	fclose(file);
	return 0;
}

/* The pids of softirq threads are small: they start at boot. */
double cpu_softirqd(void)
{
	char path[64], buf[128];
	double sum = 0;
	int pid;

	for (pid = 1; pid < 1000; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		if (read_file(path, buf, sizeof(buf)) || strncmp(buf, "ksoftirqd/", 10))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
		if (!read_file(path, buf, sizeof(buf)))
			sum += strtoull(buf, NULL, 10) * 1e-9;
	}
	return sum;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(double *values, size_t nr, double q)
{
	qsort(values, nr, sizeof(*values), compare);
	return nr ? values[(size_t)(q * (nr - 1))] : 0;
}

/* ------------------------------------------------------------------- memory */

/* A memory file is counted by its blocks, whoever touched them. */
static double file_kib(const char *range)
{
	char path[96];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/map_files/%s", range);
	return stat(path, &st) ? -1 : st.st_blocks / 2.0;
}

struct usage usage(void)
{
	struct usage u = { 0 };
	char line[512], range[64] = "", perms[8], name[256];
	double kib, memory_file = -1;
	FILE *file = fopen("/proc/self/smaps", "r");

	if (!file)
		die("/proc/self/smaps: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		name[0] = 0;
		if (sscanf(line, "%63[0-9a-f-] %7s %*s %*s %*s %255[^\n]", range, perms,
			   name) >= 2 && strchr(range, '-')) {
			memory_file = -1;
			if (perms[3] == 's' && strstr(name, "memfd:"))
				memory_file = file_kib(range);
			if (memory_file >= 0)
				u.pages += memory_file;
		} else if (memory_file < 0 &&
			   (sscanf(line, "Private_Clean: %lf", &kib) == 1 ||
			    sscanf(line, "Private_Dirty: %lf", &kib) == 1)) {
			u.pages += kib;
		}
	}
	fclose(file);
	file = fopen("/proc/self/status", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmPTE: %lf", &kib) == 1)
			u.tables = kib;
	if (file)
		fclose(file);
	return u;
}
