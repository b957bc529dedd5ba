// SPDX-License-Identifier: GPL-2.0
/* control.c - see control.h */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include "../lib/error.h"
#include "control.h"

#define SOCK		".sock"
#define PATIENCE	10	/* seconds for an answer */

/* --------------------------------------------------------------- directory */

static bool is_ours(const char *path, mode_t mask)
{
	struct stat st;

	return !lstat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & mask);
}

/* The first of these that can be had; the same one at each time. */
static int find_directory(char *dir, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (runtime && *runtime == '/' && is_ours(runtime, 0022) && !access(runtime, W_OK))
		return snprintf(dir, size, "%s/nuse", runtime);
	if (!geteuid() && !access("/run", W_OK))
		return snprintf(dir, size, "/run/nuse");
	return snprintf(dir, size, "/tmp/nuse-%u", geteuid());
}

static const char *directory(void)
{
	static char dir[UNIX_PATH];

	if (*dir)
		return dir;
	if (find_directory(dir, sizeof(dir)) >= (int)sizeof(dir)) {
		fail(ENAMETOOLONG, "XDG_RUNTIME_DIR is too long for sockets: %.40s...", dir);
	} else if (mkdir(dir, 0700) && errno != EEXIST) {
		fail(errno, "cannot make the directory %s: %s", dir, strerror(errno));
	} else if (!is_ours(dir, 0077)) {
		fail(EPERM, "%s is no directory of this user alone: remove it, or chmod 700", dir);
	} else {
		return dir;
	}
	*dir = 0;
	return NULL;
}

int control_path(char path[UNIX_PATH], const char *name, const char *suffix)
{
	const char *dir = directory();

	if (!dir)
		return -EPERM;
	if (snprintf(path, UNIX_PATH, "%s/%s%s", dir, name, suffix) >= (int)UNIX_PATH)
		return fail(ENAMETOOLONG, "the path of %s in %s is too long: at most %zu characters",
			    name, dir, UNIX_PATH - 1);
	return 0;
}

/* ------------------------------------------------------------------- names */

/* -EEXIST: somebody has it. */
static int claim(const char *name)
{
	char path[UNIX_PATH];
	bool first;
	int fd, err = control_path(path, name, SOCK);

	if (err)
		return err;
	fd = unix_meet(path, &first);
	if (fd >= 0 && !first) {
		close(fd);
		return fail(EEXIST, "the name %s is in use: join that instance, end it with nuse rm %s, or use another name",
			    name, name);
	}
	return fd < 0 ? fail(-fd, "cannot listen at %s: %s", path, strerror(-fd)) : fd;
}

/* Who has it may be about to end, as the instance of a program that has just ended. */
static int claim_patiently(const char *name)
{
	int tries = ENDING_MS / 10, fd;

	while ((fd = claim(name)) == -EEXIST && tries--)
		usleep(10000);
	return fd;
}

/* What a program's path ends in, of characters that a name may have */
static void name_of_program(char *name, size_t size, const char *program)
{
	const char *base = program ? strrchr(program, '/') : NULL;
	size_t i;

	snprintf(name, size, "%s", base ? base + 1 : program ?: "nuse");
	for (i = 0; name[i]; i++)
		if (!isalnum((unsigned char)name[i]) && (!i || !strchr("._-", name[i])))
			name[i] = i ? '-' : 'x';
}

int control_claim(char name[CONTROL_NAME], const char *program)
{
	char stem[CONTROL_NAME - 6];
	unsigned int nr;
	int fd;

	if (*name)
		return claim_patiently(name);
	name_of_program(stem, sizeof(stem), program);
	for (nr = 1; nr < 10000; nr++) {
		snprintf(name, CONTROL_NAME, "%s-%u", stem, nr);
		fd = claim(name);
		if (fd != -EEXIST)
			return fd;
	}
	return fail(EEXIST, "there are too many instances named %s", stem);
}

int control_dial(const char *name)
{
	const struct timeval limit = { .tv_sec = PATIENCE };
	char path[UNIX_PATH];
	int fd, err = control_path(path, name, SOCK);

	if (err)
		return err;
	fd = unix_dial(path);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return fail(ENOENT, "there is no instance %s: see nuse ls", name);
	if (fd < 0)
		return fail(-fd, "cannot talk to instance %s: %s", name, strerror(-fd));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

/* Its name if it is the socket of an instance that lives, else ""; what is left of others goes. */
static void name_of_socket(char name[CONTROL_NAME], const char *file)
{
	size_t len = strlen(file), suffix = strlen(SOCK);
	char path[UNIX_PATH];
	bool first;
	int fd;

	*name = 0;
	if (len <= suffix || len - suffix >= CONTROL_NAME || strcmp(file + len - suffix, SOCK))
		return;
	snprintf(name, CONTROL_NAME, "%.*s", (int)(len - suffix), file);
	if (control_path(path, name, SOCK))
		return;
	fd = unix_meet(path, &first);
	if (fd >= 0 && first) {
		control_forget(name);
		*name = 0;
	}
	if (fd >= 0)
		close(fd);
}

int control_each(int (*fn)(const char *name))
{
	const char *dir = directory();
	char name[CONTROL_NAME];
	struct dirent **list;
	int nr, i, err = 0;

	if (!dir)
		return -EPERM;
	nr = scandir(dir, &list, NULL, alphasort);
	if (nr < 0)
		return fail(errno, "cannot read %s: %s", dir, strerror(errno));
	for (i = 0; i < nr; i++) {
		name_of_socket(name, list[i]->d_name);
		if (*name && !err)
			err = fn(name);
		free(list[i]);
	}
	free(list);
	return err;
}

void control_forget(const char *name)
{
	char path[UNIX_PATH];

	if (!control_path(path, name, SOCK))
		unlink(path);
}

/* ---------------------------------------------------------------- messages */

size_t control_answer_size(const struct control_answer *answer)
{
	return offsetof(struct control_answer, text) + strlen(answer->text) + 1;
}

int control_receive(int fd, struct control_answer *answer, int *fds, unsigned int *nr)
{
	ssize_t len = unix_receive(fd, answer, sizeof(*answer), fds, nr);

	if (len == -EMFILE)
		return fail(EMFILE, "the instance has more descriptors than this process may have: raise ulimit -Hn");
	if (len == -EAGAIN)
		return fail(ETIMEDOUT, "the keeper of the instance does not answer");
	if (len < (ssize_t)offsetof(struct control_answer, text) + 1)
		return fail(EPIPE, "the keeper of the instance has ended without a word");
	answer->text[sizeof(answer->text) - 1] = 0;
	return answer->err ? fail(-answer->err, "%s", answer->text) : 0;
}

int control_ask(int fd, enum control_request request, struct control_answer *answer, int *fds,
		unsigned int *nr)
{
	int err = unix_send(fd, &request, sizeof(request), NULL, 0);

	return err ? fail(-err, "the keeper of the instance does not listen: %s", strerror(-err)) :
		     control_receive(fd, answer, fds, nr);
}
