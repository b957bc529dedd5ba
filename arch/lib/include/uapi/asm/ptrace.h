/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_ASM_LIB_PTRACE_H
#define _UAPI_ASM_LIB_PTRACE_H

#ifndef __ASSEMBLY__
/* A system call, or an interrupt: all that a task's registers are here. */
struct pt_regs {
	unsigned long nr;
	unsigned long args[6];
	unsigned long ret;
	unsigned long ip;
	unsigned long sp;
	unsigned long user;	/* 1: came from user mode */
};
#endif

#endif /* _UAPI_ASM_LIB_PTRACE_H */
