/* SPDX-License-Identifier: GPL-2.0 */
/* unwrite.h - takes a private mapping of a file back to what the file says */
#ifndef _LIBOS_UNWRITE_H
#define _LIBOS_UNWRITE_H

#include <stddef.h>
#include <sys/types.h>

/* The mapping at @addr begins at @offset of the file. Returns -errno. */
int unwrite(int fd, void *addr, size_t len, off_t offset);

#endif /* _LIBOS_UNWRITE_H */
