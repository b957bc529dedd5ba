/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gateway-code.S - the code of the gateway's page. It is copied to its address, so
 * nothing in it may refer to anything outside.
 */
#include <asm/unistd.h>
#include <linux/errno.h>
#include "gateway.h"

	.text
	.balign	64
	.globl	gateway_code, gateway_code_end
	.hidden	gateway_code, gateway_code_end
gateway_code:
	/* long host_call(nr, a0, a1, a2, a3, a4, a5) */
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	.org	gateway_code + GATEWAY_CALLED - 2, 0x90
	syscall
	ret

	/*
	 * The program's registers, with its call that makes a thread or a process
	 * in them; only rbx is the struct birth. Both sides come out, the new one
	 * maybe on the same stack as the old one or at its side in the same memory:
	 * so nothing is left on the program's stack, the new side works on the
	 * stack of the struct birth, and whoever leaves last frees it.
	 */
	.org	gateway_code + GATEWAY_CLONE
	syscall
	mov	%rax, %r12
	mov	%rsp, %r13
	lea	-128(%rsp), %rsp
	test	%rax, %rax
	jnz	1f
	lea	BIRTH_SIZE(%rbx), %rsp
1:	and	$-16, %rsp
	mov	%rbx, %rdi
	mov	%rax, %rsi
	call	*BIRTH_DONE(%rbx)
	mov	%r13, %rsp
	mov	$__NR_rt_sigprocmask, %eax
	mov	$2, %edi		/* SIG_SETMASK */
	lea	BIRTH_MASK(%rbx), %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	syscall
	mov	%r12, %rax
	mov	BIRTH_RDI(%rbx), %rdi
	mov	BIRTH_RSI(%rbx), %rsi
	mov	BIRTH_RDX(%rbx), %rdx
	mov	BIRTH_R10(%rbx), %r10
	mov	BIRTH_R8(%rbx), %r8
	mov	BIRTH_R9(%rbx), %r9
	mov	BIRTH_R12(%rbx), %r12
	mov	BIRTH_R13(%rbx), %r13
	mov	BIRTH_RIP(%rbx), %r11
	mov	%rbx, %rcx
	mov	BIRTH_RBX(%rbx), %rbx
	lock decl BIRTH_USERS(%rcx)
	jmp	*%r11

	.org	gateway_code + GATEWAY_SIGRETURN
	mov	%rdi, %rsp
	mov	$__NR_rt_sigreturn, %eax
	syscall

	.org	gateway_code + GATEWAY_RESTORER
	mov	$__NR_rt_sigreturn, %rax
	syscall

	/*
	 * long host_wait(signal, nr, a0, a1, a2, a3, a4, a5). Who interrupts it before
	 * the syscall, or where that is to be restarted, makes it go on at the end.
	 */
	.org	gateway_code + GATEWAY_WAIT
	mov	%rsi, %rax
	mov	%rdi, %r11
	mov	%rdx, %rdi
	mov	%rcx, %rsi
	mov	%r8, %rdx
	mov	%r9, %r10
	mov	8(%rsp), %r8
	mov	16(%rsp), %r9
	cmpl	$0, (%r11)
	jne	1f
	.org	gateway_code + GATEWAY_WAIT_CALL, 0x90
	syscall
	ret
	.org	gateway_code + GATEWAY_WAIT_ENDED
1:	mov	$-ERESTART, %rax
	ret

	/* sigaltstack() from no stack; all signals are blocked */
	.org	gateway_code + GATEWAY_ALTSTACK
	mov	$__NR_sigaltstack, %eax
	xor	%esi, %esi
	mov	%rsp, %rdx
	xor	%esp, %esp
	syscall
	mov	%rdx, %rsp
	ret
gateway_code_end:

	.section .note.GNU-stack, "", @progbits
