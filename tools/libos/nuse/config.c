// SPDX-License-Identifier: GPL-2.0
/*
 * config.c - the keys of a configuration: what each is called, what it takes,
 * and what keys mean together.
 *
 * Every refusal reads alike: "where: what; expected what else".
 */
#include <ctype.h>
#include <errno.h>
#include <liblinux.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "parse.h"
#include "value.h"

#define MAX_MEMORY	(2ULL << 30)
#define MAX_NAMESERVERS	3		/* libc looks at no more */
#define MIN_MTU		68
#define MAX_MTU		65535
#define MIN_MTU_V6	1280

const char *const nuse_kind_names[NUSE_NR_KINDS] = {
	[NUSE_RAW] = "RAW",
	[NUSE_TAP] = "TAP",
	[NUSE_NETMAP] = "NETMAP",
	[NUSE_DPDK] = "DPDK",
	[NUSE_PIPE] = "PIPE",
	[NUSE_WIRE] = "WIRE",
};

bool kind_has_path(enum nuse_kind kind)
{
	return kind == NUSE_PIPE || kind == NUSE_WIRE;
}

/* ----------------------------------------------------------------- memory */

struct nuse_chunk {
	struct nuse_chunk *next;
	max_align_t memory[];
};

void *config_alloc(struct nuse_config *config, size_t size)
{
	struct nuse_chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	chunk->next = config->chunks;
	config->chunks = chunk;
	return chunk->memory;
}

char *config_text(struct nuse_config *config, const char *text, size_t len)
{
	char *copy = config_alloc(config, len + 1);

	return copy ? memcpy(copy, text, len) : NULL;
}

void nuse_config_free(struct nuse_config *config)
{
	struct nuse_chunk *chunk, *next;

	for (chunk = config->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	memset(config, 0, sizeof(*config));
}

/* A new last member of a list whose members begin with their next */
#define list_add(config, list) ({					\
	typeof(list) *__at = &(list);					\
	while (*__at)							\
		__at = &(*__at)->next;					\
	*__at = config_alloc(config, sizeof(**__at));			\
})

/* --------------------------------------------------------------- refusals */

static const char *const no_memory = "finds no memory";

int refuse(struct parse *p, const char *expected, const char *fmt, ...)
{
	char what[NUSE_LINE / 2], line[16] = "", *at;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (p->line)
		snprintf(line, sizeof(line), ":%u", p->line);
	snprintf(p->error, NUSE_LINE, "%.200s%s: %s; expected %s", p->source, line, what, expected);
	for (at = p->error; *at; at++)
		if (iscntrl((unsigned char)*at))
			*at = '?';
	return -EINVAL;
}

int refuse_memory(struct parse *p)
{
	snprintf(p->error, NUSE_LINE, "%.200s: out of memory", p->source);
	return -ENOMEM;
}

static const char *where(struct parse *p)
{
	char text[224];

	if (p->line)
		snprintf(text, sizeof(text), "%.200s:%u", p->source, p->line);
	else
		snprintf(text, sizeof(text), "%.200s", p->source);
	return config_text(p->config, text, strlen(text));
}

/* ----------------------------------------------------------- general keys */

static const char *set_text(struct parse *p, const char **field, const char *value)
{
	*field = config_text(p->config, value, strlen(value));
	return *field ? NULL : no_memory;
}

static const char *set_name(struct parse *p, const char *value)
{
	return value_word(value, "._-", 31) ?: set_text(p, &p->config->name, value);
}

static const char *set_kernel(struct parse *p, const char *value)
{
	return set_text(p, &p->config->kernel, value);
}

static const char *set_cmdline(struct parse *p, const char *value)
{
	return set_text(p, &p->config->cmdline, value);
}

static const char *set_memory(struct parse *p, const char *value)
{
	return value_size(value, LIB_MIN_MEMORY, MAX_MEMORY, &p->config->memory);
}

static const char *set_verbose(struct parse *p, const char *value)
{
	return value_bool(value, &p->config->verbose);
}

static const char *set_keep(struct parse *p, const char *value)
{
	return value_bool(value, &p->config->keep);
}

static const char *set_all_pcap(struct parse *p, const char *value)
{
	return set_text(p, &p->config->pcap, value);
}

