// SPDX-License-Identifier: GPL-2.0
/* sysctl.c - sysctls of an instance, from its caller */
#include "harness.h"
#include <sched.h>
#include "raw.h"

FIXTURE(sysctl) {
	struct libos *l;
};

FIXTURE_SETUP(sysctl)
{
	self->l = boot(NULL);
	ASSERT_NE(NULL, self->l);
}

FIXTURE_TEARDOWN(sysctl)
{
}

TEST_F(sysctl, get)
{
	char dots[128], slashes[128], file[128];
	int n;

	EXPECT_EQ(5, libos_sysctl_get(self->l, "kernel.ostype", dots, sizeof(dots)));
	EXPECT_STREQ("Linux", dots);
	ASSERT_OK(libos_sysctl_get(self->l, "net.ipv4.tcp_rmem", dots, sizeof(dots)));
	ASSERT_OK(libos_sysctl_get(self->l, "net/ipv4/tcp_rmem", slashes, sizeof(slashes)));
	EXPECT_STREQ(dots, slashes);
	n = read_file(self->l, "/proc/sys/net/ipv4/tcp_rmem", file, sizeof(file));
	ASSERT_LT(0, n);
	file[n - 1] = 0;	/* the newline */
	EXPECT_STREQ(file, dots);
}

TEST_F(sysctl, set)
{
	char buf[128];

	ASSERT_OK(libos_sysctl_set(self->l, "net.ipv4.ip_default_ttl", "17"));
	EXPECT_EQ(2, libos_sysctl_get(self->l, "net.ipv4.ip_default_ttl", buf, sizeof(buf)));
	EXPECT_STREQ("17", buf);
	ASSERT_OK(libos_sysctl_set(self->l, "net.ipv4.tcp_rmem", "4096 8192 16384"));
	ASSERT_OK(libos_sysctl_get(self->l, "net.ipv4.tcp_rmem", buf, sizeof(buf)));
	EXPECT_STREQ("4096\t8192\t16384", buf);
	ASSERT_OK(libos_sysctl_set(self->l, "net.ipv4.tcp_congestion_control", "reno"));
	ASSERT_OK(libos_sysctl_get(self->l, "net.ipv4.tcp_congestion_control", buf,
				   sizeof(buf)));
	EXPECT_STREQ("reno", buf);
	ASSERT_OK(libos_sysctl_set(self->l, "kernel/hostname", "here"));
	ASSERT_OK(libos_sysctl_get(self->l, "kernel.hostname", buf, sizeof(buf)));
	EXPECT_STREQ("here", buf);
}

/* In a name with slashes, a dot is a dot: as sysctl(8) has it. */
TEST_F(sysctl, interface_names)
{
	char buf[16];

	ASSERT_OK(libos_sysctl_set(self->l, "net.ipv4.conf.lo.forwarding", "1"));
	ASSERT_OK(libos_sysctl_get(self->l, "net/ipv4/conf/lo/forwarding", buf, sizeof(buf)));
	EXPECT_STREQ("1", buf);
}

TEST_F(sysctl, errors)
{
	char buf[64];

	EXPECT_EQ(-ENOENT, libos_sysctl_get(self->l, "net.no.such", buf, sizeof(buf)));
	EXPECT_NE(NULL, strstr(libos_error(), "net.no.such"));
	EXPECT_EQ(-ENOENT, libos_sysctl_set(self->l, "net.no.such", "1"));
	EXPECT_EQ(-EINVAL, libos_sysctl_set(self->l, "net.ipv4.ip_default_ttl", "many"));
	EXPECT_EQ(-EINVAL, libos_sysctl_set(self->l, "net.ipv4.ip_default_ttl", "100000"));
	EXPECT_GT(0, libos_sysctl_set(self->l, "kernel.ostype", "Other"));
	EXPECT_GT(0, libos_sysctl_get(self->l, "net.ipv4", buf, sizeof(buf)));
	EXPECT_GT(0, libos_sysctl_get(self->l, "", buf, sizeof(buf)));
	EXPECT_GT(0, libos_sysctl_get(self->l, "../version", buf, sizeof(buf)));
	EXPECT_GT(0, libos_sysctl_get(self->l, "../../etc", buf, sizeof(buf)));
}

