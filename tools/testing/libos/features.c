// SPDX-License-Identifier: GPL-2.0
/*
 * features.c - what else the configuration promises: protocols that show
 * themselves by a netlink family, a sysctl or a file, and IPsec.
 */
#include "harness.h"
#include <linux/mpls_iptunnel.h>
#include <linux/lwtunnel.h>
#include <linux/xfrm.h>
#include "netlink.h"

FIXTURE(features) {
	struct libos *l;
};

FIXTURE_SETUP(features)
{
	self->l = boot(libos_world_new(1));
	ASSERT_NE(NULL, self->l);
}

FIXTURE_TEARDOWN(features)
{
}

TEST_F(features, netlink_families)
{
	static const char *const names[] = {
		"ethtool", "wireguard", "mptcp_pm", "l2tp", "TIPCv2", "IPVS", "SEG6", "gtp",
		"macsec", "team", "ovs_datapath", "ovs_flow", "ovs_vport", "tcp_metrics",
		"ila", "IOAM6", "fou", "devlink",
	};
	size_t i;
	int id;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		id = nl_family(self->l, names[i]);
		if (id < 0)
			TH_LOG("%s: %s", names[i], strerror(-id));
		EXPECT_LT(0, id);
	}
}

TEST_F(features, netlink_netdev)
{
	if (strverscmp(libos_release(self->l), "6.3") < 0)
		SKIP(return, "Linux has it from 6.3 on");
	EXPECT_LT(0, nl_family(self->l, "netdev"));
}

TEST_F(features, sysctls)
{
	static const char *const names[] = {
		"net.mpls.platform_labels", "net.ipv6.conf.all.seg6_enabled",
		"net.ipv6.conf.all.rpl_seg_enabled", "net.ipv6.conf.all.ioam6_enabled",
		"net.sctp.rto_initial", "net.dccp.default.seq_window", "net.mptcp.enabled",
		"net.tipc.tipc_rmem", "net.netfilter.nf_conntrack_max",
		"net.bridge.bridge-nf-call-iptables", "net.ipv4.vs.conn_reuse_mode",
		"net.core.bpf_jit_enable", "net.core.default_qdisc",
		"net.ipv4.tcp_ecn", "net.ipv6.conf.all.forwarding",
	};
	char buf[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strstr(names[i], "bpf_jit"))
			continue;	/* the interpreter runs what a JIT would */
		if (libos_sysctl_get(self->l, names[i], buf, sizeof(buf)) < 0)
			TH_LOG("%s is not there", names[i]);
		EXPECT_LE(0, libos_sysctl_get(self->l, names[i], buf, sizeof(buf)));
	}
}

/* HZ=1000: the clock of jiffies ticks 1000 times a second; cubic is the default. */
TEST_F(features, defaults)
{
	char buf[64];

	ASSERT_LT(0, libos_sysctl_get(self->l, "net.ipv4.tcp_congestion_control", buf, 64));
	EXPECT_STREQ("cubic", buf);
	ASSERT_LT(0, libos_sysctl_get(self->l, "net.core.default_qdisc", buf, 64));
	TH_LOG("default qdisc: %s", buf);
}

static void route_begin(struct nl *nl, int family, int len, const char *dst)
{
	struct rtmsg rt = {
		.rtm_family = family, .rtm_dst_len = len, .rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST,
	};
	struct sockaddr_storage ss = address(dst, 0);

	nl_begin(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &rt, sizeof(rt));
	if (family == AF_INET)
		nl_put(nl, RTA_DST, &((struct sockaddr_in *)&ss)->sin_addr, 4);
}

/* Packets to 10.8.0.1 get a label, and the other kernel takes it off. */
TEST(mpls)
{
	uint32_t label = htonl(100 << 12 | 1 << 8);	/* bottom of the stack */
	struct { uint16_t family; uint8_t addr[4]; } __attribute__((packed)) via = {
		.family = AF_INET, .addr = { 127, 0, 0, 1 },
	};
	struct in_addr gateway;
	struct nlattr *nest;
	struct rtmsg rt = {
		.rtm_family = AF_MPLS, .rtm_dst_len = 20, .rtm_table = RT_TABLE_MAIN,
		.rtm_type = RTN_UNICAST, .rtm_protocol = RTPROT_STATIC,
	};
	struct pair p;
	struct nl nl;

	ASSERT_EQ(0, pair_open(&p, 1, NULL));
	ASSERT_OK(libos_addr_add(p.b, "lo", "10.8.0.1/32"));
	ASSERT_OK(libos_sysctl_set(p.b, "net.mpls.platform_labels", "1000"));
	ASSERT_OK(libos_sysctl_set(p.b, "net.mpls.conf.eth0.input", "1"));
	nl_begin(&nl, RTM_NEWROUTE, NLM_F_CREATE, &rt, sizeof(rt));
	nl_put(&nl, RTA_DST, &label, 4);
	nl_put(&nl, RTA_VIA, &via, sizeof(via));
	nl_put_u32(&nl, RTA_OIF, 1);		/* lo: what is under the label is for us */
	ASSERT_EQ(0, nl_talk(p.b, NETLINK_ROUTE, &nl));

	inet_pton(AF_INET, "10.0.0.2", &gateway);
	route_begin(&nl, AF_INET, 32, "10.8.0.1");
	nl_put(&nl, RTA_GATEWAY, &gateway, 4);
	nl_put_u16(&nl, RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_MPLS);
	nest = nl_nest(&nl, RTA_ENCAP);
	nl_put(&nl, MPLS_IPTUNNEL_DST, &label, 4);
	nl_end(&nl, nest);
	ASSERT_EQ(0, nl_talk(p.a, NETLINK_ROUTE, &nl));
	EXPECT_LE(0, ping(p.a, "10.8.0.1", 3000));
}

