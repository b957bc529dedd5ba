// SPDX-License-Identifier: GPL-2.0
/*
 * bare.c - the core of a nuse-run that has no stack to give: it wants nothing,
 * so all calls are the host's. What the catcher itself costs is measured with it.
 */
#include "inner.h"

hidden const uint64_t *nuse_fds;

hidden bool nuse_wants(long nr)
{
	(void)nr;
	return false;
}

hidden long nuse_call(long nr, const long a[6])
{
	return host_pass(nr, a);
}

hidden long nuse_clone_begin(uint64_t flags)
{
	(void)flags;
	return 0;
}

hidden void nuse_clone_end(uint64_t flags, long word, long ret)
{
	(void)flags;
	(void)word;
	(void)ret;
}

hidden void nuse_new_thread(uint64_t flags, long word)
{
	(void)flags;
	(void)word;
}

hidden void nuse_go_on(void)
{
}

hidden void nuse_quiesce(void)
{
}

hidden uintptr_t nuse_fault(uintptr_t ip, uintptr_t addr)
{
	(void)ip;
	(void)addr;
	return 0;
}

hidden const char *nuse_run_path(void)
{
	static char path[PATH_MAX];

	host_call(__NR_readlink, "/proc/self/exe", path, sizeof(path) - 1, 0, 0, 0);
	return path;
}

hidden const char *nuse_preload_path(void)
{
	return NULL;
}

hidden size_t nuse_note(char *note, size_t size)
{
	(void)note;
	(void)size;
	return 0;
}

hidden int nuse_start(const char *note)
{
	(void)note;
	return 0;
}
