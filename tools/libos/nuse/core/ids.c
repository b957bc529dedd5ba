// SPDX-License-Identifier: GPL-2.0
/*
 * ids.c - users, groups and namespaces of processes and threads.
 *
 * In the instance, a program is root at first, whoever started it. When it
 * becomes somebody else at the host, it does so in the instance too: a server
 * that gives up its privileges has given them up, but for the capabilities that
 * it keeps. One that stays who it was has given up nothing.
 *
 * Network namespaces are the instance's alone, all others the host's.
 *
 * Each thread has its own, as on the host. The first one's are those of the process, so
 * the helper does the same. The others' must stay what they are: see share_settle().
 */
#include "core.h"
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <sys/socket.h>

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

/* --------------------------------------------------------------- threads */

static long own_tid(void)
{
	return host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
}

static bool is_first(void)
{
	return own_tid() == host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
}

static bool settle(const char *name)
{
	long tid = 0;

	for (; *name >= '0' && *name <= '9'; name++)
		tid = tid * 10 + *name - '0';
	if (!tid || tid == own_tid())
		return false;
	self_do(share_settle, 0, (long[6]) { tid });
	return true;
}

struct entry {
	uint64_t ino, off;
	uint16_t len;
	uint8_t type;
	char name[];
};

/* Whether the process has others. */
static bool settle_others(void)
{
	long fd = host_call(__NR_open, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC,
			    0, 0, 0, 0), len, at;
	char entries[1024] __attribute__((aligned(8)));
	bool any = fd < 0;

	while ((len = host_call(__NR_getdents64, fd, entries, sizeof(entries), 0, 0, 0)) > 0)
		for (at = 0; at < len; at += ((struct entry *)(entries + at))->len)
			any |= settle(((struct entry *)(entries + at))->name);
	if (fd >= 0)
		host_call(__NR_close, fd, 0, 0, 0, 0, 0);
	return any;
}

/* The thread is about to become another than it was. */
static void divide(void)
{
	struct share_member *member = &share->members[self_member()];

	if (member->divided)
		return;
	member->divided = true;
	self_await_births();
	member->divided = settle_others() || !is_first();
}

/* What the thread does or has done concerns its process. */
static long process_call(long nr, const long args[6])
{
	return is_first() ? self_helper_call(nr, args) : 0;
}

/* ------------------------------------------------------------------ users */

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
		divide();
		self_call(nr, args, NULL);
		process_call(nr, args);
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

	divide();
	lib_call(__NR_capset, (long)&self, (long)caps);
	process_call(__NR_capset, (long[6]) { (long)&self, (long)caps });
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
		divide();
		self_call(nr, args, NULL);
		process_call(nr, args);
	}
	return ret;
}

/* ------------------------------------------------------------- namespaces */

/* The first thread's network namespace, in which a new socket is, is that of its process. */
static void tell_helper(void)
{
	long fd, net;

	if (!is_first())
		return;
	fd = self_make(__NR_socket, (long[6]) { AF_UNIX, SOCK_DGRAM }, share->fd_base);
	if (fd < 0)
		return;
	net = self_make(__NR_ioctl, (long[6]) { fd, SIOCGSKNS }, share->fd_base);
	if (net >= 0) {
		self_helper_call(__NR_setns, (long[6]) { net, CLONE_NEWNET });
		lib_call(__NR_close, net);
	}
	lib_call(__NR_close, fd);
}

static long unshare_net(void)
{
	long ret;

	divide();
	ret = lib_call(__NR_unshare, CLONE_NEWNET);
	if (!ret)
		tell_helper();
	return ret;
}

/* Mounts of the instance are a thread's own, as those of the host. */
static long unshare_mounts(void)
{
	divide();
	share->members[self_member()].divided = true;	/* The helper stays where it is. */
	return lib_call(__NR_unshare, CLONE_NEWNS);
}

static long unshare_rest(unsigned long flags)
{
	long ret = host_call(__NR_unshare, flags, 0, 0, 0, 0, 0);

	if (flags & CLONE_NEWNS && !unshare_mounts() && flags == CLONE_NEWNS)
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
	divide();
	ret = self_call(nr, args, NULL);
	if (!ret)
		tell_helper();
	return ret;
}
