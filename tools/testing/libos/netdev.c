// SPDX-License-Identifier: GPL-2.0
/*
 * netdev.c - devices in the contract: how they are made, what they take and
 * refuse, what they send, and that garbage harms nobody. The proof of life is
 * always the same: an ARP request and a ping, which have to be answered.
 */
#include "harness.h"
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#include "raw.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#endif

#define ETH		14
#define L4		(ETH + 20)	/* where UDP and TCP start in an IPv4 packet */

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };

FIXTURE(netdev) {
	struct raw r;
};

/* Without IPv6, so that a device says nothing unless it is asked to */
FIXTURE_SETUP(netdev)
{
	struct raw *r = &self->r;

	ASSERT_EQ(0, raw_boot(r));
	ASSERT_EQ(0, r->ex.sysctl_set(r->kernel.boot_task,
				      "net.ipv6.conf.default.disable_ipv6", "1"));
}

FIXTURE_TEARDOWN(netdev)
{
}

/* ---------------------------------------------------------------- packets */

static uint32_t sum(const void *data, size_t len, uint32_t start)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		start += i % 2 ? p[i] : p[i] << 8;
	while (start >> 16)
		start = (start >> 16) + (start & 0xffff);
	return start;
}

static uint32_t pseudo_sum(const uint8_t *ip, size_t len)
{
	return sum(ip + 12, 8, ip[9] + len);
}

static size_t ethernet(uint8_t *p, const uint8_t *to, uint16_t type)
{
	memcpy(p, to, 6);
	memcpy(p + 6, peer_mac, 6);
	p[12] = type >> 8;
	p[13] = type;
	return ETH;
}

static size_t arp_request(uint8_t *p)
{
	static const uint8_t arp[] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2,
				       0, 0, 0, 0, 0, 0, 10, 0, 0, 1 };

	ethernet(p, (const uint8_t *)"\xff\xff\xff\xff\xff\xff", ETHERTYPE_ARP);
	memcpy(p + ETH, arp, sizeof(arp));
	return ETH + sizeof(arp);
}

/* An IPv4 packet from 10.0.0.2 to 10.0.0.1 around what stands at p + L4 */
static size_t ipv4(uint8_t *p, uint8_t protocol, size_t len)
{
	struct iphdr ip = {
		.version = 4, .ihl = 5, .tot_len = htons(20 + len), .ttl = 64,
		.protocol = protocol, .saddr = inet_addr("10.0.0.2"),
		.daddr = inet_addr("10.0.0.1"),
	};

	ethernet(p, our_mac, ETHERTYPE_IP);
	ip.check = htons(~sum(&ip, sizeof(ip), 0));
	memcpy(p + ETH, &ip, sizeof(ip));
	return L4 + len;
}

static size_t echo_request(uint8_t *p, size_t len)
{
	struct icmphdr icmp = { .type = ICMP_ECHO, .un.echo.id = htons(17) };

	memset(p + L4, 0x11, len);
	memcpy(p + L4, &icmp, sizeof(icmp));
	icmp.checksum = htons(~sum(p + L4, len, 0));
	memcpy(p + L4, &icmp, sizeof(icmp));
	return ipv4(p, IPPROTO_ICMP, len);
}

static size_t udp_packet(uint8_t *p, size_t len)
{
	struct udphdr udp = { .source = htons(9), .dest = htons(9), .len = htons(len) };

	memset(p + L4, 0x22, len);
	memcpy(p + L4, &udp, sizeof(udp));
	return ipv4(p, IPPROTO_UDP, len);
}

static size_t tcp_packet(uint8_t *p, uint16_t sport, uint16_t dport, uint32_t ack_seq,
			 bool syn_ack, size_t len)
{
	struct tcphdr tcp = {
		.source = htons(sport), .dest = htons(dport), .seq = htonl(1000),
		.ack_seq = htonl(ack_seq), .doff = 6, .syn = syn_ack, .ack = 1,
		.window = htons(65535),
	};

	memset(p + L4, 0x33, len);
	memcpy(p + L4, &tcp, sizeof(tcp));
	memcpy(p + L4 + 20, "\x02\x04\x05\xb4", 4);	/* MSS 1460 */
	ipv4(p, IPPROTO_TCP, len);
	tcp.check = htons(~sum(p + L4, len, pseudo_sum(p + ETH, len)));
	memcpy(p + L4, &tcp, sizeof(tcp));
	return L4 + len;
}

/* Whether the checksum of a packet that was sent is right as it stands */
static bool complete(const struct raw_sent *s)
{
	uint32_t len = s->len - L4;

	return !s->vnet.flags && sum(s->data + ETH, 20, 0) == 0xffff &&
	       sum(s->data + L4, len, pseudo_sum(s->data + ETH, len)) == 0xffff;
}

/* Whether the place of the checksum has the pseudo header's sum, and it is said where */
static bool to_complete(const struct raw_sent *s, uint16_t offset)
{
	uint16_t there;

	memcpy(&there, s->data + L4 + offset, 2);
	return s->vnet.flags == LIB_VNET_NEEDS_CSUM && s->vnet.csum_start == L4 &&
	       s->vnet.csum_offset == offset && sum(s->data + ETH, 20, 0) == 0xffff &&
	       ntohs(there) == pseudo_sum(s->data + ETH, s->len - L4);
}

/* ------------------------------------------------------------------- life */

