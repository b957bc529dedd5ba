// SPDX-License-Identifier: GPL-2.0
/*
 * shared.c - see shared.h
 *
 * Of struct libos only the name and the table of exports are of use here: nobody
 * enters by its lock, and no call is made but call()'s.
 */
#include <asm/unistd.h>
#include <stdio.h>
#include "../lib/instance.h"
#include "catch.h"
#include "share.h"
#include "shared.h"

#define KEEPER	1	/* the process that made the instance */

struct libos *shared_instance(const char *name)
{
	static struct libos instance;

	snprintf(instance.name, sizeof(instance.name), "%s", name);
	instance.exports = share->exports;
	return &instance;
}

long call(struct libos *l, long nr, long a0, long a1, long a2, long a3, long a4, long a5)
{
	const long args[6] = { a0, a1, a2, a3, a4, a5 };
	struct share_thread *self;
	int err;

	(void)l;
	self = share_self(KEEPER, &err);
	return self ? share_call(self, nr, args, NULL) : err;
}

/* Who may not make an interface may still have one of its own. */
void shared_set_modes(struct libos *l)
{
	call(l, __NR_chmod, (long)"/dev/net/tun", 0666, 0, 0, 0, 0);
}

struct lib_task *task_enter(struct libos *l, int *err)
{
	struct share_thread *self = share_self(KEEPER, err);

	(void)l;
	if (self)
		*err = share_enter();
	return *err ? NULL : self->task;
}

void task_leave(struct libos *l)
{
	(void)l;
	share_leave();
}

void let_kernel_work(struct libos *l)
{
	if (share_enter())
		return;
	l->exports.run();
	share_leave();
}

/* ----------------------------------------------------------------- gateway */

/* This process is not caught. */
const uint64_t *nuse_fds;

long nuse_call(long nr, const long a[6])
{
	return host_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int gateway_make(void);		/* catch/gateway.c */

int shared_gateway(void)
{
	return gateway_make();
}

/* ----------------------------------------------------------------- console */

size_t shared_console(char *text, size_t size)
{
	uint32_t end = share->console_len, room = sizeof(share->console), at, len = 0;

	at = end > room ? end - room : 0;
	if (end - at > size)
		at = end - size;
	while (at != end)
		text[len++] = share->console[at++ % room];
	if (share->dead && len < size)
		len += snprintf(text + len, size - len, "the instance is dead: %.127s\n",
				share->reason);
	return len < size ? len : size;
}