/* "K=V", "K = V" or "K V" */
static const char *set_sysctl(struct parse *p, const char *value)
{
	size_t len = strcspn(value, "= \t");
	const char *text = value + len + strspn(value + len, " \t");
	struct nuse_sysctl *sysctl;

	if (*text == '=')
		text += 1 + strspn(text + 1, " \t");
	if (!len || !isalnum((unsigned char)*value) || memmem(value, len, "..", 2))
		return "has no name of a sysctl";
	if (!*text)
		return "has no value for it";
	sysctl = list_add(p->config, p->config->sysctls);
	if (!sysctl)
		return no_memory;
	sysctl->where = where(p);
	sysctl->name = config_text(p->config, value, len);
	sysctl->value = config_text(p->config, text, strlen(text));
	return sysctl->where && sysctl->name && sysctl->value ? NULL : no_memory;
}

static const char *add_string(struct parse *p, struct nuse_string **list, const char *text,
			      size_t len)
{
	struct nuse_string *string = list_add(p->config, *list);

	if (string)
		string->text = config_text(p->config, text, len);
	return string && string->text ? NULL : no_memory;
}

static const char *set_nameserver(struct parse *p, const char *value)
{
	struct nuse_string *server;
	char address[INET6_ADDRSTRLEN];
	const char *fault = value_address(value, address);
	unsigned int nr = 0;

	for (server = p->config->nameservers; server; server = server->next)
		nr++;
	if (!fault && nr == MAX_NAMESERVERS)
		fault = "is one too many";
	return fault ?: add_string(p, &p->config->nameservers, address, strlen(address));
}

static const char *set_search(struct parse *p, const char *value)
{
	const char *fault = NULL;
	size_t len;

	for (; *value && !fault; value += len, value += strspn(value, " \t")) {
		len = strcspn(value, " \t");
		fault = add_string(p, &p->config->search, value, len);
	}
	return fault;
}

/* -------------------------------------------------- keys of an interface */

static const char *set_address(struct parse *p, const char *value)
{
	struct nuse_address new = { 0 }, *address;
	const char *fault;
	bool bare;

	fault = value_prefix(value, &new, &bare);
	if (!fault && bare && value_is_v6(value))
		fault = "has no prefix length";
	if (!fault && !bare && !new.len)
		fault = "has a wrong prefix length";
	if (fault)
		return fault;
	address = list_add(p->config, p->interface->addresses);
	if (!address)
		return no_memory;
	*address = new;
	if (bare && !p->bare) {
		p->bare = address;
		p->bare_line = p->line;
	}
	return NULL;
}

static const char *set_netmask(struct parse *p, const char *value)
{
	p->has_netmask = true;
	p->netmask_line = p->line;
	return value_netmask(value, &p->netmask);
}

static const char *set_macaddr(struct parse *p, const char *value)
{
	return value_mac(value, p->interface->mac);
}

static const char *set_viftype(struct parse *p, const char *value)
{
	enum nuse_kind kind;

	for (kind = 0; kind < NUSE_NR_KINDS; kind++) {
		if (!strcasecmp(value, nuse_kind_names[kind])) {
			p->interface->kind = kind;
			return NULL;
		}
	}
	return "is no kind of device";
}

static const char *set_hostdev(struct parse *p, const char *value)
{
	char name[IFNAMSIZ];

	return value_ifname(value, name) ?: set_text(p, &p->interface->host, value);
}

static const char *set_pipepath(struct parse *p, const char *value)
{
	p->has_pipe = true;
	p->pipe_line = p->line;
	return set_text(p, &p->interface->host, value);
}

static const char *set_mtu(struct parse *p, const char *value)
{
	uint64_t mtu = 0;
	const char *fault = value_number(value, MIN_MTU, MAX_MTU, &mtu);

	p->interface->mtu = mtu;
	return fault;
}

/* One of each family */
static const char *set_via(char via[2][INET6_ADDRSTRLEN], const char *value)
{
	char *field = via[value_is_v6(value)];

	return *field ? "is a second one of its family" : value_address(value, field);
}

static const char *set_gateway(struct parse *p, const char *value)
{
	return set_via(p->interface->gateway, value);
}

static const char *set_ifgateway(struct parse *p, const char *value)
{
	return set_via(p->interface->source_gateway, value);
}

