// SPDX-License-Identifier: GPL-2.0
/* loop.c - see loop.h */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "loop.h"

static int epoll;

int loop_open(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	return epoll < 0 ? -errno : epoll;
}

int loop_add(struct source *source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, source->fd, &event) ? -errno : 0;
}

void loop_remove(struct source *source)
{
	epoll_ctl(epoll, EPOLL_CTL_DEL, source->fd, NULL);
	close(source->fd);
}

/* One at a time: what one source does may end another. */
void loop_serve(void)
{
	struct epoll_event event;
	struct source *source;

	while (epoll_wait(epoll, &event, 1, 0) == 1) {
		source = event.data.ptr;
		source->ready(source);
	}
}
