/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_PTRACE_H
#define _ASM_LIB_PTRACE_H

/* A system call, or an interrupt: a task has no other registers here. */
struct pt_regs {
	unsigned long nr;	/* of the system call */
	unsigned long user;	/* 1: came from user mode */
};

#define user_mode(regs)			((regs)->user)
#define instruction_pointer(regs)	0UL
#define user_stack_pointer(regs)	0UL
#define profile_pc(regs)		0UL

#endif /* _ASM_LIB_PTRACE_H */
