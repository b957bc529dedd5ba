/* SPDX-License-Identifier: GPL-2.0 */
/* image.h - liblinux.so in memory: our own loader */
#ifndef _LIBOS_IMAGE_H
#define _LIBOS_IMAGE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <liblinux.h>

#define BUILD_ID_SIZE	32

/**
 * struct image - one mapping of the library
 * @path:	absolute path of the file
 * @id:		its build id, zero padded; what tells one library from another
 * @base:	where it lies
 * @size:	bytes, in whole pages
 * @data:	where in it begins what can be written
 * @zeros:	where in that are only zeros from here on, in whole pages
 * @init:	its lib_init()
 */
struct image {
	char path[PATH_MAX];
	unsigned char id[BUILD_ID_SIZE];
	char *base;
	size_t size;
	size_t data;
	size_t zeros;
	int (*init)(struct lib_exports *exports, const struct lib_host *host,
		    struct lib_kernel *kernel);
};

/*
 * Maps a file at base, where room bytes are reserved, and relocates it. If @place
 * is not NULL it is called in between, and may put other memory with the same
 * contents there.
 */
int image_load(struct image *image, const char *path, void *base, size_t room,
	       int (*place)(const struct image *image));

/* Maps what cannot be written of the file that has the id that image->id says. */
int image_load_text(struct image *image, const char *path, void *base, size_t room);

/* Finds the library: the path, or the default places if that is NULL. */
int image_find(const char *path, char *found);

#endif /* _LIBOS_IMAGE_H */
