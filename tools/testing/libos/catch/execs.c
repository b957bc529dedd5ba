// SPDX-License-Identifier: GPL-2.0
/*
 * execs.c - what exec makes of files of every kind, compared with what the
 * host makes of them. It works in a directory that it is given.
 */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "check.h"

static char *me;			/* this program; with "show" it shows what it got */

static int spill(const char *name, const void *data, size_t size, int mode)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	TRUE(fd >= 0);
	EQUAL(write(fd, data, size), size);
	EQUAL(fchmod(fd, mode), 0);
	return close(fd);
}

/* What a child prints that execs; its errno where that fails */
static const char *child(int (*run)(void *arg), void *arg)
{
	static char out[4096];
	int pipes[2], pid, len = 0, got, status;

	EQUAL(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		close(pipes[0]);
		close(pipes[1]);
		run(arg);
		dprintf(1, "errno %d", errno);
		_exit(0);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], out + len, sizeof(out) - 1 - len)) > 0)
		len += got;
	close(pipes[0]);
	out[len] = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0);
	return out;
}

static void same(const char *got, const char *expected)
{
	if (!strcmp(got, expected))
		return;
	printf("got:\n%s\nexpected:\n%s\n", got, expected);
	fflush(stdout);
	_exit(1);
}

static int plain(void *path)
{
	return execl(path, "zero", "one", "two", NULL);
}

/* A script, one with an argument, and one whose interpreter is a script */
static void scripts(void)
{
	char script[600];

	snprintf(script, sizeof(script), "#!%s\nrest", me);
	spill("script", script, strlen(script), 0755);
	same(child(plain, "script"), "show? script one two ");
	snprintf(script, sizeof(script), "#! %s  show all \t\nrest", me);
	spill("script", script, strlen(script), 0755);
	same(child(plain, "script"), "4242: show all script one two \n");
	spill("second", "#!script show\n", 14, 0755);
	same(child(plain, "./second"), "4242: show all script show ./second one two \n");
	spill("loop", "#!loop\n", 7, 0755);
	same(child(plain, "./loop"), "errno 40");
	spill("text", "nothing\n", 8, 0755);
	same(child(plain, "./text"), "errno 8");
	spill("lost", "#!/none/here\n", 13, 0755);
	same(child(plain, "./lost"), "errno 2");
}

/* Five may be each other's interpreters. */
static void nested_scripts(void)
{
	char name[] = "script0", script[600];

	snprintf(script, sizeof(script), "#!%s show\n", me);
	for (; name[6] < '6'; name[6]++) {
		spill(name, script, strlen(script), 0755);
		snprintf(script, sizeof(script), "#!%s\n", name);
	}
	same(child(plain, "script4"),
	     "4242: show script0 script1 script2 script3 script4 one two \n");
	same(child(plain, "script5"), "errno 40");
}

/* The host looks at 255 bytes: an argument is cut there, and a path is none. */
static void long_lines(void)
{
	char script[600], expected[600];
	int len = snprintf(script, sizeof(script), "#!%s show", me);

	memset(script + len, 'x', sizeof(script) - len);
	spill("long", script, sizeof(script), 0755);
	snprintf(expected, sizeof(expected), "4242: show%.*s ./long one two \n", 255 - len,
		 script + len);
	same(child(plain, "./long"), expected);
	memset(script + 2, '/', sizeof(script) - 2);
	spill("long", script, sizeof(script), 0755);
	same(child(plain, "./long"), "errno 8");
}

static void refusals(void)
{
	static char foreign[200], bad[PATH_MAX + 10];
	Elf64_Ehdr *eh = (Elf64_Ehdr *)foreign;

	same(child(plain, "none"), "errno 2");
	same(child(plain, ""), "errno 2");
	same(child(plain, "/"), "errno 13");
	spill("plain", "#!/bin/sh\n", 10, 0644);
	same(child(plain, "plain"), "errno 13");
	memset(bad, 'x', sizeof(bad) - 1);
	same(child(plain, bad), "errno 36");
	memcpy(eh->e_ident, ELFMAG, SELFMAG);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_machine = EM_AARCH64;
	spill("foreign", foreign, sizeof(foreign), 0755);
	same(child(plain, "./foreign"), "nuse: ./foreign is a program for another machine: here run"
	     " those of x86-64, 64 bits\nerrno 8");
	if (geteuid())
		return;
	spill("setuid", "#!/bin/sh\necho ran\n", 19, 0755);
	EQUAL(chown("setuid", 65534, 0), 0);
	EQUAL(chmod("setuid", 04755), 0);
	same(child(plain, "./setuid"), "nuse: ./setuid is setuid or setgid, which a caught program"
	     " cannot become: run it outside, or as its owner\nerrno 1");
	EQUAL(chown("setuid", 0, 0), 0);
	EQUAL(chmod("setuid", 04755), 0);
	same(child(plain, "./setuid"), "ran\n");
}

