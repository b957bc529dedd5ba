// SPDX-License-Identifier: GPL-2.0
/*
 * netfilter.c - nftables, connection tracking, NAT, IP sets and IPVS do their
 * work on traffic between kernels.
 */
#include "harness.h"
#include <netinet/in.h>
#include <linux/ip_vs.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include "netlink.h"

FIXTURE(netfilter) {
	struct pair p;
};

FIXTURE_SETUP(netfilter)
{
	ASSERT_EQ(0, pair_open(&self->p, 1, NULL));
	ASSERT_LE(0, ping(self->p.a, "10.0.0.2", 3000));
}

FIXTURE_TEARDOWN(netfilter)
{
	EXPECT_EQ(0, pair_close(&self->p));
}

/* ------------------------------------------------- nftables, by its batches */

struct batch {
	struct libos *l;
	int fd;
	uint32_t seq;
	size_t len;
	char data[16384];
};

static void batch_add(struct batch *b, struct nl *nl)
{
	nl->hdr.nlmsg_seq = ++b->seq;
	memcpy(b->data + b->len, nl, NLMSG_ALIGN(nl->hdr.nlmsg_len));
	b->len += NLMSG_ALIGN(nl->hdr.nlmsg_len);
}

static void batch_mark(struct batch *b, int type)
{
	struct nfgenmsg head = { .res_id = htons(NFNL_SUBSYS_NFTABLES) };
	struct nl nl;

	nl_begin(&nl, type, 0, &head, sizeof(head));
	batch_add(b, &nl);
}

static void batch_begin(struct batch *b, struct libos *l)
{
	memset(b, 0, offsetof(struct batch, data));
	b->l = l;
	batch_mark(b, NFNL_MSG_BATCH_BEGIN);
}

