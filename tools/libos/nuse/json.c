// SPDX-License-Identifier: GPL-2.0
/*
 * json.c - configurations with the keys of LKL: a JSON object of strings, and
 * an array "interfaces" of such objects.
 *
 * Each key is given to config.c under the name that it has in nuse.conf. Those
 * that only tune LKL are ignored with a warning; those that ask for what there
 * is not are refused. json-c keeps no lines, so a key's is looked up in the text
 * when something is to be said about it.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parse.h"
#include "value.h"

#define V4		"an IPv4 address, as 192.168.0.2"
#define V6		"an IPv6 address, as fc00::2"

/**
 * struct source - the text, and the place in it
 * @index:	of the interface; -1 is outside of all
 */
struct source {
	struct parse *p;
	const char *text;
	int index;
};

/**
 * struct lkl_key - a key of LKL
 * @name:	what it is called
 * @take:	what happens to its value
 * @key:	the key of nuse.conf, if it is one
 * @expected:	what it takes; NULL is what ours takes
 * @partner:	the key beside it, without which it says nothing; or the network
 *		that is routed
 * @family:	4 or 6: of the address that is its value
 */
struct lkl_key {
	const char *name;
	int (*take)(struct source *s, const struct lkl_key *lkl, json_object *object,
		    const char *value);
	const char *key;
	const char *expected;
	const char *partner;
	int family;
};

/* ------------------------------------------------------------------ lines */

/* The end of a string that begins at a quote, and the lines in it */
static const char *string_end(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return at;
}

/*
 * The line of a key: of the interface @index, or outside of the interfaces;
 * @key NULL is the interface itself. 0 if it is not found.
 */
static unsigned int find_line(const char *text, int index, const char *key)
{
	unsigned int line = 1, depth = 0;
	bool interfaces = false, is_key;
	const char *at, *end;
	int count = -1;
	size_t len;

	for (at = text; *at; at++) {
		line += *at == '\n';
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		count += *at == '{' && depth == 3 && interfaces;
		if (!key && count == index)
			return line;
		if (*at != '"')
			continue;
		end = string_end(at);
		if (!*end)
			break;
		len = end - at - 1;
		is_key = end[1 + strspn(end + 1, " \t\r\n")] == ':';
		if (is_key && key && len == strlen(key) && !memcmp(at + 1, key, len) &&
		    ((depth == 1 && index < 0) || (depth == 3 && interfaces && count == index)))
			return line;
		if (is_key && depth == 1)
			interfaces = len == 10 && !memcmp(at + 1, "interfaces", 10);
		at = end;
	}
	return 0;
}

static void go_to(struct source *s, const char *key)
{
	s->p->line = find_line(s->text, s->index, key);
}

/* ----------------------------------------------------------------- values */

/* A member's text, refused unless it is a string; NULL if there is none */
static int string_of(struct source *s, json_object *object, const char *name, const char **text)
{
	json_object *value;

	*text = NULL;
	if (!json_object_object_get_ex(object, name, &value))
		return 0;
	go_to(s, name);
	if (!json_object_is_type(value, json_type_string))
		return refuse(s->p, "a string in quotes", "\"%.60s\" is no string", name);
	*text = json_object_get_string(value);
	if (strlen(*text) != (size_t)json_object_get_string_len(value))
		return refuse(s->p, "text", "\"%.60s\" has a byte of value 0", name);
	return 0;
}

/* Sets a key of ours, but speaks of LKL's. */
static int set(struct source *s, const struct lkl_key *lkl, enum scope scope, const char *value)
{
	int err;

	s->p->alias = lkl->name;
	s->p->alias_expected = lkl->expected;
	err = key_set(s->p, scope, lkl->key, value);
	s->p->alias = NULL;
	s->p->alias_expected = NULL;
	return err;
}

static enum scope scope_of(const struct source *s)
{
	return s->index < 0 ? GENERAL : INTERFACE;
}

