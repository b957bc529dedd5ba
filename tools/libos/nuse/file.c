// SPDX-License-Identifier: GPL-2.0
/*
 * file.c - the grammar of nuse.conf, that of 2015 and what was added:
 *
 *	file      := { stanza | line }
 *	stanza    := "interface" NAME { line } | "route" [anything] { line }
 *	line      := KEY VALUE
 *
 * A blank line, the next stanza or a general key ends a stanza. "#" begins a
 * comment where a word could begin; a line that is nothing else is not blank.
 * What has no meaning is refused (2015 ignored it).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parse.h"

#define MAX_FILE	(1 << 20)
#define BLANKS		" \t\r\f\v"

/* Cuts a comment off; whether there was one */
static bool cut_comment(char *line)
{
	char *at = line;

	while ((at = strchr(at, '#'))) {
		if (at == line || strchr(BLANKS, at[-1])) {
			*at = 0;
			return true;
		}
		at++;
	}
	return false;
}

static void cut_blanks(char *line)
{
	size_t len = strlen(line);

	while (len && strchr(BLANKS, line[len - 1]))
		line[--len] = 0;
}

static int unknown_key(struct parse *p, enum scope scope, const char *key)
{
	char list[NUSE_LINE], expected[NUSE_LINE];

	if (scope == GENERAL && (key_exists(INTERFACE, key) || key_exists(ROUTE, key)))
		return refuse(p, "an interface or a route right above",
			      "\"%s\" stands in no stanza", key);
	if (scope != GENERAL)
		return key_set(p, scope, key, "");
	snprintf(expected, sizeof(expected), "interface, route, %s", key_list(GENERAL, list));
	return refuse(p, expected, "\"%.60s\" is no key", key);
}

/* @key and @value of a line; what fits into the open stanza is its own. */
static int take(struct parse *p, const char *key, const char *value)
{
	enum scope scope = p->scope;
	int err;

	if (scope != GENERAL && key_exists(scope, key))
		return key_set(p, scope, key, value);
	if (!strcmp(key, "interface"))
		return stanza_end(p) ?: interface_begin(p, value);
	if (!strcmp(key, "route"))
		return stanza_end(p) ?: route_begin(p);
	if (!key_exists(GENERAL, key))
		return unknown_key(p, scope, key);
	err = stanza_end(p);
	return err ?: key_set(p, GENERAL, key, value);
}

static int take_line(struct parse *p, char *line)
{
	bool comment = cut_comment(line);
	char *key = line + strspn(line, BLANKS), *value;

	cut_blanks(key);
	if (!*key)
		return comment ? 0 : stanza_end(p);
	value = key + strcspn(key, BLANKS);
	if (*value)
		*value++ = 0;
	return take(p, key, value + strspn(value, BLANKS));
}

int parse_file(struct parse *p, char *text, size_t len)
{
	char *line, *next, *end = text + len;
	int err = 0;

	for (line = text; line < end && !err; line = next) {
		p->line++;
		next = memchr(line, '\n', end - line) ?: end;
		*next++ = 0;
		if (strlen(line) != (size_t)(next - line - 1))
			return refuse(p, "text", "there is a byte of value 0");
		err = take_line(p, line);
	}
	return err ?: stanza_end(p);
}

int nuse_config_parse(struct nuse_config *config, const char *name, const char *text,
		      size_t len, char *error)
{
	struct nuse_config new = { 0 };
	struct parse p = { .config = &new, .source = name, .error = error };
	char *copy = malloc(len + 1);
	int err;

	if (!copy)
		return refuse_memory(&p);
	memcpy(copy, text, len);
	copy[len] = 0;
	if (copy[strspn(copy, BLANKS "\n")] == '{')
		err = parse_json(&p, copy, len);
	else
		err = parse_file(&p, copy, len);
	free(copy);
	if (err)
		nuse_config_free(&new);
	else
		*config = new;
	return err;
}

static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while (len < size) {
		got = read(fd, text + len, size - len);
		if (got < 0)
			return -errno;
		if (!got)
			break;
		len += got;
	}
	return len;
}

int nuse_config_load(struct nuse_config *config, const char *path, char *error)
{
	struct parse p = { .source = path, .error = error };
	char *text = malloc(MAX_FILE + 1);
	ssize_t len;
	int fd, err;

	if (!text)
		return refuse_memory(&p);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -errno : read_all(fd, text, MAX_FILE + 1);
	if (fd >= 0)
		close(fd);
	if (len < 0) {
		refuse(&p, "a file that you may read", "%s", strerror(-len));
		err = len;
	} else if (len > MAX_FILE) {
		err = refuse(&p, "at most 1 MiB", "the file is too large");
	} else {
		err = nuse_config_parse(config, path, text, len, error);
	}
	free(text);
	return err;
}
