/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One stack is left, another goes on: how everything in an instance is
 * suspended, kernel threads and system calls, the idle task and the caller.
 *
 * A processor foresees where a function returns to only while calls and returns
 * pair up; so a switch is no call but a jump, which it foresees by the way that
 * led there. What is suspended has on top of its stack where it goes on.
 */
#ifndef _ASM_LIB_SWITCH_TO_H
#define _ASM_LIB_SWITCH_TO_H

#include <linux/compiler.h>

struct task_struct;

/*
 * Below a red zone: functions that call nothing may have one. What the registers hold
 * is not for the other stack, whose functions save them.
 */
#define LIB_SUSPEND							\
	"lea	-128(%%rsp), %%rsp;	push	%%rbp\n\t"			\
	"lea	1f(%%rip), %%rax;	push	%%rax\n\t"			\
	"mov	%%rsp, (%%rdi);	xor	%%ebx, %%ebx\n\t"			\
	"xor	%%r12d, %%r12d;	xor	%%r13d, %%r13d\n\t"		\
	"xor	%%r14d, %%r14d;	xor	%%r15d, %%r15d\n\t"

#define LIB_GO_ON							\
	"pop	%%rax\n\t"						\
	"jmp	*%%rax\n"						\
	"1:	pop	%%rbp\n\t"					\
	"lea	128(%%rsp), %%rsp"

#define LIB_SWITCH_CLOBBERS						\
	"rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",	\
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",	\
	"xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory"

static __always_inline void lib_switch(void **save_sp, void *sp)
{
	asm volatile(LIB_SUSPEND
		     "mov	%%rsi, %%rsp\n\t"
		     LIB_GO_ON
		     : "+D" (save_sp), "+S" (sp) : : "rdx", LIB_SWITCH_CLOBBERS);
}

/*
 * As lib_switch(), but calls serve() on top of the other stack instead of going
 * on with it. That returns the stack to go on with, NULL for the other one.
 */
static __always_inline void lib_switch_serve(void **save_sp, void *sp, void *(*serve)(void))
{
	asm volatile(LIB_SUSPEND
		     "mov	%%rsi, %%rbp\n\t"
		     "mov	%%rsi, %%rsp\n\t"
		     "and	$-16, %%rsp\n\t"
		     "call	*%%rdx\n\t"
		     "test	%%rax, %%rax\n\t"
		     "cmovz	%%rbp, %%rax\n\t"
		     "mov	%%rax, %%rsp\n\t"
		     LIB_GO_ON
		     : "+D" (save_sp), "+S" (sp), "+d" (serve) : : LIB_SWITCH_CLOBBERS);
}

extern struct task_struct *lib_prev;
void *lib_next_stack(struct task_struct *prev, struct task_struct *next);

#define switch_to(prev, next, last)					\
do {									\
	lib_switch(&(prev)->thread.sp, lib_next_stack(prev, next));	\
	(last) = lib_prev;						\
} while (0)

#endif /* _ASM_LIB_SWITCH_TO_H */
