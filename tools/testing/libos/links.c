// SPDX-License-Identifier: GPL-2.0
/*
 * links.c - virtual devices of the kernel: every kind can be made, and tunnels,
 * bridges and bonds between two kernels carry traffic.
 */
#include "harness.h"
#include <linux/genetlink.h>
#include <linux/if_bonding.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/if_tun.h>
#include <linux/wireguard.h>
#include <sys/ioctl.h>
#include "netlink.h"

/* ---------------------------------------------------------- all of a kind */

FIXTURE(kind) {
	struct libos *l;
};

FIXTURE_VARIANT(kind) {
	const char *kind;
	const char *since;	/* the first Linux that has it */
	bool under;		/* lies on another device */
	int type;		/* an attribute that it cannot do without, */
	int size;		/* of so many bytes, */
	uint32_t value;		/* and this value */
};

FIXTURE_SETUP(kind)
{
	self->l = boot(libos_world_new(1));
	ASSERT_NE(NULL, self->l);
}

FIXTURE_TEARDOWN(kind)
{
}

#define KIND(name_, ...) \
	FIXTURE_VARIANT_ADD(kind, name_) { .kind = #name_, __VA_ARGS__ }
#define ATTR(type_, size_, value_) \
	.type = type_, .size = size_, .value = value_

KIND(dummy);
KIND(bridge);
KIND(bond);
KIND(team);
KIND(ifb);
KIND(nlmon);
KIND(wireguard);
KIND(veth);
KIND(netkit, .since = "6.7");
KIND(vlan, .under = true, ATTR(IFLA_VLAN_ID, 2, 7));
KIND(macvlan, .under = true);
KIND(macvtap, .under = true);
KIND(ipvlan, .under = true);
KIND(ipvtap, .under = true);
KIND(macsec, .under = true);
KIND(vxlan, ATTR(IFLA_VXLAN_ID, 4, 7));
KIND(geneve, ATTR(IFLA_GENEVE_ID, 4, 7));
KIND(gre);
KIND(gretap);
KIND(ip6gre);
KIND(ip6gretap);
KIND(ipip);
KIND(sit);
KIND(ip6tnl);
KIND(vti);
KIND(vti6);
KIND(xfrm, ATTR(IFLA_XFRM_IF_ID, 4, 7));
KIND(vrf, ATTR(IFLA_VRF_TABLE, 4, 7));
KIND(bareudp, ATTR(IFLA_BAREUDP_PORT, 2, 7));

TEST_F(kind, is_made)
{
	int under = variant->under ? link_index(self->l, "base") : 0, err;
	struct nlattr *data;
	struct nl nl;

	if (variant->since && strverscmp(libos_release(self->l), variant->since) < 0)
		SKIP(return, "Linux has it from %s on", variant->since);
	if (variant->under) {
		data = link_begin(&nl, "dummy", "base", 0);
		ASSERT_EQ(0, link_make(self->l, &nl, data));
		under = link_index(self->l, "base");
		ASSERT_LT(0, under);
		ASSERT_OK(libos_link_up(self->l, "base"));
	}
	data = link_begin(&nl, variant->kind, "this", under);
	if (variant->size)
		nl_put(&nl, variant->type, &variant->value, variant->size);
	if (!strcmp(variant->kind, "bareudp"))
		nl_put_u16(&nl, IFLA_BAREUDP_ETHERTYPE, htons(0x8847));
	err = link_make(self->l, &nl, data);
	if (err)
		TH_LOG("%s: %s", variant->kind, strerror(-err));
	ASSERT_EQ(0, err);
	EXPECT_EQ(0, libos_link_up(self->l, "this"));
	EXPECT_EQ(0, link_delete(self->l, "this"));
	EXPECT_GT(0, link_index(self->l, "this"));
}

/* ------------------------------------------------------ between two kernels */

FIXTURE(between) {
	struct pair p;
};

FIXTURE_SETUP(between)
{
	ASSERT_EQ(0, pair_open(&self->p, 1, NULL));
	/* WireGuard takes what comes in the first 20 ms after booting for a flood. */
	libos_world_run(self->p.world, S);
}

FIXTURE_TEARDOWN(between)
{
	EXPECT_EQ(0, pair_close(&self->p));
}

/* Gives both ends of a tunnel an address, and talks through it. */
static void through(struct __test_metadata *_metadata, struct pair *p, const char *dev,
		    const char *packets)
{
	int fd[2];

	ASSERT_OK(libos_addr_add(p->a, dev, "10.9.0.1/24"));
	ASSERT_OK(libos_addr_add(p->b, dev, "10.9.0.2/24"));
	ASSERT_OK(libos_link_up(p->a, dev));
	ASSERT_OK(libos_link_up(p->b, dev));
	EXPECT_LE(0, ping(p->a, "10.9.0.2", 3000));
	ASSERT_EQ(0, connection(p->a, p->b, 0, "10.9.0.2", 7000, fd));
	EXPECT_EQ(0, echo(p->a, fd[0], p->b, fd[1], packets));
	EXPECT_LT(2, dev_counter(p->b, dev, "rx_packets"));
}

static void put_addr(struct nl *nl, int type, const char *addr)
{
	struct sockaddr_storage ss = address(addr, 0);

	if (ss.ss_family == AF_INET)
		nl_put(nl, type, &((struct sockaddr_in *)&ss)->sin_addr, 4);
	else
		nl_put(nl, type, &((struct sockaddr_in6 *)&ss)->sin6_addr, 16);
}

static const char *const outer[] = { "10.0.0.1", "10.0.0.2" };
static const char *const outer6[] = { "fc00::1", "fc00::2" };

TEST_F(between, vxlan)
{
	struct libos *l[] = { self->p.a, self->p.b };
	struct nlattr *data;
	struct nl nl;
	int i;

	for (i = 0; i < 2; i++) {
		data = link_begin(&nl, "vxlan", "t", 0);
		nl_put_u32(&nl, IFLA_VXLAN_ID, 42);
		put_addr(&nl, IFLA_VXLAN_LOCAL, outer[i]);
		put_addr(&nl, IFLA_VXLAN_GROUP, outer[!i]);
		nl_put_u16(&nl, IFLA_VXLAN_PORT, htons(4789));
		ASSERT_EQ(0, link_make(l[i], &nl, data));
	}
	through(_metadata, &self->p, "t", "vxlan");
}

TEST_F(between, geneve)
{
	struct libos *l[] = { self->p.a, self->p.b };
	struct nlattr *data;
	struct nl nl;
	int i;

	for (i = 0; i < 2; i++) {
		data = link_begin(&nl, "geneve", "t", 0);
		nl_put_u32(&nl, IFLA_GENEVE_ID, 42);
		put_addr(&nl, IFLA_GENEVE_REMOTE, outer[!i]);
		ASSERT_EQ(0, link_make(l[i], &nl, data));
	}
	through(_metadata, &self->p, "t", "geneve");
}

static void ip_tunnel(struct __test_metadata *_metadata, struct pair *p, const char *kind,
		      int local, int remote, const char *const addr[2])
{
	struct libos *l[] = { p->a, p->b };
	struct nlattr *data;
	struct nl nl;
	int i;

	for (i = 0; i < 2; i++) {
		data = link_begin(&nl, kind, "t", 0);
		put_addr(&nl, local, addr[i]);
		put_addr(&nl, remote, addr[!i]);
		ASSERT_EQ(0, link_make(l[i], &nl, data));
	}
	through(_metadata, p, "t", kind);
}

TEST_F(between, gre)
{
	ip_tunnel(_metadata, &self->p, "gre", IFLA_GRE_LOCAL, IFLA_GRE_REMOTE, outer);
}

TEST_F(between, gretap)
{
	ip_tunnel(_metadata, &self->p, "gretap", IFLA_GRE_LOCAL, IFLA_GRE_REMOTE, outer);
}

TEST_F(between, ipip)
{
	ip_tunnel(_metadata, &self->p, "ipip", IFLA_IPTUN_LOCAL, IFLA_IPTUN_REMOTE, outer);
}

TEST_F(between, ip6gre)
{
	ip_tunnel(_metadata, &self->p, "ip6gre", IFLA_GRE_LOCAL, IFLA_GRE_REMOTE, outer6);
}

TEST_F(between, vlan)
{
	struct libos *l[] = { self->p.a, self->p.b };
	struct nlattr *data;
	struct nl nl;
	int i;

	for (i = 0; i < 2; i++) {
		data = link_begin(&nl, "vlan", "t", link_index(l[i], "eth0"));
		nl_put_u16(&nl, IFLA_VLAN_ID, 42);
		ASSERT_EQ(0, link_make(l[i], &nl, data));
	}
	through(_metadata, &self->p, "t", "vlan");
}

TEST_F(between, macvlan)
{
	struct libos *l[] = { self->p.a, self->p.b };
	struct nlattr *data;
	struct nl nl;
	int i;

	for (i = 0; i < 2; i++) {
		/* eth0 is not to answer for it */
		ASSERT_OK(libos_sysctl_set(l[i], "net.ipv4.conf.all.arp_ignore", "1"));
		data = link_begin(&nl, "macvlan", "t", link_index(l[i], "eth0"));
		ASSERT_EQ(0, link_make(l[i], &nl, data));
	}
	through(_metadata, &self->p, "t", "macvlan");
}

/* A bridge in one kernel with two cables, to a third kernel behind it */
TEST_F(between, bridge)
{
	struct libos *third = boot(self->p.world);
	struct libos_port far, near;
	struct nlattr *data;
	struct nl nl;

	ASSERT_NE(NULL, third);
	far = port_of(third, 3);
	near = port_of(self->p.b, 4);
	ASSERT_OK(libos_cable(&near, &far, NULL, NULL));
	data = link_begin(&nl, "bridge", "br", 0);
	ASSERT_EQ(0, link_make(self->p.b, &nl, data));
	ASSERT_EQ(0, link_set_master(self->p.b, "eth0", "br"));
	ASSERT_EQ(0, link_set_master(self->p.b, "eth1", "br"));
	ASSERT_OK(libos_link_up(self->p.b, "eth1"));
	ASSERT_OK(libos_link_up(self->p.b, "br"));
	ASSERT_OK(libos_addr_add(third, "eth0", "10.0.0.3/24"));
	ASSERT_OK(libos_link_up(third, "eth0"));
	libos_world_run(self->p.world, 40 * S);		/* the bridge learns its place */
	EXPECT_LE(0, ping(self->p.a, "10.0.0.3", 3000));
	EXPECT_EQ(0, libos_close(third));
}

/* A bond of two cables: when one loses its link the other one carries on. */
TEST_F(between, bond)
{
	struct libos *l[] = { self->p.a, self->p.b };
	struct libos_port pa = port_of(self->p.a, 3), pb = port_of(self->p.b, 4);
	struct libos_dev *dev[2];
	struct nlattr *data;
	struct nl nl;
	int i;

	ASSERT_OK(libos_cable(&pa, &pb, NULL, dev));
	for (i = 0; i < 2; i++) {
		data = link_begin(&nl, "bond", "t", 0);
		nl_put_u8(&nl, IFLA_BOND_MODE, BOND_MODE_ACTIVEBACKUP);
		nl_put_u32(&nl, IFLA_BOND_MIIMON, 100);
		ASSERT_EQ(0, link_make(l[i], &nl, data));
		ASSERT_OK(libos_link_down(l[i], "eth0"));
		ASSERT_EQ(0, link_set_master(l[i], "eth0", "t"));
		ASSERT_EQ(0, link_set_master(l[i], "eth1", "t"));
	}
	through(_metadata, &self->p, "t", "bond");
	for (i = 0; i < 2; i++)
		ASSERT_OK(libos_dev_carrier(self->p.dev[i], 0));
	libos_world_run(self->p.world, libos_world_now(self->p.world) + S);
	EXPECT_LE(0, ping(self->p.a, "10.9.0.2", 3000));
}

/* -------------------------------------------------------------- WireGuard */

static void wg_begin(struct nl *nl, struct libos *l, int cmd, int flags)
{
	struct genlmsghdr head = { .cmd = cmd, .version = WG_GENL_VERSION };

	nl_begin(nl, nl_family(l, WG_GENL_NAME), flags, &head, sizeof(head));
	nl_put_str(nl, WGDEVICE_A_IFNAME, "t");
}

static int wg_key(struct libos *l, uint8_t fill)
{
	uint8_t key[32];
	struct nl nl;

	memset(key, fill, sizeof(key));
	wg_begin(&nl, l, WG_CMD_SET_DEVICE, 0);
	nl_put(&nl, WGDEVICE_A_PRIVATE_KEY, key, sizeof(key));
	nl_put_u16(&nl, WGDEVICE_A_LISTEN_PORT, 51820);
	return nl_talk(l, NETLINK_GENERIC, &nl);
}

static int wg_public_key(struct libos *l, uint8_t key[32])
{
	struct nl nl, answer;
	const void *p;
	int err;

	wg_begin(&nl, l, WG_CMD_GET_DEVICE, NLM_F_DUMP);
	err = nl_ask(l, NETLINK_GENERIC, &nl, &answer);
	p = err ? NULL : nl_attr(&answer, sizeof(struct genlmsghdr), WGDEVICE_A_PUBLIC_KEY);
	if (!p)
		return -1;
	memcpy(key, p, 32);
	return 0;
}

static int wg_peer(struct libos *l, const uint8_t key[32], const char *endpoint)
{
	struct sockaddr_storage ss = address(endpoint, 51820);
	struct nlattr *peers, *peer, *ips, *ip;
	uint32_t any = 0;
	struct nl nl;

	wg_begin(&nl, l, WG_CMD_SET_DEVICE, 0);
	peers = nl_nest(&nl, WGDEVICE_A_PEERS);
	peer = nl_nest(&nl, 0);
	nl_put(&nl, WGPEER_A_PUBLIC_KEY, key, 32);
	nl_put(&nl, WGPEER_A_ENDPOINT, &ss, sizeof(struct sockaddr_in));
	ips = nl_nest(&nl, WGPEER_A_ALLOWEDIPS);
	ip = nl_nest(&nl, 0);
	nl_put_u16(&nl, WGALLOWEDIP_A_FAMILY, AF_INET);
	nl_put(&nl, WGALLOWEDIP_A_IPADDR, &any, 4);
	nl_put_u8(&nl, WGALLOWEDIP_A_CIDR_MASK, 0);
	nl_end(&nl, ip);
	nl_end(&nl, ips);
	nl_end(&nl, peer);
	nl_end(&nl, peers);
	return nl_talk(l, NETLINK_GENERIC, &nl);
}

TEST_F(between, wireguard)
{
	struct libos *l[] = { self->p.a, self->p.b };
	uint8_t keys[2][32];
	struct nlattr *data;
	struct nl nl;
	int i;

	for (i = 0; i < 2; i++) {
		data = link_begin(&nl, "wireguard", "t", 0);
		ASSERT_EQ(0, link_make(l[i], &nl, data));
		ASSERT_EQ(0, wg_key(l[i], i + 1));
		ASSERT_EQ(0, wg_public_key(l[i], keys[i]));
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, wg_peer(l[i], keys[!i], outer[!i]));
	through(_metadata, &self->p, "t", "wireguard");
}

/* A tun device of the instance: packets come out of a descriptor in there. */
TEST_F(between, tun)
{
	struct tun_ifreq { char name[16]; short flags; char pad[22]; } ifr = {
		.name = "tun0", .flags = IFF_TUN | IFF_NO_PI,
	};
	int fd = libos_open_file(self->p.a, "/dev/net/tun", O_RDWR, 0), s;
	char buf[256];

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, libos_ioctl(self->p.a, fd, TUNSETIFF, &ifr));
	ASSERT_OK(libos_addr_add(self->p.a, "tun0", "10.9.0.1/24"));
	ASSERT_OK(libos_sysctl_set(self->p.a, "net.ipv6.conf.tun0.disable_ipv6", "1"));
	ASSERT_OK(libos_link_up(self->p.a, "tun0"));
	s = client(self->p.a, SOCK_DGRAM, 0, "10.9.0.2", 7000);
	ASSERT_EQ(5, libos_send(self->p.a, s, "tunny", 5, 0));
	ASSERT_EQ(20 + 8 + 5, libos_read(self->p.a, fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf + 28, "tunny", 5));
}

TEST_HARNESS_MAIN
