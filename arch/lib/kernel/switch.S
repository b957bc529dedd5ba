/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One stack is left, another goes on: how everything in an instance is
 * suspended, kernel threads and system calls, the idle task and the caller.
 */
#include <linux/linkage.h>

.macro save_to where
	.irp reg, rbp, rbx, r12, r13, r14, r15
	push	%\reg
	.endr
	mov	%rsp, (\where)
.endm

.macro go_on
	.irp reg, r15, r14, r13, r12, rbx, rbp
	pop	%\reg
	.endr
	ret
.endm

/* void lib_switch(void **save_sp, void *sp) */
SYM_FUNC_START(lib_switch)
	save_to	%rdi
	mov	%rsi, %rsp
	go_on
SYM_FUNC_END(lib_switch)

/*
 * void lib_switch_serve(void **save_sp, void *sp, void *(*serve)(void)): as
 * lib_switch(), but calls serve() on top of the other stack instead of going on
 * with it. That returns the stack to go on with, NULL for the other one. If it
 * is the caller's the processor has seen nothing but calls that returned.
 */
SYM_FUNC_START(lib_switch_serve)
	save_to	%rdi
	lea	-8(%rsi), %rsp
	call	*%rdx
	add	$8, %rsp
	test	%rax, %rax
	cmovnz	%rax, %rsp
	go_on
SYM_FUNC_END(lib_switch_serve)
