// SPDX-License-Identifier: GPL-2.0
/*
 * run.c - nuse-run: starts a program with the catcher armed before its first
 * instruction.
 *
 *	nuse-run [-NOTE] PROGRAM [ARGS]
 *
 * does for PROGRAM what exec.c does for every program that is exec'ed; then it
 * runs again, with NUSE_RUN as the first variable: the stack that the host's
 * kernel has built is the program's, but for that variable and for what the
 * auxiliary vector says of the program. The host is told, too, for debuggers.
 */
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include "load.h"

#define RUN "NUSE_RUN="

hidden uintptr_t run_main(long *stack, uintptr_t bias, const Elf64_Dyn *dynamic);

/* What NUSE_RUN tells: descriptors; 0, or since how many programs a parent is to trace */
struct order {
	int fd, sandbox;
	int programs;
	const char *note;
	const char *path;
};

static struct image program, interp;

/* Of nuse-run itself */
extern const char __ehdr_start[] hidden, etext[] hidden, _end[] hidden;

static void relocate(uintptr_t bias, const Elf64_Dyn *d)
{
	const Elf64_Rela *rela = NULL;
	size_t size = 0;

	for (; d->d_tag; d++) {
		if (d->d_tag == DT_RELA)
			rela = (void *)(bias + d->d_un.d_ptr);
		if (d->d_tag == DT_RELASZ)
			size = d->d_un.d_val;
	}
	for (; size; size -= sizeof(*rela), rela++)
		*(uintptr_t *)(bias + rela->r_offset) = bias + rela->r_addend;
}

static void say(const char *a, const char *b, const char *c)
{
	host_call(__NR_write, 2, a, strlen(a), 0, 0, 0);
	host_call(__NR_write, 2, b, strlen(b), 0, 0, 0);
	host_call(__NR_write, 2, c, strlen(c), 0, 0, 0);
}

static void fail(const char *path, const char *why)
{
	say("nuse: ", path, why);
	host_call(__NR_exit_group, 127, 0, 0, 0, 0, 0);
}

static bool has_slash(const char *s)
{
	while (*s && *s != '/')
		s++;
	return *s;
}

/* ---------------------------------------------------------------- by hand */

static const char *search_path(char **envp)
{
	for (; *envp; envp++) {
		if (!memcmp(*envp, "PATH=", 5))
			return *envp + 5;
	}
	return "/usr/bin:/bin";
}

/* The next directory with the program's name, in @path; false if there is none */
static bool next_candidate(char path[PATH_MAX], const char **dirs, const char *name)
{
	size_t len = 0, name_len = strlen(name);

	if (!*dirs || name_len > 255)
		return false;
	while ((*dirs)[len] && (*dirs)[len] != ':')
		len++;
	if (len > PATH_MAX - 300)
		return false;
	memcpy(path, len ? *dirs : ".", len ?: 1);
	path[len ?: 1] = '/';
	memcpy(path + (len ?: 1) + 1, name, name_len + 1);
	*dirs = (*dirs)[len] ? *dirs + len + 1 : NULL;
	return true;
}

/* The program may be in another directory of the path: some cannot be searched. */
static bool is_elsewhere(long err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -EACCES;
}

static void start_again(long argc, char **argv, char **envp)
{
	const char *dirs = search_path(envp);
	char path[PATH_MAX];
	long err = -ENOENT;

	if (argc > 1 && argv[1][0] == '-') {
		exec_note = argv[1] + 1;
		argv++;
		argc--;
	}
	if (argc < 2) {
		say("usage: nuse-run [-NOTE] PROGRAM [ARGS]\n", "", "");
		host_call(__NR_exit_group, 2, 0, 0, 0, 0, 0);
	}
	if (has_slash(argv[1]))
		err = exec_path(AT_FDCWD, (long)argv[1], (long)(argv + 1), (long)envp, 0);
	else while (is_elsewhere(err) && next_candidate(path, &dirs, argv[1]))
		err = exec_path(AT_FDCWD, (long)path, (long)(argv + 1), (long)envp, 0);
	if (err == -ENOENT || err == -ENOTDIR)
		fail(argv[1], ": there is no such program\n");
	fail(argv[1], err == -EACCES ? ": permission denied: it has to be an executable file\n" :
		      ": it cannot be run\n");
}

/* ---------------------------------------------------------------- by order */

static char *read_number(char *p, int *n)
{
	for (*n = 0; *p >= '0' && *p <= '9'; p++)
		*n = *n * 10 + *p - '0';
	return p;
}

static void read_order(struct order *o, char *p)
{
	p = read_number(p, &o->fd);
	if (*p == '/')
		p = read_number(p + 1, &o->sandbox);
	if (*p == '+')
		p = read_number(p + 1, &o->programs);
	o->note = *p ? ++p : p;
	while (*p && *p != ' ')
		p++;
	if (*p)
		*p++ = 0;
	o->path = p;
}

/* What the host would have from the file itself */
static void name_process(const struct order *o)
{
	const char *base = o->path, *p;
	char link[32] = "/proc/self/fd/", digits[12];
	int i = sizeof(digits), fd = o->fd;

	digits[--i] = 0;
	do
		digits[--i] = '0' + fd % 10;
	while (fd /= 10);
	memcpy(link + strlen(link), digits + i, sizeof(digits) - i);
	host_call(__NR_readlink, link, self_exe, sizeof(self_exe) - 1, 0, 0, 0);
	for (p = base; *p; p++) {
		if (*p == '/')
			base = p + 1;
	}
	host_call(__NR_prctl, PR_SET_NAME, base, 0, 0, 0, 0);
}

