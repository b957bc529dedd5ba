// SPDX-License-Identifier: GPL-2.0
/*
 * nuseapply.c - configurations of nuse on real instances, which are joined to
 * the host by TAPs, in a network namespace that ends with the test.
 */
#include "harness.h"
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <nuse/config.h>
#include <sched.h>
#include "netlink.h"

FIXTURE(net) {
	struct libos *l;
	struct nuse_config config;
	struct nuse_net *net;
	char error[NUSE_LINE];
};

static void write_self(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		complain("%s: %s", file, strerror(errno));
	close(fd);
}

/* Root of its own user and network namespaces, with a TAP driver; or why not */
static const char *alone(void)
{
	char uid[32], gid[32];

	snprintf(uid, sizeof(uid), "0 %u 1", getuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getgid());
	if (access("/dev/net/tun", R_OK | W_OK))
		return "there is no /dev/net/tun";
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return "user namespaces are not allowed";
	write_self("/proc/self/setgroups", "deny");
	write_self("/proc/self/uid_map", uid);
	write_self("/proc/self/gid_map", gid);
	return NULL;
}

FIXTURE_SETUP(net)
{
	struct libos_config config = { .size = sizeof(config) };
	const char *reason = alone();

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_OK(libos_open(&config, &self->l));
}

FIXTURE_TEARDOWN(net)
{
	nuse_config_free(&self->config);
}

/* 0 when the configuration was taken and applied; else @error says why. */
static int apply(struct libos *l, const char *text, struct nuse_config *config,
		 struct nuse_net **net, char *error)
{
	return nuse_config_parse(config, "f", text, strlen(text), error) ?:
	       nuse_apply(config, l, net, error);
}

#define APPLY(text)	ASSERT_EQ(0, apply(self->l, text, &self->config, &self->net,	\
					   self->error)) { TH_LOG("%s", self->error); }

/* The host's side of a TAP */
static int host(const char *dev, const char *v4, const char *v6)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "ip addr add %s dev %s && ip addr add %s dev %s nodad && ip link set %s up",
		 v4, dev, v6, dev, dev);
	return system(command);
}

static void expect_file(struct __test_metadata *_metadata, struct libos *l, const char *path,
			const char *text)
{
	char buf[128] = "";
	int len = read_file(l, path, buf, sizeof(buf) - 1);

	ASSERT_LT(0, len);
	buf[len - 1] = 0;
	EXPECT_STREQ(text, buf) {
		TH_LOG("%s", path);
	}
}

/* ---------------------------------------------- what the kernel says of it */

static int family_of(const char *address)
{
	return strchr(address, ':') ? AF_INET6 : AF_INET;
}

static void put_address(struct nl *nl, int type, const char *address)
{
	uint8_t bytes[16];

	inet_pton(family_of(address), address, bytes);
	nl_put(nl, type, bytes, family_of(address) == AF_INET6 ? 16 : 4);
}

/* The gateway for what goes to @to, from @from if that is given; "" is none. */
static const char *gateway(struct libos *l, const char *to, const char *from)
{
	static char text[INET6_ADDRSTRLEN];
	int family = family_of(to);
	struct rtmsg route = {
		.rtm_family = family,
		.rtm_dst_len = family == AF_INET6 ? 128 : 32,
		.rtm_src_len = from ? family == AF_INET6 ? 128 : 32 : 0,
	};
	struct nl nl, answer;
	const void *via;
	int err;

	nl_begin(&nl, RTM_GETROUTE, 0, &route, sizeof(route));
	put_address(&nl, RTA_DST, to);
	if (from)
		put_address(&nl, RTA_SRC, from);
	err = nl_ask(l, NETLINK_ROUTE, &nl, &answer);
	if (err)
		return strerror(-err);
	via = nl_attr(&answer, sizeof(route), RTA_GATEWAY);
	return via ? inet_ntop(family, via, text, sizeof(text)) : "";
}

