// SPDX-License-Identifier: GPL-2.0
/*
 * netcfg.c - links, addresses and routes: one rtnetlink request each, sent to
 * the instance's own kernel by the calling task.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
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
	return err ? fail(-err, "%s: cannot set %s %s: %s", l->name, dev,
			  flags ? "up" : "down", strerror(-err)) : 0;
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

int libos_route_add(struct libos *l, const char *prefix, const char *via, const char *dev)
{
	struct prefix to, gateway;
	struct request req;
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
	begin(&req, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(req.route));
	req.route.rtm_family = to.family;
	req.route.rtm_dst_len = to.len;
	req.route.rtm_table = RT_TABLE_MAIN;
	req.route.rtm_protocol = RTPROT_STATIC;
	req.route.rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	req.route.rtm_type = RTN_UNICAST;
	if (to.len)
		put(&req, RTA_DST, to.addr, addr_len(to.family));
	if (via)
		put(&req, RTA_GATEWAY, gateway.addr, addr_len(to.family));
	if (index)
		put(&req, RTA_OIF, &index, sizeof(index));
	err = talk(l, &req);
	return err ? fail(-err, "%s: cannot add the route to %s: %s", l->name, prefix,
			  strerror(-err)) : 0;
}
