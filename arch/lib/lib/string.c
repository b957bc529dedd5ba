// SPDX-License-Identifier: GPL-2.0
/*
 * Memory functions: short sizes by overlapping loads and stores, all others by
 * the string instructions, which current processors run at full width.
 */
#include <linux/export.h>
#include <linux/string.h>
#include <linux/types.h>

typedef u16 __attribute__((may_alias, aligned(1))) mem16;
typedef u32 __attribute__((may_alias, aligned(1))) mem32;
typedef u64 __attribute__((may_alias, aligned(1))) mem64;
typedef u64 __attribute__((vector_size(16))) vec128;
typedef vec128 __attribute__((may_alias, aligned(1))) mem128;

/* Both ends are loaded before either is stored: overlap does no harm. */
#define MOVE_ENDS(type, to, from, n)					\
({									\
	type __head = *(const type *)(from);				\
	type __tail = *(const type *)((from) + (n) - sizeof(type));	\
									\
	*(type *)(to) = __head;						\
	*(type *)((to) + (n) - sizeof(type)) = __tail;			\
})

static __always_inline bool move_short(void *to, const void *from, size_t n)
{
	if (n > 32)
		return false;
	if (n >= 16)
		MOVE_ENDS(mem128, to, from, n);
	else if (n >= 8)
		MOVE_ENDS(mem64, to, from, n);
	else if (n >= 4)
		MOVE_ENDS(mem32, to, from, n);
	else if (n >= 2)
		MOVE_ENDS(mem16, to, from, n);
	else if (n)
		*(u8 *)to = *(const u8 *)from;
	return true;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *dst = to;
	size_t i;

	if (move_short(to, from, n))
		return to;
	if (n <= 256) {
		for (i = 0; i < n - 16; i += 16)
			*(mem128 *)(to + i) = *(const mem128 *)(from + i);
		*(mem128 *)(to + n - 16) = *(const mem128 *)(from + n - 16);
		return to;
	}
	asm volatile("rep movsb" : "+D" (dst), "+S" (from), "+c" (n) : : "memory");
	return to;
}
EXPORT_SYMBOL(memcpy);

void *memmove(void *to, const void *from, size_t n)
{
	void *dst = to;

	if (move_short(to, from, n))
		return to;
	if ((size_t)(to - from) >= n)
		asm volatile("rep movsb" : "+D" (dst), "+S" (from), "+c" (n) : : "memory");
	else
		while (n--)
			((u8 *)to)[n] = ((const u8 *)from)[n];
	return to;
}
EXPORT_SYMBOL(memmove);

void *memset(void *p, int c, size_t n)
{
	u64 word = (u8)c * 0x0101010101010101;
	vec128 wide = { word, word };
	void *dst = p;
	size_t i;

	if (n >= 16 && n <= 256) {
		for (i = 0; i < n - 16; i += 16)
			*(mem128 *)(p + i) = wide;
		*(mem128 *)(p + n - 16) = wide;
		return p;
	}
	asm volatile("rep stosb" : "+D" (dst), "+c" (n) : "a" (c) : "memory");
	return p;
}
EXPORT_SYMBOL(memset);
