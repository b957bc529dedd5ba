/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region.h - where instances lie in the address space.
 *
 * Slots of 4 GiB, counted from a fixed address: the image at the start of a
 * slot, the memory of the instance ("region") 1 GiB above, and at 3 GiB a
 * window in which pages of the region can be mapped a second time, one behind
 * the other. An instance takes the lowest free slot, so a program always gets
 * the same addresses, whatever address randomisation does.
 *
 * The size of a slot is a multiple of 4 GiB for speed, too: what a processor learns
 * about branches it files under the low 32 bits of their addresses, so all
 * instances learn together. With other sizes two that talk are up to a fifth
 * slower.
 */
#ifndef _LIBOS_REGION_H
#define _LIBOS_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_BASE	0x200000000000ULL
#define SLOT_SIZE	(4ULL << 30)
#define NR_SLOTS	12288
#define REGION_OFFSET	(1ULL << 30)
#define REGION_MAX	(2ULL << 30)
#define WINDOW_OFFSET	(3ULL << 30)
#define WINDOW_SIZE	(1ULL << 30)

/**
 * struct region - the memory of an instance
 * @base:	where it lies
 * @size:	bytes, in whole pages
 * @shared:	it can be mapped a second time; a clone's cannot
 * @aliases:	what is mapped in the window, in order of address
 */
struct region {
	char *base;
	size_t size;
	bool shared;
	struct alias *aliases;
};

static inline char *slot_address(unsigned int slot)
{
	return (char *)(SLOT_BASE + slot * SLOT_SIZE);
}

/* The slot of an address; NR_SLOTS if it lies in none. */
static inline unsigned int slot_of(uintptr_t addr)
{
	uintptr_t slot = (addr - SLOT_BASE) / SLOT_SIZE;

	return addr < SLOT_BASE || slot >= NR_SLOTS ? NR_SLOTS : slot;
}

/* Reserves the lowest free slot, or the one with number @want if not negative. */
int slot_take(int want, unsigned int *slot);
void slot_give(unsigned int slot);

/* Makes the memory of an instance; slot_give() ends it. */
int region_make(struct region *region, unsigned int slot, uint64_t size);

/* Maps pages, named by offset, one behind the other; NULL if that cannot be. */
void *region_map(struct region *region, const uint64_t *offsets, unsigned int nr);
void region_unmap(struct region *region, void *addr, unsigned int nr);
/* Undoes all of that. */
void region_unmap_all(struct region *region);

#endif /* _LIBOS_REGION_H */
