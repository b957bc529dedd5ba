/* SPDX-License-Identifier: GPL-2.0 */
/*
 * transit.h - library descriptors that are on their way from one process to
 * another, in a message of the host's.
 *
 * Meanwhile the file is held by a task that belongs to no process: whoever has the
 * lock makes it its own and has it do what is to be done. The receiver knows it by
 * a random number, its cookie.
 *
 * All return a negative errno on failure.
 */
#ifndef _NUSE_TRANSIT_H
#define _NUSE_TRANSIT_H

#include <stdint.h>

#define SHARE_TRANSITS	256

/**
 * struct share_transit - what holds files that are on their way
 * @task:	has them open; made when first needed
 * @user:	the process that uses it; 0: none
 * @slots:	its descriptors, and the cookies by which they are known; 0: free
 */
struct share_transit {
	struct lib_task *task;
	uint32_t user;
	struct {
		uint64_t cookie;
		int fd;
	} slots[SHARE_TRANSITS];
};

struct share_thread;

struct transit_call {
	int fd;
	int flags;
	uint64_t cookie;
};

/*
 * args[0] is a struct transit_call. Holds what the process has as @fd; makes it
 * descriptor @fd of the process, with O_CLOEXEC in @flags or not; lets it go.
 */
long transit_put(struct share_thread *self, long nr, const long args[6]);
long transit_take(struct share_thread *self, long nr, const long args[6]);
long transit_drop(struct share_thread *self, long nr, const long args[6]);

#endif /* _NUSE_TRANSIT_H */
