/* SPDX-License-Identifier: GPL-2.0 */
/*
 * signal-entry.S - where the host begins a handler of a signal. The program's is
 * entered as the host would have done it; without one, the frame is gone, not by
 * the program's restorer, whose call would trap.
 */
#include "gateway.h"

	.text
	.globl	signal_entry, signal_leave, signal_left
	.hidden	signal_entry, signal_leave, signal_left
	.hidden	signal_enter, late_threads, late_send
signal_entry:
	push	%rdi
	push	%rsi
	push	%rdx
	call	signal_enter
	pop	%rdx
	pop	%rsi
	pop	%rdi
	mov	%rax, %r11
	xor	%eax, %eax
	test	%r11, %r11
	jz	1f
	jmp	*%r11
1:	add	$8, %rsp
signal_leave:
	cmpl	$0, late_threads(%rip)
	jne	2f
	movabs	$GATEWAY_ADDRESS + GATEWAY_RESTORER, %rax
	jmp	*%rax
signal_left:
2:	mov	%rsp, %rdi
	call	late_send
	movabs	$GATEWAY_ADDRESS + GATEWAY_RESTORER, %rax
	jmp	*%rax

	.section .note.GNU-stack, "", @progbits
