// SPDX-License-Identifier: GPL-2.0
/*
 * netcfg.c - links, addresses, routes, neighbours and queueing disciplines: one
 * rtnetlink request each, sent to the instance's own kernel by the calling task.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "instance.h"

/* A request and what may follow its header */
struct request {
	struct nlmsghdr hdr;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg addr;
		struct rtmsg route;
		struct ndmsg neigh;
		struct tcmsg qdisc;
		struct fib_rule_hdr rule;
		char room[256];
	};
};

/* "10.0.0.1/24": an address and a length */
struct prefix {
	int family;
	int len;
	unsigned char addr[16];
};

static int addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

static int parse_addr(const char *text, struct prefix *prefix)
{
	prefix->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	prefix->len = 8 * addr_len(prefix->family);
	if (inet_pton(prefix->family, text, prefix->addr) == 1)
		return 0;
	return fail(EINVAL, "\"%s\" is no IPv4 or IPv6 address", text);
}

static int parse_prefix(const char *text, struct prefix *prefix)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN], *end;
	long len;
	int err;

	if (snprintf(addr, sizeof(addr), "%.*s", slash ? (int)(slash - text) : (int)strlen(text),
		     text) >= (int)sizeof(addr))
		return fail(EINVAL, "\"%s\" is no IPv4 or IPv6 prefix", text);
	err = parse_addr(addr, prefix);
	if (err || !slash)
		return err;
	len = strtol(slash + 1, &end, 10);
	if (*end || end == slash + 1 || len < 0 || len > prefix->len)
		return fail(EINVAL, "\"%s\": the prefix length is 0 to %d", text, prefix->len);
	prefix->len = len;
	return 0;
}

static void begin(struct request *req, int type, int flags, size_t size)
{
	memset(req, 0, sizeof(*req));
	req->hdr.nlmsg_type = type;
	req->hdr.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	req->hdr.nlmsg_len = NLMSG_LENGTH(size);
}

static void put(struct request *req, int type, const void *data, size_t len)
{
	struct rtattr *attr = (struct rtattr *)((char *)req + NLMSG_ALIGN(req->hdr.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), data, len);
	req->hdr.nlmsg_len = NLMSG_ALIGN(req->hdr.nlmsg_len) + RTA_ALIGN(attr->rta_len);
}

