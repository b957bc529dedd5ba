// SPDX-License-Identifier: GPL-2.0
/*
 * tc.c - traffic control: every queueing discipline, classifier and action is
 * there, and those that shape keep to the clock of the caller.
 */
#include "harness.h"
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_gact.h>
#include "netlink.h"

FIXTURE(tc) {
	struct pair p;
};

FIXTURE_SETUP(tc)
{
	ASSERT_EQ(0, pair_open(&self->p, 1, NULL));
	ASSERT_LE(0, ping(self->p.a, "10.0.0.2", 3000));
}

FIXTURE_TEARDOWN(tc)
{
	EXPECT_EQ(0, pair_close(&self->p));
}

static void qdisc_begin(struct nl *nl, struct libos *l, const char *kind, uint32_t parent)
{
	struct tcmsg tc = { .tcm_ifindex = link_index(l, "eth0"), .tcm_parent = parent,
			    .tcm_handle = parent == TC_H_CLSACT ? 0xffff0000 : 0x10000 };

	nl_begin(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &tc, sizeof(tc));
	nl_put_str(nl, TCA_KIND, kind);
}

static int qdisc_delete(struct libos *l, uint32_t parent)
{
	struct tcmsg tc = { .tcm_ifindex = link_index(l, "eth0"), .tcm_parent = parent };
	struct nl nl;

	nl_begin(&nl, RTM_DELQDISC, 0, &tc, sizeof(tc));
	return nl_talk(l, NETLINK_ROUTE, &nl);
}

/* A kind that is not there is ENOENT; some want options: that is another error. */
TEST_F(tc, every_qdisc)
{
	static const char *const kinds[] = {
		"bfifo", "pfifo", "pfifo_fast", "noqueue", "htb", "hfsc", "prio", "multiq", "red",
		"sfb", "sfq", "tbf", "cbs", "etf", "taprio", "gred", "netem", "drr", "mqprio",
		"skbprio", "choke", "qfq", "codel", "fq_codel", "cake", "fq", "hhf", "pie",
		"fq_pie", "plug", "ets",
	};
	struct nl nl;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		qdisc_begin(&nl, self->p.a, kinds[i], TC_H_ROOT);
		err = nl_talk(self->p.a, NETLINK_ROUTE, &nl);
		if (err == -ENOENT)
			TH_LOG("%s is not there", kinds[i]);
		EXPECT_NE(-ENOENT, err);
		if (!err && strcmp(kinds[i], "plug") && strcmp(kinds[i], "qfq") &&
		    strcmp(kinds[i], "drr") && strcmp(kinds[i], "ets") &&
		    strcmp(kinds[i], "hfsc") && strcmp(kinds[i], "mqprio")) {
			if (ping(self->p.a, "10.0.0.2", 3000) < 0)
				TH_LOG("%s lets nothing through", kinds[i]);
			EXPECT_LE(0, ping(self->p.a, "10.0.0.2", 3000));
		}
		qdisc_delete(self->p.a, TC_H_ROOT);
	}
	qdisc_begin(&nl, self->p.a, "nonsense", TC_H_ROOT);
	EXPECT_EQ(-ENOENT, nl_talk(self->p.a, NETLINK_ROUTE, &nl));
}

static int clsact(struct libos *l)
{
	struct nl nl;

	qdisc_begin(&nl, l, "clsact", TC_H_CLSACT);
	return nl_talk(l, NETLINK_ROUTE, &nl);
}

static void filter_begin(struct nl *nl, struct libos *l, const char *kind)
{
	struct tcmsg tc = {
		.tcm_ifindex = link_index(l, "eth0"),
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
		.tcm_info = TC_H_MAKE(1 << 16, htons(0x0003)),	/* all protocols */
	};

	nl_begin(nl, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &tc, sizeof(tc));
	nl_put_str(nl, TCA_KIND, kind);
}

TEST_F(tc, every_classifier)
{
	static const char *const kinds[] = {
		"basic", "route", "fw", "u32", "flow", "cgroup", "bpf", "flower", "matchall",
	};
	struct nl nl;
	size_t i;
	int err;

	ASSERT_EQ(0, clsact(self->p.a));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		filter_begin(&nl, self->p.a, kinds[i]);
		err = nl_talk(self->p.a, NETLINK_ROUTE, &nl);
		if (err == -ENOENT)
			TH_LOG("%s is not there", kinds[i]);
		EXPECT_NE(-ENOENT, err);
	}
}

static struct nlattr *action_begin(struct nl *nl, int attr, const char *kind)
{
	struct nlattr *table = nl_nest(nl, attr);

	nl_nest(nl, 1);
	nl_put_str(nl, TCA_ACT_KIND, kind);
	return table;
}