static void load_all(const struct order *o)
{
	long fd, err = load(&program, o->fd);

	host_call(__NR_close, o->fd, 0, 0, 0, 0, 0);
	if (err)
		fail(o->path, ": cannot be mapped into memory\n");
	if (!program.elf.interp[0])
		return;
	fd = host_call(__NR_open, program.elf.interp, O_RDONLY | O_CLOEXEC, 0, 0, 0, 0);
	if (fd < 0 || load(&interp, fd))
		fail(program.elf.interp, ": the dynamic linker cannot be mapped into memory\n");
	patch_later(interp.start, interp.end);
	host_call(__NR_close, fd, 0, 0, 0, 0, 0);
}

static void tell(long *auxv, const char *path)
{
	for (; auxv[0]; auxv += 2) {
		switch (auxv[0]) {
		case AT_PHDR:
			auxv[1] = program.phdrs;
			break;
		case AT_PHNUM:
			auxv[1] = program.elf.eh.e_phnum;
			break;
		case AT_BASE:
			auxv[1] = interp.bias;
			break;
		case AT_ENTRY:
			auxv[1] = program.entry;
			break;
		case AT_EXECFN:
			auxv[1] = (long)path;
			break;
		}
	}
}

/* Removes the first variable; what follows moves down. Returns the auxiliary vector. */
static long *drop_variable(char **envp)
{
	long *auxv, *end;

	while (*envp) {
		envp[0] = envp[1];
		envp++;
	}
	auxv = (long *)envp;
	for (end = auxv; end[1]; end += 2) {
		end[0] = end[1];
		end[1] = end[2];
	}
	end[0] = AT_NULL;
	end[1] = 0;
	return auxv;
}

static size_t length(const char *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

static uintptr_t end_of(const char *string)
{
	return (uintptr_t)string + strlen(string) + 1;
}

/* What /proc/PID/auxv and environ say; debuggers find the program's symbols by the former. */
static void tell_host(const long *stack, const char *const *argv, const char *const *envp,
		      const long *auxv)
{
	size_t argc = length(argv), envc = length(envp), auxc = 0;
	long brk = host_call(__NR_brk, 0, 0, 0, 0, 0, 0);
	struct prctl_mm_map map = {
		.start_code = (uintptr_t)__ehdr_start, .end_code = (uintptr_t)etext,
		.start_data = (uintptr_t)etext, .end_data = (uintptr_t)_end,
		.start_brk = brk, .brk = brk, .start_stack = (uintptr_t)stack,
		.auxv = (void *)auxv, .exe_fd = -1,
	};

	if (!argc || !envc)
		return;
	while (auxv[auxc])
		auxc += 2;
	map.auxv_size = (auxc + 2) * sizeof(*auxv);
	map.arg_start = (uintptr_t)argv[0];
	map.arg_end = end_of(argv[argc - 1]);
	map.env_start = (uintptr_t)envp[0];
	map.env_end = end_of(envp[envc - 1]);
	host_call(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0, 0);
}

/* As debuggers have their program started, to have its arguments parsed */
static bool is_starter(const char *const *argv)
{
	return length(argv) == 3 && !memcmp(argv[1], "-c", 3) && !memcmp(argv[2], "exec ", 5);
}

/*
 * A parent that traces expects a stop for each program that is exec'ed. It gets them
 * all here, where the last of them can be looked at.
 */
static void be_traced(const char *const *argv, int programs)
{
	long pid = host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);

	if (is_starter(argv)) {
		exec_traced = pid;
		exec_programs = programs;
		return;
	}
	if (host_call(__NR_ptrace, PTRACE_TRACEME, 0, 0, 0, 0, 0))
		return;
	while (programs--)
		host_call(__NR_tgkill, pid, pid, SIGTRAP, 0, 0, 0);
}

uintptr_t run_main(long *stack, uintptr_t bias, const Elf64_Dyn *dynamic)
{
	char **argv = (char **)(stack + 1), **envp = argv + stack[0] + 1;
	struct order order = { 0 };
	long err, *auxv;

	relocate(bias, dynamic);
	if (!*envp || memcmp(*envp, RUN, sizeof(RUN) - 1)) {
		err = gateway_make();
		if (!err)
			start_again(stack[0], argv, envp);
	} else {
		read_order(&order, *envp + sizeof(RUN) - 1);
		err = catch_init();
	}
	if (err)			/* there may be no gateway to say so */
		__builtin_trap();
	if (nuse_start(order.note))
		host_call(__NR_exit_group, 127, 0, 0, 0, 0, 0);
	if (order.sandbox && sandbox_restore(order.sandbox))
		fail(order.path, ": there is no memory for its filters\n");
	name_process(&order);
	load_all(&order);
	auxv = drop_variable(envp);
	tell(auxv, order.path);
	tell_host(stack, (void *)argv, (void *)envp, auxv);
	if (order.programs)
		be_traced((void *)argv, order.programs);
	return interp.entry ?: program.entry;
}