static int batch_send(struct batch *b)
{
	struct nl answer;
	ssize_t n;
	int fd;

	batch_mark(b, NFNL_MSG_BATCH_END);
	fd = libos_socket(b->l, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (libos_send(b->l, fd, b->data, b->len, 0) < 0)
		return -errno;
	/* only errors are told */
	n = libos_recv(b->l, fd, &answer, sizeof(answer), MSG_DONTWAIT);
	libos_close_fd(b->l, fd);
	return n > 0 && answer.hdr.nlmsg_type == NLMSG_ERROR ? *(int *)answer.body : 0;
}

static void nft_begin(struct nl *nl, int type, int flags)
{
	struct nfgenmsg head = { .nfgen_family = NFPROTO_IPV4 };

	nl_begin(nl, NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_CREATE | flags, &head, sizeof(head));
}

static void nft_chain(struct batch *b, const char *type, int hook, int priority)
{
	struct nlattr *nest;
	struct nl nl;

	nft_begin(&nl, NFT_MSG_NEWTABLE, 0);
	nl_put_str(&nl, NFTA_TABLE_NAME, "t");
	batch_add(b, &nl);
	nft_begin(&nl, NFT_MSG_NEWCHAIN, 0);
	nl_put_str(&nl, NFTA_CHAIN_TABLE, "t");
	nl_put_str(&nl, NFTA_CHAIN_NAME, "c");
	nl_put_str(&nl, NFTA_CHAIN_TYPE, type);
	nest = nl_nest(&nl, NFTA_CHAIN_HOOK);
	nl_put_u32(&nl, NFTA_HOOK_HOOKNUM, htonl(hook));
	nl_put_u32(&nl, NFTA_HOOK_PRIORITY, htonl(priority));
	nl_end(&nl, nest);
	batch_add(b, &nl);
}

static struct nlattr *rule_begin(struct nl *nl)
{
	nft_begin(nl, NFT_MSG_NEWRULE, NLM_F_APPEND);
	nl_put_str(nl, NFTA_RULE_TABLE, "t");
	nl_put_str(nl, NFTA_RULE_CHAIN, "c");
	return nl_nest(nl, NFTA_RULE_EXPRESSIONS);
}

static struct nlattr *expr_begin(struct nl *nl, const char *name, struct nlattr **data)
{
	struct nlattr *expr = nl_nest(nl, NFTA_LIST_ELEM);

	nl_put_str(nl, NFTA_EXPR_NAME, name);
	*data = nl_nest(nl, NFTA_EXPR_DATA);
	return expr;
}

static void expr_end(struct nl *nl, struct nlattr *expr, struct nlattr *data)
{
	nl_end(nl, data);
	nl_end(nl, expr);
}

/* The packet's protocol is @protocol */
static void match_protocol(struct nl *nl, uint8_t protocol)
{
	struct nlattr *expr, *data, *value;

	expr = expr_begin(nl, "meta", &data);
	nl_put_u32(nl, NFTA_META_KEY, htonl(NFT_META_L4PROTO));
	nl_put_u32(nl, NFTA_META_DREG, htonl(NFT_REG_1));
	expr_end(nl, expr, data);
	expr = expr_begin(nl, "cmp", &data);
	nl_put_u32(nl, NFTA_CMP_SREG, htonl(NFT_REG_1));
	nl_put_u32(nl, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
	value = nl_nest(nl, NFTA_CMP_DATA);
	nl_put_u8(nl, NFTA_DATA_VALUE, protocol);
	nl_end(nl, value);
	expr_end(nl, expr, data);
}

static void verdict(struct nl *nl, int code)
{
	struct nlattr *expr, *data, *value, *nest;

	expr = expr_begin(nl, "immediate", &data);
	nl_put_u32(nl, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	value = nl_nest(nl, NFTA_IMMEDIATE_DATA);
	nest = nl_nest(nl, NFTA_DATA_VERDICT);
	nl_put_u32(nl, NFTA_VERDICT_CODE, htonl(code));
	nl_end(nl, nest);
	nl_end(nl, value);
	expr_end(nl, expr, data);
}

TEST_F(netfilter, nft_drops)
{
	static struct batch b;
	struct nlattr *rule;
	struct nl nl;
	int fd[2];

	batch_begin(&b, self->p.b);
	nft_chain(&b, "filter", NF_INET_LOCAL_IN, 0);
	rule = rule_begin(&nl);
	match_protocol(&nl, IPPROTO_ICMP);
	verdict(&nl, NF_DROP);
	nl_end(&nl, rule);
	batch_add(&b, &nl);
	ASSERT_EQ(0, batch_send(&b));
	EXPECT_GT(0, ping(self->p.a, "10.0.0.2", 1000));
	EXPECT_EQ(0, connection(self->p.a, self->p.b, 0, "10.0.0.2", 7000, fd));
	batch_begin(&b, self->p.b);
	nft_begin(&nl, NFT_MSG_DELTABLE, 0);
	nl_put_str(&nl, NFTA_TABLE_NAME, "t");
	batch_add(&b, &nl);
	ASSERT_EQ(0, batch_send(&b));
	EXPECT_LE(0, ping(self->p.a, "10.0.0.2", 1000));
}

TEST_F(netfilter, nft_refuses_nonsense)
{
	static struct batch b;
	struct nlattr *rule, *expr, *data;
	struct nl nl;

	batch_begin(&b, self->p.b);
	nft_chain(&b, "filter", NF_INET_LOCAL_IN, 0);
	rule = rule_begin(&nl);
	expr = expr_begin(&nl, "nonsense", &data);
	expr_end(&nl, expr, data);
	nl_end(&nl, rule);
	batch_add(&b, &nl);
	EXPECT_GT(0, batch_send(&b));
	EXPECT_LE(0, ping(self->p.a, "10.0.0.2", 1000));
}

/*
 * a -- router -- b: b knows nothing of a's network; the router hides a behind
 * its own address and keeps track of the connections.
 */
TEST_F(netfilter, masquerade)
{
	struct libos *router = boot(self->p.world), *far = self->p.b, *a = boot(self->p.world);
	struct libos_port p[] = { port_of(a, 5), port_of(router, 6), port_of(router, 7),
				  port_of(far, 8) };
	struct sockaddr_in peer = { 0 };
	struct nlattr *rule, *expr, *data;
	socklen_t len = sizeof(peer);
	static struct batch b;
	int fd, accepted, listening;
	char text[64];
	struct nl nl;

	ASSERT_NE(NULL, router);
	ASSERT_NE(NULL, a);
	ASSERT_OK(libos_cable(&p[0], &p[1], NULL, NULL));
	ASSERT_OK(libos_cable(&p[2], &p[3], NULL, NULL));
	ASSERT_OK(libos_addr_add(a, "eth0", "192.168.1.2/24"));
	ASSERT_OK(libos_addr_add(router, "eth0", "192.168.1.1/24"));
	ASSERT_OK(libos_addr_add(router, "eth1", "203.0.113.1/24"));
	ASSERT_OK(libos_addr_add(far, "eth1", "203.0.113.2/24"));
	ASSERT_OK(libos_link_up(a, "eth0"));
	ASSERT_OK(libos_link_up(router, "eth0"));
	ASSERT_OK(libos_link_up(router, "eth1"));
	ASSERT_OK(libos_link_up(far, "eth1"));
	ASSERT_OK(libos_route_add(a, "default", "192.168.1.1", NULL));
	ASSERT_OK(libos_sysctl_set(router, "net.ipv4.ip_forward", "1"));

	batch_begin(&b, router);
	nft_chain(&b, "nat", NF_INET_POST_ROUTING, 100 /* NF_IP_PRI_NAT_SRC */);
	rule = rule_begin(&nl);
	match_protocol(&nl, IPPROTO_TCP);
	expr = expr_begin(&nl, "masq", &data);
	expr_end(&nl, expr, data);
	nl_end(&nl, rule);
	batch_add(&b, &nl);
	ASSERT_EQ(0, batch_send(&b));

	listening = server(far, SOCK_STREAM, 0, "203.0.113.2", 80);
	fd = client(a, SOCK_STREAM, 0, "203.0.113.2", 80);
	ASSERT_LE(0, fd);
	accepted = libos_accept4(far, listening, (void *)&peer, &len, 0);
	ASSERT_LE(0, accepted);
	EXPECT_STREQ("203.0.113.1", inet_ntoa(peer.sin_addr));
	EXPECT_EQ(0, echo(a, fd, far, accepted, "behind a router"));
	ASSERT_LT(0, libos_sysctl_get(router, "net.netfilter.nf_conntrack_count", text, 64));
	EXPECT_LE(1, atoi(text));
	EXPECT_EQ(0, libos_close(a));
	EXPECT_EQ(0, libos_close(router));
}

/* ---------------------------------------------------------------- IP sets */

#define IPSET_CMD_CREATE	2
#define IPSET_CMD_DESTROY	3
#define IPSET_CMD_ADD		9
#define IPSET_CMD_TEST		11

static void ipset_begin(struct nl *nl, int cmd)
{
	struct nfgenmsg head = { .nfgen_family = NFPROTO_IPV4 };

	nl_begin(nl, NFNL_SUBSYS_IPSET << 8 | cmd, 0, &head, sizeof(head));
	nl_put_u8(nl, 1, 7);		/* protocol */
	nl_put_str(nl, 2, "set");
}

static int ipset_entry(struct libos *l, int cmd, const char *addr)
{
	struct nlattr *data, *ip;
	struct in_addr in;
	struct nl nl;

	inet_pton(AF_INET, addr, &in);
	ipset_begin(&nl, cmd);
	data = nl_nest(&nl, 7);
	ip = nl_nest(&nl, 1);
	nl_put(&nl, 1 | NLA_F_NET_BYTEORDER, &in, 4);
	nl_end(&nl, ip);
	nl_end(&nl, data);
	return nl_talk(l, NETLINK_NETFILTER, &nl);
}

TEST_F(netfilter, ip_sets)
{
	static const char *const types[] = {
		"bitmap:port", "hash:ip", "hash:net", "hash:ip,port", "hash:net,iface",
		"list:set",
	};
	struct nlattr *data;
	struct nl nl;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		ipset_begin(&nl, IPSET_CMD_CREATE);
		nl_put_str(&nl, 3, types[i]);
		nl_put_u8(&nl, 4, 0);		/* revision */
		nl_put_u8(&nl, 5, NFPROTO_IPV4);
		data = nl_nest(&nl, 7);
		if (!i) {
			nl_put_u16(&nl, 4 | NLA_F_NET_BYTEORDER, htons(1));
			nl_put_u16(&nl, 5 | NLA_F_NET_BYTEORDER, htons(100));
		}
		nl_end(&nl, data);
		err = nl_talk(self->p.a, NETLINK_NETFILTER, &nl);
		if (err)
			TH_LOG("%s: %d", types[i], err);
		EXPECT_EQ(0, err);
		if (!strcmp(types[i], "hash:ip")) {
			EXPECT_EQ(0, ipset_entry(self->p.a, IPSET_CMD_ADD, "10.1.1.1"));
			EXPECT_EQ(0, ipset_entry(self->p.a, IPSET_CMD_TEST, "10.1.1.1"));
			EXPECT_NE(0, ipset_entry(self->p.a, IPSET_CMD_TEST, "10.1.1.2"));
		}
		ipset_begin(&nl, IPSET_CMD_DESTROY);
		EXPECT_EQ(0, nl_talk(self->p.a, NETLINK_NETFILTER, &nl));
	}
}

/* ------------------------------------------------------------------- IPVS */

/* A virtual service of b's that a third kernel serves */
TEST_F(netfilter, ipvs)
{
	struct {
		struct ip_vs_service_user service;
		struct ip_vs_dest_user dest;
	} req = {
		.service = { .protocol = IPPROTO_TCP, .port = htons(80), .sched_name = "rr" },
		.dest = { .port = htons(8080), .conn_flags = IP_VS_CONN_F_MASQ, .weight = 1 },
	};
	struct libos *real = boot(self->p.world);
	struct libos_port near, far;
	int fd, listening, accepted, raw;

	ASSERT_NE(NULL, real);
	near = port_of(self->p.b, 5);
	far = port_of(real, 6);
	ASSERT_OK(libos_cable(&near, &far, NULL, NULL));
	ASSERT_OK(libos_addr_add(self->p.b, "eth1", "10.5.0.1/24"));
	ASSERT_OK(libos_link_up(self->p.b, "eth1"));
	ASSERT_OK(libos_addr_add(real, "eth0", "10.5.0.2/24"));
	ASSERT_OK(libos_link_up(real, "eth0"));
	ASSERT_OK(libos_route_add(real, "default", "10.5.0.1", NULL));
	ASSERT_OK(libos_sysctl_set(self->p.b, "net.ipv4.ip_forward", "1"));

	inet_pton(AF_INET, "10.0.0.2", &req.service.addr);
	inet_pton(AF_INET, "10.5.0.2", &req.dest.addr);
	raw = libos_socket(self->p.b, AF_INET, SOCK_RAW, IPPROTO_RAW);
	ASSERT_EQ(0, libos_setsockopt(self->p.b, raw, IPPROTO_IP, IP_VS_SO_SET_ADD, &req.service,
				      sizeof(req.service)));
	ASSERT_EQ(0, libos_setsockopt(self->p.b, raw, IPPROTO_IP, IP_VS_SO_SET_ADDDEST, &req,
				      sizeof(req)));
	listening = server(real, SOCK_STREAM, 0, "10.5.0.2", 8080);
	fd = client(self->p.a, SOCK_STREAM, 0, "10.0.0.2", 80);
	ASSERT_LE(0, fd);
	accepted = libos_accept4(real, listening, NULL, NULL, 0);
	ASSERT_LE(0, accepted);
	EXPECT_EQ(0, echo(self->p.a, fd, real, accepted, "balanced"));
	EXPECT_EQ(0, libos_close(real));
}

TEST_HARNESS_MAIN
