/* SPDX-License-Identifier: GPL-2.0 */
/* inner-share.h - what the files of share.h have for each other; under the lock */
#ifndef _NUSE_INNER_SHARE_H
#define _NUSE_INNER_SHARE_H

#include "share.h"

/* Ended, even if its parent has not looked yet; a thread that is no process, too */
bool share_is_gone(uint32_t tid);

/* Nobody enters again; who waits finds out. */
void share_declare_dead(const char *reason);

/* Somebody has died, or was stopped, who may have been about to wake others. */
void share_wake_again(void);

/* Gives the lock away until a task is made, or the transit is free. */
void share_await_turn(void);
/* Under the lock: who was killed in the middle of making a task has left the kernel so. */
void share_check_maker(void);
/* Such a thing has happened. */
void share_next_turn(void);

/* A new task, of @parent; the lock is given away meanwhile. */
int share_make_task(struct lib_task *parent, struct lib_task **task, uint32_t flags);

/* A thread is gone that may have been waiting. */
void share_delist(struct share_thread *thread);
void share_return_kick(struct share_thread *thread);

struct share_thread *share_thread_of(const struct lib_task *task);

/* A task that is no thread's: the process whose helper it is, or SHARE_OWNER and more; 0 */
static inline uint32_t share_process_of(const struct lib_task *task)
{
	return task->host[1];
}

#define SHARE_OWNER	SHARE_PROCESSES	/* and which of share_control::owners */

/* lib_host::timer_arm, ::idle, ::wake */
void share_arm(void *ctx, uint64_t deadline);
void share_idle(void *ctx, struct lib_task *task, uint64_t deadline);
void share_wake(void *ctx, struct lib_task *task);

/* lib_host::netdev_tx; see transmit.c */
unsigned int share_transmit(void *ctx, uint32_t id, const struct lib_packet *pkts,
			    unsigned int nr);
/* Sends what is held, as far as there is room; whether anything went. */
bool share_transmit_held(struct share_device *dev);
/* A device holds packets, of which who polls does not know. */
void share_poll_again(void);

/* Notes packets of a device that has a capture; @out: from the kernel. */
void share_capture(const struct share_device *dev, bool out, const struct lib_packet *pkts,
		   unsigned int nr);

#endif /* _NUSE_INNER_SHARE_H */
