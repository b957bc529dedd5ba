/* SPDX-License-Identifier: GPL-2.0 */
/*
 * start.S - where the host's kernel enters nuse-run, and where nuse-run enters
 * the program, on the same stack.
 */
	.text
	.globl	_start
	.hidden	run_main, _DYNAMIC, __ehdr_start
_start:
	xor	%ebp, %ebp
	mov	%rsp, %rbx
	mov	%rsp, %rdi
	lea	__ehdr_start(%rip), %rsi
	lea	_DYNAMIC(%rip), %rdx
	and	$-16, %rsp
	call	run_main		/* returns the program's entry */
	mov	%rbx, %rsp
	mov	%rax, %r11
	xor	%eax, %eax
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx		/* nothing to do at exit */
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	jmp	*%r11

	.section .note.GNU-stack, "", @progbits
