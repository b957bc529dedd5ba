// SPDX-License-Identifier: GPL-2.0
/*
 * nuse.c - the command: runs a program on a Linux stack of its own.
 *
 * The process that the user has started becomes the program, so status, signals,
 * terminal and descriptors are the program's; a keeper (keeper.c) makes the
 * instance and stays with it.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../lib/error.h"
#include "catch.h"
#include "config.h"
#include "control.h"
#include "keeper.h"
#include "share.h"

#define STATUS_ERROR	1
#define STATUS_USAGE	2
#define STATUS_NOT_RUN	126		/* as shells have them */
#define STATUS_NOT_FOUND 127

#define RUN "nuse-run"

/* Those of the instance, and what the keeper and the program need besides */
#define LEAST_FDS	(NR_OWN_FDS + 32)

static const char help[] =
"nuse runs a program, as it is, on a Linux network stack of its own.\n"
"\n"
"  nuse [OPTIONS] [--] PROGRAM [ARGS]   makes an instance and runs a program on it\n"
"  nuse --join NAME PROGRAM [ARGS]      runs one more on an instance that is there\n"
"  nuse ls                              lists your instances\n"
"  nuse log NAME                        shows what the kernel of one has said\n"
"  nuse rm NAME                         ends one, with its programs\n"
"\n"
"Options\n"
"  -c FILE              configuration file (nuse.conf or JSON); else $NUSECONF\n"
"  --net KIND:WHAT[,KEY=VALUE]...  adds an interface, eth0, eth1, ...; kinds are\n"
"      tap:DEVICE       joined to a TAP of the host; needs root or an own TAP\n"
"      wire:PATH        joined to the instance that has the same path; needs nothing\n"
"      raw:DEVICE       all packets of an interface of the host; needs CAP_NET_RAW\n"
"      and keys address=, gateway=, mtu=, macaddr=, name= and others\n"
"  --sysctl NAME=VALUE  sets a sysctl of the instance\n"
"  --name NAME          its name; else that of the program and a number\n"
"  --keep               it outlives its last program, until nuse rm\n"
"  --pcap FILE          captures the traffic of all interfaces, in pcapng format\n"
"  --kernel FILE        another liblinux.so\n"
"  --memory SIZE, --cmdline WORDS, --nameserver ADDRESS, --search DOMAINS\n"
"  --verbose            the kernel's messages, on stderr\n"
"\n"
"Examples\n"
"  nuse ping 127.0.0.1                  a stack with nothing but its loopback\n"
"  nuse --net tap:tap0,address=10.0.0.2/24,gateway=10.0.0.1 curl http://10.0.0.1/\n"
"  nuse --name a --net wire:/tmp/w,address=10.1.0.1/24 iperf3 -s\n"
"  nuse --name b --net wire:/tmp/w,address=10.1.0.2/24 iperf3 -c 10.1.0.1\n"
"  nuse --join a ss -ti\n"
"\n"
"See man nuse.\n";

static int complain(int status, const char *what)
{
	fprintf(stderr, "%s%s\n", strncmp(what, "nuse: ", 6) ? "nuse: " : "", what);
	return status;
}

/* @status, if all that was printed has arrived */
static int written(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "nuse: cannot write what it has to say: %s\n", strerror(errno));
	return STATUS_ERROR;
}

static int usage(const char *what)
{
	fprintf(stderr, "nuse: %s; nuse --help tells more\n", what);
	return STATUS_USAGE;
}

/* ----------------------------------------------------------------- program */