static bool was_sent(struct raw *r, uint32_t dev, size_t at, const void *bytes, size_t len)
{
	unsigned int i;

	for (i = 0; i < r->nr_sent; i++)
		if (r->sent[i].dev == dev && r->sent[i].len >= at + len &&
		    !memcmp(r->sent[i].data + at, bytes, len))
			return true;
	return false;
}

static bool arp_reply_seen(struct raw *r, uint32_t dev)
{
	return was_sent(r, dev, 12, "\x08\x06\0\1\x08\0\6\4\0\2\2\0\0\0\0\1\x0a\0\0\1", 20);
}

static bool echo_reply_seen(struct raw *r, uint32_t dev)
{
	return was_sent(r, dev, ETH + 9, "\1", 1) && was_sent(r, dev, L4, "\0\0", 2) &&
	       was_sent(r, dev, L4 + 4, "\0\x11", 2);
}

/* The proof of life */
static bool answers(struct raw *r, uint32_t dev)
{
	uint8_t p[256];
	char tainted[16];
	bool arp, icmp;

	raw_forget(r);
	raw_receive(r, dev, p, arp_request(p), NULL);
	arp = arp_reply_seen(r, dev);
	raw_forget(r);
	raw_receive(r, dev, p, echo_request(p, 64), NULL);
	icmp = echo_reply_seen(r, dev);
	raw_forget(r);
	if (!arp || !icmp)
		complain("no reply to %s", arp ? "ping" : "ARP");
	raw_read_file(r, "/proc/sys/kernel/tainted", tainted, sizeof(tainted));
	if (strcmp(tainted, "0\n"))
		complain("tainted: %s", tainted);
	return arp && icmp && !strcmp(tainted, "0\n") && !r->panics;
}

static int device(struct raw *r, uint32_t flags, uint32_t features, uint32_t tx_ring)
{
	struct lib_netdev how = { .flags = flags, .features = features, .tx_ring = tx_ring };

	memcpy(how.addr, our_mac, 6);
	return raw_device(r, &how, "10.0.0.1");
}

static int dev_ioctl(struct raw *r, const char *dev, unsigned long request, struct ifreq *ifr)
{
	long fd = raw_call(r, SYS_socket, AF_INET, SOCK_DGRAM, 0), ret;

	strcpy(ifr->ifr_name, dev);
	ret = raw_call(r, SYS_ioctl, fd, request, ifr);
	raw_call(r, SYS_close, fd);
	return ret;
}

static unsigned int flags_of(struct raw *r, const char *dev)
{
	struct ifreq ifr = { 0 };

	return dev_ioctl(r, dev, SIOCGIFFLAGS, &ifr) ? 0 : (unsigned short)ifr.ifr_flags;
}

static int offload_of(struct raw *r, const char *dev, uint32_t command)
{
	struct ethtool_value value = { .cmd = command };
	struct ifreq ifr = { .ifr_data = (void *)&value };

	return dev_ioctl(r, dev, SIOCETHTOOL, &ifr) ?: (int)value.data;
}

/* --------------------------------------------------------------- creation */

TEST_F(netdev, made_as_asked)
{
	struct lib_netdev dev = { .size = sizeof(dev), .name = "wan%d", .mtu = 9000 };
	struct raw *r = &self->r;
	struct ifreq ifr = { 0 };

	memcpy(dev.addr, our_mac, 6);
	ASSERT_EQ(0, r->ex.netdev_create(r->kernel.boot_task, &dev));
	EXPECT_STREQ("wan0", dev.name);
	EXPECT_LT(0, dev.id);
	ASSERT_EQ(0, dev_ioctl(r, "wan0", SIOCGIFHWADDR, &ifr));
	EXPECT_EQ(0, memcmp(ifr.ifr_hwaddr.sa_data, our_mac, 6));
	EXPECT_EQ(ARPHRD_ETHER, ifr.ifr_hwaddr.sa_family);
	ASSERT_EQ(0, dev_ioctl(r, "wan0", SIOCGIFMTU, &ifr));
	EXPECT_EQ(9000, ifr.ifr_mtu);
	ASSERT_EQ(0, dev_ioctl(r, "wan0", SIOCGIFINDEX, &ifr));
	EXPECT_EQ(dev.ifindex, ifr.ifr_ifindex);
}

TEST_F(netdev, made_by_default)
{
	struct lib_netdev dev[2] = { { .size = sizeof(*dev) }, { .size = sizeof(*dev) } };
	struct raw *r = &self->r;
	struct ifreq ifr = { 0 };

	ASSERT_EQ(0, r->ex.netdev_create(r->kernel.boot_task, &dev[0]));
	ASSERT_EQ(0, r->ex.netdev_create(r->kernel.boot_task, &dev[1]));
	EXPECT_STREQ("eth0", dev[0].name);
	EXPECT_STREQ("eth1", dev[1].name);
	EXPECT_NE(dev[0].id, dev[1].id);
	EXPECT_NE(0, memcmp(dev[0].addr, dev[1].addr, 6));
	EXPECT_EQ(2, dev[0].addr[0] & 3);	/* random: local, of one station */
	ASSERT_EQ(0, dev_ioctl(r, "eth0", SIOCGIFHWADDR, &ifr));
	EXPECT_EQ(0, memcmp(ifr.ifr_hwaddr.sa_data, dev[0].addr, 6));
	ASSERT_EQ(0, dev_ioctl(r, "eth0", SIOCGIFMTU, &ifr));
	EXPECT_EQ(1500, ifr.ifr_mtu);
	EXPECT_EQ(IFF_BROADCAST | IFF_MULTICAST, flags_of(r, "eth0"));
}

