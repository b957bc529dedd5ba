/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of this architecture share: the host's functions, and the
 * ways in and out of an instance. See kernel/entry.c.
 */
#ifndef _ASM_LIB_LIB_H
#define _ASM_LIB_LIB_H

#include <linux/linkage.h>
#include <linux/sched.h>
#include <uapi/asm/liblinux.h>

/* The host's functions: on a page of its own, private to each process. */
union lib_host_page {
	struct lib_host host;
	char page[PAGE_SIZE];
};
extern union lib_host_page lib_host_page;
#define the_host (lib_host_page.host)

/* Calls a function of the host. */
#define host_call(fn, ...)	the_host.fn(the_host.ctx, ##__VA_ARGS__)

struct lib_args {
	long a[7];
};

/**
 * struct lib_call - the kernel's view of a task of the caller
 * @task: what the caller sees; first
 * @tsk: its task; holds a reference
 * @fn: what it is to do when it comes to run: a system call, a control call
 * @args: arguments of @fn
 * @interrupted: task_interrupt() since the call began
 * @orphan: its call began in a process that is gone
 * @parked: it waits until its process goes on with it
 * @copies: of memory of the caller that the call writes to: see mm/map.c
 * @user_fn: NULL, or the caller's code that a fiber runs in user mode
 * @user_arg: its argument
 * @user_stack: the stack of that code
 * @user_sp: where that code is suspended
 * @kernel_sp: where its kernel side rests meanwhile
 */
struct lib_call {
	struct lib_task task;
	struct task_struct *tsk;
	long (*fn)(struct lib_call *call);
	struct lib_args args;
	bool interrupted;
	bool orphan;
	bool parked;
	struct lib_copy *copies;
	void (*user_fn)(void *arg);
	void *user_arg;
	void *user_stack;
	void *user_sp;
	void *kernel_sp;
};

static inline struct lib_call *to_call(struct lib_task *task)
{
	return (struct lib_call *)task;
}

/* The functions of the contract, here lib_syscall() and so on */
#define LIB_EXPORTS(of)								\
	of(syscall) of(task_create) of(task_exit) of(task_interrupt)		\
	of(task_kill) of(task_adopt) of(run) of(timer_fire)			\
	of(netdev_create) of(netdev_destroy) of(netdev_rx) of(netdev_tx_done)	\
	of(netdev_carrier) of(netdev_join) of(sysctl_get) of(sysctl_set)	\
	of(sysctl_iterate) of(fault) of(freeze) of(thaw) of(attach) of(exit)

#define LIB_DECLARE(fn)	typeof(*((struct lib_exports *)NULL)->fn) lib_##fn;
LIB_EXPORTS(LIB_DECLARE)

/* Makes @fn run in @task, or in the running fiber, and returns its result. */
#define lib_call(task, fn, ...)						\
({									\
	struct lib_call *__call = to_call(lib_running ?: (task));	\
									\
	if (likely(lib_status == LIB_RUNNING))				\
		__call->args = (struct lib_args){ { __VA_ARGS__ } };	\
	lib_make_call(__call, fn);					\
})

/* entry.c */
extern u32 lib_status;
extern struct lib_task *lib_running;
long lib_make_call(struct lib_call *call, long (*fn)(struct lib_call *call));
int lib_inject(void (*fn)(void *arg), void *arg);
int lib_execute(void (*fn)(void *arg), void *arg);
int lib_boot(void (*fn)(void));
void __noreturn lib_die(const char *reason);
int __noreturn lib_user_mode(void *unused);

/* process.c */
void *lib_new_stack(void *top, void (*fn)(void));

/* time.c */
extern u64 lib_deadline;
extern unsigned int lib_laps;
bool lib_timer_due(void);
void lib_timer_interrupt(void *unused);
void lib_idle_tick(void);
bool lib_tick_goes_on(void);
void lib_clock_freeze(void);
void lib_clock_thaw(void);

/* init.c, map.c, task.c, sysctl.c */
extern struct lib_call lib_boot_call;
void lib_task_start(struct lib_call *call, struct task_struct *tsk);
int lib_write_copies(struct lib_call *call);
long lib_write(struct file *file, const void *from);

#endif /* _ASM_LIB_LIB_H */
