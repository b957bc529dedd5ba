// SPDX-License-Identifier: GPL-2.0
/* inventory.c - see inventory.h; two dumps of rtnetlink */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "inventory.h"

#define MAX_LINKS	32

struct links {
	unsigned int nr;
	struct {
		int index;
		char text[256];		/* its name, then its addresses */
	} link[MAX_LINKS];
};

static const void *attribute(const struct nlmsghdr *hdr, size_t fixed, int type)
{
	struct rtattr *rta = (struct rtattr *)((char *)NLMSG_DATA(hdr) + NLMSG_ALIGN(fixed));
	int len = hdr->nlmsg_len - NLMSG_SPACE(fixed);

	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len))
		if (rta->rta_type == type)
			return RTA_DATA(rta);
	return NULL;
}

static void add_link(struct links *links, const struct nlmsghdr *hdr)
{
	const struct ifinfomsg *info = NLMSG_DATA(hdr);
	const char *name = attribute(hdr, sizeof(*info), IFLA_IFNAME);

	if (!name || (info->ifi_flags & (IFF_UP | IFF_LOOPBACK)) != IFF_UP ||
	    links->nr == MAX_LINKS)
		return;
	links->link[links->nr].index = info->ifi_index;
	snprintf(links->link[links->nr++].text, sizeof(links->link[0].text), "%s", name);
}

static void add_address(struct links *links, const struct nlmsghdr *hdr)
{
	const struct ifaddrmsg *info = NLMSG_DATA(hdr);
	const void *bytes = attribute(hdr, sizeof(*info), IFA_LOCAL) ?:
			    attribute(hdr, sizeof(*info), IFA_ADDRESS);
	char address[INET6_ADDRSTRLEN], *text;
	unsigned int i, len;

	for (i = 0; i < links->nr; i++) {
		if (links->link[i].index != (int)info->ifa_index || !bytes ||
		    info->ifa_scope == RT_SCOPE_LINK)
			continue;
		inet_ntop(info->ifa_family, bytes, address, sizeof(address));
		text = links->link[i].text;
		len = strlen(text);
		snprintf(text + len, sizeof(links->link[i].text) - len, " %s/%u", address,
			 info->ifa_prefixlen);
	}
}

/* False at the end of a dump */
static bool take(struct links *links, const struct nlmsghdr *hdr, ssize_t len)
{
	for (; len > 0 && NLMSG_OK(hdr, (size_t)len); hdr = NLMSG_NEXT(hdr, len)) {
		if (hdr->nlmsg_type == RTM_NEWLINK)
			add_link(links, hdr);
		else if (hdr->nlmsg_type == RTM_NEWADDR)
			add_address(links, hdr);
		else
			return false;
	}
	return len >= 0;
}

static void dump(struct libos *l, struct links *links, int type)
{
	struct {
		struct nlmsghdr hdr;
		struct ifinfomsg info;
	} request = {
		.hdr = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
	};
	static union {
		struct nlmsghdr hdr;
		char room[32 << 10];
	} reply;
	int fd = libos_socket(l, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd < 0)
		return;
	if (libos_send(l, fd, &request, sizeof(request), 0) > 0)
		while (take(links, &reply.hdr, libos_recv(l, fd, &reply, sizeof(reply), 0)))
			;
	libos_close_fd(l, fd);
}

void inventory(struct libos *l, char *text, size_t size)
{
	struct links links = { 0 };
	unsigned int i;
	size_t len = 0;

	dump(l, &links, RTM_GETLINK);
	dump(l, &links, RTM_GETADDR);
	*text = 0;
	for (i = 0; i < links.nr && len < size; i++)
		len += snprintf(text + len, size - len, "%s%s", i ? ", " : "",
				links.link[i].text);
}
