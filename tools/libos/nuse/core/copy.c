// SPDX-License-Identifier: GPL-2.0
/*
 * copy.c - sendfile, splice, tee and vmsplice where one side is the library's and
 * the other the host's: the bytes go through memory of ours.
 *
 * Nothing is taken from where it cannot be put back before the other side has
 * taken it, or is sure to: a file is read at a position, a pipe is looked into by
 * tee(), and of a socket is taken what a pipe has room for.
 */
#include "core.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define CHUNK	65536L
#define ALL_FLAGS	(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

static long min(long a, long b)
{
	return a < b ? a : b;
}

/* Of a host's file or a library's: args as of pread64() */
static long call_of(enum fd_kind kind, long nr, long fd, long a1, long a2, long a3)
{
	const long args[6] = { fd, a1, a2, a3 };

	return kind ? self_call(nr, args, NULL) : to_host(nr, args);
}

/* ------------------------------------------------------------------ splice */

/* 0, or why it is none; @wrong: the access that its other end has */
static long check_pipe(long fd, int wrong)
{
	long flags = host_call(__NR_fcntl, fd, F_GETFL, 0, 0, 0, 0);

	if (flags < 0 || (flags & O_ACCMODE) == wrong)
		return -EBADF;
	return host_call(__NR_fcntl, fd, F_GETPIPE_SZ, 0, 0, 0, 0) < 0 ? -EINVAL : 0;
}

/* A pipe of our own, for the length of a call */
static int make_pipe(int pipe[2])
{
	return host_call(__NR_pipe2, pipe, O_CLOEXEC, 0, 0, 0, 0);
}

static void close_pipe(const int pipe[2])
{
	host_call(__NR_close, pipe[0], 0, 0, 0, 0, 0);
	host_call(__NR_close, pipe[1], 0, 0, 0, 0, 0);
}

/* Reads @count bytes that are known to be there, for nothing. */
static void drop(long fd, void *buffer, long count)
{
	long got;

	while (count > 0) {
		got = host_call(__NR_read, fd, buffer, min(count, CHUNK), 0, 0, 0);
		if (got <= 0)
			return;
		count -= got;
	}
}

static long pipe_to_library(long in, long out, long len, int flags, void *buffer)
{
	int copy[2];
	long got, put = make_pipe(copy);

	if (put)
		return put;
	got = host_call(__NR_tee, in, copy[1], min(len, CHUNK), flags & SPLICE_F_NONBLOCK, 0, 0);
	if (got > 0)
		got = host_call(__NR_read, copy[0], buffer, got, 0, 0, 0);
	close_pipe(copy);
	if (got <= 0)
		return got;
	put = lib_call(__NR_sendto, out, (long)buffer, got, flags & SPLICE_F_MORE ? MSG_MORE : 0,
		       0, 0);
	if (put == -ENOTSOCK)
		put = lib_call(__NR_write, out, (long)buffer, got);
	drop(in, buffer, put);
	return put;
}

/*
 * How much of the pipe is sure to be free. It has slots, of PIPE_BUF bytes at most, and
 * one byte may fill one: only of an empty pipe it is known how many are free.
 */
static long room(long pipe)
{
	struct pollfd fd = { pipe, POLLOUT, 0 };
	struct timespec now = { 0 };
	int full = 0;
	long size = host_call(__NR_fcntl, pipe, F_GETPIPE_SZ, 0, 0, 0, 0);

	if (host_call(__NR_ppoll, &fd, 1, &now, 0, 8, 0) != 1)
		return 0;
	host_call(__NR_ioctl, pipe, 0x541b /* FIONREAD */, &full, 0, 0, 0);
	return full || fd.revents & POLLERR ? PIPE_BUF : size;
}

/* Only the pipe's side is told not to wait: a socket knows that itself. */
static long library_to_pipe(long in, long out, long len, int flags, void *buffer)
{
	struct pollfd fd = { out, POLLOUT, 0 };
	long got, put, all, space = room(out);

	if (!space && (flags & SPLICE_F_NONBLOCK ||
		       host_call(__NR_fcntl, out, F_GETFL, 0, 0, 0, 0) & O_NONBLOCK))
		return -EAGAIN;
	if (!space) {
		put = host_call(__NR_ppoll, &fd, 1, 0, 0, 8, 0);
		if (put < 0)
			return put;
		space = room(out);
	}
	got = lib_call(__NR_recvfrom, in, (long)buffer, min(min(len, CHUNK), space), 0, 0, 0);
	if (got == -ENOTSOCK)
		got = lib_call(__NR_read, in, (long)buffer, min(min(len, CHUNK), space));
	for (all = 0; all < got; all += put) {
		put = host_call(__NR_write, out, buffer + all, got - all, 0, 0, 0);
		if (put < 0 && put != -EAGAIN && put != -EINTR)
			return all ?: put;
		if (put < 0)
			put = 0;
	}
	return got;
}

