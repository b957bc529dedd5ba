// SPDX-License-Identifier: GPL-2.0
/*
 * Process 1: what a program would be that only serves the caller's calls. The
 * kernel executes /init as always; the file is empty and made here, and its
 * binary format is the one below.
 */
#include <linux/binfmts.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/init_syscalls.h>
#include <linux/oom.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/task_work.h>
#include <linux/user_namespace.h>
#include <asm/lib.h>

#define INIT_FILE	"/init"

struct lib_call lib_boot_call;

/* To the caller's tasks no signal is fatal but SIGKILL; no child is waited for. */
static void catch_signals(void)
{
	struct k_sigaction *action = current->sighand->action;
	int sig;

	for (sig = 1; sig <= _NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			action[sig - 1].sa.sa_handler = (__sighandler_t)(unsigned long)lib_user_mode;
	action[SIGCHLD - 1].sa.sa_handler = SIG_IGN;
}

static int load_init(struct linux_binprm *bprm)
{
	int err;

	if (!is_global_init(current) || strcmp(bprm->filename, INIT_FILE))
		return -ENOEXEC;
	err = begin_new_exec(bprm);
	if (err)
		return err;
	setup_new_exec(bprm);
	finalize_exec(bprm);
	catch_signals();
	lib_task_start(&lib_boot_call, get_task_struct(current));
	return 0;
}

static struct linux_binfmt init_format = {
	.load_binary = load_init,
};

static const struct {
	const char *type, *dir;
} mounts[] __initconst = {
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "devtmpfs", "/dev" },
	{ "tmpfs", "/tmp" },
	{ "tmpfs", "/run" },
	{ "cgroup2", "/sys/fs/cgroup" },
	{ "bpf", "/sys/fs/bpf" },
	{ "debugfs", "/sys/kernel/debug" },
};

/*
 * Limits by memory would be 62 and 125; memory itself is limit enough, and calls
 * fail without it: no task's end would give it back. The scheduler's server for
 * tasks that real-time tasks starve sets a timer whenever an idle kernel has been
 * woken, and does nothing else here: it is off. What is not there is not written.
 */
static void __init set_limits(void)
{
	init_user_ns.ucount_max[UCOUNT_NET_NAMESPACES] = INT_MAX;
	lib_write(filp_open("/proc/sys/kernel/threads-max", O_WRONLY, 0), "30000");
	lib_write(filp_open("/sys/kernel/debug/sched/fair_server/cpu0/runtime", O_WRONLY, 0), "0");
	oom_killer_disable(0);
}

/* What is not configured is not mounted. */
static int __init prepare_init(void)
{
	struct file *file;
	int i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		init_mkdir(mounts[i].dir, 0755);
		init_mount("none", mounts[i].dir, mounts[i].type, 0, NULL);
	}
	set_limits();
	file = filp_open(INIT_FILE, O_CREAT | O_WRONLY, 0700);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fput(file);
	task_work_run();	/* now: a file being written is not executed */
	register_binfmt(&init_format);
	return 0;
}
late_initcall_sync(prepare_init);
