// SPDX-License-Identifier: GPL-2.0
/*
 * cgroup.c - BPF programs of cgroups, as "ip vrf exec" has them.
 *
 * Cgroups are the host's: there they are made, and processes join them. One to which a
 * BPF program is attached is made in the instance, too, under the path that it has at
 * the host, and a process that execs joins the nearest to its own that is there.
 */
#include "core.h"
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#define BASE		"/run/cgroup"		/* where the instance has them */
#define PATH		512
#define PROCS		"/cgroup.procs"
#define ATTR_MAX	256UL

static bool is_cgroup(const struct statfs *fs)
{
	return fs->f_type == CGROUP2_SUPER_MAGIC;
}

/* The part of a path of the host that follows the mount of the hierarchy; NULL: there is none */
static const char *below_mount(char path[PATH])
{
	struct statfs fs;
	char *end, was;

	for (end = path + 1; ; end++) {
		if (*end && *end != '/')
			continue;
		was = *end;
		*end = 0;
		if (!host_call(__NR_statfs, path, &fs, 0, 0, 0, 0) && is_cgroup(&fs)) {
			*end = was;
			return end;
		}
		if (!was)
			return NULL;
		*end = was;
	}
}

/* In the mount namespace of the thread */
static bool mounted(void)
{
	if (!lib_call(__NR_access, (long)(BASE PROCS), 0))
		return true;
	lib_call(__NR_mkdir, (long)BASE, 0755);
	return !lib_call(__NR_mount, (long)"none", (long)BASE, (long)"cgroup2", 0, 0);
}

/* Makes it in the instance, and opens it. */
static long make(const char *name)
{
	char path[sizeof(BASE) + PATH], *at;

	if (!mounted())
		return -EBADF;
	append(append(path, BASE), name);
	for (at = path + sizeof(BASE); at[-1] && *at; at++) {
		if (*at != '/')
			continue;
		*at = 0;
		lib_call(__NR_mkdir, (long)path, 0755);
		*at = '/';
	}
	lib_call(__NR_mkdir, (long)path, 0755);
	__atomic_store_n(&share->cgroups, true, __ATOMIC_RELAXED);
	return self_make(__NR_open, (long[6]) { (long)path, O_RDONLY | O_DIRECTORY },
			 share->fd_base);
}

/* A hidden descriptor of the instance for one of the host; -EBADF: it is no cgroup. */
static long translate(int fd)
{
	char link[32] = "/proc/self/fd/", digits[12], path[PATH], *to = digits + sizeof(digits);
	const char *name;
	struct statfs fs;
	long len;

	if (fd < 0 || fd_is_hidden(fd) || host_call(__NR_fstatfs, fd, &fs, 0, 0, 0, 0) ||
	    !is_cgroup(&fs))
		return -EBADF;
	*--to = 0;
	do {
		*--to = '0' + fd % 10;
		fd /= 10;
	} while (fd);
	append(link + sizeof("/proc/self/fd/") - 1, to);
	len = host_call(__NR_readlink, link, path, sizeof(path) - 1, 0, 0, 0);
	if (len <= 0 || len == sizeof(path) - 1)
		return -EBADF;
	path[len] = 0;
	name = below_mount(path);
	return name ? make(name) : -EBADF;
}

static bool has_target(long command)
{
	return command == BPF_PROG_ATTACH || command == BPF_PROG_DETACH ||
	       command == BPF_PROG_QUERY || command == BPF_LINK_CREATE;
}

long cgroup_bpf(long nr, const long args[6])
{
	uint32_t attr[ATTR_MAX / sizeof(uint32_t)], *target = &attr[args[0] == BPF_LINK_CREATE];
	long size = (uint32_t)args[2], fd, ret;
	uint32_t was;

	if (!has_target(args[0]) || size < 8 || size > (long)ATTR_MAX ||
	    peek(attr, args[1], size) || fd_kind(*target))
		return socket_bpf(nr, args);
	was = *target;
	fd = translate(was);
	if (fd < 0)
		return socket_bpf(nr, args);
	*target = fd;
	ret = socket_bpf(nr, (long[6]) { args[0], (long)attr, size });
	lib_call(__NR_close, fd);
	*target = was;
	return args[0] == BPF_PROG_QUERY && poke(args[1], attr, size) ? -EFAULT : ret;
}

/* ---------------------------------------------------------------- membership */

/* The calling process's, of the lines "ID:CONTROLLERS:PATH": "0::PATH" */
static bool own_name(char name[PATH])
{
	long fd = host_call(__NR_open, "/proc/self/cgroup", O_RDONLY | O_CLOEXEC, 0, 0, 0, 0), len;
	char text[4096], *line, *end;

	if (fd < 0)
		return false;
	len = host_call(__NR_read, fd, text, sizeof(text) - 1, 0, 0, 0);
	host_call(__NR_close, fd, 0, 0, 0, 0, 0);
	if (len <= 0)
		return false;
	text[len] = 0;
	for (line = text; *line; line = end + 1) {
		for (end = line; *end && *end != '\n'; end++)
			;
		if (!*end)
			return false;
		*end = 0;
		if (line[0] == '0' && line[1] == ':' && line[2] == ':' && end - line < PATH) {
			append(name, line + 3);
			return true;
		}
	}
	return false;
}

static bool join(const char *name)
{
	char path[sizeof(BASE) + PATH + sizeof(PROCS)];
	long fd;

	append(append(append(path, BASE), name), PROCS);
	fd = self_make(__NR_open, (long[6]) { (long)path, O_WRONLY }, share->fd_base);
	if (fd < 0)
		return false;
	lib_call(__NR_write, fd, (long)"0", 1);
	lib_call(__NR_close, fd);
	return true;
}

void cgroup_after_exec(void)
{
	char name[PATH], *end;

	if (!__atomic_load_n(&share->cgroups, __ATOMIC_RELAXED) || !mounted() || !own_name(name))
		return;
	while (!join(name) && name[0]) {
		for (end = name; *end; end++)
			;
		while (end > name && *end != '/')
			end--;
		*end = 0;
	}
}
