// SPDX-License-Identifier: GPL-2.0
/*
 * System calls: the host architecture's table, called with six longs.
 */
#include <linux/fdtable.h>
#include <linux/linkage.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <linux/unistd.h>
#include <uapi/linux/audit.h>
#include <asm/lib.h>
#include <asm/syscall.h>

/* What would begin or resume at a program counter of the caller's */
#define sys_clone		sys_ni_syscall
#define sys_clone3		sys_ni_syscall
#define sys_fork		sys_ni_syscall
#define sys_vfork		sys_ni_syscall
#define sys_execve		sys_ni_syscall
#define sys_execveat		sys_ni_syscall
#define sys_rt_sigreturn	sys_ni_syscall
#define sys_uretprobe		sys_ni_syscall

/* What is about the processor */
#define sys_arch_prctl		sys_ni_syscall
#define sys_ioperm		sys_ni_syscall
#define sys_iopl		sys_ni_syscall
#define sys_map_shadow_stack	sys_ni_syscall

#define sys_mmap		lib_sys_mmap
#define sys_munmap		lib_sys_munmap

#define __SYSCALL_NORETURN(nr, sym)	__SYSCALL(nr, sym)
#define __SYSCALL(nr, sym)	asmlinkage long sym(long, long, long, long, long, long);
#include <asm/syscalls_64.h>
#undef __SYSCALL

#define __SYSCALL(nr, sym)	[nr] = sym,
static long (*const table[__NR_syscalls])(long, long, long, long, long, long) = {
#include <asm/syscalls_64.h>
};

/* Interrupted by work of the kernel's own, which nobody outside is to see? */
static bool must_restart(struct lib_call *call, long ret)
{
	if (likely(!IS_ERR_VALUE(ret)) ||
	    (ret != -ERESTARTSYS && ret != -ERESTARTNOINTR && ret != -ERESTARTNOHAND))
		return false;
	if (call->interrupted || task_sigpending(current))
		return false;
	clear_notify_signal();
	task_work_run();
	return true;
}

/* What the table of descriptors takes for the lowest that may be free */
static void wish_fd(struct lib_task *task)
{
	current->files->next_fd = task->fd_wish - 1;
	task->fd_wish = 0;
}

static long do_syscall_call(struct lib_call *call)
{
	unsigned long nr = call->args.a[6];
	long ret, *args = call->args.a;

	if (unlikely(nr >= __NR_syscalls))
		return -ENOSYS;
	nr = array_index_nospec(nr, __NR_syscalls);
	current->thread.regs.nr = nr;
	if (unlikely(call->task.fd_wish))
		wish_fd(&call->task);
	do {
		ret = table[nr](args[0], args[1], args[2], args[3], args[4], args[5]);
	} while (unlikely(must_restart(call, ret)));
	return unlikely(call->copies) ? lib_write_copies(call) ?: ret : ret;
}

int syscall_get_arch(struct task_struct *task)
{
	return AUDIT_ARCH_X86_64;
}

long lib_syscall(struct lib_task *task, long nr, long a0, long a1, long a2, long a3,
		 long a4, long a5)
{
	return lib_call(task, do_syscall_call, a0, a1, a2, a3, a4, a5, nr);
}
