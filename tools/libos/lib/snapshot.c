// SPDX-License-Identifier: GPL-2.0
/*
 * snapshot.c - freezes an instance into a sealed memory file, and makes
 * instances of it.
 *
 * The file holds a header, the image's data and those pages of the region that
 * were touched; all else is a hole. A clone maps the library's text from its own
 * file and the rest privately from the snapshot, at the addresses at which it
 * was frozen, for the memory is full of pointers. What it writes is its own.
 * Nothing in there is a pointer to the host but the page of host functions,
 * which is not copied.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#include "../dev/device.h"
#include "instance.h"
#include "unwrite.h"

#define PAGE		4096UL
#define HEADER_SIZE	(4 * PAGE)
#define MAGIC		"libos\0\0\1"
#define MAX_TASKS	256
#define SEALS		(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/**
 * struct header - the first pages of a snapshot
 * @size:	sizeof(struct header), with @magic its version
 * @slot:	where the instance lies
 * @id:		not the same for two snapshots
 * @process:	lib_host::process; a clone has to take the same
 * @build_id:	of the library
 * @path:	of the library
 * @nr_tasks:	tasks of threads that the clone does not have
 */
struct header {
	char magic[8];
	uint32_t size;
	uint32_t slot;
	uint64_t id;
	uint32_t process;
	uint32_t nr_tasks;
	unsigned char build_id[BUILD_ID_SIZE];
	struct lib_exports exports;
	struct lib_kernel kernel;
	struct lib_task *helper;
	struct lib_task *tasks[MAX_TASKS];
	char path[PATH_MAX];
};

_Static_assert(sizeof(struct header) <= HEADER_SIZE, "the header outgrew its pages");

/* ------------------------------------------------------------------ copying */