TEST_F(netdev, kinds)
{
	static const struct {
		uint32_t flags;
		unsigned int set, clear;
	} kinds[] = {
		{ LIB_NETDEV_NOARP, IFF_NOARP, IFF_POINTOPOINT },
		{ LIB_NETDEV_POINTTOPOINT, IFF_POINTOPOINT, IFF_BROADCAST | IFF_NOARP },
		{ LIB_NETDEV_MULTICAST | LIB_NETDEV_BROADCAST, IFF_MULTICAST | IFF_BROADCAST,
		  IFF_NOARP | IFF_POINTOPOINT },
		{ LIB_NETDEV_RAWIP, IFF_POINTOPOINT | IFF_NOARP, IFF_BROADCAST },
	};
	struct raw *r = &self->r;
	struct ifreq ifr = { 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct lib_netdev dev = { .size = sizeof(dev), .flags = kinds[i].flags };

		ASSERT_EQ(0, r->ex.netdev_create(r->kernel.boot_task, &dev));
		EXPECT_EQ(kinds[i].set, flags_of(r, dev.name) & (kinds[i].set | kinds[i].clear));
		ASSERT_EQ(0, dev_ioctl(r, dev.name, SIOCGIFHWADDR, &ifr));
		EXPECT_EQ(kinds[i].flags == LIB_NETDEV_RAWIP ? ARPHRD_NONE : ARPHRD_ETHER,
			  ifr.ifr_hwaddr.sa_family);
	}
}

TEST_F(netdev, features)
{
	static const struct {
		uint32_t features;
		int csum, tso;
	} cases[] = {
		{ 0, 0, 0 },
		{ LIB_NETDEV_F_CSUM, 1, 0 },
		{ LIB_NETDEV_F_CSUM | LIB_NETDEV_F_TSO, 1, 1 },
		{ LIB_NETDEV_F_TSO | LIB_NETDEV_F_USO, 0, 0 },	/* nothing without checksums */
	};
	struct raw *r = &self->r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lib_netdev dev = { .size = sizeof(dev), .features = cases[i].features };

		ASSERT_EQ(0, r->ex.netdev_create(r->kernel.boot_task, &dev));
		EXPECT_EQ(cases[i].csum, offload_of(r, dev.name, ETHTOOL_GTXCSUM));
		EXPECT_EQ(cases[i].tso, offload_of(r, dev.name, ETHTOOL_GTSO));
	}
}

TEST_F(netdev, refused)
{
	static const struct {
		struct lib_netdev dev;
		int err;
	} cases[] = {
		{ { .size = 0 }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev) - 1 }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .tx_ring = 4097 }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .tx_ring = UINT32_MAX }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .mtu = 67 }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .mtu = 65536 }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .mtu = UINT32_MAX }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .addr = { 1, 0, 0, 0, 0, 1 } }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev),
		    .addr = { 255, 255, 255, 255, 255, 255 } }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .name = "a/b" }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .name = "a b" }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .name = ".." }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .name = "a%s" }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .name = "%d%d" }, -EINVAL },
		{ { .size = sizeof(struct lib_netdev), .name = { [0 ... 15] = 'a' } },
		  -ENAMETOOLONG },
		{ { .size = sizeof(struct lib_netdev), .name = "lo" }, -EEXIST },
	};
	struct raw *r = &self->r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lib_netdev dev = cases[i].dev;

		EXPECT_EQ(cases[i].err, r->ex.netdev_create(r->kernel.boot_task, &dev))
			TH_LOG("case %u", i);
		EXPECT_EQ(0, dev.id);
	}
	EXPECT_TRUE(answers(r, device(r, 0, 0, 0)));
}

TEST_F(netdev, no_such_device)
{
	static const uint32_t ids[] = { 0, 2, 1000, UINT32_MAX };
	struct raw *r = &self->r;
	uint64_t token = 0;
	uint8_t p[64];
	unsigned int i;
	int dev = device(r, 0, 0, 0);

	ASSERT_LT(0, dev);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		if (ids[i] == (uint32_t)dev)
			continue;
		EXPECT_EQ(-ENODEV, raw_receive(r, ids[i], p, arp_request(p), NULL));
		EXPECT_EQ(-ENODEV, r->ex.netdev_tx_done(ids[i], &token, 1, 0));
		EXPECT_EQ(-ENODEV, r->ex.netdev_carrier(ids[i], 1));
		EXPECT_EQ(-ENODEV, r->ex.netdev_destroy(r->kernel.boot_task, ids[i]));
	}
	EXPECT_TRUE(answers(r, dev));
}

/* ---------------------------------------------------------------- garbage */

