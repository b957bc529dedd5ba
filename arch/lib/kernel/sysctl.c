// SPDX-License-Identifier: GPL-2.0
/*
 * sysctl for the caller: the files of /proc/sys, as the task sees them (its
 * network namespace decides).
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/dirent.h>
#include <linux/sizes.h>
#include <linux/stat.h>
#include <linux/uaccess.h>
#include <linux/unistd.h>
#include <asm/lib.h>

#define ROOT		"/proc/sys"
#define PATH_SIZE	512

/* The first separator decides what separates, as in sysctl(8). */
static struct file *open_sysctl(long name, int flags)
{
	char path[PATH_SIZE] = ROOT "/", *sep = path + sizeof(ROOT);
	long len = strncpy_from_user(sep, (const char __user *)name, PATH_SIZE - sizeof(ROOT));

	if (len < 0 || len == PATH_SIZE - sizeof(ROOT))
		return ERR_PTR(len < 0 ? len : -ENAMETOOLONG);
	sep = strpbrk(sep, "./");
	if (sep && *sep == '.')
		for (; *sep; sep++)
			*sep = *sep == '.' ? '/' : *sep == '/' ? '.' : *sep;
	return filp_open(path, flags, 0);
}

static long do_get(struct lib_call *call)
{
	struct file *file = open_sysctl(call->args.a[0], O_RDONLY);
	char __user *buf = (char __user *)call->args.a[1];
	size_t len = min_t(size_t, call->args.a[2], SZ_64K);
	loff_t pos = 0;
	char last;
	long got;

	if (IS_ERR(file))
		return PTR_ERR(file);
	got = len ? vfs_read(file, buf, len - 1, &pos) : -EINVAL;
	fput(file);
	if (got > 0 && !get_user(last, buf + got - 1) && last == '\n')
		got--;
	return got < 0 ? got : put_user(0, buf + got) ?: got;
}

/* Writes a text of anybody's to a file, unless that could not be opened, and lets go of it. */
long lib_write(struct file *file, const void *from)
{
	const char __user *text = (const char __user __force *)from;
	long len = strnlen_user(text, SZ_1M), put;
	loff_t pos = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	put = len ? vfs_write(file, text, len - 1, &pos) : -EFAULT;
	fput(file);
	return min(put, 0L);
}

static long do_set(struct lib_call *call)
{
	return lib_write(open_sysctl(call->args.a[0], O_WRONLY), (void *)call->args.a[1]);
}

/* The tree of files is walked as a program does it; a name is what follows ROOT. */
struct walk {
	struct lib_task *task;
	lib_sysctl_fn fn;
	void *arg;
	char path[PATH_SIZE];
};

static long walk_call(struct walk *w, long nr, long a0, void *a1, long a2)
{
	return lib_syscall(w->task, nr, a0, (long)a1, a2, 0, 0, 0);
}

static long walk_dir(struct walk *w, size_t len);

/* An entry of the directory that is the first @len bytes of the path */
static long visit(struct walk *w, size_t len, const struct linux_dirent64 *entry)
{
	size_t end = len + snprintf(w->path + len, PATH_SIZE - len, "/%s", entry->d_name);
	struct stat st;

	if (end >= PATH_SIZE)
		return -ENAMETOOLONG;
	if (entry->d_name[0] == '.')
		return 0;
	if (entry->d_type == DT_DIR)
		return walk_dir(w, end);
	return walk_call(w, __NR_stat, (long)w->path, &st, 0) ?:
	       w->fn(w->arg, w->path + sizeof(ROOT), st.st_mode & 0777);
}

static long walk_dir(struct walk *w, size_t len)
{
	long dir = walk_call(w, __NR_open, (long)w->path, (void *)(O_DIRECTORY | O_CLOEXEC), 0);
	char entries[SZ_1K] __aligned(8);
	struct linux_dirent64 *entry;
	long got = 0, ret = 0, at;

	if (dir < 0)
		return dir;
	while (!ret && (got = walk_call(w, __NR_getdents64, dir, entries, SZ_1K)) > 0)
		for (at = 0; at < got && !ret; at += entry->d_reclen) {
			entry = (struct linux_dirent64 *)(entries + at);
			ret = visit(w, len, entry);
		}
	walk_call(w, __NR_close, dir, NULL, 0);
	return ret ?: got;
}

long lib_sysctl_get(struct lib_task *task, const char *name, char *buf, size_t len)
{
	return lib_call(task, do_get, (long)name, (long)buf, len);
}

int lib_sysctl_set(struct lib_task *task, const char *name, const char *value)
{
	return lib_call(task, do_set, (long)name, (long)value);
}

int lib_sysctl_iterate(struct lib_task *task, lib_sysctl_fn fn, void *arg)
{
	struct walk w = { .task = task, .fn = fn, .arg = arg, .path = ROOT };

	return walk_dir(&w, sizeof(ROOT) - 1);
}
