// SPDX-License-Identifier: GPL-2.0
/*
 * string.c - the functions that a compiler expects to be there.
 */
#include "inner.h"

hidden void *memcpy(void *to, const void *from, size_t size)
{
	void *ret = to;

	asm volatile("rep movsb" : "+D" (to), "+S" (from), "+c" (size) : : "memory");
	return ret;
}

hidden void *memmove(void *to, const void *from, size_t size)
{
	char *t = to;
	const char *f = from;

	if (t <= f || t >= f + size)
		return memcpy(to, from, size);
	while (size--) {
		t[size] = f[size];
		asm volatile("" : : : "memory");	/* no call of itself */
	}
	return to;
}

hidden void *memset(void *to, int byte, size_t size)
{
	void *ret = to;

	asm volatile("rep stosb" : "+D" (to), "+c" (size) : "a" (byte) : "memory");
	return ret;
}

hidden int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a, *y = b;
	size_t i;

	for (i = 0; i < size; i++) {
		if (x[i] != y[i])
			return x[i] - y[i];
	}
	return 0;
}

hidden size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		n++;
		asm volatile("" : : : "memory");
	}
	return n;
}