/* The root queueing discipline */
static const char *qdisc(struct libos *l, const char *dev)
{
	struct tcmsg tc = { .tcm_ifindex = link_index(l, dev), .tcm_parent = TC_H_ROOT };
	static struct nl answer;
	struct nl nl;
	int err;

	nl_begin(&nl, RTM_GETQDISC, NLM_F_ECHO, &tc, sizeof(tc));
	err = nl_ask(l, NETLINK_ROUTE, &nl, &answer);
	return err ? strerror(-err) : nl_attr(&answer, sizeof(tc), TCA_KIND);
}

/* Whether a neighbour has an address for ever, and that ends in @last */
static bool is_neighbour(struct libos *l, const char *dev, const char *address, uint8_t last)
{
	struct ndmsg neigh = { .ndm_family = family_of(address), .ndm_ifindex = link_index(l, dev) };
	const struct ndmsg *found;
	struct nl nl, answer;
	const uint8_t *mac;

	nl_begin(&nl, RTM_GETNEIGH, 0, &neigh, sizeof(neigh));
	put_address(&nl, NDA_DST, address);
	if (nl_ask(l, NETLINK_ROUTE, &nl, &answer))
		return false;
	found = (void *)answer.body;
	mac = nl_attr(&answer, sizeof(neigh), NDA_LLADDR);
	return found->ndm_state == NUD_PERMANENT && mac && mac[5] == last;
}

/* ------------------------------------------------------------------- tests */

TEST_F(net, sample_of_2015)
{
	/* ... with TAPs */
	APPLY("\n\ninterface eth0\n\taddress 192.168.0.10\n\tnetmask 255.255.255.0\n"
	      "\tmacaddr 00:01:01:01:01:01\n\tviftype TAP\n\n"
	      "interface p1p1\n\taddress 172.16.0.1\n\tnetmask 255.255.255.0\n"
	      "\tmacaddr 00:01:01:01:01:02\n\tviftype TAP\n\n"
	      "route\n\tnetwork 172.16.1.0\n\tnetmask 255.255.255.0\n\tgateway 172.16.0.2\n\n"
	      "route\n\tnetwork 0.0.0.0\n\tnetmask 0.0.0.0\n\tgateway 192.168.0.1\n");
	expect_file(_metadata, self->l, "/sys/class/net/eth0/address", "00:01:01:01:01:01");
	expect_file(_metadata, self->l, "/sys/class/net/p1p1/address", "00:01:01:01:01:02");
	EXPECT_STREQ("172.16.0.2", gateway(self->l, "172.16.1.7", NULL));
	EXPECT_STREQ("192.168.0.1", gateway(self->l, "8.8.8.8", NULL));
	EXPECT_STREQ("", gateway(self->l, "192.168.0.77", NULL));
	ASSERT_EQ(0, host("nuse-eth0", "192.168.0.1/24", "fc00::1/64"));
	EXPECT_LT(0, ping(self->l, "192.168.0.1", 10000));
	EXPECT_LT(0, ping(self->l, "127.0.0.1", 10000));
	EXPECT_EQ(0, nuse_net_close(self->net));
	EXPECT_EQ(-ENODEV, link_index(self->l, "eth0"));
	EXPECT_EQ(0, libos_close(self->l));
}

TEST_F(net, interface_keys)
{
	APPLY("interface lan0\nviftype TAP\nhostdev tap7\naddress 10.0.0.2/24\n"
	      "address fc00::2/64\nmtu 1400\nmacaddr 02:00:00:00:0a:fF\nqdisc fq\n"
	      "gateway 10.0.0.1\ngateway fc00::1\nneigh 10.0.0.9 00:01:02:03:04:05\n"
	      "neigh fc00::9 00:01:02:03:04:06\n");
	expect_file(_metadata, self->l, "/sys/class/net/lan0/address", "02:00:00:00:0a:ff");
	expect_file(_metadata, self->l, "/sys/class/net/lan0/mtu", "1400");
	EXPECT_STREQ("fq", qdisc(self->l, "lan0"));
	EXPECT_STREQ("10.0.0.1", gateway(self->l, "8.8.8.8", NULL));
	EXPECT_STREQ("fc00::1", gateway(self->l, "2001:db8::1", NULL));
	EXPECT_TRUE(is_neighbour(self->l, "lan0", "10.0.0.9", 5));
	EXPECT_TRUE(is_neighbour(self->l, "lan0", "fc00::9", 6));
	ASSERT_EQ(0, host("tap7", "10.0.0.1/24", "fc00::1/64"));
	EXPECT_LT(0, ping(self->l, "10.0.0.1", 10000));
	EXPECT_LT(0, ping(self->l, "fc00::1", 10000));
	EXPECT_EQ(0, nuse_net_close(self->net));
}

