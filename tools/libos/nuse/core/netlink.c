// SPDX-License-Identifier: GPL-2.0
/*
 * netlink.c - processes that messages name: "ip link set DEVICE netns PID" and
 * "ip link add ... peer name DEVICE netns PID" have the host's number of one,
 * which gets that of the instance, in a copy of the message.
 */
#include "core.h"
#include "tree.h"
#include <limits.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define MESSAGE_MAX	65536
#define PEER		1		/* of INFO_DATA: an ifinfomsg and its attributes */

/* Of a process that is not in the instance, none has the number. */
static void map_pid(struct rtattr *attr)
{
	uint32_t *pid = RTA_DATA(attr);

	if (RTA_PAYLOAD(attr) == sizeof(*pid))
		*pid = tree_pid(*pid) ?: INT_MAX;
}

static struct rtattr *find(struct rtattr *attr, int len, unsigned int type)
{
	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len))
		if ((attr->rta_type & NLA_TYPE_MASK) == type)
			return attr;
	return NULL;
}

static struct rtattr *find_in(struct rtattr *nest, size_t skip, unsigned int type)
{
	if (!nest || RTA_PAYLOAD(nest) < skip)
		return NULL;
	return find((struct rtattr *)((char *)RTA_DATA(nest) + skip), RTA_PAYLOAD(nest) - skip, type);
}

static void map_message(struct nlmsghdr *message)
{
	struct rtattr *attrs = (struct rtattr *)((char *)NLMSG_DATA(message) +
						 NLMSG_ALIGN(sizeof(struct ifinfomsg)));
	int len = NLMSG_PAYLOAD(message, sizeof(struct ifinfomsg));
	struct rtattr *pid = find(attrs, len, IFLA_NET_NS_PID), *peer;

	if (pid)
		map_pid(pid);
	peer = find_in(find_in(find(attrs, len, IFLA_LINKINFO), 0, IFLA_INFO_DATA), 0, PEER);
	pid = find_in(peer, sizeof(struct ifinfomsg), IFLA_NET_NS_PID);
	if (pid)
		map_pid(pid);
}

static bool is_of_link(const struct nlmsghdr *message)
{
	return message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_SETLINK;
}

static bool is_route_socket(int fd)
{
	int protocol = -1;
	socklen_t len = sizeof(protocol);

	return !lib_call(__NR_getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, (long)&protocol,
			 (long)&len) && protocol == NETLINK_ROUTE;
}

/*
 * The copy to be sent in place of @len bytes at @from, to be given back; NULL if
 * they are sent as they are: all other kinds, which are told by the address and
 * the first message.
 */
static void *copy(int fd, long name, long from, size_t len)
{
	struct nlmsghdr *message;
	struct nlmsghdr first;
	sa_family_t family;
	void *all;
	int left;

	if (peek(&family, name, sizeof(family)) ||
	    family != AF_NETLINK || len < sizeof(first) || len > MESSAGE_MAX ||
	    peek(&first, from, sizeof(first)) || !is_of_link(&first) || !is_route_socket(fd))
		return NULL;
	all = scratch_get(len);
	if (!all)
		return NULL;
	if (peek(all, from, len)) {
		scratch_put(all, len);
		return NULL;
	}
	left = len;
	for (message = all; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
		if (is_of_link(message))
			map_message(message);
	return all;
}

long netlink_sendto(long nr, const long args[6])
{
	void *all = NULL;
	long ret;

	if (!fd_kind(args[0]))
		return fd_on_host(nr, args);
	if ((int)args[5] == sizeof(struct sockaddr_nl))
		all = copy(args[0], args[4], args[1], args[2]);
	if (!all)
		return self_call(nr, args, NULL);
	ret = lib_call(nr, args[0], (long)all, args[2], args[3], args[4], args[5]);
	scratch_put(all, args[2]);
	return ret;
}

long netlink_sendmsg(long nr, const long args[6])
{
	struct msghdr msg;
	struct iovec iov;
	void *all = NULL;
	long ret;

	if (!peek(&msg, args[1], sizeof(msg)) && msg.msg_namelen == sizeof(struct sockaddr_nl) &&
	    msg.msg_iovlen == 1 && !peek(&iov, (long)msg.msg_iov, sizeof(iov)))
		all = copy(args[0], (long)msg.msg_name, (long)iov.iov_base,
			   iov.iov_len);
	if (!all)
		return self_call(nr, args, NULL);
	iov.iov_base = all;
	msg.msg_iov = &iov;
	ret = lib_call(nr, args[0], (long)&msg, args[2]);
	scratch_put(all, iov.iov_len);
	return ret;
}
