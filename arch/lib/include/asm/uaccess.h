/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User memory is the caller's own, reached as it is. What is not there faults
 * in an instruction that has an entry in the exception table, where the host's
 * signal handler goes on through lib_fault(): the access is then EFAULT.
 */
#ifndef _ASM_LIB_UACCESS_H
#define _ASM_LIB_UACCESS_H

#include <linux/string.h>
#include <linux/stringify.h>
#include <asm/extable.h>
#include <asm-generic/access_ok.h>

/* The current task's process is gone and its memory with it. */
extern bool lib_orphan;

unsigned long lib_copy_user(void *to, const void *from, unsigned long n);
unsigned long lib_clear_user(void *to, unsigned long n);

static __always_inline unsigned long
raw_copy_from_user(void *to, const void __user *from, unsigned long n)
{
	return unlikely(lib_orphan) ? n : lib_copy_user(to, (__force const void *)from, n);
}

static __always_inline unsigned long
raw_copy_to_user(void __user *to, const void *from, unsigned long n)
{
	return unlikely(lib_orphan) ? n : lib_copy_user((__force void *)to, from, n);
}

#define INLINE_COPY_FROM_USER
#define INLINE_COPY_TO_USER

/* Moves a word, either side of which may fault: 0, or -EFAULT. */
#define LIB_MOV(insn, reg, type, to, from)				\
({									\
	long __err = 0;							\
	type __word;							\
									\
	asm volatile("1:	mov" insn " %[src], %[word]\n"		\
		     "2:	mov" insn " %[word], %[dst]\n"		\
		     "3:\n"						\
		     ".pushsection .text.fixup,\"ax\"\n"		\
		     "4:	mov %[efault], %[err]\n"		\
		     "	jmp 3b\n"					\
		     ".popsection\n"					\
		     __stringify(LIB_EXTABLE(1b, 4b)) "\n"		\
		     __stringify(LIB_EXTABLE(2b, 4b)) "\n"		\
		     : [err] "+r" (__err), [word] reg (__word),	\
		       [dst] "=m" (*(type *)(to))			\
		     : [src] "m" (*(const type *)(from)), [efault] "i" (-EFAULT)); \
	__err;								\
})

static __always_inline int lib_user_mov(size_t size, void *to, const void *from)
{
	if (unlikely(lib_orphan))
		return -EFAULT;
	switch (size) {
	case 1:
		return LIB_MOV("b", "=&q", u8, to, from);
	case 2:
		return LIB_MOV("w", "=&r", u16, to, from);
	case 4:
		return LIB_MOV("l", "=&r", u32, to, from);
	default:
		return LIB_MOV("q", "=&r", u64, to, from);
	}
}

#define __get_user_fn(size, from, to)	\
	lib_user_mov(size, to, (__force const void *)(from))
#define __put_user_fn(size, to, from)	\
	lib_user_mov(size, (__force void *)(to), from)
#define __clear_user(to, n)		lib_clear_user((__force void *)(to), n)

#include <asm-generic/uaccess.h>

#endif /* _ASM_LIB_UACCESS_H */
