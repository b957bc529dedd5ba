/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stub.S - from a patched instruction to C and back (see patch.c).
 *
 * A stub has set the number in rax, has left the red zone, and calls one of
 * these; all registers but rax, rcx and r11 have to come back as they were, xmm
 * too: compilers keep values there across a call. A number that is not ours
 * returns NATIVE bytes later, where the stub has an instruction of its own,
 * which traps if the filter says so.
 */
#include <asm/unistd.h>
#include <linux/errno.h>
#include "stub.h"

	.text

	.macro	only_ours
	mov	%eax, %r11d
	cmp	$STUB_NUMBERS, %r11d
	jae	native
	lea	patch_numbers(%rip), %rcx
	cmpb	$0, (%rcx, %r11)
	je	native
	.endm

	/* From an aligned stack; rbp is to be kept by the caller. */
	.macro	do_call
	push	%r9
	push	%r8
	push	%r10
	push	%rdx
	push	%rsi
	push	%rdi
	movslq	%eax, %rdi
	mov	%rsp, %rsi
	sub	$256, %rsp
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movaps	%xmm\n, 16*\n(%rsp)
	.endr
	call	patch_call
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movaps	16*\n(%rsp), %xmm\n
	.endr
	add	$256, %rsp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%r10
	pop	%r8
	pop	%r9
	.endm

	/* On the program's stack */
	.globl	stub_enter, stub_leave, stub_return, stub_late
	.hidden	stub_enter, stub_leave, stub_return, stub_late, late_threads
stub_enter:
	only_ours
	push	%rbp
	mov	%rsp, %rbp
	push	%rax			/* the number, and room for the result */
	push	%rax
	and	$-16, %rsp
	do_call
stub_leave:				/* all but rax is the program's, see late.c */
	cmp	$-ERESTART, %rax
	je	1f
	cmpl	$0, late_threads(%rip)
	jne	1f
	leave
stub_return:
	ret
1:	mov	%rax, -16(%rbp)
	mov	$__NR_rt_sigsuspend, %eax
	syscall				/* which traps */
stub_late:

native:	addq	$STUB_NATIVE, (%rsp)
	ret

	/* On the thread's stack of ours, since the program's may be too small */
	.globl	stub_enter_small
	.hidden	stub_enter_small
stub_enter_small:
	only_ours
	push	%rbp
	mov	%rsp, %rbp
	push	%rax
	push	%rdi
	push	%rsi
	push	%rdx
	push	%r10
	push	%r8
	push	%r9
	and	$-16, %rsp
	call	thread_stack
	mov	%rax, %rcx
	mov	-8(%rbp), %rax
	mov	-16(%rbp), %rdi
	mov	-24(%rbp), %rsi
	mov	-32(%rbp), %rdx
	mov	-40(%rbp), %r10
	mov	-48(%rbp), %r8
	mov	-56(%rbp), %r9
	test	%rcx, %rcx
	jz	1f
	lea	-16(%rcx), %rsp
	do_call
	mov	8(%rsp), %rcx
	movb	$0, (%rcx)
	leave
	ret
1:	do_call
	leave
	ret

	.section .note.GNU-stack, "", @progbits
