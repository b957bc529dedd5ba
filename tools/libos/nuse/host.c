// SPDX-License-Identifier: GPL-2.0
/*
 * host.c - the host table of a process. What waits and wakes is in share.c; here
 * is what else a kernel needs: the time, random numbers, a console.
 */
#include <asm/unistd.h>
#include <time.h>
#include "catch.h"
#include "inner-share.h"
#include "vdso.h"

uint64_t clock_ask(void)
{
	return vdso_clock(CLOCK_MONOTONIC);
}

bool clock_is_even(void)
{
	return share->clock_even;
}

/* One for all processes: they read it under the lock. */
static uint64_t clock_ns(void *ctx)
{
	(void)ctx;
	return clock_read(&share->clock);
}

static uint64_t realtime_ns(void *ctx)
{
	(void)ctx;
	return vdso_clock(CLOCK_REALTIME);
}

/*
 * A thread that is in a call gets it when that is complete. What is for a process
 * comes to its helper, which has no thread; what is for others, to who stands for them.
 */
static void note_signal(void *ctx, struct lib_task *task, int sig)
{
	struct share_thread *thread = share_thread_of(task);
	uint32_t process = share_process_of(task);
	const struct share_owner *owner;

	(void)ctx;
	if (process >= SHARE_OWNER) {
		owner = &share->owners[process - SHARE_OWNER];
		owners_signal(owner->type, owner->id, sig);
	} else if (process) {
		host_call(__NR_kill, share->members[process].pid & ~SHARE_BIRTH, sig, 0, 0, 0, 0);
	} else if (task->done) {
		host_call(__NR_tgkill, share->members[thread->process].pid, thread->tid, sig, 0, 0, 0);
	} else {
		thread->signals |= 1ULL << (sig - 1);
	}
}

static void console_write(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	while (len--)
		share->console[share->console_len++ % sizeof(share->console)] = *text++;
}

static void random_fill(void *ctx, void *buf, size_t len)
{
	unsigned char *at = buf, *end = at + len;
	long got;

	(void)ctx;
	while (at < end) {
		got = host_call(__NR_getrandom, at, end - at, 0, 0, 0, 0);
		at += got > 0 ? got : 0;
	}
}

static void panicked(void *ctx, const char *reason)
{
	(void)ctx;
	share_declare_dead(reason);
}

void share_host(struct lib_host *host)
{
	*host = (struct lib_host) {
		.size = sizeof(*host),
		.version = LIB_ABI_VERSION,
		.process = share_process.number,
		.clock_ns = clock_ns,
		.realtime_ns = realtime_ns,
		.timer_arm = share_arm,
		.idle = share_idle,
		.wake = share_wake,
		.signal = note_signal,
		.console_write = console_write,
		.random = random_fill,
		.panic = panicked,
		.netdev_tx = share_transmit,
		.map_pages = share_map_pages,
		.unmap_pages = share_unmap_pages,
	};
}

