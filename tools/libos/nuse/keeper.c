// SPDX-License-Identifier: GPL-2.0
/*
 * keeper.c - see keeper.h
 *
 * The keeper has a session of its own and no terminal, and is nobody's child. It
 * knows processes by their pidfd: those that came as members, and commands that
 * are about to become one. With the last of them the instance ends, unless it is
 * kept. A dead instance, too, stays until its processes have gone, so that it can
 * be asked why, and leaves what its kernel said in a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../lib/error.h"
#include "control.h"
#include "create.h"
#include "inventory.h"
#include "keeper.h"
#include "loop.h"
#include "shared.h"
#include "wire.h"

#define FIRST_MEMBER	2	/* number 1 is the keeper */
#define PATIENCE	2	/* seconds: for SIGTERM to have effect, for a birth */

/* A process that the instance lives for */
struct process {
	struct process *next;
	pid_t pid;
	struct source source;	/* its pidfd */
};

static struct keeper {
	char name[CONTROL_NAME];
	struct libos *instance;
	bool keep;
	int console;			/* gets what the kernel says, or -1 */
	uint32_t console_len;		/* so much of it has been written there */
	struct timespec start;
	struct process *processes;
	unsigned int births;		/* members that have not said their pid */
	uint8_t orphans[SHARE_PROCESSES];	/* seconds of births without a parent */
	unsigned int ending;		/* seconds since it was ended, from 1 */
	bool logged;			/* it is dead, and the file is written */
	struct source door, signals, clock;
} keeper;

static struct control_answer answer;

#define process_of(at) ((struct process *)((char *)(at) - offsetof(struct process, source)))

/* --------------------------------------------------------------- processes */

static void signal_process(const struct process *process, int sig)
{
	syscall(SYS_pidfd_send_signal, process->source.fd, sig, NULL, 0);
}

static void signal_all(int sig)
{
	const struct process *process;

	for (process = keeper.processes; process; process = process->next)
		signal_process(process, sig);
}

static void reap(pid_t pid)
{
	uint32_t i;

	for (i = FIRST_MEMBER; i < share->nr_members; i++)
		if (share->members[i].pid == (uint32_t)pid)
			share_reap(i);
}

static void process_gone(struct source *source)
{
	struct process *process = process_of(source), **at = &keeper.processes;

	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	loop_remove(source);
	reap(process->pid);
	free(process);
}

static bool is_known(pid_t pid)
{
	const struct process *process = keeper.processes;

	while (process && process->pid != pid)
		process = process->next;
	return process;
}

static int add_process(pid_t pid)
{
	struct process *process = calloc(1, sizeof(*process));
	int err;

	if (!process)
		return -ENOMEM;
	process->pid = pid;
	process->source.fd = syscall(SYS_pidfd_open, pid, 0);
	process->source.ready = process_gone;
	err = process->source.fd < 0 ? -errno : loop_add(&process->source);
	if (err) {
		if (process->source.fd >= 0)
			close(process->source.fd);
		free(process);
		return err;
	}
	process->next = keeper.processes;
	keeper.processes = process;
	if (keeper.ending)
		signal_process(process, keeper.ending > PATIENCE ? SIGKILL : SIGTERM);
	return 0;
}

/* Who has come, and who is about to? */
static void look_at_members(void)
{
	uint32_t i, pid;

	keeper.births = 0;
	for (i = FIRST_MEMBER; i < share->nr_members; i++) {
		pid = share->members[i].pid;
		if (pid & SHARE_BIRTH)
			keeper.births++;
		else if (pid && !is_known(pid) && add_process(pid) == -ESRCH)
			reap(pid);
	}
}

/* A parent may be killed when its child was announced and not yet there. */
static void look_at_births(void)
{
	uint32_t i, pid;

	for (i = FIRST_MEMBER; i < share->nr_members; i++) {
		pid = share->members[i].pid;
		if (!(pid & SHARE_BIRTH) || is_known(pid & ~SHARE_BIRTH))
			keeper.orphans[i] = 0;
		else if (++keeper.orphans[i] > PATIENCE)
			share_reap(i);
	}
}

/* ------------------------------------------------------------------- death */

static void write_log(void)
{
	char path[UNIX_PATH];
	FILE *file = NULL;

	keeper.logged = true;
	if (!control_path(path, keeper.name, CONTROL_LOG_FILE))
		file = fopen(path, "we");
	if (!file)
		return;
	fwrite(answer.text, 1, shared_console(answer.text, sizeof(answer.text)), file);
	fclose(file);
}

static void end_instance(void)
{
	if (!keeper.ending) {
		keeper.ending = 1;
		signal_all(SIGTERM);
	}
}

