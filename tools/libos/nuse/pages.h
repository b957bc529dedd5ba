/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pages.h - pages of the instance's memory that are mapped a second time, one
 * behind the other, in a window: for the kernel's vmap() and programs' mmap().
 *
 * What is mapped where is a table in shared memory, which the holder of the lock
 * changes. Each process brings its own mappings to the state of the table when it
 * has taken the lock and before it runs kernel code; a counter says whether there
 * is anything to do. Which they are is known to the process alone, and copied by
 * fork() as the mappings themselves.
 */
#ifndef _NUSE_PAGES_H
#define _NUSE_PAGES_H

#include <stdint.h>

#define SHARE_PAGE		4096UL
#define SHARE_WINDOW		(SHARE_BASE + (3ULL << 30))
#define SHARE_WINDOW_PAGES	(256UL << 10)

/**
 * struct share_pages - what is mapped in the window
 * @generation:	counts the changes
 * @top:	all pages from here on are free
 * @page:	of the memory, counted from 1; 0: free
 */
struct share_pages {
	uint32_t generation;
	uint32_t top;
	uint32_t page[SHARE_WINDOW_PAGES];
};

/* lib_host::map_pages, ::unmap_pages */
void *share_map_pages(void *ctx, const uint64_t *offsets, unsigned int nr);
void share_unmap_pages(void *ctx, void *addr, unsigned int nr);

/*
 * Maps pages once more for the program, at @to, which is not in the instance.
 * @addr is where they are in the window or the memory. Returns 0 or a negative
 * errno.
 */
int share_alias_pages(uint64_t to, uint64_t addr, uint64_t len);

/* The generation that this process has seen */
extern uint32_t share_pages_seen;
void share_pages_follow(void);

/*
 * To be called with the lock just taken, each time. A process that cannot map what
 * the others have cannot run kernel code: it says so, gives the lock back and is
 * killed.
 */
#define share_pages_sync()						\
	do {								\
		if (__builtin_expect(share_pages_seen != share->pages.generation, 0)) \
			share_pages_follow();				\
	} while (0)

#endif /* _NUSE_PAGES_H */
