/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User memory is the caller's own, reached as it is. What is not there faults
 * in an instruction that has an entry in the exception table, where the host's
 * signal handler goes on through lib_fault(): the access is then EFAULT.
 */
#ifndef _ASM_LIB_UACCESS_H
#define _ASM_LIB_UACCESS_H

#include <linux/string.h>
#include <asm/asm-extable.h>
#include <asm-generic/access_ok.h>

unsigned long lib_copy_user(void *to, const void *from, unsigned long n);
unsigned long lib_clear_user(void *to, unsigned long n);

static __always_inline unsigned long
raw_copy_from_user(void *to, const void __user *from, unsigned long n)
{
	return lib_copy_user(to, (__force const void *)from, n);
}

static __always_inline unsigned long
raw_copy_to_user(void __user *to, const void *from, unsigned long n)
{
	return lib_copy_user((__force void *)to, from, n);
}

#define INLINE_COPY_FROM_USER
#define INLINE_COPY_TO_USER

/* Move one word between register and user memory; 0, or -EFAULT. */
#define LIB_USER_MOV(insn, out, in)				\
({									\
	long __err = 0;							\
									\
	asm volatile("1:	" insn "\n2:\n"				\
		     ".pushsection .text.fixup,\"ax\"\n"		\
		     "3:	mov %[efault], %[err]\n"		\
		     "	jmp 2b\n"					\
		     ".popsection\n"					\
		     LIB_EXTABLE(1b, 3b)				\
		     : [err] "+r" (__err), out				\
		     : in, [efault] "i" (-EFAULT)			\
		     : "memory");					\
	__err;								\
})

static __always_inline int lib_get_user(size_t size, const void __user *from, void *to)
{
	switch (size) {
	case 1:
		return LIB_USER_MOV("movb %[src], %[dst]", [dst] "=&q" (*(u8 *)to),
				    [src] "m" (*(__force const u8 *)from));
	case 2:
		return LIB_USER_MOV("movw %[src], %[dst]", [dst] "=&r" (*(u16 *)to),
				    [src] "m" (*(__force const u16 *)from));
	case 4:
		return LIB_USER_MOV("movl %[src], %[dst]", [dst] "=&r" (*(u32 *)to),
				    [src] "m" (*(__force const u32 *)from));
	default:
		return LIB_USER_MOV("movq %[src], %[dst]", [dst] "=&r" (*(u64 *)to),
				    [src] "m" (*(__force const u64 *)from));
	}
}

static __always_inline int lib_put_user(size_t size, void __user *to, const void *from)
{
	switch (size) {
	case 1:
		return LIB_USER_MOV("movb %[src], %[dst]", [dst] "=m" (*(__force u8 *)to),
				    [src] "qi" (*(const u8 *)from));
	case 2:
		return LIB_USER_MOV("movw %[src], %[dst]", [dst] "=m" (*(__force u16 *)to),
				    [src] "ri" (*(const u16 *)from));
	case 4:
		return LIB_USER_MOV("movl %[src], %[dst]", [dst] "=m" (*(__force u32 *)to),
				    [src] "ri" (*(const u32 *)from));
	default:
		return LIB_USER_MOV("movq %[src], %[dst]", [dst] "=m" (*(__force u64 *)to),
				    [src] "r" (*(const u64 *)from));
	}
}

#define __get_user_fn(size, from, to)	lib_get_user(size, from, to)
#define __put_user_fn(size, to, from)	lib_put_user(size, to, from)
#define __clear_user(to, n)		lib_clear_user((__force void *)(to), n)

#include <asm-generic/uaccess.h>

#endif /* _ASM_LIB_UACCESS_H */
