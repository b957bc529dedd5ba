// SPDX-License-Identifier: GPL-2.0
/*
 * Rest and waking up: what the kernel does before its memory is copied, and
 * first of all in the copy.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <asm/lib.h>

static bool call_under_way(void)
{
	struct task_struct *p, *t;

	for_each_process_thread(p, t)
		if (t->thread.call && (t->thread.call->fn || t->thread.call->user_fn))
			return true;
	return false;
}

int lib_freeze(void)
{
	if (lib_status != LIB_RUNNING)
		return -EOWNERDEAD;
	lib_run();
	if (lib_running || call_under_way())
		return -EBUSY;
	lib_clock_freeze();
	return 0;
}

/* The random number generator, when told to, seeds itself anew by the host's. */
static long do_thaw(struct lib_call *call)
{
	struct file *file = filp_open("/dev/urandom", O_RDWR, 0);
	long err;

	lib_clock_thaw();
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = vfs_ioctl(file, RNDRESEEDCRNG, 0);
	fput(file);
	return err;
}

int lib_thaw(void)
{
	return lib_call(&lib_boot_call.task, do_thaw);
}
