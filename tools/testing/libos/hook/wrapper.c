// SPDX-License-Identifier: GPL-2.0
/* wrapper.c - another preloaded library, which has a connect() and a read() of its own */
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core.h"

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");

	if (fd != FD_SEEN)
		return next(fd, address, len);
	errno = EPROTO;
	return -1;
}

ssize_t read(int fd, void *buf, size_t size)
{
	ssize_t (*next)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");

	return next(fd == FD_LAST + 1 ? FD_AGAIN : fd, buf, size);
}