static bool is_over(void)
{
	if (keeper.ending > 2 * PATIENCE)
		return true;
	if (keeper.processes || (keeper.births && !share->dead))
		return false;
	return !keeper.keep || keeper.ending || share->dead;
}

static void second_passed(struct source *source)
{
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) < 0)
		return;
	look_at_births();
	if (keeper.ending && keeper.ending++ == PATIENCE)
		signal_all(SIGKILL);
}

static void signalled(struct source *source)
{
	struct signalfd_siginfo info;

	if (read(source->fd, &info, sizeof(info)) > 0)
		end_instance();
}

/* The clock runs when somebody waits for it. */
static void set_clock(void)
{
	bool needed = keeper.births || keeper.ending || keeper.console >= 0;
	struct itimerspec spec;

	timerfd_gettime(keeper.clock.fd, &spec);
	if (needed == !!spec.it_interval.tv_sec)
		return;
	spec = (struct itimerspec) { { needed, 0 }, { needed, 0 } };
	timerfd_settime(keeper.clock.fd, 0, &spec, NULL);
}

/* ---------------------------------------------------------------- requests */

static void answer_list(void)
{
	const struct process *process;
	struct timespec now;
	unsigned int nr = 0;
	int len;

	for (process = keeper.processes; process; process = process->next)
		nr++;
	clock_gettime(CLOCK_MONOTONIC, &now);
	len = snprintf(answer.text, sizeof(answer.text), "%s\t%d\t%u\t%lld\t",
		       share->kernel.release, getpid(), nr,
		       (long long)(now.tv_sec - keeper.start.tv_sec));
	if (share->dead)
		snprintf(answer.text + len, sizeof(answer.text) - len, "dead: %.127s",
			 share->reason);
	else
		inventory(keeper.instance, answer.text + len, sizeof(answer.text) - len);
}

static void answer_log(void)
{
	answer.text[shared_console(answer.text, sizeof(answer.text) - 1)] = 0;
}

/* The pid is that of the command, which will be the program. */
static void answer_join(int fd)
{
	pid_t pid = unix_peer(fd);
	int err = pid > 0 ? is_known(pid) ? 0 : add_process(pid) : -EPERM;

	if (!err && (share->dead || keeper.ending))
		err = -EOWNERDEAD;
	if (!err)
		return;
	answer.err = err;
	if (share->dead)
		snprintf(answer.text, sizeof(answer.text), "instance %s is dead: %.127s", keeper.name,
			 share->reason);
	else if (keeper.ending)
		snprintf(answer.text, sizeof(answer.text), "instance %s is about to end",
			 keeper.name);
	else
		snprintf(answer.text, sizeof(answer.text),
			 "the keeper of %s cannot watch this process: %s", keeper.name,
			 err == -EPERM ? "it is in another pid namespace" : strerror(-err));
}

static void begin_answer(void)
{
	memset(&answer, 0, offsetof(struct control_answer, text) + 1);
	answer.fd_base = share->fd_base;
	answer.pid = getpid();
	memcpy(answer.name, keeper.name, sizeof(answer.name));
}

/* With the descriptors of the instance, if it is for a process of it */
static int send_answer(int fd, bool member)
{
	int fds[NR_OWN_FDS];
	unsigned int nr = member && !answer.err ? FD_DEVICE + share->nr_devices : 0, i;

	for (i = 0; i < nr; i++)
		fds[i] = own_fd(i);
	return unix_send(fd, &answer, control_answer_size(&answer), fds, nr);
}

static void asked(struct source *source)
{
	enum control_request request;
	int err = -EPIPE;

	if (recv(source->fd, &request, sizeof(request), MSG_DONTWAIT) == sizeof(request)) {
		begin_answer();
		if (request == CONTROL_JOIN)
			answer_join(source->fd);
		else if (request == CONTROL_LIST)
			answer_list();
		else if (request == CONTROL_LOG)
			answer_log();
		else if (request == CONTROL_REMOVE)
			end_instance();
		err = send_answer(source->fd, request == CONTROL_JOIN);
	}
	if (err) {
		loop_remove(source);
		free(source);
	}
}

static void knocked(struct source *door)
{
	struct source *source;
	int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	source = unix_peer(fd) >= 0 ? calloc(1, sizeof(*source)) : NULL;
	if (source)
		*source = (struct source) { .fd = fd, .ready = asked };
	if (!source || loop_add(source)) {
		close(fd);
		free(source);
	}
}

/* ------------------------------------------------------------------ a life */

static void write_console(void)
{
	uint32_t room = sizeof(share->console);

	if (keeper.console < 0)
		return;
	if (share->console_len - keeper.console_len > room)
		keeper.console_len = share->console_len - room;
	for (; keeper.console_len != share->console_len; keeper.console_len++)
		if (write(keeper.console, &share->console[keeper.console_len % room], 1) < 0)
			return;
}