static uint64_t dice(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void scribble(uint8_t *p, size_t len)
{
	while (len--)
		*p++ = dice() >> 32;
}

TEST_F(netdev, random_bytes)
{
	static const uint16_t types[] = { ETHERTYPE_IP, ETHERTYPE_ARP, ETHERTYPE_VLAN, 0x86dd,
					  0x8847, 0x88a8, 0x8864, 0x0806, 0x22f0, 0x0004 };
	struct raw *r = &self->r;
	unsigned int turn;
	int dev, len, taken = 0;
	uint8_t p[2000];

	ASSERT_EQ(0, r->ex.sysctl_set(r->kernel.boot_task,
				      "net.ipv6.conf.default.disable_ipv6", "0"));
	dev = device(r, 0, 0, 0);
	ASSERT_LT(0, dev);
	for (turn = 0; turn < 2 + ARRAY_SIZE(types); turn++) {
		for (len = 0; len <= 2000; len++) {
			scribble(p, len);
			if (turn && len >= ETH)
				ethernet(p, our_mac, types[turn % ARRAY_SIZE(types)]);
			if (turn == 1 + ARRAY_SIZE(types) && len >= L4)
				ipv4(p, dice(), len - L4);
			taken += raw_receive(r, dev, p, len, NULL);
			raw_forget(r);
		}
		EXPECT_TRUE(answers(r, dev));
		taken += 2;
	}
	EXPECT_EQ((2 + ARRAY_SIZE(types)) * (2001 - ETH + 2), taken);
	EXPECT_EQ(taken, raw_dev_counter(r, "eth0", "rx_packets"));
	EXPECT_EQ((2 + ARRAY_SIZE(types)) * ETH, raw_dev_counter(r, "eth0", "rx_length_errors"));
	EXPECT_EQ((2 + ARRAY_SIZE(types)) * ETH, raw_dev_counter(r, "eth0", "rx_errors"));
}

TEST_F(netdev, random_bytes_without_link_layer)
{
	struct raw *r = &self->r;
	struct sockaddr_storage peer = address("10.0.0.2", 0);
	int dev = device(r, LIB_NETDEV_RAWIP, 0, 0), len;
	struct ifreq ifr = { 0 };
	uint8_t p[2048];

	ASSERT_LT(0, dev);
	memcpy(&ifr.ifr_dstaddr, &peer, sizeof(ifr.ifr_dstaddr));
	ASSERT_EQ(0, dev_ioctl(r, "eth0", SIOCSIFDSTADDR, &ifr));
	for (len = 0; len <= 2000; len++) {
		scribble(p, len);
		EXPECT_EQ(len > 0, raw_receive(r, dev, p, len, NULL));
	}
	raw_forget(r);
	len = echo_request(p, 64);
	EXPECT_EQ(1, raw_receive(r, dev, p + ETH, len - ETH, NULL));
	EXPECT_TRUE(was_sent(r, dev, 20, "\0\0", 2));
}

TEST_F(netdev, truncated)
{
	struct raw *r = &self->r;
	size_t full[4], len;
	uint8_t p[4][512];
	int dev = device(r, 0, 0, 0);
	unsigned int i;

	ASSERT_LT(0, dev);
	full[0] = arp_request(p[0]);
	full[1] = echo_request(p[1], 64);
	full[2] = udp_packet(p[2], 64);
	full[3] = tcp_packet(p[3], 9, 9, 0, false, 64);
	for (i = 0; i < 4; i++) {
		for (len = 0; len < full[i]; len++)
			EXPECT_EQ(len >= ETH, raw_receive(r, dev, p[i], len, NULL));
		EXPECT_FALSE(was_sent(r, dev, 0, "", 0));
		EXPECT_TRUE(answers(r, dev));
	}
	EXPECT_EQ(4 * ETH, raw_dev_counter(r, "eth0", "rx_length_errors"));
}

TEST_F(netdev, oversized)
{
	static uint8_t p[LIB_MAX_PACKET + 1];
	static const uint32_t sizes[] = { 1515, 4096, 9014, 65536, LIB_MAX_PACKET };
	struct raw *r = &self->r;
	int dev = device(r, 0, 0, 0);
	unsigned int i;

	ASSERT_LT(0, dev);
	echo_request(p, 64);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(1, raw_receive(r, dev, p, sizes[i], NULL));
	EXPECT_EQ(0, raw_receive(r, dev, p, LIB_MAX_PACKET + 1, NULL));
	EXPECT_EQ(0, raw_receive(r, dev, p, 1 << 20, NULL));
	EXPECT_EQ(0, raw_receive(r, dev, p, UINT32_MAX, NULL));
	EXPECT_EQ(3, raw_dev_counter(r, "eth0", "rx_length_errors"));
	EXPECT_TRUE(answers(r, dev));
}

/* Pieces that do not add up are refused one by one, and the good ones taken. */
TEST_F(netdev, lies)
{
	uint8_t p[64];
	size_t len = arp_request(p);
	const struct lib_iov one = { p, len }, huge[2] = { { p, SIZE_MAX }, { p, len + 1 } };
	struct lib_iov many[LIB_MAX_IOV + 1] = { one };
	const struct lib_packet pkts[] = {
		{ .iov = &one, .nr_iov = 0, .len = len },
		{ .iov = &one, .nr_iov = 1, .len = len + 1 },
		{ .iov = &one, .nr_iov = 1, .len = len - 1 },
		{ .iov = &one, .nr_iov = 1, .len = UINT32_MAX },
		{ .iov = NULL, .nr_iov = 0, .len = 0 },
		{ .iov = huge, .nr_iov = 2, .len = len },
		{ .iov = many, .nr_iov = LIB_MAX_IOV + 1, .len = len },
		{ .iov = many, .nr_iov = UINT32_MAX, .len = len },
		{ .iov = many, .nr_iov = LIB_MAX_IOV, .len = len },	/* this one is true */
	};
	struct raw *r = &self->r;
	int dev = device(r, 0, 0, 0);

	ASSERT_LT(0, dev);
	EXPECT_EQ(1, r->ex.netdev_rx(dev, pkts, ARRAY_SIZE(pkts)));
	r->ex.run();
	EXPECT_TRUE(arp_reply_seen(r, dev));
	EXPECT_EQ(0, r->ex.netdev_rx(dev, NULL, 0));
	EXPECT_EQ(8, raw_dev_counter(r, "eth0", "rx_length_errors"));
	EXPECT_EQ(1, raw_dev_counter(r, "eth0", "rx_packets"));
	EXPECT_TRUE(answers(r, dev));
}

/* Every combination of the extremes, on one packet; returns how many there were. */
static unsigned int all_metadata(struct raw *r, int dev, const uint8_t *p, size_t len, int type,
				 unsigned int *taken)
{
	static const uint16_t sizes[] = { 0, 1, 536, 1448, 65535 };
	static const uint16_t offsets[] = { 0, 6, 16, 65535 };
	const uint16_t starts[] = { 0, ETH, L4, len - 2, len, 65535 };
	unsigned int i, nr = 5 * 4 * 6 * 4;
	struct lib_vnet vnet;

	for (i = 0; i < nr; i++) {
		vnet = (struct lib_vnet) {
			.flags = i % 4, .gso_type = type,
			.hdr_len = i & 8 ? 65535 : i & 16 ? L4 : 0,
			.gso_size = sizes[i / 4 % 5], .csum_offset = offsets[i / 20 % 4],
			.csum_start = starts[i / 80],
		};
		*taken += raw_receive(r, dev, p, len, &vnet);
	}
	return nr;
}

TEST_F(netdev, absurd_metadata)
{
	static uint8_t p[3][LIB_MAX_PACKET];
	struct raw *r = &self->r;
	unsigned int i, nr = 0, taken = 0;
	int dev = device(r, 0, 0, 0), type;
	size_t len[3];

	ASSERT_LT(0, dev);
	len[0] = echo_request(p[0], 100);
	len[1] = udp_packet(p[1], 3000);
	len[2] = tcp_packet(p[2], 9, 9, 0, false, 3000);
	for (type = 0; type < 256; type++) {
		for (i = 0; i < 3; i++) {
			nr += all_metadata(r, dev, p[i], len[i], type, &taken);
			raw_forget(r);
		}
		if (type % 16 == 0 || type < 8) {
			EXPECT_TRUE(answers(r, dev));
			nr += 2;
			taken += 2;
		}
	}
	TH_LOG("%u of %u were taken", taken, nr);
	EXPECT_LT(0, taken);
	EXPECT_LT(taken, nr);
	EXPECT_EQ(taken, raw_dev_counter(r, "eth0", "rx_packets"));
	EXPECT_EQ(nr - taken, raw_dev_counter(r, "eth0", "rx_errors"));
	EXPECT_EQ(nr - taken, raw_dev_counter(r, "eth0", "rx_frame_errors"));
	EXPECT_TRUE(answers(r, dev));
}

/* --------------------------------------------------------------- transmit */

static long udp_socket(struct raw *r, int segment)
{
	struct sockaddr_storage to = address("10.0.0.2", 9);
	long fd = raw_call(r, SYS_socket, AF_INET, SOCK_DGRAM, 0);

	if (segment && raw_call(r, SYS_setsockopt, fd, SOL_UDP, UDP_SEGMENT, &segment, 4))
		return -1;
	return raw_call(r, SYS_connect, fd, &to, sizeof(struct sockaddr_in)) ? -1 : fd;
}

static long put(struct raw *r, long fd, const void *data, size_t len)
{
	long ret = raw_call(r, SYS_sendto, fd, data, len, MSG_DONTWAIT, 0, 0);

	r->ex.run();
	return ret;
}

TEST_F(netdev, udp_checksum_is_completed)
{
	struct raw *r = &self->r;
	int dev = device(r, LIB_NETDEV_NOARP, 0, 0);

	ASSERT_LT(0, dev);
	ASSERT_EQ(5, put(r, udp_socket(r, 0), "hello", 5));
	ASSERT_EQ(1, r->nr_sent);
	EXPECT_EQ(L4 + 8 + 5, r->sent[0].len);
	EXPECT_TRUE(complete(&r->sent[0]));
	EXPECT_EQ(LIB_VNET_GSO_NONE, r->sent[0].vnet.gso_type);
}

TEST_F(netdev, udp_checksum_is_left)
{
	struct raw *r = &self->r;
	int dev = device(r, LIB_NETDEV_NOARP, LIB_NETDEV_F_CSUM, 0);

	ASSERT_LT(0, dev);
	ASSERT_EQ(5, put(r, udp_socket(r, 0), "hello", 5));
	ASSERT_EQ(1, r->nr_sent);
	EXPECT_TRUE(to_complete(&r->sent[0], 6));
	EXPECT_EQ(LIB_VNET_GSO_NONE, r->sent[0].vnet.gso_type);
	EXPECT_EQ(0, r->sent[0].vnet.gso_size);
}

TEST_F(netdev, udp_segments_are_left)
{
	struct raw *r = &self->r;
	int dev = device(r, LIB_NETDEV_NOARP, LIB_NETDEV_F_CSUM | LIB_NETDEV_F_USO, 0);
	static uint8_t data[4500];

	ASSERT_LT(0, dev);
	ASSERT_EQ(4500, put(r, udp_socket(r, 1000), data, 4500));
	ASSERT_EQ(1, r->nr_sent);
	EXPECT_EQ(L4 + 8 + 4500, r->sent[0].len);
	EXPECT_EQ(LIB_VNET_GSO_UDP_L4, r->sent[0].vnet.gso_type);
	EXPECT_EQ(1000, r->sent[0].vnet.gso_size);
	EXPECT_EQ(L4 + 8, r->sent[0].vnet.hdr_len);
	EXPECT_TRUE(to_complete(&r->sent[0], 6));
	EXPECT_EQ(5, raw_dev_counter(r, "eth0", "tx_packets"));
}

TEST_F(netdev, udp_segments_are_made)
{
	struct raw *r = &self->r;
	int dev = device(r, LIB_NETDEV_NOARP, 0, 0);
	static uint8_t data[4500];
	unsigned int i;

	if (strverscmp(r->kernel.release, "6.11") < 0)
		SKIP(return, "before 6.11 only for devices that complete checksums");
	ASSERT_LT(0, dev);
	ASSERT_EQ(4500, put(r, udp_socket(r, 1000), data, 4500));
	ASSERT_EQ(5, r->nr_sent);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(L4 + 8 + (i < 4 ? 1000 : 500), r->sent[i].len);
		EXPECT_TRUE(complete(&r->sent[i]));
	}
}

