/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench.h - what all the measuring programs share: clocks, memory in use, and
 * lines "name value" that bench.py reads.
 */
#ifndef _BENCH_H
#define _BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One line for bench.py */
void put(const char *name, double value);

/* Ends the program with one line on stderr. */
void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...);

double wall(void);		/* seconds */
double cpu(void);		/* seconds of processor time of this process */
double cpu_of(pid_t pid);	/* ... of another one */
double cpu_softirqd(void);	/* ... of the host's softirq threads */

double quantile(double *values, size_t nr, double q);	/* sorts them */

/**
 * struct usage - memory that would be free if this process were not there, KiB
 * @pages:	private pages, and all pages of memory files (memfd) that are
 *		mapped, touched by this process or not
 * @tables:	page tables
 */
struct usage {
	double pages;
	double tables;
};
struct usage usage(void);

#endif /* _BENCH_H */
