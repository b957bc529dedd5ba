// SPDX-License-Identifier: GPL-2.0
/*
 * unwrite.c - takes a private mapping of a file back to what the file says.
 *
 * To forget the changed pages (MADV_DONTNEED) costs a page fault for each that
 * is used again, about a microsecond, and those that were used are the ones
 * that will be. So where the host's kernel can name them (since 6.7) and they
 * are few, they are read from the file again, in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "unwrite.h"

#define PAGE		4096
#define MAX_RANGES	256
#define MAX_PAGES	512

/* Of <linux/fs.h>, which is older than this here and there */
#define SCAN_FILE	(1 << 2)
#define SCAN_PRESENT	(1 << 3)
#define SCAN_SWAPPED	(1 << 4)

struct page_range {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN		_IOWR('f', 16, struct scan_arg)

/* Lists what was written: pages that are not the file's. -1: too many, or unknown. */
static int find_written(uint64_t start, size_t len, struct page_range *ranges)
{
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = start,
		.end = start + len,
		.vec = (uintptr_t)ranges,
		.vec_len = MAX_RANGES,
		.max_pages = MAX_PAGES,
		.category_inverted = SCAN_FILE,
		.category_mask = SCAN_FILE,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_FILE,
	};
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int nr;

	if (fd < 0)
		return -1;
	nr = ioctl(fd, SCAN, &arg);
	close(fd);
	return arg.walk_end == arg.end ? nr : -1;
}

static int read_back(int fd, const struct page_range *range, off_t offset)
{
	size_t len = range->end - range->start;

	return pread(fd, (void *)range->start, len, offset) == (ssize_t)len;
}

int unwrite(int fd, void *addr, size_t len, off_t offset)
{
	struct page_range ranges[MAX_RANGES];
	uint64_t start = (uintptr_t)addr;
	int i, nr = find_written(start, len, ranges);

	for (i = 0; i < nr; i++)
		if (!read_back(fd, &ranges[i], offset + (ranges[i].start - start)))
			break;
	if (nr >= 0 && i == nr)
		return 0;
	return madvise(addr, len, MADV_DONTNEED) ? -errno : 0;
}
