// SPDX-License-Identifier: GPL-2.0
/* netlink.c - see netlink.h */
#include <linux/genetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include "netlink.h"

void nl_begin(struct nl *nl, int type, int flags, const void *fixed, size_t len)
{
	memset(nl, 0, sizeof(*nl));
	nl->hdr.nlmsg_type = type;
	nl->hdr.nlmsg_flags = NLM_F_REQUEST | flags;
	nl->hdr.nlmsg_len = NLMSG_LENGTH(len);
	memcpy(nl->body, fixed, len);
}

static void *tail(struct nl *nl)
{
	return (char *)nl + NLMSG_ALIGN(nl->hdr.nlmsg_len);
}

void nl_put(struct nl *nl, int type, const void *data, size_t len)
{
	struct nlattr *attr = tail(nl);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((char *)attr + NLA_HDRLEN, data, len);
	nl->hdr.nlmsg_len = NLMSG_ALIGN(nl->hdr.nlmsg_len) + NLA_ALIGN(attr->nla_len);
}

void nl_put_u8(struct nl *nl, int type, uint8_t value)
{
	nl_put(nl, type, &value, sizeof(value));
}

void nl_put_u16(struct nl *nl, int type, uint16_t value)
{
	nl_put(nl, type, &value, sizeof(value));
}

void nl_put_u32(struct nl *nl, int type, uint32_t value)
{
	nl_put(nl, type, &value, sizeof(value));
}

void nl_put_u64(struct nl *nl, int type, uint64_t value)
{
	nl_put(nl, type, &value, sizeof(value));
}

void nl_put_str(struct nl *nl, int type, const char *value)
{
	nl_put(nl, type, value, strlen(value) + 1);
}

struct nlattr *nl_nest(struct nl *nl, int type)
{
	struct nlattr *nest = tail(nl);

	nl_put(nl, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void nl_end(struct nl *nl, struct nlattr *nest)
{
	nest->nla_len = (char *)tail(nl) - (char *)nest;
}

int nl_ask(struct libos *l, int protocol, struct nl *nl, struct nl *answer)
{
	int fd = libos_socket(l, AF_NETLINK, SOCK_RAW, protocol);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = libos_send(l, fd, nl, nl->hdr.nlmsg_len, 0);
	if (n >= 0)
		n = libos_recv(l, fd, answer, sizeof(*answer), 0);
	err = n < 0 ? -errno : 0;
	if (!err && answer->hdr.nlmsg_type == NLMSG_ERROR)
		err = *(int *)answer->body;
	libos_close_fd(l, fd);
	return err;
}

int nl_talk(struct libos *l, int protocol, struct nl *nl)
{
	struct nl answer;

	nl->hdr.nlmsg_flags |= NLM_F_ACK;
	return nl_ask(l, protocol, nl, &answer);
}

const void *nl_attr(const struct nl *nl, size_t fixed, int type)
{
	const char *p = nl->body + NLMSG_ALIGN(fixed), *end = (char *)nl + nl->hdr.nlmsg_len;
	const struct nlattr *attr;

	for (; p + NLA_HDRLEN <= end; p += NLA_ALIGN(attr->nla_len)) {
		attr = (void *)p;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return p + NLA_HDRLEN;
		if (attr->nla_len < NLA_HDRLEN)
			break;
	}
	return NULL;
}

int nl_family(struct libos *l, const char *name)
{
	struct genlmsghdr head = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct nl nl, answer;
	const uint16_t *id;
	int err;

	nl_begin(&nl, GENL_ID_CTRL, 0, &head, sizeof(head));
	nl_put_str(&nl, CTRL_ATTR_FAMILY_NAME, name);
	err = nl_ask(l, NETLINK_GENERIC, &nl, &answer);
	if (err)
		return err;
	id = nl_attr(&answer, sizeof(head), CTRL_ATTR_FAMILY_ID);
	return id ? *id : -ENOENT;
}

/* ------------------------------------------------------------------ links */

int link_index(struct libos *l, const char *name)
{
	int fd = libos_socket(l, AF_INET, SOCK_DGRAM, 0), err;
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	err = libos_ioctl(l, fd, SIOCGIFINDEX, &ifr) ? -errno : 0;
	libos_close_fd(l, fd);
	return err ? err : ifr.ifr_ifindex;
}

static struct nlattr *link_info;	/* of the request under way */

struct nlattr *link_begin(struct nl *nl, const char *kind, const char *name, int under)
{
	struct ifinfomsg link = { 0 };

	nl_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	nl_put_str(nl, IFLA_IFNAME, name);
	if (under)
		nl_put_u32(nl, IFLA_LINK, under);
	link_info = nl_nest(nl, IFLA_LINKINFO);
	nl_put_str(nl, IFLA_INFO_KIND, kind);
	return nl_nest(nl, IFLA_INFO_DATA);
}

int link_make(struct libos *l, struct nl *nl, struct nlattr *data)
{
	nl_end(nl, data);
	nl_end(nl, link_info);
	return nl_talk(l, NETLINK_ROUTE, nl);
}

int veth_new(struct libos *l, const char *name, const char *peer, int ns)
{
	struct ifinfomsg *link;
	struct nlattr *data, *nest;
	struct nl nl;

	data = link_begin(&nl, "veth", name, 0);
	nest = nl_nest(&nl, VETH_INFO_PEER);
	link = tail(&nl);
	memset(link, 0, sizeof(*link));
	nl.hdr.nlmsg_len += sizeof(*link);
	nl_put_str(&nl, IFLA_IFNAME, peer);
	if (ns >= 0)
		nl_put_u32(&nl, IFLA_NET_NS_FD, ns);
	nl_end(&nl, nest);
	return link_make(l, &nl, data);
}

int link_set_master(struct libos *l, const char *name, const char *master)
{
	struct ifinfomsg link = { .ifi_index = link_index(l, name) };
	struct nl nl;

	nl_begin(&nl, RTM_NEWLINK, 0, &link, sizeof(link));
	nl_put_u32(&nl, IFLA_MASTER, link_index(l, master));
	return nl_talk(l, NETLINK_ROUTE, &nl);
}

int link_delete(struct libos *l, const char *name)
{
	struct ifinfomsg link = { .ifi_index = link_index(l, name) };
	struct nl nl;

	nl_begin(&nl, RTM_DELLINK, 0, &link, sizeof(link));
	return nl_talk(l, NETLINK_ROUTE, &nl);
}
