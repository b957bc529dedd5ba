/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User memory is the caller's own, reached as it is. What is not there faults
 * in an instruction that has an entry in the exception table, where the host's
 * signal handler goes on through lib_fault(): the access is then EFAULT.
 */
#ifndef _ASM_LIB_UACCESS_H
#define _ASM_LIB_UACCESS_H

#include <asm/extable.h>

/* The current task's user memory is another process's, or gone with that. */
extern bool lib_foreign;

/* Waits for its process. Says whether the memory is here then. */
bool lib_await_process(void);

static __always_inline bool lib_user_is_here(void)
{
	return likely(!lib_foreign) || lib_await_process();
}

/* Return how much was not copied. */
unsigned long lib_copy_user(void *to, const void *from, unsigned long n);
unsigned long lib_clear_user(void *to, unsigned long n);

#define raw_copy_from_user(to, from, n)	lib_copy_user(to, (__force const void *)(from), n)
#define raw_copy_to_user(to, from, n)	lib_copy_user((__force void *)(to), from, n)
#define __clear_user(to, n)		lib_clear_user((__force void *)(to), n)
#define INLINE_COPY_FROM_USER
#define INLINE_COPY_TO_USER

/* Moves a word, either side of which may fault: 0, or -EFAULT. */
#define LIB_MOV(type, to, from)						\
({									\
	int __err = -EFAULT;						\
	type __word;							\
									\
	asm volatile("1:	mov %[src], %[word]\n"			\
		     "2:	mov %[word], %[dst]\n"			\
		     "	xor %[err], %[err]\n"				\
		     "3:\n"						\
		     LIB_EXTABLE(1b, 3b)				\
		     LIB_EXTABLE(2b, 3b)				\
		     : [err] "+r" (__err), [word] "=&r" (__word),	\
		       [dst] "=m" (*(type *)(to))			\
		     : [src] "m" (*(const type *)(from)) : "cc");	\
	__err;								\
})

static __always_inline int lib_user_mov(size_t size, void *to, const void *from)
{
	if (!lib_user_is_here())
		return -EFAULT;
	switch (size) {
	case 1:
		return LIB_MOV(u8, to, from);
	case 2:
		return LIB_MOV(u16, to, from);
	case 4:
		return LIB_MOV(u32, to, from);
	default:
		return LIB_MOV(u64, to, from);
	}
}

#define __get_user_fn(size, from, to)	lib_user_mov(size, to, (__force const void *)(from))
#define __put_user_fn(size, to, from)	lib_user_mov(size, (__force void *)(to), from)

/* The kernel's own memory is here, whosever task is current. */
#define __get_kernel_nofault(dst, src, type, label)			\
	do { if (LIB_MOV(type, dst, src)) goto label; } while (0)
#define __put_kernel_nofault	__get_kernel_nofault

#include <asm-generic/uaccess.h>

#endif /* _ASM_LIB_UACCESS_H */
