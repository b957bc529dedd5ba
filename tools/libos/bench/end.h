/* SPDX-License-Identifier: GPL-2.0 */
/*
 * end.h - a place to run one end of a load: a library kernel, or a network
 * namespace of the host. Both have the same system calls, so the programs at
 * the two ends are the same, to the line.
 */
#ifndef _END_H
#define _END_H

#include <sys/syscall.h>
#include <unistd.h>
#include <libos.h>

struct end {
	struct libos *libos;	/* NULL: the host */
};

/* As the instruction: a negative errno on failure. */
#define SYS(end, name, ...) \
	((end)->libos ? libos_syscall((end)->libos, SYS_##name, ##__VA_ARGS__) : \
			host_result(syscall(SYS_##name, ##__VA_ARGS__)))

long host_result(long ret);

#endif /* _END_H */
