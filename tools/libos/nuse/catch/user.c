// SPDX-License-Identifier: GPL-2.0
/*
 * user.c - memory that a program's pointer names, which may be bad: the host's
 * kernel copies it, and says so. Where it must not, as some sandboxes have it,
 * a bad pointer ends the program instead.
 */
#include "inner.h"

struct span {
	void *base;
	size_t size;
};

static int copy(long nr, long user, void *ours, size_t size)
{
	struct span local = { ours, size }, remote = { (void *)user, size };
	long pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	long got = host_call(nr, pid, &local, 1, &remote, 1, 0);

	if (got == (long)size)
		return 0;
	if (got >= 0 || got == -EFAULT)
		return -EFAULT;
	if (nr == __NR_process_vm_readv)
		memcpy(ours, (void *)user, size);
	else
		memcpy((void *)user, ours, size);
	return 0;
}

int user_read(void *to, long from, size_t size)
{
	return copy(__NR_process_vm_readv, from, to, size);
}

int user_write(long to, const void *from, size_t size)
{
	return copy(__NR_process_vm_writev, to, (void *)from, size);
}

/* The next page need not be there. */
long user_string(char *to, long from, size_t size)
{
	size_t len = 0, i, part;

	while (len < size) {
		part = PAGE_SIZE - (from + len) % PAGE_SIZE;
		if (part > size - len)
			part = size - len;
		if (user_read(to + len, from + len, part))
			return -EFAULT;
		for (i = 0; i < part; i++) {
			if (!to[len + i])
				return len + i;
		}
		len += part;
	}
	return -ENAMETOOLONG;
}
