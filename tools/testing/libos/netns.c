// SPDX-License-Identifier: GPL-2.0
/*
 * netns.c - a node is a kernel or a network namespace: namespaces of one kernel,
 * joined by veth or by the call that joins two kernels.
 */
#include "harness.h"
#include <sched.h>
#include "netlink.h"
#include "util.h"

FIXTURE(netns) {
	struct libos *l;
	int home;
};

FIXTURE_SETUP(netns)
{
	self->l = boot(NULL);
	ASSERT_NE(NULL, self->l);
	self->home = libos_open_file(self->l, "/proc/self/ns/net", O_RDONLY, 0);
	ASSERT_LE(0, self->home);
}

FIXTURE_TEARDOWN(netns)
{
	EXPECT_EQ(0, libos_close(self->l));
}

/* Makes a namespace, goes there, and returns its descriptor. */
static int enter_new(struct libos *l)
{
	if (libos_unshare(l, CLONE_NEWNET) || libos_link_up(l, "lo"))
		return complain("unshare: %s", strerror(errno));
	return libos_open_file(l, "/proc/self/ns/net", O_RDONLY, 0);
}

static int go(struct libos *l, int ns)
{
	return libos_setns(l, ns, CLONE_NEWNET) ? complain("setns: %s", strerror(errno)) : 0;
}

TEST_F(netns, own_everything)
{
	char buf[4096];
	int ns;

	ASSERT_LE(0, server(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000));
	ns = enter_new(self->l);
	ASSERT_LE(0, ns);
	/* the same port is free here */
	ASSERT_LE(0, server(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000));
	EXPECT_LE(0, ping(self->l, "127.0.0.1", 1000));
	ASSERT_LT(0, read_file(self->l, "/proc/net/dev", buf, sizeof(buf)));
	EXPECT_NE(NULL, strstr(buf, "lo:"));
	ASSERT_EQ(0, go(self->l, self->home));
}