static int by_link(void *arg)
{
	(void)arg;
	return execl("/proc/self/exe", "zero", "show", NULL);
}

static int by_descriptor(void *arg)
{
	char *argv[] = { "zero", "show", NULL }, *envp[] = { NULL };
	char buf[4096];
	int fd = open(me, O_RDONLY), copy = memfd_create("copy", MFD_CLOEXEC), got;

	(void)arg;
	while ((got = read(fd, buf, sizeof(buf))) > 0)
		EQUAL(write(copy, buf, got), got);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fexecve(copy, argv, envp);
}

static int by_path_only(void *arg)
{
	char *argv[] = { "zero", "show", NULL }, *envp[] = { NULL };

	(void)arg;
	return fexecve(open(me, O_PATH | O_CLOEXEC), argv, envp);
}

static int at_directory(void *arg)
{
	char *argv[] = { "zero", "show", NULL }, *envp[] = { NULL };

	(void)arg;
	return syscall(SYS_execveat, open("/", O_PATH | O_CLOEXEC), me + 1, argv, envp, 0);
}

static int without_anything(void *arg)
{
	(void)arg;
	return execve(me, (char *[]) { "zero", "fds", NULL }, NULL);
}

static void ways(void)
{
	same(child(by_link, NULL), "4242: show \n");
	same(child(by_descriptor, NULL), "4242: show \n");
	same(child(by_path_only, NULL), "4242: show \n");
	same(child(at_directory, NULL), "4242: show \n");
	closefrom(3);
	same(child(without_anything, NULL), "0 1 2 ");
}

static int many(void *arg)
{
	static char *argv[40002];
	int i;

	for (i = 0; i < 40000; i++)
		argv[i] = "an argument";
	argv[1] = "count";
	return execv(me, argv) + !arg;
}

static void long_lists(void)
{
	same(child(many, NULL), "40000 ");
}

static int show(int argc, char **argv)
{
	char line[4096] = "";
	int i, len, at = 0, fd = open("/proc/self/cmdline", O_RDONLY);

	len = read(fd, line, sizeof(line));
	for (i = 0; i < argc; i++) {
		if (i && at < len && strcmp(line + at, argv[i]))
			return 1;
		at += strlen(argv[i]) + 1;
	}
	if (at != len || getenv("NUSE_RUN"))
		return 2;
	printf("%d: ", getppid());
	for (i = 1; i < argc; i++)
		printf("%s ", argv[i]);
	printf("\n");
	return 0;
}

static int fds(void)
{
	int i;

	for (i = 0; i < 100; i++) {
		if (fcntl(i, F_GETFD) >= 0)
			printf("%d ", i);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{ "scripts", scripts }, { "nested_scripts", nested_scripts },
		{ "long_lines", long_lines }, { "refusals", refusals }, { "ways", ways },
		{ "long_lists", long_lists }, { NULL, NULL },
	};
	char path[PATH_MAX] = "";

	if (argc > 1 && !strncmp(argv[1], "show", 4))
		return show(argc, argv);
	if (argc > 1 && !strcmp(argv[1], "fds"))
		return fds();
	if (argc > 1 && !strcmp(argv[1], "count"))
		return !printf("%d ", argc);
	if (argc > 1 && strchr(argv[1], '/') == NULL)
		return !printf("show? %s %s %s ", argv[1], argv[2], argv[3]);
	TRUE(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	me = path;
	EQUAL(argc, 2);
	EQUAL(chdir(argv[1]), 0);
	return check_main(1, argv, checks);
}
