// SPDX-License-Identifier: GPL-2.0
/*
 * callbacks.c - the functions of lib_host that are the same in both kinds of
 * time. All run on small stacks of the kernel: they take note and return.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../dev/device.h"
#include "instance.h"

static void host_timer_arm(void *ctx, uint64_t deadline)
{
	struct libos *l = ctx;

	l->deadline = deadline;
	if (deadline < l->sleeper_deadline)
		l->attention |= ATT_SOONER;
}

static void host_wake(void *ctx, struct lib_task *task)
{
	struct libos *l = ctx;
	uint32_t *word = task_word(task);

	if (unlikely(task->dead))
		l->attention |= ATT_REAP;
	switch (__atomic_exchange_n(word, AWAKE, __ATOMIC_ACQ_REL)) {
	case SLEEPING:
		if (l->nr_wakes >= NR_WAKES - 2)	/* those of leaving */
			futex_wake(word, 1);
		else
			l->wakes[l->nr_wakes++] = word;
		l->attention |= ATT_WAKE;
		break;
	case POLLING:
		l->attention |= ATT_SOONER;
		break;
	}
}

/* Without stdio: its locks and buffers want more stack, and may be held. */
static void host_console_write(void *ctx, const char *text, size_t len)
{
	struct libos *l = ctx;

	if (l->console)
		l->console(l->console_arg, text, len);
	if (l->flags & LIBOS_VERBOSE && write(STDERR_FILENO, text, len) < 0)
		l->flags &= ~LIBOS_VERBOSE;
}

static void host_panic(void *ctx, const char *reason)
{
	struct libos *l = ctx;

	strncpy(l->panic, reason, sizeof(l->panic) - 1);
	if (!l->panic[0])
		strcpy(l->panic, "panic");
	l->attention |= ATT_DEAD;
}

static unsigned int host_netdev_tx(void *ctx, uint32_t dev, const struct lib_packet *pkts,
				   unsigned int nr)
{
	return device_xmit(ctx, dev, pkts, nr);
}

static void *host_map_pages(void *ctx, const uint64_t *offsets, unsigned int nr)
{
	struct libos *l = ctx;

	return region_map(&l->region, offsets, nr);
}

static void host_unmap_pages(void *ctx, void *addr, unsigned int nr)
{
	struct libos *l = ctx;

	region_unmap(&l->region, addr, nr);
}

void callbacks_init(struct libos *l)
{
	l->host = (struct lib_host) {
		.size = sizeof(l->host),
		.version = LIB_ABI_VERSION,
		.process = getpid(),
		.ctx = l,
		.timer_arm = host_timer_arm,
		.wake = host_wake,
		.panic = host_panic,
		.netdev_tx = host_netdev_tx,
		.map_pages = host_map_pages,
		.unmap_pages = host_unmap_pages,
	};
	if (l->console || l->flags & LIBOS_VERBOSE)
		l->host.console_write = host_console_write;
}
