/* SPDX-License-Identifier: GPL-2.0 */
/* create.h - an instance that processes will share is made */
#ifndef _NUSE_CREATE_H
#define _NUSE_CREATE_H

#include "share.h"

/**
 * share_create - boots a kernel for several processes
 * @path:	liblinux.so; NULL is the default place
 * @memory:	bytes; 0 is 64 MiB
 * @cmdline:	of the kernel, or NULL
 *
 * The calling process is its first, and the calling thread process 1 of the
 * instance; it has the hidden descriptors from now on. Returns 0 or a negative
 * errno; share_error() then says why.
 */
int share_create(const char *path, uint64_t memory, const char *cmdline);

/* Why share_create() failed: one line */
const char *share_error(void);

#endif /* _NUSE_CREATE_H */
