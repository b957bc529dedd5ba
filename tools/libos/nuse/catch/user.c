// SPDX-License-Identifier: GPL-2.0
/*
 * user.c - memory that a program's pointer names, which may be bad: then the copy
 * faults, and goes on where it says so (user-copy.S, deliver.c).
 */
#include "inner.h"

hidden int user_copy(void *to, const void *from, size_t size);

int user_read(void *to, long from, size_t size)
{
	return user_copy(to, (void *)from, size);
}

int user_write(long to, const void *from, size_t size)
{
	return user_copy((void *)to, from, size);
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
