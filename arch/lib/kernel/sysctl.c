// SPDX-License-Identifier: GPL-2.0
/*
 * sysctl for the caller: the files of /proc/sys, as the task sees them (its
 * network namespace decides).
 *
 * A call may block, and go on in another process. So it works on copies in the
 * instance's memory, which interrupts make and take back where the caller is.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <asm/lib.h>

#define ROOT	"/proc/sys"

/* The first separator decides what separates, as in sysctl(8). */
static char *sysctl_path(const char *name)
{
	char *path = kasprintf(GFP_ATOMIC, ROOT "/%s", name);
	char *sep = path ? strpbrk(path + sizeof(ROOT), "./") : NULL;

	if (!sep || *sep == '/')
		return path;
	for (; *sep; sep++)
		*sep = *sep == '.' ? '/' : *sep == '/' ? '.' : *sep;
	return path;
}

/* What the caller has, and what the call works on */
struct request {
	const char *name;
	const char *value;	/* to write, or NULL: */
	char *buf;		/* to read into */
	size_t len;
	char *path;
	char *text;
	long ret;
};

static void take(void *request)
{
	struct request *r = request;

	r->path = sysctl_path(r->name);
	r->len = min_t(size_t, r->len, SZ_64K);
	r->text = r->value ? kstrdup(r->value, GFP_ATOMIC) : kmalloc(r->len, GFP_ATOMIC);
	r->ret = r->path && r->text ? 0 : -ENOMEM;
}

static void give_back(void *request)
{
	struct request *r = request;

	if (r->buf && r->ret >= 0)
		memcpy(r->buf, r->text, r->ret + 1);
	kfree(r->path);
	kfree(r->text);
}

static long carry_out(struct lib_task *task, long (*fn)(struct lib_call *call), struct request *r)
{
	int err = lib_inject(take, r);

	if (!err && !r->ret)
		r->ret = lib_call(task, fn, (long)r->path, (long)r->text, r->len);
	return err ?: lib_inject(give_back, r) ?: r->ret;
}

static long do_get(struct lib_call *call)
{
	struct file *file = filp_open((const char *)call->args.a[0], O_RDONLY, 0);
	char *text = (char *)call->args.a[1];
	size_t len = call->args.a[2];
	loff_t pos = 0;
	long got;

	if (IS_ERR(file))
		return PTR_ERR(file);
	got = len ? kernel_read(file, text, len - 1, &pos) : -EINVAL;
	fput(file);
	if (got < 0)
		return got;
	if (got && text[got - 1] == '\n')
		got--;
	text[got] = 0;
	return got;
}

static long do_set(struct lib_call *call)
{
	struct file *file = filp_open((const char *)call->args.a[0], O_WRONLY, 0);
	const char *text = (const char *)call->args.a[1];
	loff_t pos = 0;
	long put;

	if (IS_ERR(file))
		return PTR_ERR(file);
	put = kernel_write(file, text, strlen(text), &pos);
	fput(file);
	return min(put, 0L);
}

struct entry {
	struct entry *next;
	umode_t mode;
	char path[];
};

static int add_entry(struct entry ***last, const char *path, umode_t mode)
{
	size_t len = strlen(path) + 1;
	struct entry *entry = kmalloc(struct_size(entry, path, len), GFP_KERNEL);

	if (!entry)
		return -ENOMEM;
	entry->next = NULL;
	entry->mode = mode;
	memcpy(entry->path, path, len);
	**last = entry;
	*last = &entry->next;
	return 0;
}

static void free_entries(void *list)
{
	struct entry *entry = list, *next;

	for (; entry; entry = next) {
		next = entry->next;
		kfree(entry);
	}
}

/* One directory being read; the path is shared by all above it. */
struct walk {
	struct dir_context ctx;
	struct entry ***last;
	char *path;
	int err;
};

static int visit(struct entry ***last, char *full);

static bool visit_entry(struct dir_context *ctx, const char *name, int len, loff_t pos,
			u64 ino, unsigned int type)
{
	struct walk *walk = container_of(ctx, struct walk, ctx);
	char *end = walk->path + strlen(walk->path);

	if (name[0] == '.')
		return true;
	snprintf(end, PATH_MAX - (end - walk->path), "/%.*s", len, name);
	walk->err = visit(walk->last, walk->path);
	*end = 0;
	return !walk->err;
}

/* Notes a file, or all that a directory holds. */
static int visit(struct entry ***last, char *full)
{
	struct walk walk = { .ctx.actor = visit_entry, .last = last, .path = full };
	struct path path;
	struct file *dir;
	umode_t mode;

	walk.err = kern_path(full, 0, &path);
	if (walk.err)
		return walk.err;
	mode = d_inode(path.dentry)->i_mode;
	path_put(&path);
	if (!S_ISDIR(mode))
		return add_entry(last, full + sizeof(ROOT), mode & 0777);
	dir = filp_open(full, O_RDONLY | O_DIRECTORY, 0);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	iterate_dir(dir, &walk.ctx);
	fput(dir);
	return walk.err;
}

static long do_list(struct lib_call *call)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);
	struct entry *list = NULL, **last = &list;
	int err = -ENOMEM;

	if (path) {
		strscpy(path, ROOT, PATH_MAX);
		err = visit(&last, path);
	}
	kfree(path);
	if (!err)
		return (long)list;
	free_entries(list);
	return err;
}

long lib_sysctl_get(struct lib_task *task, const char *name, char *buf, size_t len)
{
	struct request r = { .name = name, .buf = buf, .len = len };

	return carry_out(task, do_get, &r);
}

int lib_sysctl_set(struct lib_task *task, const char *name, const char *value)
{
	struct request r = { .name = name, .value = value };

	return carry_out(task, do_set, &r);
}

int lib_sysctl_iterate(struct lib_task *task, lib_sysctl_fn fn, void *arg)
{
	long list = lib_call(task, do_list);
	const struct entry *entry;
	int ret = 0;

	if (IS_ERR_VALUE(list))
		return list;
	for (entry = (struct entry *)list; entry && !ret; entry = entry->next)
		ret = fn(arg, entry->path, entry->mode);
	lib_inject(free_entries, (void *)list);
	return ret;
}
