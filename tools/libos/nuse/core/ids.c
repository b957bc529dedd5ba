// SPDX-License-Identifier: GPL-2.0
/*
 * ids.c - users, groups and namespaces of a process.
 *
 * In the instance, a program is root at first, whoever started it. When it
 * becomes somebody else at the host, it does so in the instance too: a server
 * that gives up its privileges has given them up, but for the capabilities that
 * it keeps. One that stays who it was has given up nothing.
 *
 * Network namespaces are the instance's alone, all others the host's. Threads
 * that come later have what this one has now: their parent does the same.
 */
#include "core.h"
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>

uint32_t ids_member(uint32_t pid)
{
	unsigned int i;

	for (i = 1; i < share->nr_members; i++)
		if (share->members[i].pid == pid)
			return i;
	return 0;
}

uint32_t ids_to_library(uint32_t pid)
{
	const struct lib_task *helper = share->members[ids_member(pid)].helper;

	return helper ? helper->tid : 0;
}

uint32_t ids_to_host(uint32_t pid)
{
	const struct lib_task *helper;
	unsigned int i;

	for (i = 1; i < share->nr_members; i++) {
		helper = share->members[i].helper;
		if (helper && helper->tid == pid)
			return share->members[i].pid;
	}
	return 0;
}

struct ids {
	long uid, euid, gid, egid;
};

static struct ids ids_now(void)
{
	return (struct ids) {
		host_call(__NR_getuid, 0, 0, 0, 0, 0, 0),
		host_call(__NR_geteuid, 0, 0, 0, 0, 0, 0),
		host_call(__NR_getgid, 0, 0, 0, 0, 0, 0),
		host_call(__NR_getegid, 0, 0, 0, 0, 0, 0),
	};
}

static bool differ(struct ids a, struct ids b)
{
	return a.uid != b.uid || a.euid != b.euid || a.gid != b.gid || a.egid != b.egid;
}

/* The groups of a process that stays root do not matter. */
long ids_call(long nr, const long args[6])
{
	struct ids before = ids_now();
	long ret = to_host(nr, args);

	if (ret >= 0 && nr != __NR_setgroups && differ(before, ids_now())) {
		share->members[self_member()].other_user = true;
		self_call(nr, args, NULL);
		self_helper_call(nr, args);
	}
	return ret;
}

struct caps {
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static struct caps caps_now(void)
{
	struct __user_cap_header_struct self = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct caps caps = { 0 };

	host_call(__NR_capget, &self, &caps, 0, 0, 0, 0);
	return caps;
}

static void set_caps(const struct caps *caps)
{
	struct __user_cap_header_struct self = { .version = _LINUX_CAPABILITY_VERSION_3 };

	lib_call(__NR_capset, (long)&self, (long)caps);
	self_helper_call(__NR_capset, (long[6]) { (long)&self, (long)caps });
}

/* Who had none at the host, and drops them, has given up nothing. */
long ids_capset(long nr, const long args[6])
{
	struct caps before = caps_now(), now;
	long ret = to_host(nr, args);

	if (ret)
		return ret;
	now = caps_now();
	if (__builtin_memcmp(&before, &now, sizeof(now)))
		set_caps(&now);
	return 0;
}

/* Who is not root any more has what the host has left to the new program. */
void ids_after_exec(void)
{
	struct caps now;

	if (!share->members[self_member()].other_user || !lib_call(__NR_geteuid))
		return;
	now = caps_now();
	set_caps(&now);
}

/* What becomes of capabilities when the user changes */
long ids_prctl(long nr, const long args[6])
{
	long ret = to_host(nr, args);

	switch (args[0]) {
	case PR_SET_KEEPCAPS:
	case PR_SET_SECUREBITS:
	case PR_CAPBSET_DROP:
	case PR_CAP_AMBIENT:
		if (ret)
			break;
		self_call(nr, args, NULL);
		self_helper_call(nr, args);
	}
	return ret;
}

/* The parent of later threads is in this thread's network namespace, too. */
static void tell_helper(void)
{
	char path[48] = "/proc/", digits[12], *to = path + 6;
	const char *tail = "/ns/net";
	long tid = self_tid(), fd;
	int i = sizeof(digits);

	for (; tid > 0; tid /= 10)
		digits[--i] = '0' + tid % 10;
	while (i < (int)sizeof(digits))
		*to++ = digits[i++];
	while (*tail)
		*to++ = *tail++;
	*to = 0;
	fd = self_helper_call(__NR_open, (long[6]) { (long)path, O_RDONLY | O_CLOEXEC });
	if (fd < 0)
		return;
	self_helper_call(__NR_setns, (long[6]) { fd, CLONE_NEWNET });
	self_helper_call(__NR_close, (long[6]) { fd });
}

static long unshare_net(void)
{
	long ret = lib_call(__NR_unshare, CLONE_NEWNET);

	if (!ret)
		tell_helper();
	return ret;
}

/* Mounts of the instance are a process's own, as those of the host. */
static long unshare_rest(unsigned long flags)
{
	long ret = host_call(__NR_unshare, flags, 0, 0, 0, 0, 0);

	if (flags & CLONE_NEWNS && !lib_call(__NR_unshare, CLONE_NEWNS) && flags == CLONE_NEWNS)
		return 0;
	return ret;
}

long ids_unshare(long nr, const long args[6])
{
	unsigned long flags = args[0], rest = flags & ~(unsigned long)CLONE_NEWNET;
	long ret = rest || !flags ? unshare_rest(rest) : 0;

	(void)nr;
	return !ret && flags & CLONE_NEWNET ? unshare_net() : ret;
}

long ids_setns(long nr, const long args[6])
{
	long ret;

	if (!fd_kind(args[0]))
		return fd_on_host(nr, args);
	ret = self_call(nr, args, NULL);
	if (!ret)
		tell_helper();
	return ret;
}
