/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parse.h - between what reads a source (file.c, json.c, options.c) and
 * config.c, which knows the keys.
 *
 * A source gives keys and values as it comes upon them, and says where it is;
 * config.c checks them and stores them. Keys belong to a scope: to the whole
 * configuration or to the stanza, an interface or a route, that was begun last.
 */
#ifndef _NUSE_PARSE_H
#define _NUSE_PARSE_H

#include "config.h"

enum scope { GENERAL, INTERFACE, ROUTE };

/**
 * struct parse - a configuration on its way in
 * @config:	what it becomes
 * @source:	name of the file or option
 * @line:	line there, counted from 1; 0 where there are none
 * @error:	gets the line for the user
 * @alias:	what the source calls the key that is being set, and
 * @alias_expected: what it takes there; NULL if that is as in keys[]
 * @scope:	the open stanza, or GENERAL
 * @seen:	which keys it has had; of GENERAL in @seen_general
 * @interface, @route: what it describes
 * @start:	line where it began
 * @bare:	first address without a length, or NULL, and its line
 * @netmask:	as a length, if @has_netmask, and its line
 * @pipe_line:	line of the path of a pipe, if @has_pipe
 */
struct parse {
	struct nuse_config *config;
	const char *source;
	unsigned int line;
	char *error;
	const char *alias;
	const char *alias_expected;
	enum scope scope;
	uint32_t seen;
	uint32_t seen_general;
	struct nuse_interface *interface;
	struct nuse_route *route;
	unsigned int start;
	struct nuse_address *bare;
	unsigned int bare_line;
	unsigned int netmask;
	bool has_netmask;
	unsigned int netmask_line;
	bool has_pipe;
	unsigned int pipe_line;
};

/* Tells the user and returns -EINVAL. Control characters become "?". */
int refuse(struct parse *p, const char *expected, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int refuse_memory(struct parse *p);

/* Memory of the configuration, all zero; NULL if there is none. */
void *config_alloc(struct nuse_config *config, size_t size);
/* A copy of @len characters */
char *config_text(struct nuse_config *config, const char *text, size_t len);

/* Begins a stanza; the one before has to be ended. @name NULL is "eth%d". */
int interface_begin(struct parse *p, const char *name);
int route_begin(struct parse *p);
/* Checks what a stanza says as a whole; nothing if none is open. */
int stanza_end(struct parse *p);

/* Joined to a path, not to a device */
bool kind_has_path(enum nuse_kind kind);

bool key_exists(enum scope scope, const char *key);
bool key_is_bool(const char *key);
/* Stores a value; unknown keys are refused. */
int key_set(struct parse *p, enum scope scope, const char *key, const char *value);
/* The keys of a scope, as "a, b, c" */
const char *key_list(enum scope scope, char list[NUSE_LINE]);

int parse_file(struct parse *p, char *text, size_t len);
int parse_json(struct parse *p, const char *text, size_t len);

#endif /* _NUSE_PARSE_H */
