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
 * auxiliary vector says of the program.
 */
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include "load.h"

#define RUN "NUSE_RUN="

hidden uintptr_t run_main(long *stack, uintptr_t bias, const Elf64_Dyn *dynamic);

/* The file that NUSE_RUN tells of */
struct order {
	int fd;
	const char *note;
	const char *path;
};

static struct image program, interp;

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

static void read_order(struct order *o, char *p)
{
	for (o->fd = 0; *p >= '0' && *p <= '9'; p++)
		o->fd = o->fd * 10 + *p - '0';
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

uintptr_t run_main(long *stack, uintptr_t bias, const Elf64_Dyn *dynamic)
{
	char **argv = (char **)(stack + 1), **envp = argv + stack[0] + 1;
	struct order order = { 0 };
	long err;

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
	name_process(&order);
	load_all(&order);
	tell(drop_variable(envp), order.path);
	return interp.entry ?: program.entry;
}