static const char *set_neigh(struct parse *p, const char *value)
{
	size_t len = strcspn(value, " \t");
	struct nuse_neigh *neigh = list_add(p->config, p->interface->neighs);
	char *address = config_text(p->config, value, len);

	if (!neigh || !address)
		return no_memory;
	value += len;
	return value_address(address, neigh->address) ?:
	       value_mac(value + strspn(value, " \t"), neigh->mac);
}

static const char *set_qdisc(struct parse *p, const char *value)
{
	const char *fault = value_word(value, "_-", IFNAMSIZ - 1);

	if (!fault)
		strcpy(p->interface->qdisc, value);
	return fault;
}

static const char *set_pcap(struct parse *p, const char *value)
{
	return set_text(p, &p->interface->pcap, value);
}

/* ------------------------------------------------------- keys of a route */

static const char *set_network(struct parse *p, const char *value)
{
	struct nuse_address *network = &p->route->network;
	const char *fault;
	bool bare;

	if (!strcmp(value, "default") || !strcmp(value, "default6"))
		value = value[7] ? "::/0" : "0.0.0.0/0";
	fault = value_prefix(value, network, &bare);
	if (!fault && bare && value_is_v6(value))
		fault = "has no prefix length";
	if (!fault && bare) {
		p->bare = network;
		p->bare_line = p->line;
	}
	return fault ?: bare ? NULL : value_network(network);
}

static const char *set_route_gateway(struct parse *p, const char *value)
{
	return value_address(value, p->route->gateway);
}

static const char *set_dev(struct parse *p, const char *value)
{
	return value_ifname(value, p->route->dev);
}

/* -------------------------------------------------------------- the table */

#define ADDRESSES	"an address, as 10.0.0.1 or fc00::1"
#define MACS		"six bytes of a host's address in hexadecimal, as 00:01:02:0a:0b:0c"
#define NAME		"at most 15 characters without / : % and blanks"
#define NETMASKS	"one as 255.255.255.0"
#define PATHS		"the path of a file"

/**
 * struct key - one key
 * @many:	may be given several times
 * @expected:	what it takes
 * @set:	stores a value, or says what is wrong with it
 */
static const struct key {
	enum scope scope;
	const char *name;
	bool many;
	const char *expected;
	const char *(*set)(struct parse *p, const char *value);
} keys[] = {
	{ GENERAL, "name", false, "at most 31 letters, digits and . _ -", set_name },
	{ GENERAL, "memory", false, "8M to 2G, as 64M", set_memory },
	{ GENERAL, "kernel", false, "the path of a liblinux.so", set_kernel },
	{ GENERAL, "cmdline", false, "words for the kernel", set_cmdline },
	{ GENERAL, "sysctl", true, "NAME=VALUE, as net.ipv4.tcp_ecn=1", set_sysctl },
	{ GENERAL, "nameserver", true, "at most 3 addresses, as 10.0.0.1 or fc00::1",
	  set_nameserver },
	{ GENERAL, "search", true, "domains", set_search },
	{ GENERAL, "pcap", false, PATHS, set_all_pcap },
	{ GENERAL, "verbose", false, "yes or no", set_verbose },
	{ GENERAL, "keep", false, "yes or no", set_keep },

	{ INTERFACE, "address", true,
	  "ADDRESS/LENGTH, as 10.0.0.2/24 or fc00::2/64, or an IPv4 address and a netmask",
	  set_address },
	{ INTERFACE, "netmask", false, NETMASKS, set_netmask },
	{ INTERFACE, "macaddr", false, MACS, set_macaddr },
	{ INTERFACE, "viftype", false, "RAW, TAP, NETMAP, DPDK, PIPE or WIRE", set_viftype },
	{ INTERFACE, "hostdev", false, NAME, set_hostdev },
	{ INTERFACE, "pipepath", false, PATHS, set_pipepath },
	{ INTERFACE, "mtu", false, "68 to 65535", set_mtu },
	{ INTERFACE, "gateway", true, ADDRESSES, set_gateway },
	{ INTERFACE, "ifgateway", true, ADDRESSES, set_ifgateway },
	{ INTERFACE, "neigh", true, "ADDRESS MAC, as 10.0.0.1 00:01:02:0a:0b:0c", set_neigh },
	{ INTERFACE, "qdisc", false, "the name of a queueing discipline, as fq_codel",
	  set_qdisc },
	{ INTERFACE, "pcap", false, PATHS, set_pcap },

	{ ROUTE, "network", false,
	  "NETWORK/LENGTH, as 10.0.0.0/8 or fc00::/7, an IPv4 network and a netmask, default or default6",
	  set_network },
	{ ROUTE, "netmask", false, NETMASKS, set_netmask },
	{ ROUTE, "gateway", false, ADDRESSES, set_route_gateway },
	{ ROUTE, "dev", false, NAME, set_dev },
};

