/* SPDX-License-Identifier: GPL-2.0 */
/* netlink.h - requests to an instance's netlink, put together piece by piece */
#ifndef _TESTS_NETLINK_H
#define _TESTS_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "util.h"

struct nl {
	struct nlmsghdr hdr;
	char body[8192];
};

/* Begins a request with its fixed part. */
void nl_begin(struct nl *nl, int type, int flags, const void *fixed, size_t len);
void nl_put(struct nl *nl, int type, const void *data, size_t len);
void nl_put_u8(struct nl *nl, int type, uint8_t value);
void nl_put_u16(struct nl *nl, int type, uint16_t value);
void nl_put_u32(struct nl *nl, int type, uint32_t value);
void nl_put_u64(struct nl *nl, int type, uint64_t value);
void nl_put_str(struct nl *nl, int type, const char *value);
/* An attribute of attributes; nl_end() with what nl_nest() returned */
struct nlattr *nl_nest(struct nl *nl, int type);
void nl_end(struct nl *nl, struct nlattr *nest);

/* Sends it and waits for the verdict: 0 or a negative errno. */
int nl_talk(struct libos *l, int protocol, struct nl *nl);
/* The same, and gives the first message of the answer. */
int nl_ask(struct libos *l, int protocol, struct nl *nl, struct nl *answer);
/* The number of a generic netlink family */
int nl_family(struct libos *l, const char *name);
/* An attribute of an answer, behind @fixed bytes; NULL if there is none */
const void *nl_attr(const struct nl *nl, size_t fixed, int type);

int link_index(struct libos *l, const char *name);
/* Begins the request for a link of a kind; end it with link_make(). */
struct nlattr *link_begin(struct nl *nl, const char *kind, const char *name, int under);
int link_make(struct libos *l, struct nl *nl, struct nlattr *data);
/* A pair of veths, the peer in the namespace @ns (-1: this one) */
int veth_new(struct libos *l, const char *name, const char *peer, int ns);
int link_set_master(struct libos *l, const char *name, const char *master);
int link_delete(struct libos *l, const char *name);

#endif /* _TESTS_NETLINK_H */
