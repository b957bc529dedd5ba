// SPDX-License-Identifier: GPL-2.0
/*
 * hidden.c - the instance's own descriptors, which each of its processes has
 * (share.h), are not there for programs: calls on them fail with EBADF, and
 * directories that list descriptors, as /proc/PID/fd, leave them out.
 *
 * What is not such a directory costs one more call of the host, fstatfs().
 */
#include "core.h"
#include "tree.h"
#include <linux/magic.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define PROC_BLOCK	1024		/* st_blksize of all files there */

/* Only those that are in use are taken: others may be a program's. */
static bool is_own(unsigned int which)
{
	if (which < FD_DEVICE)
		return true;
	if (which < FD_CAPTURE)
		return which - FD_DEVICE < share->nr_devices;
	if (which < FD_RESOLV_CONF)
		return which - FD_CAPTURE < share->nr_captures;
	return which == FD_RESOLV_CONF && share->resolv_conf[0];
}

bool fd_is_hidden(long fd)
{
	return is_own((unsigned int)fd - share->fd_base);
}

/* The last number of those from @fd on of which none is hidden, up to @last */
static unsigned int end_of_run(unsigned int fd, unsigned int last)
{
	unsigned int low = share->fd_base, high = low + NR_OWN_FDS;

	if (fd < low)
		fd = low - 1;
	while (fd < high && !fd_is_hidden(fd + 1))
		fd++;
	return fd < high && fd < last ? fd : last;
}

long hidden_close_range(unsigned int first, unsigned int last, int flags)
{
	uint64_t fd = first;
	unsigned int end;
	long ret = 0;

	while (fd <= last && !ret) {
		end = fd;
		if (!fd_is_hidden(fd)) {
			end = end_of_run(fd, last);
			ret = host_call(__NR_close_range, fd, end, flags, 0, 0, 0);
		}
		fd = (uint64_t)end + 1;
	}
	return ret;
}

static unsigned int count(void)
{
	unsigned int which, nr = 0;

	for (which = 0; which < NR_OWN_FDS; which++)
		nr += is_own(which);
	return nr;
}

static bool is_list(long fd)
{
	struct statfs fs;

	return !host_call(__NR_fstatfs, fd, &fs, 0, 0, 0, 0) && fs.f_type == PROC_SUPER_MAGIC &&
	       tree_is_list(fd);
}

/* ------------------------------------------------------------------- entries */

#define RECLEN	16			/* where it is in an entry of either kind */

static bool is_hidden(const char *name)
{
	long fd = 0;

	for (; *name >= '0' && *name <= '9'; name++)
		fd = fd * 10 + *name - '0';
	return !*name && fd_is_hidden(fd);
}

/* Leaves them out of the entries, whose names are at @name; what is left */
static long strike(char *entries, long len, long name)
{
	long at, left = 0;
	uint16_t size;

	for (at = 0; at + name < len; at += size) {
		__builtin_memcpy(&size, entries + at + RECLEN, sizeof(size));
		if (is_hidden(entries + at + name))
			continue;
		__builtin_memmove(entries + left, entries + at, size);
		left += size;
	}
	return left;
}

static long strike_at(long to, long len, long name)
{
	char *entries = scratch_get(len);
	long left = -ENOMEM;

	if (!entries)
		return left;
	left = peek(entries, to, len);
	if (!left)
		left = strike(entries, len, name);
	if (left > 0 && poke(to, entries, left))
		left = -EFAULT;
	scratch_put(entries, len);
	return left;
}

/* None at all means the end, so it goes on where all of some were struck. */
long hidden_getdents(long nr, const long args[6])
{
	long ret;

	if (fd_kind(args[0]))
		return self_call(nr, args, NULL);
	do {
		ret = fd_on_host(nr, args);
		if (ret <= 0 || !is_list(args[0]))
			return ret;
		ret = strike_at(args[1], ret, nr == __NR_getdents ? 18 : 19);
	} while (!ret);
	return ret;
}

/* -------------------------------------------------------------------- the size */

/* The size of such a directory is how many it lists, since Linux 6.2. */
static void correct(long at)
{
	int64_t size;

	if (peek(&size, at, sizeof(size)) || size < count())
		return;
	size -= count();
	poke(at, &size, sizeof(size));
}

long hidden_path_call(long nr, const long args[6])
{
	long ret = to_host(nr, args);

	if (ret)
		return ret;
	if (nr == __NR_stat || nr == __NR_lstat)
		correct(args[1] + offsetof(struct stat, st_size));
	else if (nr == __NR_newfstatat)
		correct(args[2] + offsetof(struct stat, st_size));
	else if (nr == __NR_statx)
		correct(args[4] + offsetof(struct statx, stx_size));
	return 0;
}

/* fstat(), or newfstatat() without a path: most are of files that are none. */
long hidden_fstat(long nr, const long args[6])
{
	long at = args[nr == __NR_fstat ? 1 : 2], ret;
	struct stat st;

	if (fd_kind(args[0]))
		return self_call(nr, args, NULL);
	ret = fd_on_host(nr, args);
	if (!ret && !peek(&st, at, sizeof(st)) && S_ISDIR(st.st_mode) && st.st_size &&
	    st.st_blksize == PROC_BLOCK && is_list(args[0]))
		correct(at + offsetof(struct stat, st_size));
	return ret;
}
