/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One stack is left, another goes on: how everything in an instance is
 * suspended, kernel threads and system calls, the idle task and the caller.
 */
#include <linux/linkage.h>

/* void lib_switch(void **save_sp, void *sp) */
SYM_FUNC_START(lib_switch)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
SYM_FUNC_END(lib_switch)

/*
 * void lib_switch_serve(void **save_sp, void *sp, void *(*serve)(void)): as
 * lib_switch(), but calls serve() on top of the other stack instead of going on
 * with it. That returns the stack to go on with, NULL for the other one. If it
 * is the caller's the processor has seen nothing but calls that returned.
 */
SYM_FUNC_START(lib_switch_serve)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	lea	-8(%rsi), %rsp
	call	*%rdx
	add	$8, %rsp
	test	%rax, %rax
	cmovnz	%rax, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
SYM_FUNC_END(lib_switch_serve)

/*
 * void *lib_new_stack(void *top, void (*fn)(void)): a stack that lib_switch()
 * goes on with in fn(), which sees the alignment that a call would leave and
 * returns to address 0: the end of a backtrace.
 */
SYM_FUNC_START(lib_new_stack)
	and	$-16, %rdi
	lea	-64(%rdi), %rax
	xor	%ecx, %ecx
	mov	%rcx, 56(%rax)
	mov	%rsi, 48(%rax)
	mov	%rcx, 40(%rax)
	mov	%rcx, 32(%rax)
	mov	%rcx, 24(%rax)
	mov	%rcx, 16(%rax)
	mov	%rcx, 8(%rax)
	mov	%rcx, (%rax)
	ret
SYM_FUNC_END(lib_new_stack)
