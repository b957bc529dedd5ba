// SPDX-License-Identifier: GPL-2.0
/*
 * path.c - files of the instance that programs look for in the file system: its
 * /proc/net, /proc/sys/net, /sys/class/net, network namespaces and /dev/net/tun.
 *
 * All other paths are the host's; but /etc/resolv.conf is that of the
 * configuration, if it has one.
 */
#include "core.h"
#include <linux/mount.h>
#include <linux/openat2.h>

#define HEAD	64			/* no path that matters is decided later */

/* Directories, and all below; in any order */
static const char *const trees[] = {
	"/proc/net", "/proc/sys/net", "/proc/self/net", "/proc/thread-self/net",
	"/proc/self/ns/net", "/proc/thread-self/ns/net",
	"/sys/class/net", "/sys/devices/virtual/net",
	"/dev/net/tun", "/run/netns", "/var/run/netns",
};

static size_t length(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	return len;
}

/* Whether @path begins with @start; where it goes on, or NULL */
static const char *after(const char *path, const char *start)
{
	while (*start && *path == *start) {
		path++;
		start++;
	}
	return *start ? NULL : path;
}

static bool is_below(const char *path, const char *tree)
{
	const char *rest = after(path, tree);

	return rest && (!*rest || *rest == '/');
}

static const char *skip_number(const char *path, uint32_t *number)
{
	for (*number = 0; *path >= '0' && *path <= '9'; path++)
		*number = *number * 10 + *path - '0';
	return path;
}

/* The id in the instance of a process of the host; 0: it is none of its processes */
static uint32_t lib_pid(uint32_t pid)
{
	unsigned int i;

	for (i = 1; i < SHARE_PROCESSES; i++)
		if (share->members[i].pid == pid)
			return share->members[i].helper->tid;
	return 0;
}

/*
 * "/proc/PID/net..." and "/proc/PID/ns/net" of a process that is in the instance:
 * @path, of HEAD bytes, gets its id there.
 */
static bool map_pid(char path[HEAD])
{
	const char *rest = after(path, "/proc/");
	char digits[12], tail[HEAD], *to = path;
	uint32_t pid;
	int i = sizeof(digits);

	if (!rest || *rest < '1' || *rest > '9')
		return false;
	rest = skip_number(rest, &pid);
	if (!is_below(rest, "/net") && !is_below(rest, "/ns/net"))
		return false;
	pid = lib_pid(pid);
	if (!pid || length(path) > HEAD - 12)
		return false;
	digits[--i] = 0;
	for (; pid; pid /= 10)
		digits[--i] = '0' + pid % 10;
	peek_string(tail, (long)rest, sizeof(tail));
	to += length("/proc/");
	peek_string(to, (long)(digits + i), 12);
	peek_string(to + length(to), (long)tail, sizeof(tail));
	return true;
}

enum whose { OF_HOST, OF_INSTANCE, MAPPED };

/* Takes the start of the program's path to @head; with MAPPED, that is the path. */
static enum whose whose(long path, char head[HEAD + 1])
{
	unsigned int i;
	long len = peek_string(head, path, HEAD);

	if (len == -EFAULT || head[0] != '/')
		return OF_HOST;
	if (len < 0)
		head[HEAD] = 0;
	switch (head[1]) {
	case 'p':
	case 's':
	case 'd':
	case 'r':
	case 'v':
		break;
	case 'e':
		return share->resolv_conf[0] && len > 0 && after(head, "/etc/resolv.conf") &&
		       !head[length("/etc/resolv.conf")] ? MAPPED : OF_HOST;
	default:
		return OF_HOST;
	}
	for (i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
		if (is_below(head, trees[i]))
			return OF_INSTANCE;
	return len > 0 && map_pid(head) ? MAPPED : OF_HOST;
}

/* ------------------------------------------------------------------ calls */

static bool is_open(long nr)
{
	return nr == __NR_open || nr == __NR_openat || nr == __NR_creat || nr == __NR_openat2;
}

static bool opens_cloexec(long nr, const long args[6])
{
	struct open_how how;

	if (nr == __NR_openat2)
		return !peek(&how, args[2], sizeof(how)) && how.flags & O_CLOEXEC;
	return nr != __NR_creat && args[nr == __NR_open ? 1 : 2] & O_CLOEXEC;
}

static long do_library(long nr, const long args[6])
{
	return is_open(nr) ? fd_make(nr, args, opens_cloexec(nr, args)) : self_call(nr, args, NULL);
}

/* The path is argument @i. */
static long do_path(long nr, const long args[6], int i)
{
	long changed[6] = { args[0], args[1], args[2], args[3], args[4], args[5] };
	char head[HEAD + 1];

	switch (whose(args[i], head)) {
	case OF_HOST:
		return to_host(nr, args);
	case OF_INSTANCE:
		return do_library(nr, args);
	case MAPPED:
		break;
	}
	if (head[1] == 'e') {
		changed[i] = (long)share->resolv_conf;
		return to_host(nr, changed);
	}
	changed[i] = (long)head;
	return do_library(nr, changed);
}

long path_call(long nr, const long args[6])
{
	return do_path(nr, args, 0);
}

/* Relative to a directory of the instance, or with no path but the descriptor */
long path_at_call(long nr, const long args[6])
{
	char first;

	if (fd_kind(args[0]) && (!args[1] || (!peek(&first, args[1], 1) && first != '/')))
		return do_library(nr, args);
	return do_path(nr, args, 1);
}

/* ------------------------------------------------------------------ mounts */

/*
 * A mount at a path of the instance is the instance's. What "ip netns exec" does
 * so that /sys shows another namespace concerns both sides, and succeeds if it
 * does on one.
 */
static long on_both(long nr, const long args[6])
{
	long host = to_host(nr, args), library = self_call(nr, args, NULL);

	return library ? host : 0;
}

static bool is(long path, const char *text)
{
	char start[HEAD + 1];
	const char *rest;

	if (peek_string(start, path, HEAD) < 0)
		return false;
	rest = after(start, text);
	return rest && !*rest;
}

long path_mount(long nr, const long args[6])
{
	const unsigned long propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	char head[HEAD + 1];

	if (whose(args[1], head) == OF_INSTANCE)
		return self_call(nr, args, NULL);
	if ((is(args[1], "/") && args[3] & propagation) || is(args[1], "/sys"))
		return on_both(nr, args);
	return to_host(nr, args);
}

long path_umount(long nr, const long args[6])
{
	char head[HEAD + 1];

	if (whose(args[0], head) == OF_INSTANCE)
		return self_call(nr, args, NULL);
	return is(args[0], "/sys") ? on_both(nr, args) : to_host(nr, args);
}