/* ------------------------------------------------------------------ IPsec */

static void put_addr4(xfrm_address_t *to, const char *text)
{
	memset(to, 0, sizeof(*to));
	inet_pton(AF_INET, text, &to->a4);
}

static int esp_state(struct libos *l, const char *src, const char *dst, uint32_t spi)
{
	struct { struct xfrm_algo alg; char key[20]; } auth = {
		.alg = { .alg_name = "hmac(sha1)", .alg_key_len = 160 }, .key = "authentication key",
	}, crypt = {
		.alg = { .alg_name = "cbc(aes)", .alg_key_len = 128 }, .key = "16 bytes of key.",
	};
	struct xfrm_usersa_info sa = {
		.family = AF_INET, .mode = XFRM_MODE_TRANSPORT, .id.proto = IPPROTO_ESP,
		.id.spi = htonl(spi), .reqid = 1,
		.lft = { .soft_byte_limit = -1, .hard_byte_limit = -1,
			 .soft_packet_limit = -1, .hard_packet_limit = -1 },
	};
	struct nl nl;

	put_addr4(&sa.saddr, src);
	put_addr4(&sa.id.daddr, dst);
	nl_begin(&nl, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, &sa, sizeof(sa));
	nl_put(&nl, XFRMA_ALG_AUTH, &auth, sizeof(auth.alg) + 20);
	nl_put(&nl, XFRMA_ALG_CRYPT, &crypt, sizeof(crypt.alg) + 16);
	return nl_talk(l, NETLINK_XFRM, &nl);
}

static int esp_policy(struct libos *l, const char *src, const char *dst, int dir)
{
	struct xfrm_userpolicy_info policy = {
		.sel = { .family = AF_INET, .prefixlen_s = 32, .prefixlen_d = 32 },
		.lft = { .soft_byte_limit = -1, .hard_byte_limit = -1,
			 .soft_packet_limit = -1, .hard_packet_limit = -1 },
		.dir = dir, .action = XFRM_POLICY_ALLOW,
	};
	struct xfrm_user_tmpl tmpl = {
		.family = AF_INET, .id.proto = IPPROTO_ESP, .mode = XFRM_MODE_TRANSPORT,
		.reqid = 1, .aalgos = -1, .ealgos = -1, .calgos = -1,
	};
	struct nl nl;

	put_addr4(&policy.sel.saddr, src);
	put_addr4(&policy.sel.daddr, dst);
	nl_begin(&nl, XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL, &policy, sizeof(policy));
	nl_put(&nl, XFRMA_TMPL, &tmpl, sizeof(tmpl));
	return nl_talk(l, NETLINK_XFRM, &nl);
}

/* ESP between two kernels: nothing in the clear is on the cable. */
TEST(esp)
{
	const char *path = temp_path(), *a = "10.0.0.1", *b = "10.0.0.2";
	struct libos_pcap *pcap;
	struct capture c;
	unsigned int i, esp = 0, clear = 0;
	struct libos *l[2];
	struct pair p;
	int fd[2];

	ASSERT_EQ(0, pair_open(&p, 1, NULL));
	l[0] = p.a;
	l[1] = p.b;
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, esp_state(l[i], a, b, 1001));
		ASSERT_EQ(0, esp_state(l[i], b, a, 1002));
		ASSERT_EQ(0, esp_policy(l[i], a, b, i ? XFRM_POLICY_IN : XFRM_POLICY_OUT));
		ASSERT_EQ(0, esp_policy(l[i], b, a, i ? XFRM_POLICY_OUT : XFRM_POLICY_IN));
	}
	ASSERT_OK(libos_pcap_open(path, &pcap));
	ASSERT_OK(libos_pcap_add(pcap, p.dev[0]));
	EXPECT_LE(0, ping(p.a, b, 3000));
	ASSERT_EQ(0, connection(p.a, p.b, 0, b, 7000, fd));
	EXPECT_EQ(0, echo(p.a, fd[0], p.b, fd[1], "a secret"));
	ASSERT_OK(libos_pcap_close(pcap));
	ASSERT_EQ(0, capture_read(&c, path));
	for (i = 0; i < c.nr; i++) {
		if (c.frames[i].len < 34 || c.frames[i].data[12] != 8 || c.frames[i].data[13])
			continue;
		esp += c.frames[i].data[23] == IPPROTO_ESP;
		clear += c.frames[i].data[23] != IPPROTO_ESP;
	}
	EXPECT_LT(6, esp);
	EXPECT_EQ(0, clear);
}

TEST_HARNESS_MAIN
