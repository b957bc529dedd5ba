// SPDX-License-Identifier: GPL-2.0
/*
 * keeper.c - see keeper.h
 *
 * The keeper has a session of its own and no terminal, and is nobody's child.
 * With the last of its processes the instance ends, unless it is kept, when what
 * they have sent has arrived. A dead one, too, stays until its processes have gone,
 * so that it can be asked why, and leaves what its kernel said in a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
#include "keeper.h"
#include "linger.h"
#include "loop.h"
#include "processes.h"
#include "requests.h"
#include "shared.h"
#include "timeofday.h"
#include "wire.h"

#define PATIENCE	2	/* seconds for SIGTERM to have effect, then for SIGKILL */

static struct keeper {
	struct facts facts;
	bool keep;
	int console;			/* gets what the kernel says, or -1 */
	uint32_t console_len;		/* so much of it has been written there */
	unsigned int ending;		/* seconds since it was ended, from 1 */
	bool logged;			/* it is dead, and the file is written */
	bool named;			/* files of its name are its own */
	struct source signals, clock;
} keeper;

/* ------------------------------------------------------------------- death */

static void write_log(void)
{
	static char text[CONTROL_TEXT];
	char path[UNIX_PATH];
	FILE *file = NULL;

	keeper.logged = true;
	if (!control_path(path, keeper.facts.name, CONTROL_LOG_FILE))
		file = fopen(path, "we");
	if (!file)
		return;
	fwrite(text, 1, shared_console(text, sizeof(text)), file);
	fclose(file);
}

static void end_instance(void)
{
	if (keeper.ending)
		return;
	keeper.ending = 1;
	keeper.facts.ending = true;
	processes_signal(SIGTERM);
}

static bool is_over(void)
{
	if (keeper.ending > 2 * PATIENCE)
		return true;
	if (processes_count() || (processes_births() && !share->dead))
		return false;
	if (keeper.ending || share->dead)
		return true;
	return !keeper.keep && !linger(keeper.facts.instance);
}

static void second_passed(struct source *source)
{
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) < 0)
		return;
	processes_second();
	if (keeper.ending && keeper.ending++ == PATIENCE)
		processes_signal(SIGKILL);
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
	bool needed = processes_births() || keeper.ending || keeper.console >= 0;
	struct itimerspec spec;

	timerfd_gettime(keeper.clock.fd, &spec);
	if (needed == !!spec.it_interval.tv_sec)
		return;
	spec = (struct itimerspec) { { needed, 0 }, { needed, 0 } };
	timerfd_settime(keeper.clock.fd, 0, &spec, NULL);
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

/* Who reads it would wait for the keeper's end. */
static void drop_console(void)
{
	if (keeper.console >= 0)
		close(keeper.console);
	keeper.console = -1;
}

static void live(int loop)
{
	do {
		set_clock();
		share_care(loop);
		processes_look();
		loop_serve();
		processes_look();
		write_console();
		if (share->dead && !keeper.logged) {
			write_log();
			wire_close_all();
		}
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

/* One for each process, and more */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int serve(int *loop, pid_t starter)
{
	int err;

	allow_descriptors();
	*loop = loop_open();
	err = *loop < 0 ? *loop : serve_signals() ?: serve_clock() ?: linger_serve() ?:
					      timeofday_serve() ?:
					      processes_add(starter);
	return err ? fail(-err, "the keeper cannot wait: %s", strerror(-err)) : 0;
}

static int claim(const struct nuse_config *config, const char *program)
{
	char path[UNIX_PATH];
	int fd, err;

	snprintf(keeper.facts.name, sizeof(keeper.facts.name), "%s", config->name ?: "");
	fd = control_claim(keeper.facts.name, program);
	if (fd < 0)
		return fd;
	keeper.named = true;
	if (!control_path(path, keeper.facts.name, CONTROL_LOG_FILE))
		unlink(path);
	err = requests_serve(fd, &keeper.facts, end_instance);
	return err ? fail(-err, "the keeper cannot listen: %s", strerror(-err)) : 0;
}

static int boot(const struct nuse_config *config)
{
	int err = shared_gateway();

	if (err)
		return fail(-err, "no gateway at its address: %s", strerror(-err));
	err = share_create(config->kernel, config->memory, config->cmdline);
	if (err)
		return fail(-err, "%s", share_error());
	keeper.facts.instance = shared_instance(keeper.facts.name);
	shared_set_modes(keeper.facts.instance);
	return 0;
}

/* Not in a directory: programs may have become a user who cannot read the keeper's. */
static int write_resolv_conf(const struct nuse_config *config)
{
	char *text = nuse_resolv_conf(config);
	ssize_t len;
	int fd;

	if (!text)
		return 0;
	len = strlen(text);
	fd = memfd_create("resolv.conf", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text, len) != len || fchmod(fd, 0644) ||
	    dup2(fd, own_fd(FD_RESOLV_CONF)) < 0)
		return fail(errno, "cannot write a resolv.conf: %s", strerror(errno));
	close(fd);
	free(text);
	snprintf(share->resolv_conf, sizeof(share->resolv_conf), "/proc/self/fd/%d",
		 own_fd(FD_RESOLV_CONF));
	return 0;
}

static int configure(const struct nuse_config *config)
{
	struct nuse_net *net;
	char error[NUSE_LINE];
	int err;

	err = nuse_apply(config, keeper.facts.instance, &net, error);
	return err ? fail(-err, "%s", error) : write_resolv_conf(config);
}

static void clean_up(void)
{
	wire_close_all();
	if (keeper.named)
		control_forget(keeper.facts.name);
	keeper.named = false;
}

static int keep(const struct nuse_config *config, const char *program, int fd, pid_t starter)
{
	int loop, err;

	prctl(PR_SET_NAME, "nuse-keeper");
	leave_home(&fd, config->verbose);
	clock_gettime(CLOCK_MONOTONIC, &keeper.facts.start);
	keeper.keep = config->keep;
	err = serve(&loop, starter) ?: claim(config, program) ?: boot(config) ?:
	      configure(config);
	if (keeper.facts.instance)
		write_console();
	if (err)
		clean_up();
	err = requests_report(fd, &keeper.facts, err);
	close(fd);
	if (config->keep)
		drop_console();
	if (!err && !chdir("/"))
		live(loop);
	clean_up();
	return !!err;
}

/* By way of a child that ends at once, without a signal: the program will know of none. */
int keeper_start(const struct nuse_config *config, const char *program)
{
	pid_t self = getpid(), child;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return fail(errno, "no sockets: %s", strerror(errno));
	child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (!child)
		_exit(fork() ? 0 : keep(config, program, ends[1], self));
	close(ends[1]);
	if (child > 0) {
		waitpid(child, NULL, __WALL);
		return ends[0];
	}
	close(ends[0]);
	return fail(errno, "no process for the keeper: %s", strerror(errno));
}
