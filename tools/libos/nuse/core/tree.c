// SPDX-License-Identifier: GPL-2.0
/*
 * tree.c - see tree.h
 *
 * Processes have other numbers in the instance than at the host, where programs
 * know them from, so what is below /proc/PID and a thread there is renamed.
 */
#include "core.h"
#include "tree.h"

/* Directories, and all below; in any order */
static const char *const trees[] = {
	"/proc/net", "/proc/sys/net", "/proc/self/net", "/proc/thread-self/net",
	"/proc/self/ns/net", "/proc/thread-self/ns/net",
	"/sys/class/net", "/sys/devices/virtual/net",
	"/sys/kernel/btf", "/sys/fs/bpf", "/sys/bus/netdevsim", "/sys/kernel/debug/netdevsim",
	"/dev/net/tun", "/run/netns",
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

/* What follows a number and a slash, or the end; NULL: there is none */
static const char *skip_number(const char *path, uint32_t *number)
{
	const char *start = path;

	for (*number = 0; *path >= '0' && *path <= '9'; path++)
		*number = *number * 10 + *path - '0';
	if (path == start || (*path && *path != '/'))
		return NULL;
	return *path ? path + 1 : path;
}

static bool is_number(const char *text)
{
	uint32_t number;
	const char *rest = skip_number(text, &number);

	return rest && !*rest;
}

/* --------------------------------------------------------------- processes */

uint32_t tree_pid(uint32_t pid)
{
	uint32_t number = ids_member(pid);

	return number ? share->members[number].helper->tid : 0;
}

/* The id that thread @tid of the host has in the instance; 0: it has made no call there */
static uint32_t task_of(uint32_t tid)
{
	unsigned int i;

	for (i = 0; i < share->nr_threads; i++)
		if (share->threads[i].process && share->threads[i].tid == tid)
			return share->threads[i].task->tid;
	return 0;
}

/* The number of "fd/N" or "fdinfo/N", or of a file there; -1: it is none */
static long descriptor_of(const char *path)
{
	const char *digits = after(path, "fd/") ?: after(path, "fdinfo/");
	uint32_t fd;

	if (!digits || !skip_number(digits, &fd) || fd >= SHARE_FDS)
		return -1;
	return fd;
}

static bool is_socket(const struct share_member *member, long fd)
{
	const struct share_table *table = &share->tables[member - share->members];

	return fd >= 0 && table->fds[fd / 64] & ~table->epolls[fd / 64].all & 1ULL << fd % 64;
}

/*
 * What follows "/proc/PID/" or "/proc/PID/task/TID/" of a process that is in the
 * instance, which is @member, and that task there @id; NULL: it is no such path
 */
static const char *in_process(const char *path, const struct share_member **member, uint32_t *id)
{
	const char *rest = after(path, "/proc/"), *own;
	uint32_t number;

	if (!rest)
		return NULL;
	own = after(rest, "self/") ?: after(rest, "thread-self/");
	rest = own ?: skip_number(rest, &number);
	if (!rest)
		return NULL;
	*member = &share->members[own ? self_member() : ids_member(number)];
	if (!(*member)->helper)
		return NULL;
	*id = (*member)->helper->tid;
	if (after(rest, "task/")) {
		rest = skip_number(after(rest, "task/"), &number);
		*id = task_of(number) ?: *id;
	}
	return rest;
}

bool tree_lists_descriptors(const char *path)
{
	const struct share_member *member;
	const char *rest;
	uint32_t id;

	rest = after(path, "/dev/") ?: in_process(path, &member, &id);
	if (rest)
		rest = after(rest, "fdinfo") ?: after(rest, "fd");
	return rest && (!*rest || (*rest == '/' && !rest[1]));
}

/* If it has to do with the network of its process */
static enum whose map_process(char path[TREE_HEAD + 1])
{
	const struct share_member *member;
	char tail[TREE_HEAD];
	const char *rest;
	uint32_t id;
	long fd;

	if (length(path) > TREE_HEAD - 20)
		return OF_HOST;
	rest = in_process(path, &member, &id);
	if (!rest)
		return OF_HOST;
	fd = descriptor_of(rest);
	if (fd_is_hidden(fd))
		return NOBODYS;
	if (!is_below(rest, "net") && !is_below(rest, "ns/net") && !is_socket(member, fd))
		return OF_HOST;
	append(tail, rest);
	append(append(append_number(append(path, "/proc/"), id), "/"), tail);
	return MAPPED;
}

/* --------------------------------------------------------------- all paths */

static bool is_ours(const char *path)
{
	const char *tap = after(path, "/dev/tap");	/* of a macvtap */
	unsigned int i;

	if (tap && is_number(tap))
		return true;
	for (i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
		if (is_below(path, trees[i]))
			return true;
	return false;
}

/* Puts @name, of a directory, in place of the start of the path, which is @start. */
static void rename_start(char path[TREE_HEAD + 1], const char *start, const char *name)
{
	char tail[TREE_HEAD + 1];

	append(tail, path + length(start));
	append(append(path, name), tail);
}

/* As they have it in the instance */
static enum whose map(char path[TREE_HEAD + 1])
{
	if (is_below(path, "/var/run/netns")) {
		rename_start(path, "/var/run", "/run");
		return MAPPED;
	}
	if (is_below(path, "/dev/fd") && length(path) < TREE_HEAD / 2)
		rename_start(path, "/dev", "/proc/self");
	return map_process(path);
}

/* Of an absolute path; it is complete if @len is not negative. */
static enum whose whose(char head[TREE_HEAD + 1], long len)
{
	switch (head[1]) {
	case 'p':
	case 's':
	case 'd':
	case 'r':
	case 'v':
		break;
	case 'e':
		return share->resolv_conf[0] && len > 0 && is_below(head, "/etc/resolv.conf") ?
		       MAPPED_FILE : OF_HOST;
	default:
		return OF_HOST;
	}
	if (is_ours(head))
		return OF_INSTANCE;
	return len > 0 ? map(head) : OF_HOST;
}

/* ---------------------------------------------------------- relative paths */

/* Whether it may go on into a tree from a directory above: so most are passed on. */
static bool may_lead(const char *path)
{
	static const char *const words[] = {
		"net", "netns", "ns", "class", "sys", "proc", "run", "dev", "devices",
		"virtual", "self", "thread-self", "task", "var",
	};
	unsigned int i;

	if (*path >= '1' && *path <= '9')
		return true;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_below(path, words[i]))
			return true;
	return false;
}

/* The directory's path at the host; false if it is too long to be above a tree */
static bool find_base(int dir, char base[TREE_HEAD / 2])
{
	char link[32];
	long len;

	if (dir == AT_FDCWD)
		return host_call(__NR_getcwd, base, TREE_HEAD / 2, 0, 0, 0, 0) > 0;
	append_number(append(link, "/proc/self/fd/"), dir);
	len = host_call(__NR_readlink, link, base, TREE_HEAD / 2 - 1, 0, 0, 0);
	if (len <= 0 || len == TREE_HEAD / 2 - 1)
		return false;
	base[len] = 0;
	return true;
}

bool tree_is_list(int dir)
{
	char path[TREE_HEAD / 2];

	return find_base(dir, path) && tree_lists_descriptors(path);
}

static enum whose whose_relative(int dir, char head[TREE_HEAD + 1], long len)
{
	char base[TREE_HEAD / 2], tail[TREE_HEAD];
	const char *path = after(head, "./") ?: head;
	enum whose ret;

	if (dir == AT_FDCWD && share->members[self_member()].inside)
		return OF_INSTANCE;
	if (len < 0 || len >= TREE_HEAD / 2 || !may_lead(path) || !find_base(dir, base))
		return OF_HOST;
	append(tail, path);
	append(append(append(head, base), base[1] ? "/" : ""), tail);
	ret = whose(head, length(head));
	return ret == OF_INSTANCE ? MAPPED : ret;
}

enum whose tree_whose(int dir, long path, char head[TREE_HEAD + 1])
{
	long len = peek_string(head, path, TREE_HEAD);

	if (len == -EFAULT)
		return OF_HOST;
	if (len < 0)
		head[TREE_HEAD] = 0;
	return head[0] == '/' ? whose(head, len) : whose_relative(dir, head, len);
}

bool tree_has(const char *path)
{
	const char *rest = after(path, "/proc/");
	uint32_t number;

	rest = rest ? skip_number(rest, &number) : NULL;
	return is_ours(path) || (rest && is_below(rest, "net"));
}