/* Connects to a peer that is these lines; the socket, or negative */
static long tcp_socket(struct raw *r, int dev)
{
	struct sockaddr_storage to = address("10.0.0.2", 80);
	long fd = raw_call(r, SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct tcphdr tcp;
	uint8_t p[256];

	if (raw_call(r, SYS_connect, fd, &to, sizeof(struct sockaddr_in)) != -EINPROGRESS)
		return complain("connect");
	r->ex.run();
	if (r->nr_sent != 1)
		return complain("%u packets, not a SYN", r->nr_sent);
	memcpy(&tcp, r->sent[0].data + L4, sizeof(tcp));
	raw_forget(r);
	raw_receive(r, dev, p, tcp_packet(p, 80, ntohs(tcp.source), ntohl(tcp.seq) + 1, true, 24),
		    NULL);
	raw_forget(r);
	return fd;
}

TEST_F(netdev, tcp_segments_are_left)
{
	struct raw *r = &self->r;
	int dev = device(r, LIB_NETDEV_NOARP, LIB_NETDEV_F_CSUM | LIB_NETDEV_F_TSO, 0);
	static uint8_t data[10 * 1460];
	uint32_t bytes = 0;
	unsigned int i, large = 0;
	long fd;

	ASSERT_LT(0, dev);
	fd = tcp_socket(r, dev);
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(data), put(r, fd, data, sizeof(data)));
	for (i = 0; i < r->nr_sent; i++) {
		const struct raw_sent *s = &r->sent[i];

		bytes += s->len - L4 - 20;
		EXPECT_TRUE(to_complete(s, 16));
		if (s->len <= 1514) {
			EXPECT_EQ(LIB_VNET_GSO_NONE, s->vnet.gso_type);
			continue;
		}
		large++;
		EXPECT_EQ(LIB_VNET_GSO_TCPV4, s->vnet.gso_type);
		EXPECT_EQ(1460, s->vnet.gso_size);
		EXPECT_EQ(L4 + 20, s->vnet.hdr_len);
		EXPECT_GE(LIB_MAX_IOV, s->nr_iov);
	}
	EXPECT_LE(1, large);
	EXPECT_EQ(sizeof(data), bytes);
}