/* in, its offset, out, its offset, length, flags: one of the two is a pipe. */
long copy_splice(long nr, const long args[6])
{
	enum fd_kind in = fd_kind(args[0]), out = fd_kind(args[2]);
	void *buffer;
	long ret;

	if (fd_is_hidden(args[0]) || fd_is_hidden(args[2]))
		return -EBADF;
	if (!in && !out)
		return host_pass(nr, args);
	if (in && out)
		return self_call(nr, args, NULL);
	if (!args[4])
		return 0;
	if (args[4] < 0 || (unsigned int)args[5] & ~ALL_FLAGS)
		return -EINVAL;
	ret = in ? check_pipe(args[2], O_RDONLY) : check_pipe(args[0], O_WRONLY);
	if (ret)
		return ret;
	if (args[in ? 3 : 1])
		return -ESPIPE;
	if (args[in ? 1 : 3])
		return -EINVAL;
	buffer = scratch_get(CHUNK);
	if (!buffer)
		return -ENOMEM;
	ret = in ? library_to_pipe(args[0], args[2], args[4], args[5], buffer) :
		   pipe_to_library(args[0], args[2], args[4], args[5], buffer);
	scratch_put(buffer, CHUNK);
	return ret;
}

/* ---------------------------------------------------------------- sendfile */

/* Sends what @in has from *@offset on, moving that by what was taken. */
static long send_from(long out, enum fd_kind out_kind, long in, enum fd_kind in_kind,
		      int64_t *offset, long count, void *buffer)
{
	long sent = 0, got, put;

	while (count > 0) {
		got = call_of(in_kind, __NR_pread64, in, (long)buffer, min(count, CHUNK), *offset);
		if (got <= 0)
			return sent ?: got;
		put = call_of(out_kind, __NR_write, out, (long)buffer, got, 0);
		if (put <= 0)
			return sent ?: put;
		*offset += put;
		sent += put;
		count -= put;
		if (put < got)
			break;
	}
	return sent;
}

/* From what has no position: into a pipe it may go. */
static long send_stream(long out, long in, enum fd_kind in_kind, long count, void *buffer)
{
	if (!in_kind)			/* the host says what is wrong */
		return host_call(__NR_sendfile, out, in, 0, count, 0, 0);
	return check_pipe(out, O_RDONLY) ?: library_to_pipe(in, out, count, 0, buffer);
}

static long sendfile(const long args[6], enum fd_kind out_kind, enum fd_kind in_kind, void *buffer)
{
	long out = args[0], in = args[1], count = args[3], seek, ret;
	int64_t offset;

	if (args[2] && peek(&offset, args[2], sizeof(offset)))
		return -EFAULT;
	if (args[2] && offset < 0)
		return -EINVAL;
	seek = call_of(in_kind, __NR_lseek, in, 0, SEEK_CUR, 0);
	if (seek == -ESPIPE)
		return args[2] ? -ESPIPE : send_stream(out, in, in_kind, count, buffer);
	if (seek < 0)
		return seek;
	if (!args[2])
		offset = seek;
	ret = send_from(out, out_kind, in, in_kind, &offset, count, buffer);
	if (args[2])
		return poke(args[2], &offset, sizeof(offset)) ?: ret;
	call_of(in_kind, __NR_lseek, in, offset, SEEK_SET, 0);
	return ret;
}

long copy_sendfile(long nr, const long args[6])
{
	enum fd_kind out = fd_kind(args[0]), in = fd_kind(args[1]);
	void *buffer;
	long ret;

	if (fd_is_hidden(args[0]) || fd_is_hidden(args[1]))
		return -EBADF;
	if (!out == !in)
		return out ? self_call(nr, args, NULL) : to_host(nr, args);
	if (args[3] < 0)
		return -EINVAL;
	buffer = scratch_get(CHUNK);
	if (!buffer)
		return -ENOMEM;
	ret = sendfile(args, out, in, buffer);
	scratch_put(buffer, CHUNK);
	return ret;
}

/* ------------------------------------------------------------------- others */

/* Two descriptors of the same kind, or none of these calls */
long copy_other(long nr, const long args[6])
{
	enum fd_kind first = fd_kind(args[0]);
	long other = nr == __NR_vmsplice ? args[0] : args[nr == __NR_tee ? 1 : 2];
	enum fd_kind second = fd_kind(other);

	if (fd_is_hidden(args[0]) || fd_is_hidden(other))
		return -EBADF;
	if (!first != !second)
		return -EINVAL;
	return first ? self_call(nr, args, NULL) : host_pass(nr, args);
}
