// SPDX-License-Identifier: GPL-2.0
/*
 * self.c - the program that nuse-run started, where it asks which it is: to the
 * host it is nuse-run. Another process's link is the host's.
 */
#include "inner.h"

char self_exe[PATH_MAX];

static bool skip(const char **path, const char *word)
{
	size_t len = strlen(word);

	if (memcmp(*path, word, len))
		return false;
	*path += len;
	return true;
}

static bool skip_own_pid(const char **path)
{
	long pid = 0;

	while (**path >= '0' && **path <= '9' && pid < 1 << 22)
		pid = pid * 10 + *(*path)++ - '0';
	return pid && pid == host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
}

bool self_is_exe(const char *path)
{
	if (!self_exe[0] || !skip(&path, "/proc/"))
		return false;
	if (!skip(&path, "self/") && !skip(&path, "thread-self/") &&
	    (!skip_own_pid(&path) || !skip(&path, "/")))
		return false;
	return skip(&path, "exe") && !*path;
}

long self_readlink(long nr, const long args[6])
{
	const long *a = nr == __NR_readlink ? args : args + 1;	/* path, buffer, its size */
	long len = strlen(self_exe), size = (int)a[2];
	char path[40];

	if (user_string(path, a[0], sizeof(path)) < 0 || !self_is_exe(path))
		return nuse_call(nr, args);
	if (size <= 0)
		return -EINVAL;
	if (len > size)
		len = size;
	return user_write(a[1], self_exe, len) ? -EFAULT : len;
}
