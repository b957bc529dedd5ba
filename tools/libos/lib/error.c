// SPDX-License-Identifier: GPL-2.0
/*
 * error.c - the text behind a negative errno: one line a thread, made where the
 * failure is understood and kept until the next one.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "error.h"
#include "libos.h"

#define TEXT_SIZE	512

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;

static void make_key(void)
{
	key_error = pthread_key_create(&key, free);
}

static char *text(void)
{
	char *line;

	pthread_once(&once, make_key);
	if (key_error)
		return NULL;
	line = pthread_getspecific(key);
	if (line)
		return line;
	line = calloc(1, TEXT_SIZE);
	if (line && pthread_setspecific(key, line)) {
		free(line);
		line = NULL;
	}
	return line;
}

int fail(int err, const char *fmt, ...)
{
	char *line = text();
	va_list ap;

	if (line) {
		va_start(ap, fmt);
		vsnprintf(line, TEXT_SIZE, fmt, ap);
		va_end(ap);
	}
	return -err;
}

const char *libos_error(void)
{
	const char *line = text();

	return line ? line : "out of memory";
}