_Static_assert(sizeof(keys) / sizeof(*keys) <= 32, "a bit for each key");

static const char *const scope_names[] = {
	[GENERAL] = "the configuration",
	[INTERFACE] = "an interface",
	[ROUTE] = "a route",
};

static const struct key *find_key(enum scope scope, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].scope == scope && !strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

bool key_exists(enum scope scope, const char *key)
{
	return find_key(scope, key);
}

bool key_is_bool(const char *name)
{
	const struct key *key = find_key(GENERAL, name);

	return key && (key->set == set_verbose || key->set == set_keep);
}

const char *key_list(enum scope scope, char list[NUSE_LINE])
{
	size_t i, len = 0;

	*list = 0;
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].scope == scope)
			len += snprintf(list + len, NUSE_LINE - len, "%s%s", len ? ", " : "",
					keys[i].name);
	return list;
}

int key_set(struct parse *p, enum scope scope, const char *name, const char *value)
{
	uint32_t *seen = scope == GENERAL ? &p->seen_general : &p->seen;
	const struct key *key = find_key(scope, name);
	const char *expected, *fault;
	char list[NUSE_LINE];

	if (!key)
		return refuse(p, key_list(scope, list), "\"%.60s\" is no key of %s", name,
			      scope_names[scope]);
	expected = p->alias_expected ?: key->expected;
	name = p->alias ?: name;
	if (!key->many && *seen & 1U << (key - keys))
		return refuse(p, "it once", "%s is given a second time", name);
	*seen |= 1U << (key - keys);
	if (!*value)
		return refuse(p, expected, "%s has no value", name);
	fault = key->set(p, value);
	if (fault == no_memory)
		return refuse_memory(p);
	return fault ? refuse(p, expected, "%s \"%.60s\" %s", name, value, fault) : 0;
}

/* ---------------------------------------------------------------- stanzas */

static struct nuse_interface *find_interface(const struct nuse_config *config, const char *name)
{
	struct nuse_interface *i;

	for (i = config->interfaces; i; i = i->next)
		if (!strcmp(i->name, name))
			return i;
	return NULL;
}

static void stanza_begin(struct parse *p, enum scope scope)
{
	p->scope = scope;
	p->seen = 0;
	p->start = p->line;
	p->bare = NULL;
	p->has_netmask = false;
	p->has_pipe = false;
}

static void free_name(const struct nuse_config *config, char name[IFNAMSIZ])
{
	unsigned int nr = 0;

	do {
		snprintf(name, IFNAMSIZ, "eth%u", nr++);
	} while (find_interface(config, name));
}

int interface_begin(struct parse *p, const char *name)
{
	char text[IFNAMSIZ];
	const char *fault = NULL;

	if (!name)
		free_name(p->config, text);
	else
		fault = value_ifname(name, text);
	if (!fault && !strcmp(text, "lo"))
		fault = "is there already";
	if (fault)
		return refuse(p, NAME ", not lo", "interface \"%.60s\" %s", name, fault);
	if (find_interface(p->config, text))
		return refuse(p, "another name", "interface \"%s\" is given a second time", text);
	stanza_begin(p, INTERFACE);
	p->interface = list_add(p->config, p->config->interfaces);
	if (!p->interface)
		return refuse_memory(p);
	strcpy(p->interface->name, text);
	p->interface->where = where(p);
	return p->interface->where ? 0 : refuse_memory(p);
}

int route_begin(struct parse *p)
{
	stanza_begin(p, ROUTE);
	p->route = list_add(p->config, p->config->routes);
	if (!p->route)
		return refuse_memory(p);
	p->route->where = where(p);
	return p->route->where ? 0 : refuse_memory(p);
}