/* Calls @take with each part of "a;b;c". */
static int each(struct source *s, const struct lkl_key *lkl, const char *value,
		int (*take)(struct source *s, const struct lkl_key *lkl, char *part))
{
	char *copy = strdup(value), *part, *rest = NULL;
	int err = copy ? 0 : refuse_memory(s->p);

	for (part = err ? NULL : strtok_r(copy, ";", &rest); part && !err;
	     part = strtok_r(NULL, ";", &rest))
		err = take(s, lkl, part);
	free(copy);
	return err;
}

/* --------------------------------------------------------------- the keys */

static int take_same(struct source *s, const struct lkl_key *lkl, json_object *object,
		     const char *value)
{
	(void)object;
	return set(s, lkl, scope_of(s), value);
}

static int take_nothing(struct source *s, const struct lkl_key *lkl, json_object *object,
			const char *value)
{
	char *warning = s->p->config->warning;
	size_t len = strlen(warning);

	(void)object;
	(void)value;
	if (!len)
		snprintf(warning, NUSE_LINE, "%.200s: has no effect here: %s", s->p->source,
			 lkl->name);
	else if (!strstr(strrchr(warning, ':'), lkl->name))
		snprintf(warning + len, NUSE_LINE - len, ", %s", lkl->name);
	return 0;
}

/* "proc,sysfs": they are there. */
static int take_mount(struct source *s, const struct lkl_key *lkl, json_object *object,
		      const char *value)
{
	const char *at;
	size_t len;

	for (at = value; *at; at += len, at += strspn(at, ",")) {
		len = strcspn(at, ",");
		if ((len != 4 || memcmp(at, "proc", 4)) && (len != 5 || memcmp(at, "sysfs", 5)))
			return refuse(s->p, lkl->expected, "mount \"%.60s\" is not possible",
				      value);
	}
	return take_nothing(s, lkl, object, value);
}

static int take_debug(struct source *s, const struct lkl_key *lkl, json_object *object,
		      const char *value)
{
	char *end;
	bool on = strtoul(value, &end, 0);

	(void)object;
	if (!*value || *end)
		return refuse(s->p, lkl->expected, "debug \"%.60s\" is no number", value);
	return set(s, lkl, GENERAL, on ? "yes" : "no");
}

static int take_sysctl(struct source *s, const struct lkl_key *lkl, char *part)
{
	return set(s, lkl, GENERAL, part);
}

static int take_sysctls(struct source *s, const struct lkl_key *lkl, json_object *object,
			const char *value)
{
	(void)object;
	return each(s, lkl, value, take_sysctl);
}

/* "mem=64M" is what we call memory; other words are for the kernel. */
static int take_cmdline(struct source *s, const struct lkl_key *lkl, json_object *object,
			const char *value)
{
	char *copy = strdup(value), *words = calloc(1, strlen(value) + 2), *word, *rest = NULL;
	int err = copy && words ? 0 : refuse_memory(s->p);

	(void)object;
	for (word = err ? NULL : strtok_r(copy, " ", &rest); word && !err;
	     word = strtok_r(NULL, " ", &rest)) {
		if (!strncmp(word, "mem=", 4))
			err = key_set(s->p, GENERAL, "memory", word + 4);
		else if (!strncmp(word, "ip=", 3))
			err = refuse(s->p, "ip, masklen and gateway",
				     "boot_cmdline \"%.60s\" is not possible", word);
		else
			sprintf(words + strlen(words), "%s%s", *words ? " " : "", word);
	}
	if (!err && *words)
		err = set(s, lkl, GENERAL, words);
	free(words);
	free(copy);
	return err;
}

static int take_gateway(struct source *s, const struct lkl_key *lkl, json_object *object,
			const char *value)
{
	struct parse *p = s->p;

	(void)object;
	return route_begin(p) ?: key_set(p, ROUTE, "network", lkl->partner) ?:
	       set(s, lkl, ROUTE, value) ?: stanza_end(p);
}

