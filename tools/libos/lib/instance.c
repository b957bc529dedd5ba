// SPDX-License-Identifier: GPL-2.0
/*
 * instance.c - the life of an instance: a slot of addresses, an image and a
 * region in it, a kind of time, and the kernel that boots there.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../dev/device.h"
#include "instance.h"

#define DEFAULT_MEMORY	(32ULL << 20)

/* By slot. The fault handler reads it without a lock. */
struct libos *instances[NR_SLOTS];


uint64_t new_gen(void)
{
	static uint64_t last;

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

static int check_config(const struct libos_config *config)
{
	if (config->size != sizeof(*config))
		return fail(EINVAL, "libos_config::size is %u, not %zu: set it to sizeof(struct libos_config)",
			    config->size, sizeof(*config));
	if (config->flags & ~LIBOS_VERBOSE)
		return fail(EINVAL, "libos_config::flags has unknown bits: %#x", config->flags);
	return 0;
}

/* Makes what an instance is on our side, at a slot (-1: any). */
int instance_new(const struct libos_config *config, int slot, struct libos **lp)
{
	static const struct libos_config defaults = { .size = sizeof(defaults) };
	struct libos *l;
	int err;

	if (here.inside)
		return fail(EDEADLK, "an instance cannot be opened from inside %s",
			    here.inside->name);
	if (!config)
		config = &defaults;
	err = check_config(config);
	if (err)
		return err;
	err = fault_init();
	if (err)
		return err;
	l = aligned_alloc(64, (sizeof(*l) + 63) & ~63);
	if (!l)
		return fail(ENOMEM, "out of memory");
	memset(l, 0, sizeof(*l));
	err = slot_take(slot, &l->slot);
	if (err) {
		free(l);
		return err;
	}
	l->gen = new_gen();
	l->deadline = LIB_TIME_NEVER;
	l->flags = config->flags;
	l->console = config->console;
	l->console_arg = config->console_arg;
	l->world = config->world;
	if (config->name)
		snprintf(l->name, sizeof(l->name), "%s", config->name);
	else
		snprintf(l->name, sizeof(l->name), "instance %u", l->slot);
	callbacks_init(l);
	err = l->world ? vt_init(l) : rt_init(l);
	if (err) {
		slot_give(l->slot);
		free(l);
		return err;
	}
	__atomic_store_n(&instances[l->slot], l, __ATOMIC_RELEASE);
	*lp = l;
	return 0;
}

/* The kernel runs: the calling thread is its process 1. */
void instance_start(struct libos *l)
{
	l->syscall = l->exports.syscall;
	carrier_boot(l);
}

/* Without a kernel that runs, and without devices */
void instance_free(struct libos *l)
{
	l->time->close(l);
	__atomic_store_n(&instances[l->slot], NULL, __ATOMIC_RELEASE);
	region_unmap_all(&l->region);
	slot_give(l->slot);
	free(l->devices);
	free(l);
}

static int init_error(struct libos *l, int err)
{
	switch (err) {
	case -EINVAL:
		return fail(EINVAL, "%s speaks another version of the contract than libos",
			    l->image.path);
	case -ENOMEM:
		return fail(ENOMEM, "%s needs more memory than %llu KiB", l->image.path,
			    (unsigned long long)l->region.size >> 10);
	case -EOWNERDEAD:
		return fail(EOWNERDEAD, "the kernel panicked while booting: %s", l->panic);
	}
	return fail(-err, "lib_init: %s", strerror(-err));
}

static int boot(struct libos *l, const char *cmdline)
{
	int err;

	l->exports.size = sizeof(l->exports);
	l->kernel = (struct lib_kernel) {
		.size = sizeof(l->kernel),
		.memory = l->region.base,
		.memory_size = l->region.size,
		.cmdline = cmdline,
	};
	/* Booting may fault or block: with a signal stack, and the lock held. */
	enter(l);
	err = l->image.init(&l->exports, &l->host, &l->kernel);
	if (err) {
		l->attention = 0;
		release(l);
		return init_error(l, err);
	}
	err = l->exports.version != LIB_ABI_VERSION || l->exports.size < sizeof(l->exports);
	if (err) {
		release(l);
		return fail(EINVAL, "%s is older than libos: its table has %u bytes, not %zu",
			    l->image.path, l->exports.size, sizeof(l->exports));
	}
	err = l->exports.task_create(l->kernel.boot_task, &l->helper, 0, NULL, NULL, 0);
	if (!err) {
		task_block_signals(l, l->helper, ~0ULL);
		instance_start(l);
	}
	leave(l);
	return err ? fail(-err, "no task: %s", strerror(-err)) : 0;
}

int libos_open(const struct libos_config *config, struct libos **lp)
{
	uint64_t memory = config && config->memory ? config->memory : DEFAULT_MEMORY;
	char path[PATH_MAX];
	struct libos *l;
	int err;

	err = instance_new(config, -1, &l);
	if (err)
		return err;
	err = image_find(config ? config->kernel : NULL, path);
	if (!err)
		err = image_load(&l->image, path, slot_address(l->slot), REGION_OFFSET,
				 NULL);
	if (!err)
		err = region_make(&l->region, l->slot, memory);
	if (!err)
		err = carrier_prepare(l);
	if (!err)
		err = boot(l, config ? config->cmdline : NULL);
	if (err) {
		carrier_forget_all(l);
		instance_free(l);
		return err;
	}
	*lp = l;
	return 0;
}

static void close_devices(struct libos *l)
{
	unsigned int i;

	for (i = 0; i < l->nr_devices; i++)
		libos_dev_close(l->devices[i]);
}

int libos_close(struct libos *l)
{
	if (!l)
		return 0;
	if (here.inside)
		return fail(EDEADLK, "%s cannot be closed from inside %s", l->name,
			    here.inside->name);
	if (__atomic_load_n(&l->blocked, __ATOMIC_RELAXED))
		return fail(EBUSY, "%u calls of %s are under way", l->blocked, l->name);
	close_devices(l);
	carrier_forget_all(l);
	enter(l);
	l->exports.exit();
	fiber_forget_all(l);
	l->attention = 0;
	release(l);
	instance_free(l);
	return 0;
}

const char *libos_release(const struct libos *l)
{
	return l->kernel.release;
}

const char *libos_panic(const struct libos *l)
{
	return *l->kernel.status == LIB_DEAD ? l->panic : NULL;
}