TEST_F(sysctl, long_names_and_values)
{
	static char text[70000];
	char buf[16];

	memset(text, 'a', sizeof(text) - 1);
	EXPECT_GT(0, libos_sysctl_get(self->l, text, buf, sizeof(buf)));
	EXPECT_GT(0, libos_sysctl_set(self->l, "net.ipv4.ip_default_ttl", text));
	EXPECT_LT(0, libos_sysctl_get(self->l, "kernel.ostype", buf, sizeof(buf)));
}

/* A buffer that is too small never gets more than it holds. */
TEST_F(sysctl, small_buffers)
{
	char buf[32];
	size_t len;

	for (len = 0; len < 10; len++) {
		memset(buf, 0x55, sizeof(buf));
		libos_sysctl_get(self->l, "kernel.ostype", buf, len);
		EXPECT_EQ(0x55, buf[len]);
		EXPECT_EQ(0x55, buf[len + 1]);
	}
}

struct list {
	int nr, stop_at, tcp_rmem, absolute;
	char names[4000][96];
};

static int note(void *arg, const char *name, unsigned int mode)
{
	struct list *list = arg;

	if (list->nr < (int)ARRAY_SIZE(list->names))
		snprintf(list->names[list->nr], sizeof(list->names[0]), "%s", name);
	list->tcp_rmem += !strcmp(name, "net/ipv4/tcp_rmem") && (mode & 0777) == 0644;
	list->absolute += name[0] == '/';
	return ++list->nr == list->stop_at ? 42 : 0;
}

TEST_F(sysctl, iterate)
{
	static struct list list;
	char buf[4096];
	int i, unreadable = 0;
	long ret;

	ASSERT_EQ(0, libos_sysctl_iterate(self->l, note, &list));
	EXPECT_EQ(1, list.tcp_rmem);
	EXPECT_EQ(0, list.absolute);
	EXPECT_LT(300, list.nr);
	ASSERT_GT(4000, list.nr);
	for (i = 0; i < list.nr; i++) {
		ret = libos_sysctl_get(self->l, list.names[i], buf, sizeof(buf));
		/* not all can be read: some are only written, or need a hardware */
		if (ret == -ENOENT) {
			TH_LOG("%s does not exist", list.names[i]);
			unreadable++;
		}
	}
	EXPECT_EQ(0, unreadable);
	TH_LOG("%d sysctls", list.nr);
}

TEST_F(sysctl, iterate_stops)
{
	static struct list list = { .stop_at = 5 };

	EXPECT_EQ(42, libos_sysctl_iterate(self->l, note, &list));
	EXPECT_EQ(5, list.nr);
}

/* A network namespace has its own. */
TEST_F(sysctl, per_namespace)
{
	int home = libos_open_file(self->l, "/proc/self/ns/net", O_RDONLY, 0);
	char buf[16];

	ASSERT_LE(0, home);
	ASSERT_OK(libos_sysctl_set(self->l, "net.ipv4.ip_default_ttl", "17"));
	ASSERT_EQ(0, libos_unshare(self->l, CLONE_NEWNET));
	ASSERT_OK(libos_sysctl_get(self->l, "net.ipv4.ip_default_ttl", buf, sizeof(buf)));
	EXPECT_STREQ("64", buf);
	ASSERT_EQ(0, libos_setns(self->l, home, CLONE_NEWNET));
	ASSERT_OK(libos_sysctl_get(self->l, "net.ipv4.ip_default_ttl", buf, sizeof(buf)));
	EXPECT_STREQ("17", buf);
}

/* The contract itself: a wrong name is no harm, nor a name from nowhere. */
TEST(contract_of_sysctl)
{
	static struct raw r;
	struct lib_task *boot;
	char buf[64];

	ASSERT_EQ(0, raw_boot(&r));
	boot = r.kernel.boot_task;
	EXPECT_EQ(5, r.ex.sysctl_get(boot, "kernel.ostype", buf, sizeof(buf)));
	EXPECT_STREQ("Linux", buf);
	EXPECT_EQ(-ENOENT, r.ex.sysctl_get(boot, "kernel.nothing", buf, sizeof(buf)));
	EXPECT_EQ(0, r.ex.sysctl_set(boot, "kernel.hostname", "raw"));
	EXPECT_EQ(3, r.ex.sysctl_get(boot, "kernel/hostname", buf, sizeof(buf)));
}

TEST_HARNESS_MAIN
