// SPDX-License-Identifier: GPL-2.0
/*
 * memory.c - mappings of library descriptors, and calls on memory that must not
 * change what the instance has mapped. See mappings.h
 */
#include "core.h"
#include <sys/mman.h>

_Static_assert(NUSE_MEMORY == SHARE_BASE, "the catcher looks for the instance");

/* Also mmap() of anything to an address of the instance */
long memory_mmap(long nr, const long args[6])
{
	if (!(args[3] & MAP_ANONYMOUS) && fd_kind(args[4]))
		return self_do(share_mmap, nr, args);
	if (!(args[3] & MAP_ANONYMOUS) && fd_is_hidden(args[4]))
		return -EBADF;
	if (args[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE) && share_owns(args[0], args[1]))
		return -EEXIST;
	return to_host(nr, args);
}

/* An address and a length first */
long memory_call(long nr, const long args[6])
{
	return share_owns(args[0], args[1]) ? self_do(share_memory_call, nr, args) :
					      to_host(nr, args);
}
