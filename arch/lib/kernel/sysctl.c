// SPDX-License-Identifier: GPL-2.0
/*
 * sysctl for the caller: the files of /proc/sys, as the task sees them (its
 * network namespace decides).
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
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
	long len = strnlen_user(text, SZ_1M), put;
	const char __user *text = (const char __user __force *)from;
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

/* A file or directory */
struct entry {
	struct entry *next;
	umode_t mode;
	char path[];
};

/* What a directory holds comes behind all that is known, and is looked at in turn. */
struct listing {
	struct dir_context ctx;
	struct entry *entry, *last;
	int err;
};

static struct entry *new_entry(const char *dir, const char *name, int len)
{
	size_t size = strlen(dir) + len + sizeof("/");
	struct entry *entry = kzalloc(struct_size(entry, path, size), GFP_KERNEL);

	if (entry)
		snprintf(entry->path, size, "%s/%.*s", dir, len, name);
	return entry;
}

static void free_entries(void *first)
{
	struct entry *entry = first, *next;

	for (; entry; entry = next) {
		next = entry->next;
		kfree(entry);
	}
}

static bool add_entry(struct dir_context *ctx, const char *name, int len, loff_t pos,
		      u64 ino, unsigned int type)
{
	struct listing *listing = container_of(ctx, struct listing, ctx);
	struct entry *entry;

	if (name[0] == '.')
		return true;
	entry = new_entry(listing->entry->path, name, len);
	if (!entry) {
		listing->err = -ENOMEM;
		return false;
	}
	listing->last->next = entry;
	listing->last = entry;
	return true;
}

static int look(struct listing *listing)
{
	struct file *dir = NULL;
	struct path path;
	int err = kern_path(listing->entry->path, 0, &path);

	if (err)
		return err;
	listing->entry->mode = d_inode(path.dentry)->i_mode;
	if (S_ISDIR(listing->entry->mode))
		dir = dentry_open(&path, O_RDONLY, current_cred());
	path_put(&path);
	if (IS_ERR_OR_NULL(dir))
		return PTR_ERR(dir);
	iterate_dir(dir, &listing->ctx);
	fput(dir);
	return listing->err;
}

static long do_list(struct lib_call *call)
{
	struct entry *first = new_entry("", &ROOT[1], sizeof(ROOT) - 2);
	struct listing listing = { .ctx.actor = add_entry, .entry = first, .last = first };
	int err = 0;

	if (!first)
		return -ENOMEM;
	for (; listing.entry && !err; listing.entry = listing.entry->next)
		err = look(&listing);
	if (!err)
		return (long)first;
	free_entries(first);
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
	long list = lib_call(task, do_list);
	const struct entry *entry;
	int ret = 0;

	if (IS_ERR_VALUE(list))
		return list;
	for (entry = (struct entry *)list; entry && !ret; entry = entry->next)
		if (!S_ISDIR(entry->mode))
			ret = fn(arg, entry->path + sizeof(ROOT), entry->mode & 0777);
	lib_inject(free_entries, (void *)list);
	return ret;
}