static void action_end(struct nl *nl, struct nlattr *table)
{
	nl_end(nl, (struct nlattr *)((char *)table + NLA_HDRLEN));
	nl_end(nl, table);
}

TEST_F(tc, every_action)
{
	static const char *const kinds[] = {
		"police", "gact", "mirred", "sample", "nat", "pedit", "simple", "skbedit", "csum",
		"mpls", "vlan", "bpf", "connmark", "ctinfo", "skbmod", "ife", "tunnel_key", "ct",
		"gate",
	};
	struct tcamsg head = { 0 };
	struct nlattr *table;
	struct nl nl;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		nl_begin(&nl, RTM_NEWACTION, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
		table = action_begin(&nl, 1 /* TCA_ACT_TAB */, kinds[i]);
		action_end(&nl, table);
		err = nl_talk(self->p.a, NETLINK_ROUTE, &nl);
		if (err == -ENOENT)
			TH_LOG("%s is not there", kinds[i]);
		EXPECT_NE(-ENOENT, err);
	}
}

/* A filter that drops all that leaves */
TEST_F(tc, drop)
{
	struct tc_gact gact = { .action = TC_ACT_SHOT };
	struct nlattr *options, *table, *parms;
	struct nl nl;

	ASSERT_EQ(0, clsact(self->p.a));
	filter_begin(&nl, self->p.a, "matchall");
	options = nl_nest(&nl, TCA_OPTIONS);
	table = action_begin(&nl, TCA_MATCHALL_ACT, "gact");
	parms = nl_nest(&nl, TCA_ACT_OPTIONS);
	nl_put(&nl, TCA_GACT_PARMS, &gact, sizeof(gact));
	nl_end(&nl, parms);
	action_end(&nl, table);
	nl_end(&nl, options);
	ASSERT_EQ(0, nl_talk(self->p.a, NETLINK_ROUTE, &nl));
	EXPECT_GT(0, ping(self->p.a, "10.0.0.2", 1000));
	ASSERT_EQ(0, qdisc_delete(self->p.a, TC_H_CLSACT));
	EXPECT_LE(0, ping(self->p.a, "10.0.0.2", 1000));
}

/* netem's delay is the clock's, to the microsecond. */
TEST_F(tc, netem_delays)
{
	struct tc_netem_qopt qopt = { .limit = 1000 };
	struct { struct tc_netem_qopt qopt; struct nlattr attr; int64_t latency; }
		__attribute__((packed)) options = {
		.qopt = qopt, .attr = { 12, TCA_NETEM_LATENCY64 }, .latency = 50 * MS,
	};
	int64_t rtt;
	struct nl nl;

	qdisc_begin(&nl, self->p.a, "netem", TC_H_ROOT);
	nl_put(&nl, TCA_OPTIONS, &options, sizeof(options));
	ASSERT_EQ(0, nl_talk(self->p.a, NETLINK_ROUTE, &nl));
	rtt = ping(self->p.a, "10.0.0.2", 3000);
	EXPECT_LE(50 * MS, rtt);
	EXPECT_GT(50 * MS + 2000, rtt);
}

/* A token bucket of 1 Mbit/s passes 1 Mbit in a second. */
TEST_F(tc, tbf_shapes)
{
	struct tc_tbf_qopt qopt = {
		.rate = { .rate = 125000, .linklayer = TC_LINKLAYER_ETHERNET },
		.limit = 1 << 20, .buffer = 2000 * 8 * 1000 / 64,	/* 2,000 bytes, in ticks of 64 ns */
	};
	static char packet[1000 - 42];
	struct nlattr *options;
	struct nl nl;
	int fd, sink, i, nr = 0;

	sink = server(self->p.b, SOCK_DGRAM, 0, "10.0.0.2", 7000);
	set_int(self->p.b, sink, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20);
	fd = client(self->p.a, SOCK_DGRAM, 0, "10.0.0.2", 7000);
	set_int(self->p.a, fd, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20);
	qdisc_begin(&nl, self->p.a, "tbf", TC_H_ROOT);
	options = nl_nest(&nl, TCA_OPTIONS);
	nl_put(&nl, TCA_TBF_PARMS, &qopt, sizeof(qopt));
	nl_end(&nl, options);
	ASSERT_EQ(0, nl_talk(self->p.a, NETLINK_ROUTE, &nl));
	for (i = 0; i < 200; i++)
		ASSERT_EQ(sizeof(packet), libos_send(self->p.a, fd, packet, sizeof(packet), 0));
	libos_world_run(self->p.world, libos_world_now(self->p.world) + S);
	while (libos_recv(self->p.b, sink, packet, sizeof(packet), MSG_DONTWAIT) > 0)
		nr++;
	/* 125 packets of 1,000 bytes, and the bucket's two */
	EXPECT_LE(124, nr);
	EXPECT_GE(129, nr);
}

TEST_HARNESS_MAIN