/* What is sent from an address of an interface leaves by its own gateway. */
TEST_F(net, gateway_of_an_interface)
{
	APPLY("interface eth0\nviftype TAP\naddress 10.0.0.2/24\naddress 10.0.0.3/24\n"
	      "address fc00::2/64\ngateway 10.0.0.1\nifgateway 10.0.0.8\nifgateway fc00::8\n"
	      "interface eth1\nviftype TAP\naddress 10.1.0.2/24\nifgateway 10.1.0.8\n");
	EXPECT_STREQ("10.0.0.1", gateway(self->l, "8.8.8.8", NULL));
	EXPECT_STREQ("10.0.0.8", gateway(self->l, "8.8.8.8", "10.0.0.2"));
	EXPECT_STREQ("10.0.0.8", gateway(self->l, "8.8.8.8", "10.0.0.3"));
	EXPECT_STREQ("10.1.0.8", gateway(self->l, "8.8.8.8", "10.1.0.2"));
	EXPECT_STREQ("fc00::8", gateway(self->l, "2001:db8::1", "fc00::2"));
	EXPECT_EQ(0, nuse_net_close(self->net));
}

TEST_F(net, routes)
{
	APPLY("interface eth0\nviftype TAP\naddress 10.0.0.2/24\naddress fc00::2/64\n"
	      "route\nnetwork 10.9.0.0/16\ndev eth0\n"
	      "route\nnetwork 10.8.0.0/16\ngateway 10.0.0.8\n"
	      "route\nnetwork fc08::/16\ngateway fc00::8\n"
	      "route\nnetwork fc09::/16\ngateway fe80::9\ndev eth0\n");
	EXPECT_STREQ("", gateway(self->l, "10.9.1.1", NULL));
	EXPECT_STREQ("10.0.0.8", gateway(self->l, "10.8.1.1", NULL));
	EXPECT_STREQ("fc00::8", gateway(self->l, "fc08::1", NULL));
	EXPECT_STREQ("fe80::9", gateway(self->l, "fc09::1", NULL));
	EXPECT_EQ(0, nuse_net_close(self->net));
}

/* Defaults are set before there are interfaces, those of one behind it. */
TEST_F(net, sysctls)
{
	char buf[64];

	APPLY("sysctl net.ipv4.tcp_rmem = 4096 8192 16384\n"
	      "sysctl net/ipv4/conf/a.0/forwarding=1\nsysctl net.ipv4.conf.b0.forwarding 1\n"
	      "sysctl net.ipv6.conf.default.mtu=1300\nsysctl net.core.default_qdisc=fq\n"
	      "interface a.0\nviftype TAP\ninterface b0\nviftype TAP\n");
	ASSERT_OK(libos_sysctl_get(self->l, "net.ipv4.tcp_rmem", buf, sizeof(buf)));
	EXPECT_STREQ("4096\t8192\t16384", buf);
	ASSERT_OK(libos_sysctl_get(self->l, "net/ipv4/conf/a.0/forwarding", buf, sizeof(buf)));
	EXPECT_STREQ("1", buf);
	ASSERT_OK(libos_sysctl_get(self->l, "net.ipv4.conf.b0.forwarding", buf, sizeof(buf)));
	EXPECT_STREQ("1", buf);
	EXPECT_STREQ("fq", qdisc(self->l, "b0"));
	EXPECT_EQ(0, nuse_net_close(self->net));
}

