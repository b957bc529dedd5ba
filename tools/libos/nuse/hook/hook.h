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
 * struct hook - what a hook goes by
 * @name:	of the function
 * @next:	the one that has the calls that are not the library's
 * @fds:	where the core has its nuse_fds; a NULL if all calls are for @next
 */
struct hook {
	const char *name;
	void *next;
	const uint64_t *const *fds;
};

extern hidden struct hook *const hooks[];		/* all, and a NULL */
extern hidden const uint64_t *const hook_no_fds;	/* a NULL */

/* Whether @fd may be the library's; nuse_call() knows. */
static inline bool hook_has(const struct hook *hook, unsigned int fd)
{
	const uint64_t *fds = *hook->fds;

	return fds && fd < NUSE_FDS && fds[fd / 64] >> fd % 64 & 1;
}

static inline bool hook_has_any(const struct hook *hook)
{
	return *hook->fds;
}

/* Calls the core; results are those of libc's functions. */
hidden long hook_call(long nr, const long args[6]);
/* The same, for a cancellation point */
hidden long hook_wait(long nr, const long args[6]);
/* The plain system call, for hooks that are called before libc's are known */
hidden long hook_early(long nr, const long args[6]);

#endif /* _NUSE_HOOK_H */