/* A socket stays in the namespace in which it was made. */
TEST_F(netns, sockets_stay)
{
	int there, here, ns = enter_new(self->l);
	char buf[8];

	ASSERT_LE(0, ns);
	there = server(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	ASSERT_EQ(0, go(self->l, self->home));
	here = client(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	libos_send(self->l, here, "x", 1, 0);
	EXPECT_EQ(-1, libos_recv(self->l, there, buf, 8, MSG_DONTWAIT));
	ASSERT_EQ(0, go(self->l, ns));
	here = client(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	EXPECT_EQ(1, libos_send(self->l, here, "x", 1, 0));
	EXPECT_EQ(1, libos_recv(self->l, there, buf, 8, MSG_DONTWAIT));
}

static int configure(struct libos *l, int ns, const char *dev, const char *addr)
{
	if (go(l, ns))
		return -1;
	if (libos_addr_add(l, dev, addr) || libos_link_up(l, dev))
		return complain("%s", libos_error());
	return 0;
}

/* A stream between two namespaces of one kernel */
static int talk(struct libos *l, int a, int b, const char *addr)
{
	int fd[2], listening;

	if (go(l, b))
		return -1;
	listening = server(l, SOCK_STREAM, 0, addr, 7000);
	if (listening < 0 || go(l, a))
		return -1;
	fd[0] = client(l, SOCK_STREAM, 0, addr, 7000);
	fd[1] = libos_accept4(l, listening, NULL, NULL, 0);
	if (fd[0] < 0 || fd[1] < 0)
		return -1;
	return echo(l, fd[0], l, fd[1], "from one namespace to another");
}

TEST_F(netns, joined_by_veth)
{
	int a = self->home, b = enter_new(self->l);

	ASSERT_LE(0, b);
	ASSERT_EQ(0, go(self->l, a));
	ASSERT_EQ(0, veth_new(self->l, "va", "vb", b));
	ASSERT_EQ(0, configure(self->l, a, "va", "10.1.0.1/24"));
	ASSERT_EQ(0, configure(self->l, b, "vb", "10.1.0.2/24"));
	ASSERT_EQ(0, go(self->l, a));
	EXPECT_LE(0, ping(self->l, "10.1.0.2", 100));
	EXPECT_EQ(0, talk(self->l, a, b, "10.1.0.2"));
}

/* The call that joins two kernels joins two namespaces of one. */
TEST_F(netns, joined_by_a_cable)
{
	int a = self->home, b = enter_new(self->l);
	struct libos_port pa = port_of(self->l, 1), pb = port_of(self->l, 2);
	struct libos_dev *dev[2];

	ASSERT_LE(0, b);
	pb.flags = LIBOS_PORT_NETNS;
	pb.netns = b;
	ASSERT_EQ(0, go(self->l, a));
	ASSERT_OK(libos_cable(&pa, &pb, NULL, dev));
	EXPECT_STREQ("eth0", libos_dev_name(dev[0]));
	EXPECT_STREQ("eth0", libos_dev_name(dev[1]));
	ASSERT_EQ(0, configure(self->l, a, "eth0", "10.1.0.1/24"));
	ASSERT_EQ(0, configure(self->l, b, "eth0", "10.1.0.2/24"));
	ASSERT_EQ(0, go(self->l, a));
	EXPECT_LE(0, ping(self->l, "10.1.0.2", 1000));
	EXPECT_EQ(0, talk(self->l, a, b, "10.1.0.2"));
	EXPECT_EQ(0, libos_dev_close(dev[0]));
	EXPECT_GT(0, ping(self->l, "10.1.0.2", 50));
}

/* Namespaces and kernels in one network: a kernel, a namespace as router, a kernel */
TEST_F(netns, mixed_with_kernels)
{
	struct libos *other = boot(NULL);
	int middle, last;
	struct libos_port p[4];

	ASSERT_NE(NULL, other);
	middle = enter_new(self->l);
	last = enter_new(self->l);
	ASSERT_LE(0, last);
	p[0] = port_of(other, 1);
	p[1] = port_of(self->l, 2);
	p[2] = port_of(self->l, 3);
	p[3] = port_of(self->l, 4);
	p[1].flags = p[2].flags = p[3].flags = LIBOS_PORT_NETNS;
	p[1].netns = p[2].netns = middle;
	p[3].netns = last;
	ASSERT_OK(libos_cable(&p[0], &p[1], NULL, NULL));
	ASSERT_OK(libos_cable(&p[2], &p[3], NULL, NULL));
	ASSERT_EQ(0, configure(self->l, middle, "eth0", "10.1.0.2/24"));
	ASSERT_EQ(0, configure(self->l, middle, "eth1", "10.2.0.1/24"));
	ASSERT_OK(libos_sysctl_set(self->l, "net.ipv4.ip_forward", "1"));
	ASSERT_EQ(0, configure(self->l, last, "eth0", "10.2.0.2/24"));
	ASSERT_OK(libos_route_add(self->l, "default", "10.2.0.1", NULL));
	ASSERT_OK(libos_addr_add(other, "eth0", "10.1.0.1/24"));
	ASSERT_OK(libos_link_up(other, "eth0"));
	ASSERT_OK(libos_route_add(other, "10.2.0.0/24", "10.1.0.2", NULL));
	EXPECT_LE(0, ping(other, "10.2.0.2", 2000));
	EXPECT_EQ(0, libos_close(other));
}

TEST_F(netns, bad_port)
{
	struct libos_port a = port_of(self->l, 1), b = port_of(self->l, 2);
	int file = libos_open_file(self->l, "/proc/version", O_RDONLY, 0);

	b.flags = LIBOS_PORT_NETNS;
	b.netns = 99;
	EXPECT_EQ(-EBADF, libos_cable(&a, &b, NULL, NULL));
	EXPECT_NE(NULL, strstr(libos_error(), "99"));
	b.netns = file;
	EXPECT_EQ(-EINVAL, libos_cable(&a, &b, NULL, NULL));
	/* and nothing is left of the other end */
	EXPECT_EQ(-ENODEV, libos_link_up(self->l, "eth0"));
}

/* Each thread may be elsewhere. */
TEST_F(netns, sixty_four)
{
	struct timespec pause = { .tv_nsec = 20000000 };
	int ns[64], i;
	long before, after;

	before = self_status("VmRSS");
	for (i = 0; i < 64; i++) {
		ns[i] = enter_new(self->l);
		ASSERT_LE(0, ns[i]);
	}
	after = self_status("VmRSS");
	TH_LOG("a namespace takes %ld KiB", (after - before) / 64);
	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, go(self->l, ns[i]));
		EXPECT_LE(0, ping(self->l, "127.0.0.1", 1000));
	}
	EXPECT_GT(64 * 1000, after - before);
	/* They go when nobody holds them, and there is room for others. */
	ASSERT_EQ(0, go(self->l, self->home));
	for (i = 0; i < 64; i++)
		libos_close_fd(self->l, ns[i]);
	for (i = 0; i < 100 && libos_unshare(self->l, CLONE_NEWNET); i++)
		libos_nanosleep(self->l, &pause, NULL);
	for (i = 0; i < 60; i++)
		ASSERT_LE(0, enter_new(self->l));
}

TEST_HARNESS_MAIN
