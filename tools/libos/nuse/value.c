// SPDX-License-Identifier: GPL-2.0
/* value.c - single values of a configuration, from text: see value.h */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "value.h"

bool value_is_v6(const char *address)
{
	return strchr(address, ':');
}

/* The bytes of an address; how many, 0 if it is none */
static unsigned int address_bytes(const char *text, uint8_t bytes[16])
{
	int family = value_is_v6(text) ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, bytes) != 1)
		return 0;
	return family == AF_INET6 ? 16 : 4;
}

const char *value_address(const char *text, char address[INET6_ADDRSTRLEN])
{
	uint8_t bytes[16];
	unsigned int len = address_bytes(text, bytes);

	if (!len)
		return "is no IPv4 or IPv6 address";
	inet_ntop(len == 16 ? AF_INET6 : AF_INET, bytes, address, INET6_ADDRSTRLEN);
	return NULL;
}

const char *value_prefix(const char *text, struct nuse_address *prefix, bool *bare)
{
	size_t len = strcspn(text, "/");
	char address[INET6_ADDRSTRLEN];
	const char *fault;
	uint64_t number;

	snprintf(address, sizeof(address), "%.*s", (int)len, text);
	fault = len < sizeof(address) ? value_address(address, prefix->text)
				      : "is no IPv4 or IPv6 address";
	if (fault)
		return fault;
	*bare = !text[len];
	prefix->len = 0;
	if (*bare)
		return NULL;
	if (value_number(text + len + 1, 0, value_is_v6(address) ? 128 : 32, &number))
		return "has a wrong prefix length";
	prefix->len = number;
	return NULL;
}

const char *value_network(const struct nuse_address *prefix)
{
	unsigned int bit, nr;
	uint8_t bytes[16];

	nr = 8 * address_bytes(prefix->text, bytes);
	for (bit = prefix->len; bit < nr; bit++)
		if (bytes[bit / 8] & (0x80 >> bit % 8))
			return "has bits beyond its prefix length";
	return NULL;
}

const char *value_netmask(const char *text, unsigned int *len)
{
	struct in_addr addr;
	uint32_t mask;

	if (inet_pton(AF_INET, text, &addr) != 1)
		return "is no IPv4 netmask";
	mask = ntohl(addr.s_addr);
	if (~mask & (~mask + 1))
		return "has ones behind a zero";
	*len = __builtin_popcount(mask);
	return NULL;
}

const char *value_mac(const char *text, uint8_t mac[6])
{
	static const uint8_t zero[6];
	const char *at = text;
	char *end;
	int i;

	for (i = 0; i < 6; i++, at = end + 1) {
		if (!isxdigit((unsigned char)*at))
			return "is no MAC address";
		mac[i] = strtoul(at, &end, 16);
		if (end - at > 2 || *end != (i < 5 ? ':' : 0))
			return "is no MAC address";
	}
	if (mac[0] & 1)
		return "is the address of a group";
	return memcmp(mac, zero, 6) ? NULL : "is no host's address";
}

const char *value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || text[digits])
		return "is no number";
	if (digits > 18)
		return "is out of range";
	*number = strtoull(text, NULL, 10);
	return *number < min || *number > max ? "is out of range" : NULL;
}

const char *value_size(const char *text, uint64_t min, uint64_t max, uint64_t *bytes)
{
	static const char units[] = "KMG";
	size_t digits = strspn(text, "0123456789");
	const char *unit = NULL;
	unsigned int shift = 0;

	if (!digits || digits > 12)
		return "is no size";
	if (text[digits]) {
		unit = strchr(units, toupper((unsigned char)text[digits]));
		if (!unit || text[digits + 1])
			return "is no size";
		shift = 10 * (unit - units + 1);
	}
	*bytes = strtoull(text, NULL, 10);
	if (*bytes > max >> shift)
		return "is out of range";
	*bytes <<= shift;
	return *bytes < min ? "is out of range" : NULL;
}

const char *value_bool(const char *text, bool *yes)
{
	*yes = !strcasecmp(text, "yes");
	return *yes || !strcasecmp(text, "no") ? NULL : "is neither";
}

const char *value_ifname(const char *text, char name[IFNAMSIZ])
{
	const char *at;

	if (strlen(text) >= IFNAMSIZ)
		return "is too long";
	for (at = text; *at; at++)
		if (strchr("/:%", *at) || !isgraph((unsigned char)*at))
			return "is no name of an interface";
	if (!*text || !strcmp(text, ".") || !strcmp(text, ".."))
		return "is no name of an interface";
	strcpy(name, text);
	return NULL;
}

const char *value_word(const char *text, const char *others, size_t max)
{
	const char *at;

	if (!isalnum((unsigned char)*text))
		return "is no such name";
	for (at = text; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr(others, *at))
			return "is no such name";
	return (size_t)(at - text) > max ? "is too long" : NULL;
}