TEST_F(netdev, tcp_segments_are_made)
{
	struct raw *r = &self->r;
	int dev = device(r, LIB_NETDEV_NOARP, 0, 0);
	static uint8_t data[10 * 1460];
	unsigned int i;
	long fd;

	ASSERT_LT(0, dev);
	fd = tcp_socket(r, dev);
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(data), put(r, fd, data, sizeof(data)));
	ASSERT_EQ(10, r->nr_sent);
	for (i = 0; i < r->nr_sent; i++) {
		EXPECT_EQ(1514, r->sent[i].len);
		EXPECT_TRUE(complete(&r->sent[i]));
	}
}

/* ----------------------------------------------------------- flow control */

/*
 * A device whose caller keeps all packets. Its byte queue limit, which takes
 * effect with the first packet, here a reply to ARP, is no limit.
 */
static int keeping_device(struct raw *r, uint32_t tx_ring)
{
	static const char limit[] = "/sys/class/net/eth0/queues/tx-0/byte_queue_limits/limit_min";
	int dev = device(r, 0, 0, tx_ring);
	long fd = raw_call(r, SYS_open, limit, O_WRONLY);
	uint8_t p[64];

	if (fd < 0 || raw_call(r, SYS_write, fd, "1000000", 7) != 7)
		return complain("cannot write %s", limit);
	raw_call(r, SYS_close, fd);
	r->hold = 0;
	raw_receive(r, dev, p, arp_request(p), NULL);
	raw_forget(r);
	r->hold = UINT32_MAX;
	return dev;
}

static unsigned int held(const struct raw *r)
{
	unsigned int i, nr = 0;

	for (i = 0; i < r->nr_sent; i++)
		nr += r->sent[i].held;
	return nr;
}

static int done(struct raw *r, struct raw_sent *s)
{
	int ret;

	s->held = false;
	ret = r->ex.netdev_tx_done(s->dev, &s->token, 1, 0);
	r->ex.run();
	return ret;
}

