// SPDX-License-Identifier: GPL-2.0
/*
 * sysctl for the caller: the files of /proc/sys, as the task sees them (its
 * network namespace decides).
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/slab.h>
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
	struct file *file = path ? filp_open(path, flags, 0) : ERR_PTR(-ENOMEM);

	kfree(path);
	return file;
}

static long do_get(struct lib_call *call)
{
	struct file *file = sysctl_open((const char *)call->args.a[0], O_RDONLY);
	char *buf = (char *)call->args.a[1];
	size_t len = call->args.a[2];
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
	struct file *file = sysctl_open((const char *)call->args.a[0], O_WRONLY);
	const char *value = (const char *)call->args.a[1];
	loff_t pos = 0;
	long put;

	if (IS_ERR(file))
		return PTR_ERR(file);
	put = kernel_write(file, value, strlen(value), &pos);
	fput(file);
	return min(put, 0L);
}

/* One directory being read; the path is shared by all above it. */
struct walk {
	struct dir_context ctx;
	struct lib_call *call;
	char *path;
	int err;
};

static int visit(struct lib_call *call, char *full);

static bool visit_entry(struct dir_context *ctx, const char *name, int len, loff_t pos,
			u64 ino, unsigned int type)
{
	struct walk *walk = container_of(ctx, struct walk, ctx);
	char *end = walk->path + strlen(walk->path);

	if (name[0] == '.')
		return true;
	snprintf(end, PATH_MAX - (end - walk->path), "/%.*s", len, name);
	walk->err = visit(walk->call, walk->path);
	*end = 0;
	return !walk->err;
}

/* Reports a file, or all that a directory holds. */
static int visit(struct lib_call *call, char *full)
{
	struct walk walk = { .ctx.actor = visit_entry, .call = call, .path = full };
	struct path path;
	struct file *dir;
	umode_t mode;

	walk.err = kern_path(full, 0, &path);
	if (walk.err)
		return walk.err;
	mode = d_inode(path.dentry)->i_mode;
	path_put(&path);
	if (!S_ISDIR(mode))
		return ((lib_sysctl_fn)call->args.a[0])((void *)call->args.a[1],
							full + sizeof(ROOT), mode & 0777);
	dir = filp_open(full, O_RDONLY | O_DIRECTORY, 0);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	iterate_dir(dir, &walk.ctx);
	fput(dir);
	return walk.err;
}

static long do_iterate(struct lib_call *call)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);
	int err = -ENOMEM;

	if (path) {
		strscpy(path, ROOT, PATH_MAX);
		err = visit(call, path);
	}
	kfree(path);
	return err;
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
	return lib_call(task, do_iterate, (long)fn, (long)arg);
}
