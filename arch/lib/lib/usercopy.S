/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies from and to user memory. An access that faults goes on at the label
 * named beside it, with all registers as they were.
 */
#include <linux/linkage.h>
#include <asm/extable.h>

/* unsigned long lib_copy_user(void *to, const void *from, unsigned long n) */
SYM_FUNC_START(lib_copy_user)
	mov	%rdx, %rcx
	cmp	$8, %rdx
	jb	3f
1:	rep movsb
2:	mov	%rcx, %rax		/* what was not copied */
	ret
3:	test	%ecx, %ecx		/* so few are faster one by one */
	jz	2b
4:	mov	(%rsi), %al
5:	mov	%al, (%rdi)
	inc	%rsi
	inc	%rdi
	dec	%ecx
	jmp	3b
	LIB_EXTABLE(1b, 2b)
	LIB_EXTABLE(4b, 2b)
	LIB_EXTABLE(5b, 2b)
SYM_FUNC_END(lib_copy_user)

/* unsigned long lib_clear_user(void *to, unsigned long n): none of an orphan's */
SYM_FUNC_START(lib_clear_user)
	mov	%rsi, %rcx
	cmpb	$0, lib_orphan(%rip)
	jne	2f
	xor	%eax, %eax
1:	rep stosb
2:	mov	%rcx, %rax
	ret
	LIB_EXTABLE(1b, 2b)
SYM_FUNC_END(lib_clear_user)