TEST_F(net, captures)
{
	const char *all = temp_path(), *own = temp_path();
	struct capture c;
	char text[512];

	snprintf(text, sizeof(text), "pcap %s\ninterface eth0\nviftype TAP\naddress 10.0.0.2/24\n"
		 "interface eth1\nviftype TAP\ninterface eth2\nviftype TAP\npcap %s\n", all, own);
	APPLY(text);
	ASSERT_EQ(0, host("nuse-eth0", "10.0.0.1/24", "fc00::1/64"));
	ASSERT_LT(0, ping(self->l, "10.0.0.1", 10000));
	EXPECT_EQ(0, nuse_net_close(self->net));
	ASSERT_EQ(0, capture_read(&c, all));
	EXPECT_EQ(2, c.nr_devs);
	EXPECT_LE(2, c.nr);
	ASSERT_EQ(0, capture_read(&c, own));
	EXPECT_EQ(1, c.nr_devs);
}

TEST_F(net, json)
{
	APPLY("{ \"gateway\": \"10.0.0.1\", \"sysctl\": \"net.ipv4.ip_default_ttl=17\","
	      " \"interfaces\": [ { \"type\": \"tap\", \"param\": \"tap3\", \"mtu\": \"1300\","
	      "   \"ip\": \"10.0.0.2\", \"masklen\": \"24\", \"ipv6\": \"fc00::2\","
	      "   \"masklen6\": \"64\", \"ifgateway\": \"10.0.0.8\", \"qdisc\": \"root|pfifo\","
	      "   \"neigh\": \"10.0.0.9|00:01:02:03:04:05\" } ] }");
	expect_file(_metadata, self->l, "/sys/class/net/eth0/mtu", "1300");
	EXPECT_STREQ("10.0.0.1", gateway(self->l, "8.8.8.8", NULL));
	EXPECT_STREQ("10.0.0.8", gateway(self->l, "8.8.8.8", "10.0.0.2"));
	EXPECT_STREQ("pfifo", qdisc(self->l, "eth0"));
	EXPECT_TRUE(is_neighbour(self->l, "eth0", "10.0.0.9", 5));
	ASSERT_EQ(0, host("tap3", "10.0.0.1/24", "fc00::1/64"));
	EXPECT_LT(0, ping(self->l, "10.0.0.1", 10000));
	EXPECT_LT(0, ping(self->l, "fc00::1", 10000));
	EXPECT_EQ(0, nuse_net_close(self->net));
}

TEST_F(net, nothing)
{
	APPLY("");
	EXPECT_LT(0, ping(self->l, "127.0.0.1", 10000));
	EXPECT_EQ(0, nuse_net_close(self->net));
}

/* ------------------------------------------------------------ what fails */

struct failure {
	const char *text;
	int err;
	const char *says;
};

#define ETH0	"interface eth0\nviftype TAP\naddress 10.0.0.2/24\n"

