// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - a configuration from a command line.
 *
 * "-c FILE" is read first, wherever it stands. Every general key is an option
 * of its own, which replaces what the file says or adds to it, and "--net
 * KIND[:DEVICE][,KEY=VALUE]..." adds an interface.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parse.h"

struct option {
	char name[32];
	const char *value;
};

static bool is_file(const struct option *option)
{
	return !strcmp(option->name, "-c") || !strcmp(option->name, "--config");
}

static int unknown_option(struct parse *p, const char *name)
{
	char list[NUSE_LINE], expected[NUSE_LINE];

	snprintf(expected, sizeof(expected), "-c, --net, or -- and one of %s",
		 key_list(GENERAL, list));
	return refuse(p, expected, "\"%.60s\" is no option", name);
}

/*
 * The option at argv[*i], and its value behind "=" or in the next argument.
 * Returns 1 and moves *i on, 0 where the options end.
 */
static int next_option(struct parse *p, int argc, char **argv, int *i, struct option *option)
{
	const char *text = *i < argc ? argv[*i] : "", *value = strchr(text, '=');
	size_t len = value ? (size_t)(value - text) : strlen(text);

	if (text[0] != '-' || !text[1])
		return 0;
	(*i)++;
	if (!strcmp(text, "--"))
		return 0;
	if (len >= sizeof(option->name))
		return unknown_option(p, text);
	snprintf(option->name, sizeof(option->name), "%.*s", (int)len, text);
	option->value = value ? value + 1 : NULL;
	if (!is_file(option) && strcmp(option->name, "--net") &&
	    (strncmp(text, "--", 2) || !key_exists(GENERAL, option->name + 2)))
		return unknown_option(p, option->name);
	if (option->value)
		return 1;
	if (key_is_bool(option->name + 2))
		option->value = "yes";
	else if (*i < argc)
		option->value = argv[(*i)++];
	else
		return refuse(p, "a value behind it", "%s is the last word", option->name);
	return 1;
}

static int net_key(struct parse *p, char *setting)
{
	char *value = strchr(setting, '=');

	if (!value)
		return refuse(p, "KEY=VALUE", "\"%.60s\" has no \"=\"", setting);
	*value++ = 0;
	return key_set(p, INTERFACE, setting, value);
}

/* Moves "name=NAME" from the settings to @name; whether it was there */
static bool cut_name(char *settings, char *name, size_t size)
{
	char *at = settings;
	size_t len;

	while (strncmp(at, "name=", 5)) {
		at = strchr(at, ',');
		if (!at)
			return false;
		at++;
	}
	len = strcspn(at, ",");
	snprintf(name, size, "%.*s", (int)len - 5, at + 5);
	len += !!at[len];
	memmove(at, at + len, strlen(at + len) + 1);
	return true;
}

/* "tap:tap0,address=10.0.0.2/24": @text is changed. */
static int add_net(struct parse *p, char *text)
{
	char *settings = text + strcspn(text, ","), *host, *setting, *rest = NULL;
	char name[64];
	int err;

	if (*settings)
		*settings++ = 0;
	err = interface_begin(p, cut_name(settings, name, sizeof(name)) ? name : NULL);
	host = strchr(text, ':');
	if (host)
		*host++ = 0;
	if (!err)
		err = key_set(p, INTERFACE, "viftype", text);
	if (!err && host)
		err = key_set(p, INTERFACE,
			      kind_has_path(p->interface->kind) ? "pipepath" : "hostdev", host);
	for (setting = strtok_r(settings, ",", &rest); setting && !err;
	     setting = strtok_r(NULL, ",", &rest))
		err = net_key(p, setting);
	return err ?: stanza_end(p);
}

static int take_option(struct parse *p, const struct option *option)
{
	char *copy;
	int err;

	if (is_file(option))
		return 0;
	p->source = option->name;
	p->seen_general = 0;
	if (strcmp(option->name, "--net"))
		return key_set(p, GENERAL, option->name + 2, option->value);
	copy = strdup(option->value);
	err = copy ? add_net(p, copy) : refuse_memory(p);
	free(copy);
	return err;
}

/* The file that the options name, else that of the environment; or NULL */
static int find_file(struct parse *p, int argc, char **argv, const char **path)
{
	const char *env = getenv("NUSECONF");
	struct option option;
	int i = 1, more;

	*path = env && *env ? env : NULL;
	while ((more = next_option(p, argc, argv, &i, &option)) > 0)
		if (is_file(&option))
			*path = option.value;
	return more;
}

int nuse_config_args(struct nuse_config *config, int argc, char **argv, char *error)
{
	struct nuse_config new = { 0 };
	struct parse p = { .config = &new, .source = "nuse", .error = error };
	struct option option;
	const char *path;
	int i = 1, err = find_file(&p, argc, argv, &path);

	if (!err && path)
		err = nuse_config_load(&new, path, error);
	while (!err && (err = next_option(&p, argc, argv, &i, &option)) > 0)
		err = take_option(&p, &option);
	if (err) {
		nuse_config_free(&new);
		return err;
	}
	*config = new;
	return i;
}
