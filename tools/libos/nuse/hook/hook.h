/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hook.h - what the hooks that generate.py makes from hooks.txt need.
 */
#ifndef _NUSE_HOOK_H
#define _NUSE_HOOK_H

#include <asm/unistd.h>
#include <linux/fcntl.h>
#include "../catch.h"

#define visible		__attribute__((visibility("default")))
#define hidden		__attribute__((visibility("hidden")))

/**
 * struct hook - what the hooks of this process go by
 * @fds:	where the core has its nuse_fds; where there is no core, a NULL
 * @call:	the core's nuse_call()
 */
struct hook {
	const uint64_t *const *fds;
	long (*call)(long nr, const long args[6]);
};
extern hidden struct hook hook;

/* A function: its name, and where a hook looks for libc's */
struct hooked {
	const char *name;
	void *next;
};
extern hidden const struct hooked hooked[];	/* the last has no name */

/* Whether @fd may be the library's; nuse_call() knows. */
static inline bool hook_has(unsigned int fd)
{
	const uint64_t *fds = *hook.fds;

	return fds && fd < NUSE_FDS && fds[fd / 64] >> fd % 64 & 1;
}

static inline bool hook_has_any(void)
{
	return *hook.fds;
}

/* Calls the core; results are those of libc's functions. */
hidden long hook_call(long nr, const long args[6]);
/* The same, for a cancellation point */
hidden long hook_wait(long nr, const long args[6]);
/* The plain system call, for hooks that are called before libc's are known */
hidden long hook_early(long nr, const long args[6]);

#endif /* _NUSE_HOOK_H */
