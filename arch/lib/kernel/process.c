// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks are fibers: a kernel stack each, switched by lib_switch().
 */
#include <linux/panic_notifier.h>
#include <linux/ptrace.h>
#include <linux/reboot.h>
#include <linux/sched/debug.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <asm/lib.h>
#include <asm/switch_to.h>

struct task_struct *lib_prev;	/* who ran before, for a fiber's first step */

/* A stack on which lib_switch() goes on in @fn, which returns to nowhere. */
void *lib_new_stack(void *top, void (*fn)(void))
{
	void **sp = PTR_ALIGN_DOWN(top, 16) - 16;

	sp[0] = fn;
	sp[1] = NULL;
	return sp;
}

/* The first and only function on the stack of a new fiber */
static void fiber_start(void)
{
	struct thread_struct *thread = &current->thread;

	schedule_tail(lib_prev);
	thread->fn(thread->arg);
	lib_user_mode(NULL);
}

int copy_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	p->thread = (struct thread_struct) {
		.fn = args->fn,
		.arg = args->fn_arg,
		.sp = lib_new_stack(task_stack_page(p) + THREAD_SIZE, fiber_start),
	};
	return args->fn ? 0 : -ENOSYS;
}

void flush_thread(void)
{
}

/* A task has no registers of its own to be looked at. */
long arch_ptrace(struct task_struct *child, long request, unsigned long addr,
		 unsigned long data)
{
	return -EIO;
}

void ptrace_disable(struct task_struct *child)
{
}

void machine_halt(void)
{
	lib_die("the instance was halted");
}

void machine_power_off(void) __alias(machine_halt);

void machine_restart(char *cmd)
{
	machine_halt();
}

static int panicked(struct notifier_block *nb, unsigned long event, void *reason)
{
	lib_die(reason);
}

static struct notifier_block panic_block = {
	.notifier_call = panicked,
	.priority = INT_MIN,
};

static int __init panic_init(void)
{
	return atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
}
early_initcall(panic_init);

void show_regs(struct pt_regs *regs)
{
	pr_info("call %ld\n", regs->nr);
}

/* Tells every word on the stack that is an address of code. */
void show_stack(struct task_struct *task, unsigned long *sp, const char *loglvl)
{
	unsigned long *top;
	int lines = 32;

	task = task ?: current;
	sp = sp ?: task == current ? __builtin_frame_address(0) : task->thread.sp;
	top = task_stack_page(task) + THREAD_SIZE;
	printk("%sCall trace:\n", loglvl);
	for (; (void *)sp >= task_stack_page(task) && sp < top && lines; sp++)
		if (__kernel_text_address(*sp)) {
			printk("%s [<%px>] %pS\n", loglvl, (void *)*sp, (void *)*sp);
			lines--;
		}
}