/* Addresses without a length get that of the netmask. */
static int use_netmask(struct parse *p, const char *key)
{
	struct nuse_address *address;

	if (p->bare && !p->has_netmask) {
		p->line = p->bare_line;
		return refuse(p, "a length, as in 10.0.0.0/24, or a netmask",
			      "%s %s has neither a prefix length nor a netmask", key,
			      p->bare->text);
	}
	if (p->has_netmask && !p->bare) {
		p->line = p->netmask_line;
		return refuse(p, "an IPv4 address without a prefix length",
			      "netmask has no %s to go with", key);
	}
	if (p->bare && p->scope == INTERFACE && !p->netmask) {
		p->line = p->netmask_line;
		return refuse(p, NETMASKS, "netmask 0.0.0.0 is none for an address");
	}
	for (address = p->bare; address; address = address->next)
		if (!address->len)
			address->len = p->netmask;
	return 0;
}

static bool has_address(const struct nuse_interface *interface, bool v6)
{
	const struct nuse_address *address;

	for (address = interface->addresses; address; address = address->next)
		if (value_is_v6(address->text) == v6)
			return true;
	return false;
}

static int check_addresses(struct parse *p)
{
	struct nuse_interface *i = p->interface;
	int v6;

	if (i->mtu && i->mtu < MIN_MTU_V6 && has_address(i, true))
		return refuse(p, "1280 or more", "mtu %u of %s is too small for IPv6", i->mtu,
			      i->name);
	for (v6 = 0; v6 < 2; v6++)
		if (*i->source_gateway[v6] && !has_address(i, v6))
			return refuse(p, "one of its family",
				      "%s has no address that would use ifgateway %s", i->name,
				      i->source_gateway[v6]);
	return 0;
}

/* What the interface is joined to: that of no other one */
static int check_host(struct parse *p)
{
	struct nuse_interface *i = p->interface, *other;
	char name[IFNAMSIZ + 8];

	if (p->has_pipe && !kind_has_path(i->kind)) {
		p->line = p->pipe_line;
		return refuse(p, "viftype PIPE or WIRE", "pipepath is for them, and %s is %s",
			      i->name, nuse_kind_names[i->kind]);
	}
	if (kind_has_path(i->kind) && !p->has_pipe)
		return refuse(p, "pipepath", "%s %s has no path", nuse_kind_names[i->kind],
			      i->name);
	if (!i->host) {
		snprintf(name, sizeof(name), "%s%s", i->kind == NUSE_TAP ? "nuse-" : "", i->name);
		if (strlen(name) >= IFNAMSIZ)
			return refuse(p, "hostdev", "\"%s\" is too long for a device of the host",
				      name);
		i->host = config_text(p->config, name, strlen(name));
		if (!i->host)
			return refuse_memory(p);
	}
	for (other = p->config->interfaces; other != i; other = other->next)
		if (!strcmp(other->host, i->host))
			return refuse(p, "another hostdev", "%s is joined to %.60s already",
				      other->name, i->host);
	return 0;
}

static int interface_end(struct parse *p)
{
	return use_netmask(p, "address") ?: check_addresses(p) ?: check_host(p);
}

static int route_end(struct parse *p)
{
	struct nuse_route *r = p->route;
	int err;

	if (!*r->network.text)
		return refuse(p, "network", "this route has no network");
	err = use_netmask(p, "network");
	if (err)
		return err;
	if (value_network(&r->network)) {
		p->line = p->netmask_line;
		return refuse(p, "a longer netmask", "network %s has bits beyond its netmask",
			      r->network.text);
	}
	if (!*r->gateway && !*r->dev)
		return refuse(p, "gateway or dev", "the route to %s/%u leads nowhere",
			      r->network.text, r->network.len);
	if (*r->gateway && value_is_v6(r->gateway) != value_is_v6(r->network.text))
		return refuse(p, "both IPv4 or both IPv6",
			      "gateway %s is not of the family of network %s", r->gateway,
			      r->network.text);
	return 0;
}

int stanza_end(struct parse *p)
{
	enum scope scope = p->scope;
	unsigned int line = p->line;
	int err = 0;

	p->line = p->start;
	if (scope == INTERFACE)
		err = interface_end(p);
	else if (scope == ROUTE)
		err = route_end(p);
	p->scope = GENERAL;
	if (!err)
		p->line = line;
	return err;
}
