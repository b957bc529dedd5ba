/* SPDX-License-Identifier: GPL-2.0 */
/*
 * load.h - a program into memory.
 */
#ifndef _NUSE_LOAD_H
#define _NUSE_LOAD_H

#include "inner.h"

/**
 * struct image - a file in memory
 * @bias:	what is added to its addresses
 * @start, @end: where it lies
 */
struct image {
	struct elf elf;
	uintptr_t bias, start, end, phdrs, entry;
};

/* Maps it as the host's kernel would. */
hidden long load(struct image *image, int fd);

#endif /* _NUSE_LOAD_H */