static void live(int loop)
{
	do {
		set_clock();
		share_care(loop);
		look_at_members();
		loop_serve();
		look_at_members();
		write_console();
		if (share->dead && !keeper.logged)
			write_log();
	} while (!is_over());
}

/* No descriptor of the user's stays open, and no directory in use. */
static void leave_home(int *fd, bool verbose)
{
	int null;

	setsid();
	umask(0077);
	*fd = dup2(*fd, 3);
	keeper.console = verbose ? dup2(2, 4) : -1;
	close_range(keeper.console < 0 ? 4 : 5, ~0U, 0);
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	close(null);
}

static int serve_signals(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTTOU, SIGXFSZ };
	sigset_t set;
	unsigned int i;

	for (i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_SETMASK, &set, NULL);
	keeper.signals = (struct source) {
		.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .ready = signalled,
	};
	return loop_add(&keeper.signals);
}

static int serve_clock(void)
{
	keeper.clock = (struct source) {
		.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
		.ready = second_passed,
	};
	return loop_add(&keeper.clock);
}

static int serve(int *loop, pid_t starter)
{
	int err;

	*loop = loop_open();
	err = *loop < 0 ? *loop : serve_signals() ?: serve_clock() ?: add_process(starter);
	return err ? fail(-err, "the keeper cannot wait: %s", strerror(-err)) : 0;
}

static int claim(const struct nuse_config *config, const char *program)
{
	char path[UNIX_PATH];
	int fd;

	snprintf(keeper.name, sizeof(keeper.name), "%s", config->name ?: "");
	fd = control_claim(keeper.name, program);
	if (fd < 0)
		return fd;
	if (!control_path(path, keeper.name, CONTROL_LOG_FILE))
		unlink(path);
	keeper.door = (struct source) { .fd = fd, .ready = knocked };
	return loop_add(&keeper.door);
}

static int boot(const struct nuse_config *config)
{
	int err = shared_gateway();

	if (err)
		return fail(-err, "no gateway at its address: %s", strerror(-err));
	err = share_create(config->kernel, config->memory, config->cmdline);
	if (err)
		return fail(-err, "%s", share_error());
	keeper.instance = shared_instance(keeper.name);
	return 0;
}

static int write_resolv_conf(const struct nuse_config *config)
{
	char *text = nuse_resolv_conf(config);
	FILE *file;
	int err;

	if (!text)
		return 0;
	err = control_path(share->resolv_conf, keeper.name, CONTROL_RESOLV_CONF);
	if (!err) {
		file = fopen(share->resolv_conf, "we");
		if (!file || fputs(text, file) < 0 || fclose(file))
			err = fail(errno, "cannot write %s: %s", share->resolv_conf,
				   strerror(errno));
	}
	free(text);
	return err;
}

static int configure(const struct nuse_config *config)
{
	struct nuse_net *net;
	char error[NUSE_LINE];
	int err;

	err = nuse_apply(config, keeper.instance, &net, error);
	return err ? fail(-err, "%s", error) : write_resolv_conf(config);
}

/* Tells the starter how it went. */
static int report(int fd, int err)
{
	if (err) {
		answer.err = err;
		snprintf(answer.text, sizeof(answer.text), "%s", libos_error());
	} else {
		begin_answer();
	}
	err = send_answer(fd, true) ?: err;
	close(fd);
	return err;
}

static int keep(const struct nuse_config *config, const char *program, int fd, pid_t starter)
{
	int loop, err;

	prctl(PR_SET_NAME, "nuse-keeper");
	leave_home(&fd, config->verbose);
	clock_gettime(CLOCK_MONOTONIC, &keeper.start);
	keeper.keep = config->keep;
	err = serve(&loop, starter) ?: claim(config, program) ?: boot(config) ?:
	      configure(config);
	if (keeper.instance)
		write_console();
	if (config->keep && keeper.console >= 0) {
		close(keeper.console);
		keeper.console = -1;
	}
	err = report(fd, err);
	if (!err && !chdir("/"))
		live(loop);
	wire_close_all();
	if (keeper.door.fd)
		control_forget(keeper.name);
	return !!err;
}

/* By way of a child that ends at once: the program will know of no child. */
int keeper_start(const struct nuse_config *config, const char *program)
{
	pid_t self = getpid(), child;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return fail(errno, "no sockets: %s", strerror(errno));
	child = fork();
	if (!child)
		_exit(fork() ? 0 : keep(config, program, ends[1], self));
	close(ends[1]);
	if (child > 0) {
		waitpid(child, NULL, 0);
		return ends[0];
	}
	close(ends[0]);
	return fail(errno, "no process for the keeper: %s", strerror(errno));
}
