/* SPDX-License-Identifier: GPL-2.0 */
/*
 * owners.h - who gets the signals of a descriptor (F_SETOWN) and is no process of the
 * instance: a process group, a thread, a process outside.
 *
 * The kernel has a task for each that makes no calls: its signals are sent on to
 * those at the host for whom it stands. It goes when another is made and they are
 * gone.
 */
#ifndef _NUSE_OWNERS_H
#define _NUSE_OWNERS_H

#include <stdint.h>

#define SHARE_OWNERS	64

/**
 * struct share_owner - one of them
 * @tid:	of its task, in the instance; 0: the entry is free
 * @type:	F_OWNER_TID, F_OWNER_PID or F_OWNER_PGRP
 * @id:		at the host
 * @uid:	the user in the instance whose descriptors may send signals to it
 */
struct share_owner {
	uint32_t tid;
	uint32_t type;
	int id;
	uint32_t uid;
	struct lib_task *task;
};

struct share_thread;

/*
 * args[0] and args[1] are a type and an id: the id in the instance of who stands for
 * that, made if there is none. Returns a negative errno on failure.
 */
long owners_get(struct share_thread *self, long nr, const long args[6]);

/* Which of them has @tid; NULL: none */
const struct share_owner *owners_find(uint32_t tid);

/* Sends a signal, 0 for none, as kill() does. */
long owners_signal(int type, int id, int sig);

#endif /* _NUSE_OWNERS_H */