static const struct failure failures[] = {
	{ ETH0 "interface eth1\n", -EOPNOTSUPP,
	  "f:4: eth1 is of viftype RAW, which is not supported; expected TAP" },
	{ ETH0 "interface eth1\nviftype PIPE\npipepath a\n", -EOPNOTSUPP,
	  "f:4: eth1 is of viftype PIPE, which is not supported; expected TAP" },
	{ ETH0 "interface eth1\nviftype TAP\nhostdev lo\n", -EINVAL,
	  "f:4: interface \"lo\" of the host is no TAP interface" },
	{ ETH0 "sysctl net.no.such=1\n", -ENOENT,
	  "f:4: instance 0: cannot set sysctl net.no.such to \"1\": No such file or directory" },
	{ ETH0 "sysctl net.ipv4.conf.eth0.no=1\n", -ENOENT,
	  "f:4: instance 0: cannot set sysctl net.ipv4.conf.eth0.no to \"1\": "
	  "No such file or directory" },
	{ ETH0 "sysctl net.ipv4.ip_default_ttl=many\n", -EINVAL,
	  "f:4: instance 0: cannot set sysctl net.ipv4.ip_default_ttl to \"many\": "
	  "Invalid argument" },
	{ ETH0 "qdisc nothing\n", -ENOENT,
	  "f:1: instance 0 has no queueing discipline \"nothing\"" },
	{ ETH0 "qdisc tbf\n", -EINVAL,
	  "f:1: instance 0: the queueing discipline tbf cannot do without parameters: "
	  "set it with tc" },
	{ ETH0 "address 10.0.0.2/24\n", -EEXIST,
	  "f:1: instance 0: cannot give eth0 the address 10.0.0.2/24: File exists" },
	{ ETH0 "gateway 10.1.0.1\n", -ENETUNREACH,
	  "f:1: instance 0: cannot add the route to default: Network is unreachable" },
	{ ETH0 "\nroute\nnetwork 10.2.0.0/16\ngateway 10.1.0.1\n", -ENETUNREACH,
	  "f:5: instance 0: cannot add the route to 10.2.0.0/16: Network is unreachable" },
	{ ETH0 "route\nnetwork 10.2.0.0/16\ndev eth1\n", -ENODEV,
	  "f:4: instance 0 has no interface \"eth1\"" },
	{ ETH0 "pcap /no/such/file\n", -ENOENT,
	  "f:1: cannot write /no/such/file: No such file or directory" },
	{ "pcap /no/such/file\n" ETH0, -ENOENT,
	  "pcap: cannot write /no/such/file: No such file or directory" },
};

/* No device is left, here or at the host, and the next one succeeds. */
TEST_F(net, failures)
{
	const struct failure *f;

	for (f = failures; f < failures + ARRAY_SIZE(failures); f++) {
		EXPECT_EQ(f->err, apply(self->l, f->text, &self->config, &self->net, self->error));
		EXPECT_STREQ(f->says, self->error);
		nuse_config_free(&self->config);
		EXPECT_EQ(-ENODEV, link_index(self->l, "eth0"));
		EXPECT_NE(0, access("/proc/sys/net/ipv4/conf/nuse-eth0", F_OK));
	}
	APPLY(ETH0);
	EXPECT_EQ(0, nuse_net_close(self->net));
}

/* ------------------------------------------------ what others are to apply */

TEST(resolver)
{
	struct nuse_config config = { 0 };
	static const char text[] = "nameserver 10.0.0.1\nnameserver fc00::1\nsearch a.org b.org\n";
	char error[NUSE_LINE], *conf;

	EXPECT_EQ(NULL, nuse_resolv_conf(&config));
	ASSERT_EQ(0, nuse_config_parse(&config, "f", text, sizeof(text) - 1, error));
	conf = nuse_resolv_conf(&config);
	EXPECT_STREQ("nameserver 10.0.0.1\nnameserver fc00::1\nsearch a.org b.org\n", conf);
	free(conf);
	nuse_config_free(&config);
}

TEST(instance)
{
	struct nuse_config config = { 0 };
	struct libos_config how;
	char text[512], error[NUSE_LINE], buf[256];
	struct libos *l;

	snprintf(text, sizeof(text), "kernel %s\nname web\nmemory 48M\ncmdline loglevel=3\n",
		 liblinux());
	ASSERT_EQ(0, nuse_config_parse(&config, "f", text, strlen(text), error));
	unsetenv("LIBLINUX");
	how = nuse_libos_config(&config);
	ASSERT_OK(libos_open(&how, &l));
	EXPECT_GT(0, libos_sysctl_get(l, "none", buf, sizeof(buf)));
	EXPECT_EQ(0, strncmp("web: ", libos_error(), 5));
	ASSERT_LT(0, read_file(l, "/proc/cmdline", buf, sizeof(buf)));
	EXPECT_NE(NULL, strstr(buf, "loglevel=3"));
	EXPECT_EQ(0, libos_close(l));
	nuse_config_free(&config);
}

TEST_HARNESS_MAIN