TEST_F(netdev, full_ring_stops_the_queue)
{
	struct raw *r = &self->r;
	int dev = keeping_device(r, 4);
	unsigned int i;
	long fd;

	ASSERT_LT(0, dev);
	fd = udp_socket(r, 0);
	for (i = 0; i < 50; i++)
		ASSERT_EQ(4, put(r, fd, &i, 4));
	EXPECT_EQ(4, r->nr_sent);
	for (i = 0; i < 50; i++) {
		ASSERT_LT(i, r->nr_sent);
		EXPECT_EQ(i < 46 ? 4 : 50 - i, held(r));
		EXPECT_EQ(0, memcmp(r->sent[i].data + L4 + 8, &i, 4));
		EXPECT_EQ(0, done(r, &r->sent[i]));
	}
	EXPECT_EQ(50, r->nr_sent);
	EXPECT_EQ(1 + 50, raw_dev_counter(r, "eth0", "tx_packets"));
	EXPECT_EQ(0, raw_dev_counter(r, "eth0", "tx_dropped"));
	r->hold = 0;
	EXPECT_TRUE(answers(r, dev));
}

/* Done with in any order, and many at once */
TEST_F(netdev, done_out_of_order)
{
	struct raw *r = &self->r;
	int dev = keeping_device(r, 8);
	uint64_t tokens[8];
	unsigned int i, nr, from = 0;
	long fd;

	ASSERT_LT(0, dev);
	fd = udp_socket(r, 0);
	for (i = 0; i < 80; i++)
		ASSERT_EQ(4, put(r, fd, &i, 4));
	for (; from < 80; from += 8) {
		ASSERT_EQ(from + 8, r->nr_sent);
		for (i = 0; i < 8; i++) {
			nr = from + i;
			EXPECT_EQ(0, memcmp(r->sent[nr].data + L4 + 8, &nr, 4));
			tokens[i * 3 % 8] = r->sent[nr].token;
		}
		EXPECT_EQ(0, r->ex.netdev_tx_done(dev, tokens, 8, 0));
		r->ex.run();
	}
	EXPECT_EQ(80, r->nr_sent);
}

TEST_F(netdev, bad_tokens)
{
	struct raw *r = &self->r;
	int dev = keeping_device(r, 4);
	uint64_t tokens[4] = { 4, UINT32_MAX, UINT64_MAX, 1ULL << 32 }, good;
	unsigned int i;
	long fd;

	ASSERT_LT(0, dev);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-EINVAL, r->ex.netdev_tx_done(dev, &tokens[i], 1, 0));
	fd = udp_socket(r, 0);
	for (i = 0; i < 6; i++)
		ASSERT_EQ(4, put(r, fd, &i, 4));
	ASSERT_EQ(4, r->nr_sent);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-EINVAL, r->ex.netdev_tx_done(dev, &tokens[i], 1, 0));
	r->ex.run();
	EXPECT_EQ(4, r->nr_sent);
	EXPECT_EQ(0, r->ex.netdev_tx_done(dev, NULL, 0, 0));
	good = tokens[1] = tokens[3] = r->sent[1].token;	/* once right, once again */
	EXPECT_EQ(-EINVAL, r->ex.netdev_tx_done(dev, tokens, 4, 0));
	r->ex.run();
	EXPECT_EQ(5, r->nr_sent);
	EXPECT_EQ(0, r->ex.netdev_tx_done(dev, &good, 1, 0));	/* the token is in use again */
	r->ex.run();
	EXPECT_EQ(6, r->nr_sent);
	r->hold = 0;
	for (i = 0; i < 4; i++)
		r->ex.netdev_tx_done(dev, &(uint64_t){ i }, 1, 0);
	EXPECT_TRUE(answers(r, dev));
}

TEST_F(netdev, destroyed_with_packets_out)
{
	struct raw *r = &self->r;
	unsigned int i, turn;
	int dev, queued = -1;
	uint64_t token;
	long fd;

	for (turn = 0; turn < 20; turn++) {
		dev = keeping_device(r, 4);
		ASSERT_LT(0, dev);
		fd = udp_socket(r, 0);
		for (i = 0; i < 10; i++)
			ASSERT_EQ(4, put(r, fd, &i, 4));
		ASSERT_EQ(4, r->nr_sent);
		token = r->sent[0].token;
		ASSERT_EQ(0, r->ex.netdev_destroy(r->kernel.boot_task, dev));
		EXPECT_EQ(-ENODEV, r->ex.netdev_tx_done(dev, &token, 1, 0));
		EXPECT_EQ(-ENODEV, r->ex.netdev_destroy(r->kernel.boot_task, dev));
		r->ex.run();
		/* The socket has its memory back. */
		ASSERT_EQ(0, raw_call(r, SYS_ioctl, fd, SIOCOUTQ, &queued));
		EXPECT_EQ(0, queued);
		raw_call(r, SYS_close, fd);
		raw_forget(r);
	}
	r->hold = 0;
	EXPECT_TRUE(answers(r, device(r, 0, 0, 0)));
}

/* ------------------------------------------------------------------ joining */

/* A packet socket that sees everything on a device, or sends there */
static long packet_socket(struct raw *r, const char *dev)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	long fd = raw_call(r, SYS_socket, AF_PACKET, SOCK_RAW, 0);
	struct ifreq ifr = { 0 };

	if (dev_ioctl(r, dev, SIOCGIFINDEX, &ifr))
		return -1;
	ll.sll_ifindex = ifr.ifr_ifindex;
	return raw_call(r, SYS_bind, fd, &ll, sizeof(ll)) ? -1 : fd;
}

/* Of what came, the length of the packet that begins with our address; 0: none did. */
static long took(struct raw *r, long fd, uint8_t *p, size_t len)
{
	long got;

	while ((got = raw_call(r, SYS_recvfrom, fd, p, len, MSG_DONTWAIT, 0, 0)) > 0)
		if (!memcmp(p, our_mac, 6))
			return got;
	return 0;
}

