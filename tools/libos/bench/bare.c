// SPDX-License-Identifier: GPL-2.0
/* bare.c - see bare.h */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include "bare.h"
#include "bench.h"

#define MEMORY	(32 << 20)

uint64_t bare_now, bare_deadline = LIB_TIME_NEVER;
struct lib_exports bare = { .size = sizeof(bare) };
struct lib_kernel bare_kernel = { .size = sizeof(bare_kernel), .memory_size = MEMORY };

static uint64_t clock_ns(void *ctx)
{
	(void)ctx;
	return bare_now;
}

static void timer_arm(void *ctx, uint64_t deadline)
{
	(void)ctx;
	bare_deadline = deadline;
}

/* Who waits lets time pass. */
static void idle(void *ctx, struct lib_task *task, uint64_t deadline)
{
	(void)ctx;
	(void)task;
	if (deadline == LIB_TIME_NEVER)
		die("the kernel waits for ever");
	bare_now = deadline;
	if (bare.timer_fire)
		bare.timer_fire();
}

static void wake(void *ctx, struct lib_task *task)
{
	(void)ctx;
	(void)task;
}

static void random_fill(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	if (getrandom(buf, len, 0) != (ssize_t)len)
		die("getrandom failed");
}

static unsigned int netdev_tx(void *ctx, uint32_t dev, const struct lib_packet *pkts,
			      unsigned int nr)
{
	(void)ctx;
	(void)dev;
	(void)pkts;
	return nr;
}

void bare_boot(void)
{
	static const struct lib_host host = {
		.size = sizeof(host),
		.version = LIB_ABI_VERSION,
		.clock_ns = clock_ns,
		.realtime_ns = clock_ns,
		.timer_arm = timer_arm,
		.idle = idle,
		.wake = wake,
		.random = random_fill,
		.netdev_tx = netdev_tx,
	};
	const char *path = getenv("LIBLINUX");
	void *image = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	__typeof__(lib_init) *init = image ? dlsym(image, "lib_init") : NULL;
	int err;

	if (!init)
		die("%s", path ? dlerror() : "set LIBLINUX to the path of liblinux.so");
	bare_kernel.memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	err = init(&bare, &host, &bare_kernel);
	if (err)
		die("lib_init: %s", strerror(-err));
}
