// SPDX-License-Identifier: GPL-2.0
/*
 * region.c - slots, regions and windows; see region.h
 *
 * A region is a shared mapping of a memory file whose descriptor is closed at
 * once: mremap() with an old size of 0 maps pages of a shared mapping again,
 * so instances cost no descriptors.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <liblinux.h>
#include "error.h"
#include "region.h"

#define PAGE	4096UL

struct alias {
	struct alias *next;
	char *addr;
	size_t len;
};

static pthread_mutex_t slot_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint8_t taken[NR_SLOTS];

static bool reserve(unsigned int slot)
{
	void *want = slot_address(slot);
	void *got = mmap(want, SLOT_SIZE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
			 -1, 0);

	if (got != MAP_FAILED && got != want) {
		munmap(got, SLOT_SIZE);
		errno = EEXIST;
	}
	return got == want;
}

int slot_take(int want, unsigned int *slot)
{
	unsigned int i = want < 0 ? 0 : want;
	unsigned int last = want < 0 ? NR_SLOTS - 1 : i;
	int err = EEXIST;

	pthread_mutex_lock(&slot_mutex);
	for (; i <= last; i++) {
		if (taken[i])
			continue;
		if (reserve(i)) {
			taken[i] = 1;
			*slot = i;
			err = 0;
			break;
		}
		err = errno;
		if (err != EEXIST)
			break;
	}
	pthread_mutex_unlock(&slot_mutex);
	if (err == EEXIST && want >= 0)
		return fail(EEXIST, "addresses %p to %p are in use in this process: clone in another one",
			    slot_address(want), slot_address(want + 1));
	if (err)
		return fail(err, "no 4 GiB of addresses are free above %#llx (%s): close instances or raise ulimit -v",
			    SLOT_BASE, strerror(err));
	return 0;
}

void slot_give(unsigned int slot)
{
	pthread_mutex_lock(&slot_mutex);
	munmap(slot_address(slot), SLOT_SIZE);
	taken[slot] = 0;
	pthread_mutex_unlock(&slot_mutex);
}

static int map_file(void *base, uint64_t size)
{
	int fd = memfd_create("libos", MFD_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return fail(errno, "cannot make a memory file (%s): raise ulimit -n",
			    strerror(errno));
	if (ftruncate(fd, size) ||
	    mmap(base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED,
		 fd, 0) == MAP_FAILED)
		err = fail(errno, "cannot map %llu KiB of memory: %s",
			   (unsigned long long)size >> 10, strerror(errno));
	close(fd);
	return err;
}

int region_make(struct region *region, unsigned int slot, uint64_t size)
{
	char *base = slot_address(slot) + REGION_OFFSET;
	int err;

	size = (size + PAGE - 1) & -PAGE;
	if (size < LIB_MIN_MEMORY)
		return fail(ENOMEM, "%llu KiB of memory are too little: give %llu KiB or more",
			    (unsigned long long)size >> 10,
			    (unsigned long long)LIB_MIN_MEMORY >> 10);
	if (size > REGION_MAX)
		return fail(EINVAL, "%llu MiB of memory are too much: at most %llu MiB",
			    (unsigned long long)size >> 20, REGION_MAX >> 20);
	err = map_file(base, size);
	if (err)
		return err;
	region->base = base;
	region->size = size;
	region->shared = true;
	region->aliases = NULL;
	return 0;
}

/* Room in the window: first fit. */
static struct alias *alias_new(struct region *region, size_t len)
{
	char *window = region->base - REGION_OFFSET + WINDOW_OFFSET, *addr = window;
	struct alias **at = &region->aliases, *alias;

	for (; *at && addr + len > (*at)->addr; at = &(*at)->next)
		addr = (*at)->addr + (*at)->len;
	if (addr + len > window + WINDOW_SIZE)
		return NULL;
	alias = malloc(sizeof(*alias));
	if (!alias)
		return NULL;
	alias->addr = addr;
	alias->len = len;
	alias->next = *at;
	*at = alias;
	return alias;
}

void *region_map(struct region *region, const uint64_t *offsets, unsigned int nr)
{
	struct alias *alias;
	unsigned int i, run;
	char *to;

	if (!region->shared || !nr)
		return NULL;
	alias = alias_new(region, nr * PAGE);
	if (!alias)
		return NULL;
	for (i = 0, to = alias->addr; i < nr; i += run, to += run * PAGE) {
		for (run = 1; i + run < nr; run++)
			if (offsets[i + run] != offsets[i] + run * PAGE)
				break;
		if (offsets[i] + run * PAGE > region->size ||
		    mremap(region->base + offsets[i], 0, run * PAGE,
			   MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
			region_unmap(region, alias->addr, nr);
			return NULL;
		}
	}
	return alias->addr;
}

void region_unmap(struct region *region, void *addr, unsigned int nr)
{
	struct alias **at = &region->aliases, *alias;

	while (*at && (*at)->addr != addr)
		at = &(*at)->next;
	alias = *at;
	if (!alias || alias->len != nr * PAGE)
		return;
	mmap(addr, alias->len, PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	*at = alias->next;
	free(alias);
}

void region_unmap_all(struct region *region)
{
	while (region->aliases)
		region_unmap(region, region->aliases->addr, region->aliases->len / PAGE);
}
