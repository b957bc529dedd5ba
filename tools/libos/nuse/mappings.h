/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mappings.h - what programs have mapped of library descriptors: rings of packet
 * sockets, BPF maps and ring buffers.
 *
 * mmap() of such a descriptor is a call of the kernel, which returns an address in
 * the window (pages.h), where all processes see it. Each mapping belongs to the
 * processes that made or inherited it, and goes when the last of them has unmapped
 * it, ended, or exec'ed.
 *
 * All addresses of the instance have the same upper half: SHARE_BASE >> 32. So a
 * filter finds with one comparison the calls on a range of memory that are not to
 * reach the host: there they could unmap or change what kernel code needs. The
 * core, for a range of which share_owns() says true, does
 *
 *	munmap, mprotect, pkey_mprotect, madvise, mremap (from or to it), shmat,
 *	mmap with MAP_FIXED (of whatever descriptor)	share_memory_call()
 *	mlock, mlock2, munlock, msync, mincore		the host's call, harmless
 *
 * and for mmap() of a library descriptor, without MAP_ANONYMOUS, share_mmap().
 */
#ifndef _NUSE_MAPPINGS_H
#define _NUSE_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>

#define SHARE_MAPPINGS	1024

/**
 * struct share_mapping - one mmap() of a library descriptor
 * @addr:	where it lies; 0: the entry is free
 * @len:	in whole pages
 * @owners:	processes that have it, a bit each; none: nobody has unmapped it yet
 */
struct share_mapping {
	uint64_t addr;
	uint64_t len;
	uint64_t owners[SHARE_PROCESSES / 64];
};

struct share_thread;

/* Does the range touch addresses of the instance? */
static inline bool share_owns(uint64_t addr, uint64_t len)
{
	return addr < SHARE_BASE + (4ULL << 30) && (addr >= SHARE_BASE || len > SHARE_BASE - addr);
}

/*
 * mmap() with its six arguments. As on the host, but that a part of a mapping
 * cannot be unmapped, a hint is not followed, and what MAP_FIXED put to an address
 * of the program's stays mapped elsewhere until the process ends.
 */
long share_mmap(struct share_thread *self, long nr, const long args[6]);

/*
 * Any of the calls above on a range of the instance. On a mapping of the program's
 * own: munmap() of all of it, mprotect(); madvise() has no effect. Else an error.
 */
long share_memory_call(struct share_thread *self, long nr, const long args[6]);

/* Whether the process has any */
bool share_mappings_any(uint32_t process);

/* Under the lock: the process has those of @from, too, or none any more. */
void share_mappings_copy(uint32_t to, uint32_t from);
void share_mappings_drop(uint32_t process);

/* The keeper, not under the lock, when a member has changed: unmaps what nobody has. */
void share_mappings_collect(void);

#endif /* _NUSE_MAPPINGS_H */
