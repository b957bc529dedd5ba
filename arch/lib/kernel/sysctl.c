// SPDX-License-Identifier: GPL-2.0
/*
 * sysctl for the caller: the files of /proc/sys, as the task sees them (its
 * network namespace decides).
 */
#include <linux/ctype.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <asm/lib.h>

#define ROOT	"/proc/sys"

/* The first separator decides what separates, as in sysctl(8). */
static char *sysctl_path(const char *name)
{
	char *path = kasprintf(GFP_KERNEL, ROOT "/%s", name);
	char *sep = path ? strpbrk(path + sizeof(ROOT), "./") : NULL;

	if (!sep || *sep == '/')
		return path;
	for (; *sep; sep++)
		*sep = *sep == '.' ? '/' : *sep == '/' ? '.' : *sep;
	return path;
}

static struct file *sysctl_open(const char *name, int flags)
{
	char *path = sysctl_path(name);
	struct file *file;

	if (!path)
		return ERR_PTR(-ENOMEM);
	file = filp_open(path, flags, 0);
	kfree(path);
	return file;
}

static long do_get(struct lib_call *call)
{
	char *buf = (char *)call->args[1];
	size_t len = call->args[2];
	struct file *file = sysctl_open((const char *)call->args[0], O_RDONLY);
	loff_t pos = 0;
	long got;

	if (IS_ERR(file))
		return PTR_ERR(file);
	got = len ? kernel_read(file, buf, len - 1, &pos) : -EINVAL;
	fput(file);
	if (got < 0)
		return got;
	if (got && buf[got - 1] == '\n')
		got--;
	buf[got] = 0;
	return got;
}

static long do_set(struct lib_call *call)
{
	const char *value = (const char *)call->args[1];
	struct file *file = sysctl_open((const char *)call->args[0], O_WRONLY);
	loff_t pos = 0;
	long put;

	if (IS_ERR(file))
		return PTR_ERR(file);
	put = kernel_write(file, value, strlen(value), &pos);
	fput(file);
	return put < 0 ? put : 0;
}

struct iterate {
	struct dir_context ctx;
	lib_sysctl_fn fn;
	void *arg;
	struct list_head dirs;	/* still to be read */
	const char *dir;	/* being read */
	int err;
};

struct pending_dir {
	struct list_head list;
	char path[];
};

static bool iterate_entry(struct dir_context *ctx, const char *name, int len, loff_t pos,
			  u64 ino, unsigned int type)
{
	struct iterate *it = container_of(ctx, struct iterate, ctx);
	size_t size = strlen(it->dir) + len + 2;
	struct pending_dir *entry;

	if (name[0] == '.')
		return true;
	entry = kmalloc(struct_size(entry, path, size), GFP_KERNEL);
	if (!entry) {
		it->err = -ENOMEM;
		return false;
	}
	snprintf(entry->path, size, "%s%s%.*s", it->dir, *it->dir ? "/" : "", len, name);
	list_add_tail(&entry->list, &it->dirs);
	return true;
}

/* Reports a file, or appends what a directory holds to the list. */
static int visit(struct iterate *it, const char *path)
{
	struct file *file;
	struct kstat stat;
	struct path where;
	char *full;
	int err;

	full = kasprintf(GFP_KERNEL, ROOT "/%s", path);
	if (!full)
		return -ENOMEM;
	err = kern_path(full, LOOKUP_FOLLOW, &where);
	if (!err) {
		err = vfs_getattr(&where, &stat, STATX_MODE, 0);
		path_put(&where);
	}
	if (!err && !S_ISDIR(stat.mode)) {
		err = it->fn(it->arg, path, stat.mode & 0777);
	} else if (!err) {
		file = filp_open(full, O_RDONLY | O_DIRECTORY, 0);
		err = PTR_ERR_OR_ZERO(file);
		if (!err) {
			it->dir = path;
			it->ctx.pos = 0;
			err = iterate_dir(file, &it->ctx) ?: it->err;
			fput(file);
		}
	}
	kfree(full);
	return err;
}

static long do_iterate(struct lib_call *call)
{
	struct iterate it = {
		.ctx.actor = iterate_entry,
		.fn = (lib_sysctl_fn)call->args[0],
		.arg = (void *)call->args[1],
		.dirs = LIST_HEAD_INIT(it.dirs),
	};
	struct pending_dir *entry, *next;
	int err = visit(&it, "");

	while (!err && !list_empty(&it.dirs)) {
		entry = list_first_entry(&it.dirs, struct pending_dir, list);
		list_del(&entry->list);
		err = visit(&it, entry->path);
		kfree(entry);
	}
	list_for_each_entry_safe(entry, next, &it.dirs, list)
		kfree(entry);
	return err;
}

long lib_sysctl_get(struct lib_task *task, const char *name, char *buf, size_t len)
{
	return lib_call(task, do_get, (long)name, (long)buf, len, 0, 0, 0, 0);
}

int lib_sysctl_set(struct lib_task *task, const char *name, const char *value)
{
	return lib_call(task, do_set, (long)name, (long)value, 0, 0, 0, 0, 0);
}

int lib_sysctl_iterate(struct lib_task *task, lib_sysctl_fn fn, void *arg)
{
	return lib_call(task, do_iterate, (long)fn, (long)arg, 0, 0, 0, 0, 0);
}
