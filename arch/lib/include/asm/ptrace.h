/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_PTRACE_H
#define _ASM_LIB_PTRACE_H

#include <uapi/asm/ptrace.h>

#ifndef __ASSEMBLY__
#define user_mode(regs)			((regs)->user)
#define instruction_pointer(regs)	((regs)->ip)
#define user_stack_pointer(regs)	((regs)->sp)
#define profile_pc(regs)		instruction_pointer(regs)
#define arch_has_single_step()		0
#define current_pt_regs()		task_pt_regs(current)

static inline void instruction_pointer_set(struct pt_regs *regs, unsigned long ip)
{
	regs->ip = ip;
}

static inline unsigned long regs_return_value(struct pt_regs *regs)
{
	return regs->ret;
}

static inline int regs_irqs_disabled(struct pt_regs *regs)
{
	return 0;
}
#endif /* __ASSEMBLY__ */

#endif /* _ASM_LIB_PTRACE_H */
