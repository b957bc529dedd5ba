/* SPDX-License-Identifier: GPL-2.0 */
/* pipe.h - the PIPE of older configurations, which joined two stacks by named pipes */
#ifndef _NUSE_PIPE_H
#define _NUSE_PIPE_H

#include "wire.h"

/*
 * Finds the end of the wire that stands for the named pipe @path, or for two of them,
 * "HERE|THERE", of which the other side says "THERE|HERE". Returns as wire_open() does.
 */
int pipe_open(const char *path, struct wire **wire);

#endif /* _NUSE_PIPE_H */
