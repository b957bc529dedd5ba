/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of this architecture share: the host's functions, and the
 * ways in and out of an instance. See kernel/entry.c.
 */
#ifndef _ASM_LIB_LIB_H
#define _ASM_LIB_LIB_H

#include <linux/completion.h>
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

/**
 * struct lib_call - the kernel's view of a task of the caller
 * @task: what the caller sees; first
 * @tsk: its task; holds a reference
 * @started: it has begun to serve
 * @fn: what it is to do when it comes to run: a system call, a control call
 * @args: arguments of @fn
 * @interrupted: task_interrupt() since the call began
 * @orphan: its call began in a process that is gone
 * @user_fn: NULL, or the caller's code that a fiber runs in user mode
 * @user_arg: its argument
 * @user_stack: the stack of that code
 * @user_sp: where that code is suspended
 * @kernel_sp: where its kernel side rests meanwhile
 */
struct lib_call {
	struct lib_task task;
	struct task_struct *tsk;
	struct completion started;
	long (*fn)(struct lib_call *call);
	long args[7];
	bool interrupted;
	bool orphan;
	void (*user_fn)(void *arg);
	void *user_arg;
	void *user_stack;
	size_t user_stack_size;
	void *user_sp;
	void *kernel_sp;
};

static inline struct lib_call *to_call(struct lib_task *task)
{
	return (struct lib_call *)task;
}

/* entry.c: from the host */
long lib_call(struct lib_task *task, long (*fn)(struct lib_call *call), long a0, long a1,
	      long a2, long a3, long a4, long a5, long a6);
bool lib_inject(void (*fn)(void *arg), void *arg);
bool lib_execute(void (*fn)(void *arg), void *arg);
u64 lib_run(void);
void lib_resume(struct lib_task *task);
int lib_boot(void (*fn)(void));
void __noreturn lib_die(const char *reason);

/* entry.c: from the kernel */
void __noreturn lib_user_mode(struct lib_call *call);

extern u32 lib_status;
extern struct lib_task *lib_running;
extern struct lib_call *lib_boot_call;
extern struct task_struct *lib_prev;

/* switch.S */
void lib_switch(void **save_sp, void *sp);
void lib_switch_serve(void **save_sp, void *sp, void *(*serve)(void));
void *lib_new_stack(void *top, void (*fn)(void));

/* time.c */
extern u64 lib_deadline;
bool lib_timer_due(void);
void lib_timer_interrupt(void *unused);
void lib_idle_tick(void);
void lib_clock_freeze(void);
void lib_clock_thaw(void);

/* task.c */
int lib_task_create(struct lib_task *parent, struct lib_task **task, unsigned int flags,
		    void (*fn)(void *arg), void *arg, size_t stack_size);
int lib_task_exit(struct lib_task *task);
int lib_task_interrupt(struct lib_task *task);
int lib_task_kill(struct lib_task *task);
int lib_task_adopt(struct lib_task *task);
void lib_task_start(struct lib_call *call);

/* syscall.c */
long lib_do_syscall(struct lib_call *call);
long lib_syscall(struct lib_task *task, long nr, long a0, long a1, long a2, long a3,
		 long a4, long a5);

/* sysctl.c */
long lib_sysctl_get(struct lib_task *task, const char *name, char *buf, size_t len);
int lib_sysctl_set(struct lib_task *task, const char *name, const char *value);
int lib_sysctl_iterate(struct lib_task *task, lib_sysctl_fn fn, void *arg);

/* fault.c */
uintptr_t lib_fault(uintptr_t ip, uintptr_t addr);

/* snapshot.c */
int lib_freeze(void);
int lib_thaw(void);

/* drivers/netdev.c */
int lib_netdev_create(struct lib_task *task, struct lib_netdev *dev);
int lib_netdev_destroy(struct lib_task *task, u32 id);
int lib_netdev_rx(u32 id, const struct lib_packet *pkts, unsigned int nr);
int lib_netdev_tx_done(u32 id, const u64 *tokens, unsigned int nr, u64 tstamp);
int lib_netdev_carrier(u32 id, int up);
int lib_netdev_join(u32 id, u32 peer);

/* mm/init.c */
void lib_memory_init(void *memory, u64 size);
void lib_paging_init(void);

#endif /* _ASM_LIB_LIB_H */