/* Sends a request and waits for the verdict. */
static int talk(struct libos *l, const struct request *req)
{
	struct {
		struct nlmsghdr hdr;
		struct nlmsgerr verdict;
		char rest[512];
	} answer;
	int fd = libos_socket(l, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	ssize_t len;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (libos_send(l, fd, req, req->hdr.nlmsg_len, 0) < 0) {
		err = -errno;
	} else {
		len = libos_recv(l, fd, &answer, sizeof(answer), 0);
		if (len < 0)
			err = -errno;
		else if (len < (ssize_t)NLMSG_LENGTH(sizeof(answer.verdict)) ||
			 answer.hdr.nlmsg_type != NLMSG_ERROR)
			err = -EPROTO;
		else
			err = answer.verdict.error;
	}
	libos_close_fd(l, fd);
	return err;
}

static int ifindex(struct libos *l, const char *dev)
{
	struct ifreq ifr = { 0 };
	int fd, err = 0;

	if (strlen(dev) >= sizeof(ifr.ifr_name))
		return fail(ENODEV, "%s has no interface \"%s\"", l->name, dev);
	strcpy(ifr.ifr_name, dev);
	fd = libos_socket(l, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (fd < 0 || libos_ioctl(l, fd, SIOCGIFINDEX, &ifr))
		err = -errno;
	if (fd >= 0)
		libos_close_fd(l, fd);
	if (err == -ENODEV)
		return fail(ENODEV, "%s has no interface \"%s\"", l->name, dev);
	return err ? fail(-err, "%s: %s", l->name, strerror(-err)) : ifr.ifr_ifindex;
}

static int set_link(struct libos *l, const char *dev, unsigned int flags)
{
	struct request req;
	int index = ifindex(l, dev), err;

	if (index < 0)
		return index;
	begin(&req, RTM_NEWLINK, 0, sizeof(req.link));
	req.link.ifi_index = index;
	req.link.ifi_flags = flags;
	req.link.ifi_change = IFF_UP;
	err = talk(l, &req);
	if (err)
		return fail(-err, "%s: cannot set %s %s: %s", l->name, dev,
			    flags ? "up" : "down", strerror(-err));
	/* The kernel's own tasks have to see it before it has effect. */
	let_kernel_work(l);
	return 0;
}

int libos_link_up(struct libos *l, const char *dev)
{
	return set_link(l, dev, IFF_UP);
}

int libos_link_down(struct libos *l, const char *dev)
{
	return set_link(l, dev, 0);
}

int libos_addr_add(struct libos *l, const char *dev, const char *addr)
{
	struct prefix prefix;
	struct request req;
	int index, err = parse_prefix(addr, &prefix);

	if (err)
		return err;
	index = ifindex(l, dev);
	if (index < 0)
		return index;
	begin(&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(req.addr));
	req.addr.ifa_family = prefix.family;
	req.addr.ifa_prefixlen = prefix.len;
	req.addr.ifa_flags = prefix.family == AF_INET6 ? IFA_F_NODAD : 0;
	req.addr.ifa_index = index;
	put(&req, IFA_LOCAL, prefix.addr, addr_len(prefix.family));
	put(&req, IFA_ADDRESS, prefix.addr, addr_len(prefix.family));
	err = talk(l, &req);
	return err ? fail(-err, "%s: cannot give %s the address %s: %s", l->name, dev, addr,
			  strerror(-err)) : 0;
}

static int route_prefix(const char *text, const char *via, struct prefix *prefix)
{
	bool six = !strcmp(text, "default6") || (via && strchr(via, ':'));

	if (strncmp(text, "default", 7))
		return parse_prefix(text, prefix);
	memset(prefix, 0, sizeof(*prefix));
	prefix->family = six ? AF_INET6 : AF_INET;
	return 0;
}

/*
 * A route; @gateway NULL is a network at the interface itself. In a table other
 * than the main one it replaces another to the same network.
 */
static int add_route(struct libos *l, const struct prefix *to, const struct prefix *gateway,
		     int index, uint32_t table)
{
	int flags = table == RT_TABLE_MAIN ? NLM_F_EXCL : NLM_F_REPLACE;
	struct request req;

	begin(&req, RTM_NEWROUTE, NLM_F_CREATE | flags, sizeof(req.route));
	req.route.rtm_family = to->family;
	req.route.rtm_dst_len = to->len;
	req.route.rtm_protocol = RTPROT_STATIC;
	req.route.rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	req.route.rtm_type = RTN_UNICAST;
	put(&req, RTA_TABLE, &table, sizeof(table));
	if (to->len)
		put(&req, RTA_DST, to->addr, addr_len(to->family));
	if (gateway)
		put(&req, RTA_GATEWAY, gateway->addr, addr_len(to->family));
	if (index)
		put(&req, RTA_OIF, &index, sizeof(index));
	return talk(l, &req);
}

int libos_route_add(struct libos *l, const char *prefix, const char *via, const char *dev)
{
	struct prefix to, gateway;
	int index = 0, err = route_prefix(prefix, via, &to);

	if (!err && via)
		err = parse_addr(via, &gateway);
	if (err)
		return err;
	if (via && gateway.family != to.family)
		return fail(EINVAL, "gateway %s and prefix %s are of different families", via,
			    prefix);
	if (!via && !dev)
		return fail(EINVAL, "the route to %s needs a gateway or an interface", prefix);
	if (dev) {
		index = ifindex(l, dev);
		if (index < 0)
			return index;
	}
	err = add_route(l, &to, via ? &gateway : NULL, index, RT_TABLE_MAIN);
	return err ? fail(-err, "%s: cannot add the route to %s: %s", l->name, prefix,
			  strerror(-err)) : 0;
}

static int add_rule(struct libos *l, const struct prefix *from, uint32_t table)
{
	struct request req;

	begin(&req, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof(req.rule));
	req.rule.family = from->family;
	req.rule.src_len = 8 * addr_len(from->family);
	req.rule.action = FR_ACT_TO_TBL;
	put(&req, FRA_SRC, from->addr, addr_len(from->family));
	put(&req, FRA_TABLE, &table, sizeof(table));
	return talk(l, &req);
}

/* The network of an address: no bit beyond the length */
static struct prefix network(const struct prefix *prefix)
{
	struct prefix net = *prefix;
	int bit;

	for (bit = net.len; bit < 8 * addr_len(net.family); bit++)
		net.addr[bit / 8] &= ~(0x80 >> bit % 8);
	return net;
}

int libos_source_route(struct libos *l, const char *addr, const char *via, const char *dev,
		       uint32_t table)
{
	struct prefix from, gateway, net, any = { 0 };
	int index, err = parse_prefix(addr, &from) ?: parse_addr(via, &gateway);

	if (err)
		return err;
	if (from.family != gateway.family)
		return fail(EINVAL, "gateway %s and address %s are of different families", via,
			    addr);
	index = ifindex(l, dev);
	if (index < 0)
		return index;
	any.family = from.family;
	net = network(&from);
	err = add_route(l, &net, NULL, index, table);
	if (!err)
		err = add_route(l, &any, &gateway, index, table);
	if (!err)
		err = add_rule(l, &from, table);
	return err ? fail(-err, "%s: cannot route what %s sends via %s: %s", l->name, addr, via,
			  strerror(-err)) : 0;
}

int libos_neigh_add(struct libos *l, const char *dev, const char *addr, const uint8_t mac[6])
{
	struct prefix to;
	struct request req;
	int index, err = parse_addr(addr, &to);

	if (err)
		return err;
	index = ifindex(l, dev);
	if (index < 0)
		return index;
	begin(&req, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(req.neigh));
	req.neigh.ndm_family = to.family;
	req.neigh.ndm_ifindex = index;
	req.neigh.ndm_state = NUD_PERMANENT;
	put(&req, NDA_DST, to.addr, addr_len(to.family));
	put(&req, NDA_LLADDR, mac, 6);
	err = talk(l, &req);
	return err ? fail(-err, "%s: cannot make %s a neighbour of %s: %s", l->name, addr, dev,
			  strerror(-err)) : 0;
}

int libos_qdisc_set(struct libos *l, const char *dev, const char *kind)
{
	struct request req;
	int index = ifindex(l, dev), err;

	if (index < 0)
		return index;
	if (strlen(kind) >= IFNAMSIZ)
		return fail(ENOENT, "%s has no queueing discipline \"%s\"", l->name, kind);
	begin(&req, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, sizeof(req.qdisc));
	req.qdisc.tcm_family = AF_UNSPEC;
	req.qdisc.tcm_ifindex = index;
	req.qdisc.tcm_parent = TC_H_ROOT;
	put(&req, TCA_KIND, kind, strlen(kind) + 1);
	err = talk(l, &req);
	if (err == -ENOENT)
		return fail(ENOENT, "%s has no queueing discipline \"%s\"", l->name, kind);
	if (err == -EINVAL)
		return fail(EINVAL, "%s: the queueing discipline %s cannot do without parameters: set it with tc",
			    l->name, kind);
	return err ? fail(-err, "%s: cannot give %s the queueing discipline %s: %s", l->name, dev,
			  kind, strerror(-err)) : 0;
}
