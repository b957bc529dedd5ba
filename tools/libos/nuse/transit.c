// SPDX-License-Identifier: GPL-2.0
/*
 * transit.c - see transit.h
 *
 * The task, which has all privileges, fetches a file from a process by
 * pidfd_getfd(). In the other direction it is sent through a socketpair that the
 * process has made and of which the task fetches one end: a process need not have
 * privileges for that, or be in the same namespaces.
 *
 * All of a process's calls for one file are made without giving the lock away, so
 * its other threads never see the numbers in between.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <sys/socket.h>
#include "catch.h"
#include "inner-share.h"

#define PATIENCE	100		/* turns, of 0.1 s at most */

#define on(task, nr, ...)	on_task(task, nr, (long[6]) { __VA_ARGS__ })

static long on_task(struct lib_task *task, long nr, const long a[6])
{
	return share->exports.syscall(task, nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Under the lock: the task is ours. It waits, if it does, as @self. */
static int begin(struct share_thread *self)
{
	struct share_transit *transit = &share->transit;
	int err = share_enter(), turns = 0;

	if (err)
		return err;
	while (transit->user && turns++ < PATIENCE && !share->dead)
		share_await_turn();
	err = share->dead ? -EOWNERDEAD : transit->user ? -EAGAIN : 0;
	if (!err)
		transit->user = self->process;
	if (!err && !transit->task) {
		err = share_make_task(share->members[1].helper, &transit->task, LIB_TASK_PROCESS);
		if (err)
			transit->task = NULL;
	}
	if (err) {
		if (transit->user == self->process)
			transit->user = 0;
		share_leave();
		return err;
	}
	share_local[share_slot(self)].wait = NULL;
	transit->task->host[0] = share_slot(self);
	share->exports.task_adopt(transit->task);
	return 0;
}

static void end(void)
{
	share->transit.user = 0;
	share_next_turn();
	share_leave();
}

/* Of the process's descriptor @fd, in the task */
static long fetch(struct share_thread *self, int fd)
{
	struct lib_task *task = share->transit.task;
	long pidfd = on(task, __NR_pidfd_open, on(self->task, __NR_getpid)), got;

	if (pidfd < 0)
		return pidfd;
	got = on(task, __NR_pidfd_getfd, pidfd, fd);
	on(task, __NR_close, pidfd);
	return got;
}

/* The slot with that cookie, 0 for a free one; SHARE_TRANSITS: there is none */
static uint32_t find(uint64_t cookie)
{
	uint32_t slot = 0;

	while (slot < SHARE_TRANSITS && share->transit.slots[slot].cookie != cookie)
		slot++;
	return slot;
}

long transit_put(struct share_thread *self, long nr, const long args[6])
{
	struct transit_call *call = (void *)args[0];
	long fd = begin(self);
	uint32_t slot;

	(void)nr;
	if (fd)
		return fd;
	slot = find(0);
	fd = slot < SHARE_TRANSITS ? fetch(self, call->fd) : -ETOOMANYREFS;
	if (fd >= 0) {
		share->transit.slots[slot].cookie = call->cookie;
		share->transit.slots[slot].fd = fd;
	}
	end();
	return fd < 0 ? fd : 0;
}

/* Through a socket that the task has as @to, and the process as @from */
static long pass(struct share_thread *self, int fd, int to, int from)
{
	struct {
		struct cmsghdr head;
		int fd;
	} control = { { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS }, fd };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	long ret = on(share->transit.task, __NR_sendmsg, to, (long)&msg, MSG_DONTWAIT);

	if (ret == 1)
		ret = on(self->task, __NR_recvmsg, from, (long)&msg, MSG_DONTWAIT);
	return ret == 1 && msg.msg_controllen ? control.fd : ret < 0 ? ret : -EMFILE;
}

/* The task's @fd becomes a descriptor of the process, of any number. */
static long give(struct share_thread *self, int fd)
{
	struct lib_task *task = share->transit.task;
	int pair[2];
	long ret, end;

	ret = on(self->task, __NR_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)pair);
	if (ret)
		return ret;
	end = fetch(self, pair[0]);
	ret = end;
	if (end >= 0) {
		ret = pass(self, fd, end, pair[1]);
		on(task, __NR_close, end);
	}
	on(self->task, __NR_close, pair[0]);
	on(self->task, __NR_close, pair[1]);
	return ret;
}

long transit_take(struct share_thread *self, long nr, const long args[6])
{
	struct transit_call *call = (void *)args[0];
	long fd = begin(self), ret;
	uint32_t slot;

	(void)nr;
	if (fd)
		return fd;
	slot = find(call->cookie);
	fd = slot < SHARE_TRANSITS ? give(self, share->transit.slots[slot].fd) : -ENOENT;
	ret = fd;
	if (fd >= 0 && fd != call->fd) {
		ret = on(self->task, __NR_dup3, fd, call->fd, call->flags);
		on(self->task, __NR_close, fd);
	} else if (fd >= 0 && call->flags) {
		on(self->task, __NR_fcntl, fd, 2 /* F_SETFD */, 1 /* FD_CLOEXEC */);
	}
	end();
	return ret < 0 ? ret : 0;
}

long transit_drop(struct share_thread *self, long nr, const long args[6])
{
	struct transit_call *call = (void *)args[0];
	long err = begin(self);
	uint32_t slot;

	(void)nr;
	if (err)
		return err;
	slot = find(call->cookie);
	if (slot < SHARE_TRANSITS) {
		share->transit.slots[slot].cookie = 0;
		on(share->transit.task, __NR_close, share->transit.slots[slot].fd);
	}
	end();
	return 0;
}
