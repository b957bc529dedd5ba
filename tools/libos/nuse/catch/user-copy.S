/* SPDX-License-Identifier: GPL-2.0 */
/*
 * user-copy.S - a copy that may fault: then it goes on at user_copy_bad.
 */
#include <linux/errno.h>

	.text
	.globl	user_copy, user_copy_at, user_copy_bad
	.hidden	user_copy, user_copy_at, user_copy_bad

	/* int user_copy(void *to, const void *from, size_t size) */
user_copy:
	mov	%rdx, %rcx
	xor	%eax, %eax
user_copy_at:
	rep movsb
	ret
user_copy_bad:
	mov	$-EFAULT, %eax
	ret

	.section .note.GNU-stack, "", @progbits
