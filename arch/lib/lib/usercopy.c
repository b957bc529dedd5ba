// SPDX-License-Identifier: GPL-2.0
/*
 * Copies from and to user memory. What faults ends there, with the registers as
 * they were: they tell how much was not copied.
 */
#include <linux/uaccess.h>

unsigned long lib_copy_user(void *to, const void *from, unsigned long n)
{
	if (!lib_user_is_here())
		return n;
	if (n < 8) {			/* so few are faster one by one */
		for (; n && !LIB_MOV(u8, to, from); n--, to++, from++)
			;
		return n;
	}
	asm volatile("1:	rep movsb\n"
		     "2:\n"
		     LIB_EXTABLE(1b, 2b)
		     : "+D" (to), "+S" (from), "+c" (n) : : "memory");
	return n;
}

unsigned long lib_clear_user(void *to, unsigned long n)
{
	if (!lib_user_is_here())
		return n;
	asm volatile("1:	rep stosb\n"
		     "2:\n"
		     LIB_EXTABLE(1b, 2b)
		     : "+D" (to), "+c" (n) : "a" (0) : "memory");
	return n;
}