static bool is_zero(const char *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

static int write_all(int fd, const char *from, size_t len, off_t at)
{
	ssize_t done;

	for (; len; from += done, len -= done, at += done) {
		done = pwrite(fd, from, len, at);
		if (done < 0)
			return fail(errno, "cannot write the snapshot: %s", strerror(errno));
	}
	return 0;
}

/* Copies pages, leaving out those that are zero. */
static int copy_pages(int fd, const char *from, size_t nr, off_t at)
{
	size_t i, run;
	int err = 0;

	for (i = 0; i < nr && !err; i += run) {
		run = 1;
		if (is_zero(from + i * PAGE))
			continue;
		while (i + run < nr && !is_zero(from + (i + run) * PAGE))
			run++;
		err = write_all(fd, from + i * PAGE, run * PAGE, at + i * PAGE);
	}
	return err;
}

/* Swapped pages look like pages that were never touched. */
static bool swap_in_use(void)
{
	struct sysinfo info;

	return sysinfo(&info) || info.freeswap != info.totalswap;
}

/* Copies those pages of a region that exist, without making others exist. */
static int copy_region(int fd, const struct region *region, off_t at)
{
	size_t nr = region->size / PAGE, i, run;
	unsigned char *there = malloc(nr);
	int err = 0;

	if (!there)
		return fail(ENOMEM, "out of memory");
	if (swap_in_use() || mincore(region->base, region->size, there))
		memset(there, 1, nr);
	for (i = 0; i < nr && !err; i += run) {
		for (run = 1; i + run < nr && (there[i + run] & 1) == (there[i] & 1); run++)
			;
		if (there[i] & 1)
			err = copy_pages(fd, region->base + i * PAGE, run, at + i * PAGE);
	}
	free(there);
	return err;
}

/* Fills in the header, but for the tasks. */
static void describe(const struct libos *l, struct header *header)
{
	memset(header, 0, sizeof(*header));
	memcpy(header->magic, MAGIC, sizeof(header->magic));
	header->size = sizeof(*header);
	header->slot = l->slot;
	header->process = l->host.process;
	header->exports = l->exports;
	header->kernel = l->kernel;
	header->kernel.cmdline = NULL;
	header->helper = l->helper;
	memcpy(header->build_id, l->image.id, BUILD_ID_SIZE);
	memcpy(header->path, l->image.path, sizeof(header->path));
	while (!header->id)
		if (getrandom(&header->id, sizeof(header->id), 0) < 0)
			header->id = l->gen;
}

static int list_tasks(const struct libos *l, struct header *header)
{
	const struct carrier *carrier;

	for (carrier = l->carriers; carrier; carrier = carrier->next) {
		if (carrier->task == l->kernel.boot_task)
			continue;
		if (header->nr_tasks == MAX_TASKS)
			return fail(EBUSY, "%s has more than %u threads: end some", l->name,
				    MAX_TASKS);
		header->tasks[header->nr_tasks++] = carrier->task;
	}
	return 0;
}

static int fill(const struct libos *l, int fd, struct header *header)
{
	const struct lib_kernel *k = &l->kernel;
	off_t region_at = HEADER_SIZE + k->image_size;
	static const char nothing[PAGE];
	int err;

	if (ftruncate(fd, region_at + l->region.size))
		return fail(errno, "cannot make the snapshot: %s", strerror(errno));
	describe(l, header);
	err = list_tasks(l, header);
	err = err ?: write_all(fd, (char *)header, sizeof(*header), 0);
	err = err ?: copy_pages(fd, k->image, k->image_size / PAGE, HEADER_SIZE);
	err = err ?: write_all(fd, nothing, PAGE,
			       HEADER_SIZE + ((char *)k->host_page - (char *)k->image));
	err = err ?: copy_region(fd, &l->region, region_at);
	if (!err && fcntl(fd, F_ADD_SEALS, SEALS))
		err = fail(errno, "cannot seal the snapshot: %s", strerror(errno));
	return err;
}

/* Whether the instance is at rest as far as we know; under its lock. */
static int at_rest(const struct libos *l)
{
	unsigned int i;

	for (i = 0; i < l->nr_devices; i++)
		if (l->devices[i])
			return fail(EBUSY, "%s has device %s: close it first", l->name,
				    l->devices[i]->name);
	if (l->blocked)
		return fail(EBUSY, "%u calls of %s are under way", l->blocked, l->name);
	return 0;
}

static int freeze(struct libos *l)
{
	int err = at_rest(l);

	if (err)
		return err;
	if (l->region.aliases)
		return fail(EBUSY, "%s has memory mapped twice: close its packet rings", l->name);
	err = l->exports.freeze();
	return err ? fail(-err, "%s cannot be frozen: %s", l->name,
			  err == -EBUSY ? "a call or function is under way" : strerror(-err)) : 0;
}

int libos_snapshot(struct libos *l)
{
	struct header *header;
	int fd, err;

	if (here.inside)
		return fail(EDEADLK, "no snapshot from inside %s", here.inside->name);
	header = malloc(sizeof(*header));
	if (!header)
		return fail(ENOMEM, "out of memory");
	fd = memfd_create("libos snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		free(header);
		return fail(errno, "cannot make a memory file: %s", strerror(errno));
	}
	enter(l);
	err = freeze(l);
	err = err ?: fill(l, fd, header);
	leave(l);
	free(header);
	if (err)
		close(fd);
	return err ? err : fd;
}

/* ------------------------------------------------------------------ mapping */

static int read_header(int fd, struct header *header)
{
	if (fcntl(fd, F_GET_SEALS) != SEALS ||
	    pread(fd, header, sizeof(*header), 0) != sizeof(*header) ||
	    memcmp(header->magic, MAGIC, sizeof(header->magic)) ||
	    header->size != sizeof(*header) || header->slot >= NR_SLOTS)
		return fail(EINVAL, "descriptor %d is no snapshot of this version of libos", fd);
	return 0;
}

/* Maps data and region: what is written from now on is private. */
static int map(struct libos *l, int fd, const struct header *header)
{
	const struct lib_kernel *k = &header->kernel;
	int flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED;
	int prot = PROT_READ | PROT_WRITE;

	if (mmap(k->image, k->image_size, prot, flags, fd, HEADER_SIZE) == MAP_FAILED ||
	    mmap(k->memory, k->memory_size, prot, flags, fd,
		 HEADER_SIZE + k->image_size) == MAP_FAILED)
		return fail(errno, "cannot map the snapshot: %s", strerror(errno));
	l->region.base = k->memory;
	l->region.size = k->memory_size;
	l->region.shared = false;
	l->snapshot_id = header->id;
	return 0;
}

/* The same as a new mapping of what is mapped already. */
static int map_again(struct libos *l, int fd, const struct header *header)
{
	const struct lib_kernel *k = &header->kernel;
	int err = unwrite(fd, k->image, k->image_size, HEADER_SIZE);

	if (!err)
		err = unwrite(fd, k->memory, k->memory_size, HEADER_SIZE + k->image_size);
	return err ? fail(-err, "cannot reset %s: %s", l->name, strerror(-err)) : 0;
}

static int thaw(struct libos *l, const struct header *header)
{
	int err = l->exports.attach(&l->host);
	uint32_t i;

	if (!err)
		err = l->exports.thaw();
	for (i = 0; i < header->nr_tasks && !err; i++)
		err = l->exports.task_exit(header->tasks[i]);
	if (!err)
		l->exports.timer_fire();
	return err ? fail(-err, "%s cannot go on from the snapshot: %s", l->name,
			  strerror(-err)) : 0;
}

/* Nobody may enter before the kernel has its host functions again. */
static int go_on(struct libos *l, int fd, const struct header *header)
{
	int err;

	enter(l);
	err = header->id == l->snapshot_id ? map_again(l, fd, header) : map(l, fd, header);
	if (!err) {
		l->exports = header->exports;
		l->kernel = header->kernel;
		l->helper = header->helper;
		l->host.process = header->process;
		l->deadline = LIB_TIME_NEVER;
		instance_start(l);
		err = thaw(l, header);
	}
	leave(l);
	return err;
}

static int load(struct libos *l, int fd, const struct header *header, const char *kernel)
{
	int err;

	memcpy(l->image.id, header->build_id, BUILD_ID_SIZE);
	err = image_load_text(&l->image, kernel ? kernel : header->path, slot_address(l->slot),
			      REGION_OFFSET);
	err = err ?: carrier_prepare(l);
	return err ?: go_on(l, fd, header);
}

int libos_clone(int snapshot, const struct libos_config *config, struct libos **lp)
{
	struct header *header = malloc(sizeof(*header));
	struct libos *l;
	int err;

	if (!header)
		return fail(ENOMEM, "out of memory");
	err = read_header(snapshot, header);
	if (!err)
		err = instance_new(config, header->slot, &l);
	if (!err) {
		err = load(l, snapshot, header, config ? config->kernel : NULL);
		if (err) {
			carrier_forget_all(l);
			instance_free(l);
		} else {
			*lp = l;
		}
	}
	free(header);
	return err;
}

static int reset(struct libos *l, int fd, const struct header *header)
{
	int err;

	enter(l);
	err = at_rest(l);
	leave(l);
	if (err)
		return err;
	carrier_forget_all(l);
	fiber_forget_all(l);
	region_unmap_all(&l->region);
	l->gen = new_gen();
	return go_on(l, fd, header);
}

int libos_reset(struct libos *l, int snapshot)
{
	struct header *header;
	int err;

	if (here.inside)
		return fail(EDEADLK, "no reset from inside %s", here.inside->name);
	header = malloc(sizeof(*header));
	if (!header)
		return fail(ENOMEM, "out of memory");
	err = read_header(snapshot, header);
	if (!err && (header->slot != l->slot ||
		     memcmp(header->build_id, l->image.id, BUILD_ID_SIZE)))
		err = fail(EINVAL, "the snapshot is of another instance than %s", l->name);
	err = err ?: reset(l, snapshot, header);
	free(header);
	return err;
}
