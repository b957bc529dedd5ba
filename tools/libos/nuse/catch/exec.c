// SPDX-License-Identifier: GPL-2.0
/*
 * exec.c - a program that is to replace this one is started by nuse-run, since
 * the filter is there before any code of ours could be.
 *
 * Whatever the host would refuse is found out here, while the caller can still
 * be told: so the file is opened here, scripts are resolved to their
 * interpreter, and nuse-run gets the open file. Its arguments are those that
 * the program is to have, so that they stand in /proc/PID/cmdline; what is for
 * nuse-run alone is the first variable of the environment.
 *
 *	NUSE_RUN=<descriptor of the program>[/<that of sandbox_save()>][+<exec_programs>]
 *		<note of the core> <path>
 */
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>
#include <asm/stat.h>
#include "inner.h"

#define MAX_SCRIPTS	5		/* interpreters that are scripts, as the host has it */
#define HEAD_SIZE	256

/**
 * struct exec - the call on its way
 * @size:	of this and all behind it
 * @dir, @flags: where the file is, as execveat() has it
 * @name:	path as the program gave it, or of its descriptor
 * @path:	that of the file that will be run: @name's or an interpreter's
 * @sandbox:	0 or the descriptor of sandbox_save()
 * @elf:	its headers
 * @heads:	first lines of scripts, with the words for argv
 * @words:	arguments before those of the program, last first
 * @argc, @envc: how many the program gave
 */
struct exec {
	size_t size;
	int dir, flags, fd, sandbox;
	char name[PATH_MAX + 32], path[PATH_MAX];
	struct elf elf;
	char heads[MAX_SCRIPTS + 1][HEAD_SIZE];
	const char *words[2 * MAX_SCRIPTS + 1];
	unsigned int nr_words;
	char run[PATH_MAX + 512];
	char preload[PATH_MAX];
	long argc, envc;
	const char *vector[];		/* argv, NULL, envp, NULL */
};

const char *exec_note;
int exec_traced, exec_programs;

/* ---------------------------------------------------------------- lists */

/* Pointers before the NULL; without a list, none */
static long count(long list)
{
	long part[32], n = 0, i, take;

	if (!list)
		return 0;
	for (;; n += take) {
		take = (PAGE_SIZE - (list + n * 8) % PAGE_SIZE) / 8;
		if (!take)			/* not aligned */
			take = 1;
		if (take > 32)
			take = 32;
		if (user_read(part, list + n * 8, take * 8))
			return -EFAULT;
		for (i = 0; i < take; i++) {
			if (!part[i])
				return n + i;
		}
	}
}

static bool starts_with(long text, const char *word)
{
	size_t len = strlen(word);
	char start[16];

	return !user_read(start, text, len) && !memcmp(start, word, len);
}

/* -------------------------------------------------------------- messages */

static long refuse(const char *path, const char *why, long error)
{
	struct {
		const void *base;
		size_t len;
	} parts[] = {
		{ "nuse: ", 6 }, { path, strlen(path) }, { why, strlen(why) },
	};

	host_call(__NR_writev, 2, parts, 3, 0, 0, 0);
	return error;
}

/* ------------------------------------------------------------------ file */

static long may_run(struct exec *e)
{
	long uid = host_call(__NR_geteuid, 0, 0, 0, 0, 0, 0);
	long gid = host_call(__NR_getegid, 0, 0, 0, 0, 0, 0), err;
	struct stat st;

	err = host_call(__NR_fstat, e->fd, &st, 0, 0, 0, 0);
	if (err)
		return err;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	err = host_call(__NR_faccessat2, e->fd, "", 1 /* X_OK */, AT_EACCESS | AT_EMPTY_PATH, 0, 0);
	if (err == -ENOSYS)
		err = st.st_mode & 0111 ? 0 : -EACCES;
	if (err)
		return err;
	if ((st.st_mode & S_ISUID && st.st_uid != uid) ||
	    ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st.st_gid != gid))
		return refuse(e->path, " is setuid or setgid, which a caught program cannot"
			      " become: run it outside, or as its owner\n", -EPERM);
	return 0;
}

