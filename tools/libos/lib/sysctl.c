// SPDX-License-Identifier: GPL-2.0
/* sysctl.c - sysctls of an instance */
#include <errno.h>
#include <string.h>
#include "instance.h"

long libos_sysctl_get(struct libos *l, const char *name, char *buf, size_t len)
{
	struct lib_task *task;
	long ret;
	int err;

	task = task_enter(l, &err);
	if (!task)
		return err;
	ret = l->exports.sysctl_get(task, name, buf, len);
	task_leave(l);
	return ret < 0 ? fail(-ret, "%s: cannot read sysctl %s: %s", l->name, name,
			      strerror(-ret)) : ret;
}

int libos_sysctl_set(struct libos *l, const char *name, const char *value)
{
	struct lib_task *task;
	int err;

	task = task_enter(l, &err);
	if (!task)
		return err;
	err = l->exports.sysctl_set(task, name, value);
	task_leave(l);
	return err ? fail(-err, "%s: cannot set sysctl %s to \"%s\": %s", l->name, name, value,
			  strerror(-err)) : 0;
}

int libos_sysctl_iterate(struct libos *l,
			 int (*fn)(void *arg, const char *name, unsigned int mode), void *arg)
{
	struct lib_task *task;
	int ret;

	task = task_enter(l, &ret);
	if (!task)
		return ret;
	ret = l->exports.sysctl_iterate(task, fn, arg);
	task_leave(l);
	return ret;
}
