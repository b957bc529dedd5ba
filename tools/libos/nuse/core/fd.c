// SPDX-License-Identifier: GPL-2.0
/*
 * fd.c - descriptors: which are the library's, and how they come and go. See
 * core.h.
 */
#include "core.h"
#include <linux/close_range.h>
#include <linux/if_tun.h>
#include <linux/kcm.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

static uint64_t bit(int fd)
{
	return 1ULL << fd % 64;
}

/* Where the bit of a descriptor is in the calling process's table */
static uint64_t *fds_of(int fd)
{
	return &share->tables[self_member()].fds[fd / 64];
}

static struct share_epolls *epolls_of(int fd)
{
	return &share->tables[self_member()].epolls[fd / 64];
}

static void set(uint64_t *bits, int fd)
{
	if (!(*bits & bit(fd)))
		__atomic_or_fetch(bits, bit(fd), __ATOMIC_RELAXED);
}

static void clear(uint64_t *bits, int fd)
{
	if (*bits & bit(fd))
		__atomic_and_fetch(bits, ~bit(fd), __ATOMIC_RELAXED);
}

enum fd_kind fd_kind(long fd)
{
	if ((unsigned int)fd >= SHARE_FDS || !(*fds_of(fd) & bit(fd)))
		return FD_HOST;
	return epolls_of(fd)->all & bit(fd) ? FD_EPOLL : FD_LIBRARY;
}

long fd_on_host(long nr, const long args[6])
{
	return fd_is_hidden(args[0]) ? -EBADF : host_pass(nr, args);
}