/* One that can be read: with O_PATH that of the program cannot. */
static long open_descriptor(const struct exec *e)
{
	long flags = host_call(__NR_fcntl, e->dir, F_GETFL, 0, 0, 0, 0);

	if (flags >= 0 && flags & O_PATH)
		return host_call(__NR_open, e->name, O_RDONLY | O_NONBLOCK, 0, 0, 0, 0);
	return host_call(__NR_dup, e->dir, 0, 0, 0, 0, 0);
}

static long open_program(struct exec *e)
{
	if (!e->path[0] && e->flags & AT_EMPTY_PATH)
		return open_descriptor(e);
	return host_call(__NR_openat, e->dir, self_is_exe(e->path) ? self_exe : e->path,
			 O_RDONLY | (e->flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0, 0, 0);
}

static char *word_end(char *p)
{
	while (*p && *p != ' ' && *p != '\t')
		p++;
	return p;
}

static char *word_start(char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/*
 * "#! interpreter argument": both become words, the interpreter the file to run. As at
 * the host, an argument that is too long is cut.
 */
static long script(struct exec *e, char *head)
{
	char *line = head + 2, *interp, *arg, *end = line;

	while (*end && *end != '\n')
		end++;
	*end = 0;
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
	interp = word_start(line);
	if (!*interp)
		return -ENOEXEC;
	arg = word_end(interp);
	if (arg == head + HEAD_SIZE - 1)
		return -ENOEXEC;		/* its path is too long */
	if (*arg) {
		*arg++ = 0;
		arg = word_start(arg);
	}
	if (!e->nr_words)		/* in place of the program's argv[0] */
		e->words[e->nr_words++] = e->name;
	if (*arg)
		e->words[e->nr_words++] = arg;
	e->words[e->nr_words++] = interp;
	memcpy(e->path, interp, strlen(interp) + 1);
	e->dir = AT_FDCWD;
	e->flags = 0;
	return 0;
}

/* Opens what will run: 0, or why it cannot. */
static long resolve(struct exec *e)
{
	long err, depth;

	for (depth = 0;; depth++) {
		char *head = e->heads[depth];

		e->fd = open_program(e);
		if (e->fd < 0)
			return e->fd;
		err = may_run(e);
		if (!err)
			err = elf_read(&e->elf, e->fd);
		if (!err)
			return 0;
		memset(head, 0, HEAD_SIZE);
		if (err == -ENOEXEC)
			host_call(__NR_pread64, e->fd, head, HEAD_SIZE - 1, 0, 0, 0);
		host_call(__NR_close, e->fd, 0, 0, 0, 0, 0);
		e->fd = -1;
		if (err == -ELIBBAD)
			return refuse(e->path, " is a program for another machine: here run those"
				      " of x86-64, 64 bits\n", -ENOEXEC);
		if (err != -ENOEXEC || head[0] != '#' || head[1] != '!')
			return err;
		err = depth < MAX_SCRIPTS ? script(e, head) : -ELOOP;
		if (err)
			return err;
	}
}

static long check_interp(const struct exec *e)
{
	long fd;

	if (!e->elf.interp[0])
		return 0;
	fd = host_call(__NR_open, e->elf.interp, O_RDONLY | O_CLOEXEC, 0, 0, 0, 0);
	if (fd < 0)
		return fd;
	host_call(__NR_close, fd, 0, 0, 0, 0, 0);
	return 0;
}

/* ----------------------------------------------------------------- vector */

static char *append(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len + 1);
	return to + len;
}

static char *append_number(char *to, unsigned int n)
{
	if (n >= 10)
		to = append_number(to, n / 10);
	*to++ = '0' + n % 10;
	*to = 0;
	return to;
}

/*
 * The preload comes first in the program's variable, which may be there or not. A
 * program that has become somebody who cannot read it goes without.
 */
static bool preload(struct exec *e, const char **envp)
{
	const char *ours = nuse_preload_path();
	size_t len = ours ? strlen(ours) : 0;
	bool usable;
	char *to;
	long i;

	if (!ours || !e->elf.interp[0])
		return false;
	usable = !host_call(__NR_access, ours, 4 /* R_OK */, 0, 0, 0, 0);
	to = append(append(e->preload, "LD_PRELOAD="), usable ? ours : "");
	for (i = 0; i < e->envc; i++) {
		const char *old = envp[i];
		bool there;

		if (!starts_with((long)old, "LD_PRELOAD="))
			continue;
		old += sizeof("LD_PRELOAD=") - 1;
		there = !memcmp(old, ours, len);
		if (there && usable)
			return false;
		if (there)
			old += len + (old[len] == ':');
		else if (usable)
			*to++ = ':';
		if (user_string(to, (long)old, e->preload + sizeof(e->preload) - to) < 0)
			*to = 0;
		envp[i] = e->preload;
		return false;
	}
	return usable;
}

/* Returns where the environment begins. */
static long make_vector(struct exec *e, long argv, long envp)
{
	const char **to = e->vector, **env;
	long skip = e->nr_words && e->argc;

	while (e->nr_words)
		*to++ = e->words[--e->nr_words];
	if (user_read(to, argv + 8 * skip, 8 * (e->argc - skip)))
		return -EFAULT;
	to += e->argc - skip;
	*to++ = NULL;
	env = to;
	*to++ = e->run;
	if (user_read(to, envp, 8 * e->envc))
		return -EFAULT;
	if (preload(e, to))
		to[e->envc++] = e->preload;
	to[e->envc] = NULL;
	return env - e->vector;
}

static void make_run(struct exec *e)
{
	char *to = append_number(append(e->run, "NUSE_RUN="), e->fd);

	if (e->sandbox)
		to = append_number(append(to, "/"), e->sandbox);
	if (exec_traced && exec_traced == host_call(__NR_getpid, 0, 0, 0, 0, 0, 0))
		to = append_number(append(to, "+"), exec_programs + 1);
	*to++ = ' ';
	if (exec_note)
		to = append(to, exec_note);
	else
		to += nuse_note(to, 256);
	*to++ = ' ';
	append(to, e->name);
}

/* ------------------------------------------------------------------- all */

static void make_name(struct exec *e)
{
	char *to = e->name;

	if (e->dir != AT_FDCWD && e->path[0] != '/')
		to = append_number(append(to, "/dev/fd/"), e->dir);
	if (to != e->name && e->path[0])
		to = append(to, "/");
	append(to, e->path);
}

static long run(struct exec *e, long argv, long envp)
{
	long env, err = resolve(e);

	if (err)
		return err;
	err = check_interp(e);
	if (err)
		return err;
	e->sandbox = sandbox_save();
	if (e->sandbox < 0)
		return e->sandbox;
	make_run(e);
	env = make_vector(e, argv, envp);
	if (env < 0)
		return env;
	birth_leave(e, e->size);
	if (!exec_note)			/* other threads end now */
		nuse_quiesce();
	err = host_call(__NR_execve, nuse_run_path(), e->vector, e->vector + env, 0, 0, 0);
	/* The program has another root by now, or is somebody who may not go there. */
	if ((err == -ENOENT || err == -EACCES) && self_exe[0])
		err = host_call(__NR_execve, "/proc/self/exe", e->vector, e->vector + env, 0, 0, 0);
	if (!exec_note)
		nuse_go_on();
	return err;
}

long exec_path(int dir, long path, long argv, long envp, int flags)
{
	long argc = count(argv), envc = count(envp), len, ret;
	size_t size;
	struct exec *e;

	if (argc < 0 || envc < 0)
		return -EFAULT;
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	size = sizeof(*e) + (argc + envc + 2 * MAX_SCRIPTS + 8) * sizeof(char *);
	e = (void *)host_call(__NR_mmap, 0, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if ((long)e < 0 && (long)e > -4096)
		return (long)e;
	e->size = size;
	e->dir = dir;
	e->flags = flags;
	e->fd = -1;
	e->argc = argc;
	e->envc = envc;
	len = user_string(e->path, path, sizeof(e->path));
	if (len < 0 || (!len && !(flags & AT_EMPTY_PATH))) {
		ret = len < 0 ? len : -ENOENT;
	} else {
		make_name(e);
		ret = run(e, argv, envp);
	}
	if (e->fd >= 0)
		host_call(__NR_close, e->fd, 0, 0, 0, 0, 0);
	if (e->sandbox > 0)
		host_call(__NR_close, e->sandbox, 0, 0, 0, 0, 0);
	birth_leave(NULL, 0);
	host_call(__NR_munmap, e, size, 0, 0, 0, 0);
	return ret;
}