/* Is it one that can run here? Whatever is no ELF file is nuse-run's to judge. */
static int check_file(const char *path, const char **why)
{
	Elf64_Ehdr elf;
	struct stat st;
	int fd;

	if (stat(path, &st) || S_ISDIR(st.st_mode) || access(path, X_OK)) {
		*why = S_ISDIR(st.st_mode) ? "is a directory" :
					     "may not be run: it has to be an executable file";
		return STATUS_NOT_RUN;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		*why = "may be run, but not read: here it has to be read";
		return STATUS_NOT_RUN;
	}
	if (read(fd, &elf, sizeof(elf)) == sizeof(elf) && !memcmp(elf.e_ident, ELFMAG, SELFMAG) &&
	    (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_machine != EM_X86_64))
		*why = "is of another architecture: nuse runs programs for x86-64";
	close(fd);
	return *why ? STATUS_NOT_RUN : 0;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* In the directories of PATH: whether there is a file with these permissions */
static bool search_path(char path[PATH_MAX], const char *program, int mode)
{
	const char *dirs = getenv("PATH") ?: "/usr/bin:/bin";
	size_t len;

	for (;; dirs += len + 1) {
		len = strcspn(dirs, ":");
		if (snprintf(path, PATH_MAX, "%.*s/%s", len ? (int)len : 1, len ? dirs : ".",
			     program) < PATH_MAX && !access(path, mode) && !is_directory(path))
			return true;
		if (!dirs[len])
			return false;
	}
}

/* The file that a shell would run; false: there is none */
static bool find_program(char path[PATH_MAX], const char *program)
{
	if (!strchr(program, '/'))
		return search_path(path, program, X_OK) || search_path(path, program, F_OK);
	snprintf(path, PATH_MAX, "%s", program);
	return !access(path, F_OK);
}

/* Before an instance is made for nothing */
static int check_program(const char *program)
{
	char path[PATH_MAX];
	const char *why = NULL;
	int status;

	if (!find_program(path, program)) {
		fprintf(stderr, "nuse: %s: there is no such program\n", program);
		return STATUS_NOT_FOUND;
	}
	status = check_file(path, &why);
	if (status)
		fprintf(stderr, "nuse: %s %s\n", path, why);
	return status;
}

/* nuse-run: beside this program, or where it was installed */
static int find_run(char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		return fail(errno, "no /proc: nuse cannot find its own files");
	while (len && self[len - 1] != '/')
		len--;
	self[len] = 0;
	snprintf(path, PATH_MAX, "%.4000s" RUN, self);
	if (access(path, X_OK))
		snprintf(path, PATH_MAX, "%.4000s../lib/libos/" RUN, self);
	if (access(path, X_OK))
		strcpy(path, LIBOS_LIBDIR "/libos/" RUN);
	return access(path, X_OK) ? fail(ENOENT, RUN " is neither in %s nor in " LIBOS_LIBDIR
					 "/libos: make tools, or make install", self) : 0;
}

/* ------------------------------------------------------------- descriptors */

static struct control_answer answer;

/* The hidden descriptors, with the numbers that they have in all processes */
static int place_all(const int *fds, unsigned int nr)
{
	unsigned int i;
	int to;

	for (i = 0; i < nr; i++) {
		to = answer.fd_base + answer.which[i];
		if (fcntl(to, F_GETFD) >= 0)
			return fail(EBUSY, "descriptor %d is open, but nuse needs it: close it", to);
		if (dup2(fds[i], to) < 0)
			return fail(errno, "descriptor %d cannot be, but nuse needs it: raise ulimit -Hn",
				    to);
		close(fds[i]);
	}
	return 0;
}

/*
 * They may have numbers, and be more, than the limit has it that the program will
 * have: between these two calls.
 */
static struct rlimit own_limit;

static void raise_limit(void)
{
	struct rlimit raised;

	getrlimit(RLIMIT_NOFILE, &own_limit);
	raised = own_limit;
	raised.rlim_cur = raised.rlim_max;
	setrlimit(RLIMIT_NOFILE, &raised);
}

static void restore_limit(void)
{
	setrlimit(RLIMIT_NOFILE, &own_limit);
}

/* ---------------------------------------------------------------- commands */

/* What is caught itself has its own instance where another one would have to be. */
static bool is_caught(void)
{
	unsigned char there;

	return !mincore((void *)NUSE_GATEWAY, 1, &there);
}

/* Becomes the program, on the instance whose descriptors it has. */
static int become(char **argv)
{
	char path[PATH_MAX], note[32], **args;
	int nr = 0, err = find_run(path);

	while (argv[nr])
		nr++;
	args = calloc(nr + 3, sizeof(*args));
	if (!err && !args)
		err = fail(ENOMEM, "out of memory");
	if (err)
		return complain(STATUS_ERROR, libos_error());
	snprintf(note, sizeof(note), "-%u", answer.fd_base);
	args[0] = path;
	args[1] = note;
	memcpy(args + 2, argv, nr * sizeof(*args));
	restore_limit();
	execv(path, args);
	fprintf(stderr, "nuse: %s: %s\n", path, strerror(errno));
	return STATUS_ERROR;
}

static int run_new(int argc, char **argv)
{
	struct nuse_config config = { 0 };
	char error[NUSE_LINE];
	unsigned int nr;
	int fds[UNIX_FDS], first, status, fd, err;

	first = nuse_config_args(&config, argc, argv, error);
	if (first < 0)
		return complain(STATUS_USAGE, error);
	if (first == argc && !config.keep)
		return usage("there is no program to run");
	if (*config.warning)
		complain(0, config.warning);
	status = argv[first] ? check_program(argv[first]) : 0;
	if (status)
		return status;
	raise_limit();
	if (own_limit.rlim_max < LEAST_FDS)
		return complain(STATUS_ERROR,
				"an instance needs more descriptors: raise ulimit -Hn");
	fd = keeper_start(&config, argv[first]);
	err = fd < 0 ? fd : control_receive(fd, &answer, fds, &nr);
	if (!err && argv[first])
		err = place_all(fds, nr);
	if (err)
		return complain(STATUS_ERROR, libos_error());
	if (argv[first])
		return become(argv + first);
	puts(answer.name);
	return written(0);
}

static int join(int argc, char **argv)
{
	char **program = argv + 3;
	int fds[UNIX_FDS], status, fd, err;
	unsigned int nr;

	if (argc > 3 && !strcmp(*program, "--"))
		program++;
	if (argc < 4 || !*program)
		return usage("--join needs the name of an instance and a program");
	status = check_program(*program);
	if (status)
		return status;
	raise_limit();
	fd = control_dial(argv[2]);
	err = fd < 0 ? fd : control_ask(fd, CONTROL_JOIN, &answer, fds, &nr);
	if (!err)
		err = place_all(fds, nr);
	return err ? complain(STATUS_ERROR, libos_error()) : become(program);
}

static int ask(const char *name, enum control_request request)
{
	int fds[UNIX_FDS], fd = control_dial(name), err;
	unsigned int nr;

	if (fd < 0)
		return fd;
	err = control_ask(fd, request, &answer, fds, &nr);
	if (!err && request == CONTROL_REMOVE)
		while (unix_receive(fd, &answer, sizeof(answer), fds, &nr) > 0)
			;
	close(fd);
	return err;
}

static void print_age(long seconds)
{
	char text[32];

	if (seconds < 100)
		snprintf(text, sizeof(text), "%lds", seconds);
	else if (seconds < 100 * 60)
		snprintf(text, sizeof(text), "%ldm", seconds / 60);
	else if (seconds < 72 * 3600)
		snprintf(text, sizeof(text), "%ldh", seconds / 3600);
	else
		snprintf(text, sizeof(text), "%ldd", seconds / 86400);
	printf("%5s  ", text);
}

#define COLUMNS	"%-20s %-16s %7s %9s "

static int list_one(const char *name)
{
	char *release, *pid, *processes, *age, *rest = answer.text;

	if (ask(name, CONTROL_LIST))
		return 0;		/* it has ended meanwhile */
	release = strsep(&rest, "\t");
	pid = strsep(&rest, "\t");
	processes = strsep(&rest, "\t");
	age = strsep(&rest, "\t");
	if (!age)
		return 0;
	printf(COLUMNS, name, release, pid, processes);
	print_age(atol(age));
	puts(rest ?: "");
	return 0;
}

static int list(void)
{
	printf(COLUMNS "%5s  %s\n", "NAME", "KERNEL", "KEEPER", "PROCESSES", "AGE", "NETWORK");
	return control_each(list_one);
}

/* Of a dead one, the keeper has left a file. */
static int print_log(const char *name)
{
	char path[UNIX_PATH];
	int err = ask(name, CONTROL_LOG), c;
	FILE *file;

	if (!err)
		return fputs(answer.text, stdout) < 0;
	if (err != -ENOENT || control_path(path, name, CONTROL_LOG_FILE))
		return err;
	file = fopen(path, "re");
	if (!file)
		return err;
	while ((c = getc(file)) != EOF)
		putchar(c);
	fclose(file);
	return 0;
}

static int remove_instance(const char *name)
{
	char path[UNIX_PATH];
	int err = ask(name, CONTROL_REMOVE);

	if (err == -ENOENT && !control_path(path, name, CONTROL_LOG_FILE) && !unlink(path))
		return 0;
	return err;
}

/* ls, log and rm; -1: it is none of these */
static int manage(int argc, char **argv)
{
	static const struct {
		const char *name;
		int argc;
		int (*act)(const char *name);
		const char *usage;
	} acts[] = {
		{ "log", 3, print_log, "nuse log takes the name of an instance" },
		{ "rm", 3, remove_instance, "nuse rm takes the name of an instance" },
	};
	unsigned int i;

	if (!strcmp(argv[1], "ls"))
		return argc > 2 ? usage("nuse ls takes no arguments") :
		       list() ? complain(STATUS_ERROR, libos_error()) : 0;
	for (i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		if (strcmp(argv[1], acts[i].name))
			continue;
		if (argc != acts[i].argc)
			return usage(acts[i].usage);
		return acts[i].act(argv[2]) ? complain(STATUS_ERROR, libos_error()) : 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 2)
		return usage("there is nothing to run");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(help, stdout);
		return written(0);
	}
	status = manage(argc, argv);
	if (status >= 0)
		return written(status);
	if (is_caught())
		return complain(STATUS_ERROR, "a program on an instance cannot go to another: run it outside of nuse");
	if (!strcmp(argv[1], "--join"))
		return join(argc, argv);
	return run_new(argc, argv);
}