void fd_mark(int fd, enum fd_kind kind)
{
	struct share_member *member = &share->members[self_member()];
	uint32_t top = __atomic_load_n(&member->top, __ATOMIC_RELAXED);
	struct share_epolls *epolls = epolls_of(fd);

	if (kind == FD_EPOLL)
		set(&epolls->all, fd);
	else
		clear(&epolls->all, fd);
	clear(&epolls->library, fd);
	clear(&epolls->host, fd);
	if (kind == FD_HOST)
		clear(fds_of(fd), fd);
	else
		set(fds_of(fd), fd);
	while (kind != FD_HOST && top <= (uint32_t)fd &&
	       !__atomic_compare_exchange_n(&member->top, &top, fd + 1, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

void fd_epoll_has(int fd, bool library, bool host)
{
	if (library)
		set(&epolls_of(fd)->library, fd);
	if (host)
		set(&epolls_of(fd)->host, fd);
}

void fd_epoll_sides(int fd, bool *library, bool *host)
{
	*library = epolls_of(fd)->library & bit(fd);
	*host = epolls_of(fd)->host & bit(fd);
}

/* ---------------------------------------------------------------- making */

static long host_close(int fd)
{
	return host_call(__NR_close, fd, 0, 0, 0, 0, 0);
}

/* What a fork has left behind while another thread closed it is in the way. */
static void make_room(int fd)
{
	if (fd_kind(fd))
		lib_call(__NR_close, fd);
}

long fd_settle(long fd, long nr, const long args[6], enum fd_kind kind)
{
	struct share_member *member = &share->members[self_member()];
	long ret;

	if (fd < 0)
		return fd;
	if (fd >= SHARE_FDS) {
		host_close(fd);
		return -EMFILE;
	}
	make_room(fd);
	__atomic_add_fetch(&member->making, 1, __ATOMIC_RELAXED);
	fd_mark(fd, kind);
	ret = self_make(nr, args, fd);
	__atomic_sub_fetch(&member->making, 1, __ATOMIC_RELAXED);
	if (ret >= 0 && ret != fd) {	/* A dup2() of the program has come in between. */
		lib_call(__NR_close, ret);
		return -EBUSY;
	}
	if (ret < 0) {
		fd_mark(fd, FD_HOST);
		host_close(fd);
	}
	return ret;
}

long fd_make(long nr, const long args[6], bool cloexec)
{
	long fd = host_call(__NR_fcntl, own_fd(FD_PLACEHOLDER),
			    cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 0, 0, 0, 0);

	return fd_settle(fd, nr, args, FD_LIBRARY);
}

/* Both numbers are the same epoll from now on: what it has is not known from one. */
static void share_epoll(int a, int b)
{
	fd_epoll_has(a, true, true);
	fd_epoll_has(b, true, true);
}

/* A duplicate of a library descriptor, by a call that the host does too */
static long duplicate(enum fd_kind kind, long nr, const long args[6], bool cloexec)
{
	long fd = to_host(nr, args), ret;

	ret = fd_settle(fd, __NR_fcntl,
			(long[6]) { args[0], cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, fd }, kind);
	if (kind == FD_EPOLL && ret >= 0)
		share_epoll(args[0], ret);
	return ret;
}

long fd_dup(long nr, const long args[6])
{
	enum fd_kind kind = fd_kind(args[0]);

	return kind ? duplicate(kind, nr, args, false) : fd_on_host(nr, args);
}

static long close_library(long fd)
{
	long ret;

	ret = lib_call(__NR_close, fd);
	fd_mark(fd, FD_HOST);
	host_close(fd);
	return ret;
}

/* dup2() and dup3() */
long fd_dup2(long nr, const long args[6])
{
	enum fd_kind from = fd_kind(args[0]), to = fd_kind(args[1]);
	int flags = nr == __NR_dup3 ? args[2] : 0;
	long ret, err;

	if (fd_is_hidden(args[0]) || fd_is_hidden(args[1]))
		return -EBADF;
	if ((!from && !to) || (int)args[0] == (int)args[1])
		return to_host(nr, args);
	if (from && (unsigned int)args[1] >= SHARE_FDS)
		return -EBADF;
	ret = to_host(nr, args);
	if (ret < 0)
		return ret;
	if (!from) {
		lib_call(__NR_close, ret);
		fd_mark(ret, FD_HOST);
		return ret;
	}
	fd_mark(ret, from);
	err = lib_call(__NR_dup3, args[0], ret, flags);
	if (err < 0) {			/* the instance has no memory for more */
		close_library(ret);
		return err;
	}
	if (from == FD_EPOLL)
		share_epoll(args[0], ret);
	return ret;
}

/* ---------------------------------------------------------------- closing */

long fd_close(long nr, const long args[6])
{
	if (fd_kind(args[0]))
		return close_library(args[0]);
	return fd_on_host(nr, args);
}

static void close_range_library(unsigned int first, unsigned int last, int flags)
{
	unsigned int top = share->members[self_member()].top, fd;

	for (fd = first; fd < top && fd <= last; fd++) {
		if (!fd_kind(fd))
			continue;
		if (flags & CLOSE_RANGE_CLOEXEC)
			lib_call(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC);
		else
			close_library(fd);
	}
}

long fd_close_range(long nr, const long args[6])
{
	unsigned int first = args[0], last = args[1];
	int flags = args[2];

	(void)nr;
	if (first > last || flags & ~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE))
		return -EINVAL;
	close_range_library(first, last, flags);
	return hidden_close_range(first, last, flags);
}

void fd_after_fork(void)
{
	struct share_member *member = &share->members[self_member()];
	unsigned int fd;

	for (fd = 0; member->making && fd < member->top; fd++)
		if (fd_kind(fd) && lib_call(__NR_fcntl, fd, F_GETFD) < 0)
			close_library(fd);
	member->making = 0;
}

void fd_after_exec(void)
{
	unsigned int top = share->members[self_member()].top, fd;

	for (fd = 0; fd < top; fd++)
		if (fd_kind(fd) && host_call(__NR_fcntl, fd, F_GETFD, 0, 0, 0, 0) < 0)
			close_library(fd);
	fd_after_fork();
}

/* ------------------------------------------------------------------ using */

long fd_fcntl(long nr, const long args[6])
{
	enum fd_kind kind = fd_kind(args[0]);

	if (!kind)
		return fd_on_host(nr, args);
	switch ((int)args[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return duplicate(kind, nr, args, args[1] == F_DUPFD_CLOEXEC);
	case F_SETFD:
		to_host(nr, args);
		break;
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
		return owner_fcntl(nr, args);
	}
	return self_call(nr, args, NULL);
}

long fd_call(long nr, const long args[6])
{
	return fd_kind(args[0]) ? self_call(nr, args, NULL) : fd_on_host(nr, args);
}

long fd_ioctl(long nr, const long args[6])
{
	if (!fd_kind(args[0]))
		return socket_asks(args) ? socket_ask(nr, args) : fd_on_host(nr, args);
	switch ((unsigned int)args[1]) {
	case FIOCLEX:
	case FIONCLEX:
		to_host(nr, args);
		break;
	case FIOSETOWN:
	case SIOCSPGRP:
	case FIOGETOWN:
	case SIOCGPGRP:
		return owner_ioctl(nr, args);
	case SIOCGSKNS:
	case NS_GET_USERNS:
	case NS_GET_PARENT:
	case TUNGETDEVNETNS:
		return fd_make(nr, args, true);
	case SIOCKCMCLONE:
		return socket_clone(nr, args);
	}
	return self_call(nr, args, NULL);
}
