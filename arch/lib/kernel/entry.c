// SPDX-License-Identifier: GPL-2.0
/*
 * In and out of an instance.
 *
 * Everything the kernel does runs on its own stacks. A host thread that enters
 * becomes the carrier: its frame is suspended (carrier_sp) and the fiber at
 * rest goes on (rest_sp). There are two places to rest: the idle task, and the
 * current task when its system call is complete, which is its user mode. So
 * the next call of the same task needs no switch of tasks at all, and an
 * interrupt is a function that the resting fiber is asked to run, with the
 * same meaning as in hardware: it interrupted user mode, or idle.
 *
 * What is asked of a fiber at rest is called on top of its stack; when it is done
 * before the carrier was left, the carrier just returns. Else the fiber goes on
 * at its rest some time later (serve_task, serve_idle).
 *
 * If another task, or nobody, is to run next, the task at rest in user mode
 * first goes to sleep in the scheduler's eyes. It is woken by its next call.
 *
 * No frame of the host is live between two entries, and a carrier is nothing
 * but a stack pointer, so any thread may carry any fiber. A call that another
 * process made is carried until it is to read or write that one's memory: then
 * the task sleeps until its process goes on with it (parked).
 *
 * A task may also have its user mode on a stack in the instance: the caller's
 * code runs there as part of the carrier (lib_running), its calls too are made
 * on top of its kernel stack, and when such a call blocks the carrier goes on
 * with something else.
 *
 * A processor foresees where a function returns to only while calls and returns
 * pair up, and every switch of stacks breaks that: so calls and interrupts are
 * served on top, and what is left when a stack is switched has few frames.
 */
#include <linux/cpu.h>
#include <linux/resume_user_mode.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/hardirq.h>
#include <linux/irqflags.h>
#include <asm/irq_regs.h>
#include <asm/lib.h>
#include <asm/switch_to.h>
#include <asm/versions.h>

union lib_host_page lib_host_page __section(".data..host_page");
u32 lib_status;
struct lib_task *lib_running;
bool lib_foreign;
typeof(schedule) __wrap_schedule, __real_schedule;

static void *carrier_sp;
static void *rest_sp;
static struct lib_call *rest_call;	/* who rests in user mode; NULL: idle */
static struct lib_call *carrier_call;	/* whose call the carrier made */
static struct task_struct *served;	/* on whose stack the carrier still is */
static const char *death;		/* why the instance died; not told yet */

/* What the fiber at rest is asked to do */
static enum { REQ_NONE, REQ_CALL, REQ_INTERRUPT, REQ_GIVE_WAY } request;
static void (*request_fn)(void *arg);
static void *request_arg;

/* ---------------------------------------------------------- kernel's side */

/* Back to the carrier, until somebody enters and wants @save_sp. */
static __always_inline void leave(void **save_sp)
{
	served = NULL;
	lib_switch(save_sp, carrier_sp);
}

static __always_inline void rest(struct lib_call *call)
{
	if (call && call->user_fn) {
		lib_running = &call->task;
		lib_switch(&call->kernel_sp, call->user_sp);
	} else {
		rest_call = call;
		leave(&rest_sp);
		rest_call = NULL;
	}
}

/* Interrupts the current task, in its user mode if it has a call, or idle. */
static void interrupt(struct lib_call *call, void (*fn)(void *arg), void *arg)
{
	struct pt_regs *old, regs = { .user = !!call };

	old = set_irq_regs(&regs);
	irq_enter();
	fn(arg);
	irq_exit();
	set_irq_regs(old);
}

static void run_request(struct lib_call *call)
{
	local_irq_disable();
	if (request == REQ_INTERRUPT)
		interrupt(call, request_fn, request_arg);
	else if (request_fn)
		request_fn(request_arg);
	if (call)
		local_irq_enable();
}

/* Rests until an interrupt; the idle loop looks around after each. */
void arch_cpu_idle(void)
{
	lib_idle_tick();
	rest(NULL);
	run_request(NULL);
	lib_idle_irqs();
}

static void deliver_signals(struct lib_call *call)
{
	struct ksignal ksig;

	while (get_signal(&ksig))
		if (the_host.signal)
			host_call(signal, &call->task, ksig.sig);
	restore_saved_sigmask();
}

