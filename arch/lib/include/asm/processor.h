/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_PROCESSOR_H
#define _ASM_LIB_PROCESSOR_H

#include <linux/compiler.h>
#include <asm/ptrace.h>

/* Everything is addressable; the host decides what is there. */
#define TASK_SIZE		(~0UL)

struct lib_call;
struct task_struct;

/**
 * struct thread_struct - a fiber
 * @sp: its kernel stack while another runs
 * @fn: what a kernel thread runs; NULL if the task has a user mode
 * @arg: handed to @fn
 * @call: the caller's side of a task that has a user mode
 */
struct thread_struct {
	void *sp;
	int (*fn)(void *arg);
	void *arg;
	struct lib_call *call;
	struct pt_regs regs;
};

#define INIT_THREAD		{ }

#define task_pt_regs(tsk)	(&(tsk)->thread.regs)
#define KSTK_EIP(tsk)		0UL
#define KSTK_ESP(tsk)		0UL
#define __get_wchan(tsk)	0UL

/* A loop that waits for time to pass must see it pass: see time.c. */
extern unsigned long lib_spin_ns;
extern unsigned int lib_clock_uses;

static __always_inline void cpu_relax(void)
{
	barrier();
	lib_spin_ns++;
	lib_clock_uses = 0;
}

#endif /* _ASM_LIB_PROCESSOR_H */
