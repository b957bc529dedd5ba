// SPDX-License-Identifier: GPL-2.0
/*
 * path.c - calls with a path: on the host or in the instance, by tree.h.
 *
 * The working directory is the host's or, when a program has gone to one of the
 * instance, that of its process there (share_member::inside); the host's stays
 * where it was meanwhile.
 */
#include "core.h"
#include "tree.h"
#include <linux/mount.h>
#include <linux/openat2.h>

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

/* The path is argument @i, and relative to @dir. */
static long do_path(long nr, const long args[6], int dir, int i)
{
	long changed[6] = { args[0], args[1], args[2], args[3], args[4], args[5] };
	char head[TREE_HEAD + 1];

	switch (tree_whose(dir, args[i], head)) {
	case OF_HOST:
		return tree_lists_descriptors(head) ? hidden_path_call(nr, args) :
						      host_pass(nr, args);
	case NOBODYS:
		return -ENOENT;
	case OF_INSTANCE:
		return do_library(nr, args);
	case MAPPED:
		changed[i] = (long)head;
		return do_library(nr, changed);
	case MAPPED_FILE:
		changed[i] = (long)share->resolv_conf;
	}
	return to_host(nr, changed);
}

long path_call(long nr, const long args[6])
{
	return do_path(nr, args, AT_FDCWD, 0);
}

/* Relative to a directory's descriptor, or with no path but the descriptor */
long path_at_call(long nr, const long args[6])
{
	char first = 0;

	if (args[1] && peek(&first, args[1], 1))
		first = '/';
	if (fd_kind(args[0]) && first != '/')
		return do_library(nr, args);
	if (fd_is_hidden(args[0]))
		return -EBADF;
	if (nr == __NR_newfstatat && !first)
		return hidden_fstat(nr, args);
	return do_path(nr, args, args[0], 1);
}

/* The link is where its own path, argument @i, says; what it has, is mapped alike. */
static long make_link(long nr, const long args[6], int dir, int i)
{
	long changed[6] = { args[0], args[1], args[2], args[3], args[4], args[5] };
	char target[TREE_HEAD + 1], link[TREE_HEAD + 1];
	enum whose whose = tree_whose(dir, args[i], link);

	if (whose != OF_INSTANCE && whose != MAPPED)
		return to_host(nr, args);
	if (whose == MAPPED)
		changed[i] = (long)link;
	if (!peek(target, args[0], 1) && target[0] == '/' &&
	    tree_whose(AT_FDCWD, args[0], target) == MAPPED)
		changed[0] = (long)target;
	return self_call(nr, changed, NULL);
}

long path_symlink(long nr, const long args[6])
{
	return make_link(nr, args, AT_FDCWD, 1);
}

long path_symlinkat(long nr, const long args[6])
{
	return fd_kind(args[1]) ? self_call(nr, args, NULL) : make_link(nr, args, args[1], 2);
}

/* ------------------------------------------------------ working directory */

static long in_host(long ret)
{
	if (ret >= 0)
		share->members[self_member()].inside = false;
	return ret;
}

/* It may have left by "..", for a directory that is the host's. */
static long in_instance(long ret)
{
	char path[256];

	if (ret < 0)
		return ret;
	ret = lib_call(__NR_getcwd, (long)path, sizeof(path));
	if (ret > 0 && !tree_has(path))
		return in_host(host_call(__NR_chdir, path, 0, 0, 0, 0, 0));
	share->members[self_member()].inside = true;
	return 0;
}

long path_chdir(long nr, const long args[6])
{
	char head[TREE_HEAD + 1];

	switch (tree_whose(AT_FDCWD, args[0], head)) {
	case OF_INSTANCE:
		return in_instance(self_call(nr, args, NULL));
	case MAPPED:
		return in_instance(lib_call(nr, (long)head));
	default:
		return in_host(to_host(nr, args));
	}
}

long path_fchdir(long nr, const long args[6])
{
	return fd_kind(args[0]) ? in_instance(self_call(nr, args, NULL)) :
				  in_host(fd_on_host(nr, args));
}

long path_getcwd(long nr, const long args[6])
{
	return share->members[self_member()].inside ? self_call(nr, args, NULL) :
						      to_host(nr, args);
}

/* ------------------------------------------------------------------ mounts */

static bool is(long path, const char *text)
{
	char start[TREE_HEAD + 1];
	long i = 0;

	if (peek_string(start, path, TREE_HEAD) < 0)
		return false;
	while (text[i] && start[i] == text[i])
		i++;
	return start[i] == text[i];
}

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

long path_mount(long nr, const long args[6])
{
	const unsigned long propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	long changed[6] = { args[0], args[1], args[2], args[3], args[4] };
	char from[TREE_HEAD + 1], to[TREE_HEAD + 1];
	enum whose whose = tree_whose(AT_FDCWD, args[1], to);

	if (whose == MAPPED)
		changed[1] = (long)to;
	if (args[0] && tree_whose(AT_FDCWD, args[0], from) == MAPPED)
		changed[0] = (long)from;
	if (whose == OF_INSTANCE || whose == MAPPED)
		return self_call(nr, changed, NULL);
	if ((is(args[1], "/") && args[3] & propagation) || is(args[1], "/sys"))
		return on_both(nr, args);
	return to_host(nr, args);
}

long path_umount(long nr, const long args[6])
{
	char head[TREE_HEAD + 1];

	switch (tree_whose(AT_FDCWD, args[0], head)) {
	case OF_INSTANCE:
		return self_call(nr, args, NULL);
	case MAPPED:
		return lib_call(nr, (long)head, args[1]);
	default:
		return is(args[0], "/sys") ? on_both(nr, args) : to_host(nr, args);
	}
}