/* What is to be done before a task is in user mode again: @which of the _TIF_ flags */
static void do_work(struct lib_call *call, unsigned long which)
{
	unsigned long work;

	while ((work = read_thread_flags() & which)) {
		if (work & _TIF_NEED_RESCHED)
			schedule();
		if (work & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL))
			deliver_signals(call);
		if (work & _TIF_NOTIFY_RESUME)
			resume_user_mode_work(&call->tsk->thread.regs);
	}
}

/* In user mode and not current: asleep until there is a call to make. */
static void sleep_in_user_mode(struct lib_call *call)
{
	for (;;) {
		do_work(call, _TIF_WORK_MASK);
		set_current_state(TASK_INTERRUPTIBLE);
		if (call->fn)
			break;
		if (!signal_pending(current))
			schedule();
	}
	__set_current_state(TASK_RUNNING);
}

/* The call is complete before others run that it has woken. */
static void serve_call(struct lib_call *call)
{
	long result = call->fn(call);

	call->fn = NULL;
	do_work(call, _TIF_WORK_MASK & ~_TIF_NEED_RESCHED);
	lib_foreign = call->orphan = false;
	call->task.result = result;
	barrier();
	call->task.done = 1;
	if (call != carrier_call && !call->user_fn)
		host_call(wake, &call->task);
}

/* Calls and interrupts of a task at rest in user mode */
static void serve(struct lib_call *call)
{
	if (request == REQ_CALL)
		serve_call(call);
	else
		run_request(call);
	do_work(call, _TIF_WORK_MASK);
}

/* The stack to go on with: the carrier's; or NULL, where this one rested. */
static void *go_on(bool at_once)
{
	if (likely(at_once))
		return carrier_sp;
	request = REQ_NONE;
	request_fn = NULL;
	return NULL;
}

/* On top of the stack of the task that rests in user mode: does what is asked. */
static void *serve_task(void)
{
	struct lib_call *call = rest_call;

	rest_call = NULL;
	served = current;
	serve(call);
	if (likely(served == current))
		rest_call = call;
	return go_on(served == current);
}

/*
 * Likewise for idle. While the tick goes on, the tasks that are woken run from
 * here; the long way round the idle loop is there to stop and start the tick.
 */
static void *serve_idle(void)
{
	served = current;
	run_request(NULL);
	while (need_resched() && lib_tick_goes_on())
		schedule();
	local_irq_disable();
	return go_on(served == current && lib_tick_goes_on());
}

/*
 * Likewise for the caller's code in a fiber, which goes on when all is done. It
 * may make calls for ever and never let the host look at its clock: what is due
 * comes after a call.
 */
static void *serve_fiber(void)
{
	struct lib_call *call = to_call(lib_running);

	lib_running = NULL;
	serve(call);
	if (unlikely(lib_timer_due())) {
		local_irq_disable();
		interrupt(call, lib_timer_interrupt, NULL);
		local_irq_enable();
		do_work(call, _TIF_WORK_MASK);
	}
	lib_running = &call->task;
	return call->user_sp;
}

/* The life of a task that serves calls. */
int __noreturn lib_user_mode(void *unused)
{
	struct lib_call *call = current->thread.call;

	if (!call->user_fn)
		sleep_in_user_mode(call);
	for (;;) {
		if (call->fn)
			serve_call(call);
		do_work(call, _TIF_WORK_MASK);
		rest(call);
		if (request == REQ_CALL)
			continue;
		run_request(call);
		if (request == REQ_GIVE_WAY)
			sleep_in_user_mode(call);
	}
}

/* Another fiber goes on: the stack of that. */
void *lib_next_stack(struct task_struct *prev, struct task_struct *next)
{
	struct lib_call *call = next->thread.call;

	lib_current = next;
	lib_prev = prev;
	lib_foreign = call && call->fn &&
		      (call->orphan || call->task.process != the_host.process);
	return next->thread.sp;
}

/* Who may not sleep does without the memory, as where it is not mapped. */
bool lib_await_process(void)
{
	struct lib_call *call = current->thread.call;

	while (lib_foreign && !call->orphan && !fatal_signal_pending(current) &&
	       !pagefault_disabled() && !irqs_disabled()) {
		set_special_state(TASK_PARKED | TASK_WAKEKILL);
		call->parked = true;
		host_call(wake, &call->task);
		schedule();
		call->parked = false;
	}
	return !lib_foreign;
}

