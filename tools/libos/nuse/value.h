/* SPDX-License-Identifier: GPL-2.0 */
/*
 * value.h - single values of a configuration, from text.
 *
 * Functions return NULL, or what is wrong with the text, to be read after it:
 * "is no number".
 */
#ifndef _NUSE_VALUE_H
#define _NUSE_VALUE_H

#include "config.h"

bool value_is_v6(const char *address);

const char *value_address(const char *text, char address[INET6_ADDRSTRLEN]);
/* "10.0.0.0/8"; without a length, @bare is set and the length is 0. */
const char *value_prefix(const char *text, struct nuse_address *prefix, bool *bare);
/* A network's address has no bit beyond its length. */
const char *value_network(const struct nuse_address *prefix);
/* "255.255.255.0", as a length */
const char *value_netmask(const char *text, unsigned int *len);
/* Six bytes in hexadecimal; only a host's address will do. */
const char *value_mac(const char *text, uint8_t mac[6]);
const char *value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);
/* Bytes, with K, M or G behind */
const char *value_size(const char *text, uint64_t min, uint64_t max, uint64_t *bytes);
const char *value_bool(const char *text, bool *yes);
/* The name of an interface, here or at the host */
const char *value_ifname(const char *text, char name[IFNAMSIZ]);
/* Letters, digits and @others, at most @max, the first a letter or digit */
const char *value_word(const char *text, const char *others, size_t max);

#endif /* _NUSE_VALUE_H */