/* "ip" and "masklen" */
static int take_ip(struct source *s, const struct lkl_key *lkl, json_object *object,
		   const char *value)
{
	char address[128];
	const char *len;
	int err = string_of(s, object, lkl->partner, &len);

	if (err)
		return err;
	go_to(s, lkl->name);
	if (!len)
		return refuse(s->p, lkl->partner, "%s has no %s", lkl->name, lkl->partner);
	snprintf(address, sizeof(address), "%.60s/%.60s", value, len);
	return set(s, lkl, INTERFACE, address);
}

static int take_masklen(struct source *s, const struct lkl_key *lkl, json_object *object,
			const char *value)
{
	(void)value;
	if (json_object_object_get_ex(object, lkl->partner, NULL))
		return 0;
	return refuse(s->p, lkl->partner, "%s has no %s to go with", lkl->name, lkl->partner);
}

static int take_param(struct source *s, const struct lkl_key *lkl, json_object *object,
		      const char *value)
{
	struct lkl_key pipe = *lkl;

	pipe.key = "pipepath";
	return take_same(s, s->p->interface->kind == NUSE_PIPE ? &pipe : lkl, object, value);
}

/* "ip|mac" */
static int take_neigh(struct source *s, const struct lkl_key *lkl, char *part)
{
	char *bar = strchr(part, '|');

	if (!bar)
		return refuse(s->p, lkl->expected, "neigh \"%.60s\" has no \"|\"", part);
	*bar = ' ';
	return set(s, lkl, INTERFACE, part);
}

static int take_neighs(struct source *s, const struct lkl_key *lkl, json_object *object,
		       const char *value)
{
	(void)object;
	return each(s, lkl, value, take_neigh);
}

/* "root|fq" */
static int take_qdisc(struct source *s, const struct lkl_key *lkl, char *part)
{
	if (strncmp(part, "root|", 5))
		return refuse(s->p, lkl->expected, "qdisc \"%.60s\" is not at the root", part);
	return set(s, lkl, INTERFACE, part + 5);
}

static int take_qdiscs(struct source *s, const struct lkl_key *lkl, json_object *object,
		       const char *value)
{
	(void)object;
	return each(s, lkl, value, take_qdisc);
}

static const struct lkl_key general_keys[] = {
	{ "gateway", .take = take_gateway, "gateway", V4, "0.0.0.0/0", 4 },
	{ "gateway6", .take = take_gateway, "gateway", V6, "::/0", 6 },
	{ "sysctl", .take = take_sysctls, "sysctl", "NAME=VALUE;NAME=VALUE" },
	{ "boot_cmdline", .take = take_cmdline, "cmdline", "words for the kernel" },
	{ "debug", .take = take_debug, "verbose", "0, or another number to see the console" },
	{ "mount", .take = take_mount, NULL, "proc and sysfs" },
	{ "dump", .take = take_nothing },
	{ "delay_main", .take = take_nothing },
	{ "singlecpu", .take = take_nothing },
	{ NULL }
};

static const struct lkl_key interface_keys[] = {
	{ "type", .take = take_same, "viftype", "raw, tap, netmap, dpdk or pipe" },
	{ "param", .take = take_param, "hostdev", "a device of the host, or the path of a pipe" },
	{ "mtu", .take = take_same, "mtu" },
	{ "mac", .take = take_same, "macaddr" },
	{ "ip", .take = take_ip, "address", V4 ", and 1 to 32 as masklen", "masklen", 4 },
	{ "masklen", .take = take_masklen, NULL, NULL, "ip" },
	{ "ipv6", .take = take_ip, "address", V6 ", and 1 to 128 as masklen6", "masklen6", 6 },
	{ "masklen6", .take = take_masklen, NULL, NULL, "ipv6" },
	{ "ifgateway", .take = take_same, "ifgateway", V4, NULL, 4 },
	{ "ifgateway6", .take = take_same, "ifgateway", V6, NULL, 6 },
	{ "neigh", .take = take_neighs, "neigh", "IP|MAC;IP|MAC" },
	{ "qdisc", .take = take_qdiscs, "qdisc", "root|NAME" },
	{ "offload", .take = take_nothing },
	{ NULL }
};

