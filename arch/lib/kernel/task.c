// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks of the caller: one for each host thread that makes calls, and one for
 * each function of the caller that runs in the instance as a fiber.
 */
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <asm/lib.h>

#define USER_STACK	(64 << 10)

/* Makes @tsk, a reference, serve @call. */
void lib_task_start(struct lib_call *call, struct task_struct *tsk)
{
	call->tsk = tsk;
	call->task.tid = task_pid_nr_ns(tsk, task_active_pid_ns(tsk));
	call->task.process = the_host.process;
	call->task.done = 1;
	tsk->thread.call = call;
}

static long do_exit_call(struct lib_call *call)
{
	do_exit(0);
}

/* User mode of a fiber, on its own stack */
static void fiber_main(void)
{
	struct lib_call *call = to_call(lib_running);

	call->user_fn(call->user_arg);
	lib_call(&call->task, do_exit_call);
}

static void free_call(void *arg)
{
	struct lib_call *call = arg;

	if (call->tsk)
		put_task_struct(call->tsk);
	kfree(call->user_stack);
	kfree(call);
}

/* The task is exiting: its calls are over. */
void exit_thread(struct task_struct *tsk)
{
	struct lib_call *call = tsk->thread.call;

	if (!call)
		return;
	tsk->thread.call = NULL;
	call->fn = NULL;
	call->task.dead = 1;
	call->task.result = -ESRCH;
	barrier();
	call->task.done = 1;
	host_call(wake, &call->task);
}

static struct lib_call *alloc_call(void (*fn)(void *arg), void *arg, size_t stack_size)
{
	struct lib_call *call = kzalloc(sizeof(*call), GFP_KERNEL);

	if (!call || !fn)
		return call;
	call->user_fn = fn;
	call->user_arg = arg;
	stack_size = stack_size ?: USER_STACK;
	call->user_stack = kmalloc(stack_size, GFP_KERNEL);
	if (!call->user_stack) {
		free_call(call);
		return NULL;
	}
	call->user_sp = lib_new_stack(call->user_stack + stack_size, fiber_main);
	return call;
}

/* The new task does not run before its parent's call is over. */
static long do_create(struct lib_call *parent)
{
	const long *a = parent->args.a;
	struct lib_call *call = alloc_call((void *)a[1], (void *)a[2], a[3]);
	struct kernel_clone_args args = {
		.flags = CLONE_VM | CLONE_UNTRACED, .fn = lib_user_mode,
	};
	pid_t pid;

	if (!call)
		return -ENOMEM;
	if (a[0] & LIB_TASK_PROCESS)
		args.exit_signal = SIGCHLD;
	else
		args.flags |= CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			      CLONE_SYSVSEM;
	pid = kernel_clone(&args);
	if (pid < 0) {
		free_call(call);
		return pid;
	}
	lib_task_start(call, find_get_task_by_vpid(pid));
	call->task.process = parent->task.process;
	return (long)&call->task;
}

int lib_task_create(struct lib_task *parent, struct lib_task **task, unsigned int flags,
		    void (*fn)(void *arg), void *arg, size_t stack_size)
{
	long ret;

	if (flags & ~LIB_TASK_PROCESS)
		return -EINVAL;
	ret = lib_call(parent, do_create, flags, (long)fn, (long)arg, stack_size);
	if (IS_ERR_VALUE(ret))
		return ret;
	*task = (struct lib_task *)ret;
	return 0;
}

int lib_task_exit(struct lib_task *task)
{
	if (to_call(task) == &lib_boot_call || task == lib_running)
		return -EINVAL;
	if (!task->dead) {
		if (to_call(task)->user_fn || !task->done)
			return -EBUSY;
		lib_call(task, do_exit_call);
	}
	return lib_execute(free_call, to_call(task));
}

static void do_interrupt(void *arg)
{
	struct lib_call *call = arg;

	if (call->task.done)
		return;
	call->interrupted = true;
	set_notify_signal(call->tsk);
	wake_up_state(call->tsk, TASK_PARKED);
}

int lib_task_interrupt(struct lib_task *task)
{
	return lib_inject(do_interrupt, to_call(task));
}

static void do_kill(void *arg)
{
	struct lib_call *call = arg;

	if (!call->task.dead)
		send_sig(SIGKILL, call->tsk, 1);
}

int lib_task_kill(struct lib_task *task)
{
	return to_call(task) == &lib_boot_call ? -EPERM : lib_execute(do_kill, to_call(task));
}

/*
 * From now on the task's kernel side runs here. Its user memory is not here:
 * a call under way is made to return, and copies of it fault.
 */
int lib_task_adopt(struct lib_task *task)
{
	task->process = the_host.process;
	to_call(task)->orphan = !task->done;
	return lib_task_interrupt(task);
}
