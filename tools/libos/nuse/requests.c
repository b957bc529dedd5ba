// SPDX-License-Identifier: GPL-2.0
/* requests.c - see requests.h */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../lib/error.h"
#include "inventory.h"
#include "loop.h"
#include "processes.h"
#include "requests.h"
#include "share.h"
#include "shared.h"

static const struct facts *facts;
static void (*end_instance)(void);
static struct control_answer answer;

static void list(void)
{
	struct timespec now;
	int len;

	clock_gettime(CLOCK_MONOTONIC, &now);
	len = snprintf(answer.text, sizeof(answer.text), "%s\t%d\t%u\t%lld\t",
		       share->kernel.release, getpid(), processes_count(),
		       (long long)(now.tv_sec - facts->start.tv_sec));
	inventory(facts->instance, answer.text + len, sizeof(answer.text) - len);
	if (share->dead)
		snprintf(answer.text + len, sizeof(answer.text) - len, "dead: %.127s",
			 share->reason);
}

static void show_log(void)
{
	answer.text[shared_console(answer.text, sizeof(answer.text) - 1)] = 0;
}

static void __attribute__((format(printf, 2, 3))) refuse(int err, const char *fmt, ...)
{
	va_list ap;

	answer.err = -err;
	va_start(ap, fmt);
	vsnprintf(answer.text, sizeof(answer.text), fmt, ap);
	va_end(ap);
}

/* The pid is that of the command, which will be the program. */
static void take_in(int fd)
{
	pid_t pid = unix_peer(fd);
	int err;

	if (share->dead)
		return refuse(EOWNERDEAD, "instance %s is dead: %.127s", facts->name, share->reason);
	if (facts->ending)
		return refuse(EOWNERDEAD, "instance %s is about to end", facts->name);
	if (!pid)
		return refuse(EPERM, "the keeper of %s is in another pid namespace", facts->name);
	err = processes_add(pid);
	if (err)
		refuse(-err, "the keeper of %s cannot watch process %d: %s", facts->name, pid,
		       strerror(-err));
}

static void begin_answer(void)
{
	memset(&answer, 0, offsetof(struct control_answer, text) + 1);
	answer.fd_base = share->fd_base;
	answer.pid = getpid();
	memcpy(answer.name, facts->name, sizeof(answer.name));
}

_Static_assert(NR_OWN_FDS <= UNIX_FDS, "all hidden descriptors go into one message");

static unsigned int add_fds(int *fds, unsigned int nr, unsigned int which, unsigned int count)
{
	for (; count; count--, nr++, which++) {
		fds[nr] = own_fd(which);
		answer.which[nr] = which;
	}
	return nr;
}

/* With the descriptors of the instance, if it is for a process of it */
static int send_answer(int fd, bool member)
{
	int fds[UNIX_FDS];
	unsigned int nr = 0;

	if (member && !answer.err) {
		nr = add_fds(fds, nr, 0, FD_DEVICE + share->nr_devices);
		nr = add_fds(fds, nr, FD_CAPTURE, share->nr_captures);
		nr = add_fds(fds, nr, FD_RESOLV_CONF, *share->resolv_conf != 0);
	}
	return unix_send(fd, &answer, control_answer_size(&answer), fds, nr);
}

static int answer_request(int fd)
{
	enum control_request request;

	if (recv(fd, &request, sizeof(request), MSG_DONTWAIT) != sizeof(request))
		return -EPIPE;
	begin_answer();
	switch (request) {
	case CONTROL_JOIN:
		take_in(fd);
		break;
	case CONTROL_LIST:
		list();
		break;
	case CONTROL_LOG:
		show_log();
		break;
	case CONTROL_REMOVE:
		end_instance();
		break;
	default:
		refuse(EINVAL, "instance %s is of another version of nuse", facts->name);
	}
	return send_answer(fd, request == CONTROL_JOIN);
}

static void asked(struct source *source)
{
	if (!answer_request(source->fd))
		return;
	loop_remove(source);
	free(source);
}

static void knocked(struct source *door)
{
	struct source *source;
	int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	source = unix_peer(fd) >= 0 ? calloc(1, sizeof(*source)) : NULL;
	if (source)
		*source = (struct source) { .fd = fd, .ready = asked };
	if (!source || loop_add(source)) {
		close(fd);
		free(source);
	}
}

int requests_serve(int fd, const struct facts *of, void (*end)(void))
{
	static struct source door;

	facts = of;
	end_instance = end;
	door = (struct source) { .fd = fd, .ready = knocked };
	return loop_add(&door);
}

int requests_report(int fd, const struct facts *of, int err)
{
	facts = of;
	if (err)
		refuse(-err, "%s", libos_error());
	else
		begin_answer();
	return send_answer(fd, true) ?: err;
}