TEST_F(netdev, joined)
{
	struct lib_netdev how = { .flags = LIB_NETDEV_NOARP }, raw = { .flags = LIB_NETDEV_RAWIP };
	struct raw *r = &self->r;
	int a = device(r, LIB_NETDEV_NOARP, 0, 0), b = raw_device(r, &how, NULL), c, i;
	uint8_t p[1500], q[1500];
	long from, to;

	ASSERT_LT(0, a);
	ASSERT_LT(0, b);
	c = raw_device(r, &raw, NULL);
	ASSERT_LT(0, c);
	EXPECT_EQ(-ENODEV, r->ex.netdev_join(a, 999));
	EXPECT_EQ(-ENODEV, r->ex.netdev_join(999, a));
	EXPECT_EQ(-EINVAL, r->ex.netdev_join(a, a));
	EXPECT_EQ(-EINVAL, r->ex.netdev_join(a, c));
	EXPECT_EQ(0, r->ex.netdev_join(a, 0));
	ASSERT_EQ(0, r->ex.netdev_join(a, b));

	from = packet_socket(r, "eth1");
	to = packet_socket(r, "eth0");
	raw_forget(r);
	for (i = 0; i < 100; i++) {
		echo_request(p, 1000 + i);
		ASSERT_EQ(1000 + i, raw_call(r, SYS_sendto, from, p, 1000 + i, 0, 0, 0));
		r->ex.run();
		ASSERT_EQ(1000 + i, took(r, to, q, sizeof(q)));
		ASSERT_EQ(0, memcmp(p, q, 1000 + i));
	}
	EXPECT_EQ(0, r->nr_sent);	/* we saw none of it */
	EXPECT_LE(100, raw_dev_counter(r, "eth1", "tx_packets"));
	EXPECT_LE(100, raw_dev_counter(r, "eth0", "rx_packets"));

	/* Joined with nobody again, in both directions */
	EXPECT_EQ(0, r->ex.netdev_join(b, 0));
	ASSERT_EQ(1000, raw_call(r, SYS_sendto, from, p, 1000, 0, 0, 0));
	r->ex.run();
	EXPECT_EQ(1, r->nr_sent);
	EXPECT_EQ(0, took(r, to, q, sizeof(q)));

	/* The other end may go. */
	ASSERT_EQ(0, r->ex.netdev_join(a, b));
	EXPECT_EQ(0, r->ex.netdev_destroy(r->kernel.boot_task, a));
	raw_forget(r);
	ASSERT_EQ(1000, raw_call(r, SYS_sendto, from, p, 1000, 0, 0, 0));
	r->ex.run();
	EXPECT_EQ(1, r->nr_sent);
}

/* ----------------------------------------------------- statistics, carrier */

TEST_F(netdev, statistics)
{
	struct raw *r = &self->r;
	int dev = device(r, 0, 0, 0), i;
	size_t len, bytes = 0;
	uint8_t p[1500];

	ASSERT_LT(0, dev);
	raw_receive(r, dev, p, arp_request(p), NULL);
	for (i = 0; i < 10; i++) {
		len = echo_request(p, 100 + i);
		bytes += len;
		EXPECT_EQ(1, raw_receive(r, dev, p, len, NULL));
	}
	EXPECT_EQ(11, r->nr_sent);
	EXPECT_EQ(11, raw_dev_counter(r, "eth0", "rx_packets"));
	EXPECT_EQ(42 + bytes, raw_dev_counter(r, "eth0", "rx_bytes"));
	EXPECT_EQ(11, raw_dev_counter(r, "eth0", "tx_packets"));
	EXPECT_EQ(42 + bytes, raw_dev_counter(r, "eth0", "tx_bytes"));
	EXPECT_EQ(0, raw_dev_counter(r, "eth0", "rx_errors"));
	EXPECT_EQ(0, raw_dev_counter(r, "eth0", "rx_dropped"));
	ASSERT_EQ(0, raw_up(r, "eth0", false));
	EXPECT_EQ(0, raw_receive(r, dev, p, len, NULL));
	EXPECT_EQ(1, raw_dev_counter(r, "eth0", "rx_dropped"));
	EXPECT_EQ(11, raw_dev_counter(r, "eth0", "rx_packets"));
	ASSERT_EQ(0, raw_up(r, "eth0", true));
	EXPECT_TRUE(answers(r, dev));
}

TEST_F(netdev, carrier)
{
	struct raw *r = &self->r;
	int dev = device(r, LIB_NETDEV_NOCARRIER, 0, 0), i;

	ASSERT_LT(0, dev);
	for (i = 0; i < 3; i++) {
		raw_sleep(r, 3 * S);
		EXPECT_EQ(IFF_UP, flags_of(r, "eth0") & (IFF_UP | IFF_RUNNING));
		EXPECT_EQ(0, offload_of(r, "eth0", ETHTOOL_GLINK));
		EXPECT_EQ(0, r->ex.netdev_carrier(dev, 1));
		EXPECT_EQ(0, r->ex.netdev_carrier(dev, 1));
		raw_sleep(r, 3 * S);
		EXPECT_EQ(IFF_UP | IFF_RUNNING, flags_of(r, "eth0") & (IFF_UP | IFF_RUNNING));
		EXPECT_EQ(1, offload_of(r, "eth0", ETHTOOL_GLINK));
		EXPECT_TRUE(answers(r, dev));
		EXPECT_EQ(0, r->ex.netdev_carrier(dev, 0));
	}
}

TEST_HARNESS_MAIN