/*
 * In place of the kernel's: who has waited for an event, for ever maybe, waits for
 * its process before it takes locks again, which others may want. Who waits for a
 * mutex does not come here, and hands it on when it has had it.
 */
asmlinkage void __wrap_schedule(void)
{
	bool interruptible = READ_ONCE(current->__state) & TASK_INTERRUPTIBLE;

	__real_schedule();
	if (unlikely(lib_foreign) && interruptible)
		lib_await_process();
}

/* Leaves for good: the instance is dead. */
void __noreturn lib_die(const char *reason)
{
	void *sp;

	lib_status = LIB_DEAD;
	death = reason;
	for (;;)
		leave(&sp);
}

/* ------------------------------------------------------------ host's side */

static __always_inline void enter(int req, void (*fn)(void *arg), void *arg)
{
	request = req;
	request_fn = fn;
	request_arg = arg;
	lib_clock_uses = 0;
	lib_laps = 0;
	if (lib_running)
		lib_switch_serve(&to_call(lib_running)->user_sp, to_call(lib_running)->kernel_sp,
				 serve_fiber);
	else if (req == REQ_NONE || (rest_call && req == REQ_GIVE_WAY))
		lib_switch(&carrier_sp, rest_sp);
	else
		lib_switch_serve(&carrier_sp, rest_sp, rest_call ? serve_task : serve_idle);
	if (unlikely(death)) {
		if (the_host.panic)
			host_call(panic, death);
		death = NULL;
	}
}

static __always_inline int ask(int req, void (*fn)(void *arg), void *arg)
{
	carrier_call = NULL;
	if (likely(lib_status == LIB_RUNNING))
		enter(req, fn, arg);
	return likely(lib_status == LIB_RUNNING) ? 0 : -EOWNERDEAD;
}

/* Runs fn(arg) as an interrupt. */
int lib_inject(void (*fn)(void *arg), void *arg)
{
	return ask(REQ_INTERRUPT, fn, arg);
}

/* Runs fn(arg) in the kernel, where it must not sleep, and all that follows. */
int lib_execute(void (*fn)(void *arg), void *arg)
{
	return ask(REQ_GIVE_WAY, fn, arg);
}

u64 lib_run(void)
{
	while (rest_call && !lib_execute(NULL, NULL))
		;
	return lib_status == LIB_RUNNING ? lib_deadline : LIB_TIME_NEVER;
}

static void wake_task(void *call)
{
	wake_up_state(((struct lib_call *)call)->tsk, TASK_NORMAL | TASK_PARKED);
}

/* Blocks the calling thread until the task's call is complete. */
static void wait_for(struct lib_call *call)
{
	while (!READ_ONCE(call->task.done) && lib_status == LIB_RUNNING) {
		if (call->parked)
			lib_execute(wake_task, call);
		else if (rest_call)
			lib_execute(NULL, NULL);
		else
			host_call(idle, &call->task, lib_deadline);
	}
}

long lib_make_call(struct lib_call *call, long (*fn)(struct lib_call *call))
{
	if (unlikely(lib_status != LIB_RUNNING))
		return -EOWNERDEAD;
	if (unlikely(call->task.dead))
		return -ESRCH;

	call->interrupted = false;
	call->task.process = the_host.process;
	call->task.done = 0;
	call->fn = fn;
	if (lib_running) {
		enter(REQ_CALL, NULL, NULL);
		return call->task.result;
	}
	carrier_call = call;
	if (likely(rest_call == call))
		enter(REQ_CALL, NULL, NULL);
	else
		lib_execute(wake_task, call);
	if (unlikely(!call->task.done))
		wait_for(call);
	return likely(lib_status == LIB_RUNNING) ? call->task.result : -EOWNERDEAD;
}

/* Starts the kernel, on its first stack, and returns when process 1 rests. */
int lib_boot(void (*fn)(void))
{
	rest_sp = lib_new_stack(init_stack + THREAD_SIZE / sizeof(*init_stack), fn);
	lib_status = LIB_RUNNING;
	enter(REQ_NONE, NULL, NULL);
	while (lib_status == LIB_RUNNING && !lib_boot_call.tsk) {
		host_call(idle, NULL, lib_deadline);
		lib_run();
	}
	/* The first tick, before its time, switches to high resolution. */
	return lib_inject(lib_timer_interrupt, NULL);
}