static int unknown_key(struct source *s, const struct lkl_key *keys, const char *name)
{
	char list[NUSE_LINE] = "";
	size_t len = 0;

	for (; keys->name; keys++)
		len += snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
				keys->name);
	if (s->index < 0)
		snprintf(list + len, sizeof(list) - len, ", interfaces");
	return refuse(s->p, list, "\"%.60s\" is no key that has a meaning here", name);
}

/* A member, but "interfaces" */
static int take_member(struct source *s, const struct lkl_key *keys, json_object *object,
		       const char *name)
{
	const struct lkl_key *lkl = keys;
	const char *value;
	int err;

	go_to(s, name);
	while (lkl->name && strcmp(lkl->name, name))
		lkl++;
	if (!lkl->name)
		return unknown_key(s, keys, name);
	err = string_of(s, object, name, &value);
	if (err)
		return err;
	if (lkl->family && value_is_v6(value) != (lkl->family == 6))
		return refuse(s->p, lkl->expected, "%s \"%.60s\" is no IPv%d address", name, value,
			      lkl->family);
	return lkl->take(s, lkl, object, value);
}

/* --------------------------------------------------------------- objects */

static int take_interface(struct source *s, json_object *object)
{
	int err;

	if (!json_object_is_type(object, json_type_object))
		return refuse(s->p, "{ \"type\": ... }", "interface %d is no object", s->index);
	s->p->line = find_line(s->text, s->index, NULL);
	if (!json_object_object_get_ex(object, "type", NULL))
		return refuse(s->p, "type", "interface %d has no type", s->index);
	err = interface_begin(s->p, NULL) ?: take_member(s, interface_keys, object, "type");
	if (err)
		return err;
	json_object_object_foreach(object, name, value) {
		(void)value;
		if (strcmp(name, "type"))
			err = take_member(s, interface_keys, object, name);
		if (err)
			return err;
	}
	return stanza_end(s->p);
}

static int take_interfaces(struct source *s, json_object *array)
{
	int err = 0, nr;

	go_to(s, "interfaces");
	if (!json_object_is_type(array, json_type_array))
		return refuse(s->p, "[ { ... }, { ... } ]", "\"interfaces\" is no array");
	nr = json_object_array_length(array);
	for (s->index = 0; s->index < nr && !err; s->index++)
		err = take_interface(s, json_object_array_get_idx(array, s->index));
	s->index = -1;
	return err;
}

static int take_all(struct source *s, json_object *object)
{
	int err;

	json_object_object_foreach(object, name, value) {
		err = strcmp(name, "interfaces") ? take_member(s, general_keys, object, name)
						 : take_interfaces(s, value);
		if (err)
			return err;
	}
	return 0;
}

int parse_json(struct parse *p, const char *text, size_t len)
{
	struct source s = { .p = p, .text = text, .index = -1 };
	json_tokener *tokener = json_tokener_new();
	enum json_tokener_error fault;
	json_object *object;
	size_t end, i;
	int err;

	if (!tokener)
		return refuse_memory(p);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, len);
	fault = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	end += object ? strspn(text + end, " \t\r\n") : 0;
	if (object && end == len) {
		err = take_all(&s, object);
	} else {
		for (i = 0, p->line = 1; i < end; i++)
			p->line += text[i] == '\n';
		err = refuse(p, "JSON", "%s", object ? "there is something behind the object" :
			     fault == json_tokener_continue ? "the object has no end" :
			     json_tokener_error_desc(fault));
	}
	json_object_put(object);
	json_tokener_free(tokener);
	return err;
}
