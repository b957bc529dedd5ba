// SPDX-License-Identifier: GPL-2.0
/* posix.c - the calls that programs make most, in the shape libc gives them */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include "instance.h"

static long result(long ret)
{
	if (likely(ret >= 0 || ret < -4095))
		return ret;
	errno = -ret;
	return -1;
}

#define CALL6(l, nr, a, b, c, d, e, f, ...) \
	result(call(l, nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))
#define CALL(l, name, ...) CALL6(l, SYS_##name, __VA_ARGS__, 0, 0, 0, 0, 0, 0)

int libos_socket(struct libos *l, int domain, int type, int protocol)
{
	return CALL(l, socket, domain, type, protocol);
}

int libos_bind(struct libos *l, int fd, const struct sockaddr *addr, socklen_t len)
{
	return CALL(l, bind, fd, addr, len);
}

int libos_connect(struct libos *l, int fd, const struct sockaddr *addr, socklen_t len)
{
	return CALL(l, connect, fd, addr, len);
}

int libos_listen(struct libos *l, int fd, int backlog)
{
	return CALL(l, listen, fd, backlog);
}

int libos_accept4(struct libos *l, int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	return CALL(l, accept4, fd, addr, len, flags);
}

int libos_getsockname(struct libos *l, int fd, struct sockaddr *addr, socklen_t *len)
{
	return CALL(l, getsockname, fd, addr, len);
}

int libos_getpeername(struct libos *l, int fd, struct sockaddr *addr, socklen_t *len)
{
	return CALL(l, getpeername, fd, addr, len);
}

int libos_setsockopt(struct libos *l, int fd, int level, int name, const void *value,
		     socklen_t len)
{
	return CALL(l, setsockopt, fd, level, name, value, len);
}

int libos_getsockopt(struct libos *l, int fd, int level, int name, void *value,
		     socklen_t *len)
{
	return CALL(l, getsockopt, fd, level, name, value, len);
}

int libos_shutdown(struct libos *l, int fd, int how)
{
	return CALL(l, shutdown, fd, how);
}

ssize_t libos_send(struct libos *l, int fd, const void *buf, size_t len, int flags)
{
	return CALL(l, sendto, fd, buf, len, flags, NULL, 0);
}

ssize_t libos_recv(struct libos *l, int fd, void *buf, size_t len, int flags)
{
	return CALL(l, recvfrom, fd, buf, len, flags, NULL, NULL);
}

ssize_t libos_sendto(struct libos *l, int fd, const void *buf, size_t len, int flags,
		     const struct sockaddr *addr, socklen_t addrlen)
{
	return CALL(l, sendto, fd, buf, len, flags, addr, addrlen);
}

ssize_t libos_recvfrom(struct libos *l, int fd, void *buf, size_t len, int flags,
		       struct sockaddr *addr, socklen_t *addrlen)
{
	return CALL(l, recvfrom, fd, buf, len, flags, addr, addrlen);
}

ssize_t libos_sendmsg(struct libos *l, int fd, const struct msghdr *msg, int flags)
{
	return CALL(l, sendmsg, fd, msg, flags);
}

ssize_t libos_recvmsg(struct libos *l, int fd, struct msghdr *msg, int flags)
{
	return CALL(l, recvmsg, fd, msg, flags);
}

int libos_sendmmsg(struct libos *l, int fd, struct mmsghdr *msgs, unsigned int nr, int flags)
{
	return CALL(l, sendmmsg, fd, msgs, nr, flags);
}

int libos_recvmmsg(struct libos *l, int fd, struct mmsghdr *msgs, unsigned int nr, int flags,
		   struct timespec *timeout)
{
	return CALL(l, recvmmsg, fd, msgs, nr, flags, timeout);
}

int libos_open_file(struct libos *l, const char *path, int flags, mode_t mode)
{
	return CALL(l, openat, AT_FDCWD, path, flags, mode);
}

int libos_close_fd(struct libos *l, int fd)
{
	return CALL(l, close, fd);
}

ssize_t libos_read(struct libos *l, int fd, void *buf, size_t len)
{
	return CALL(l, read, fd, buf, len);
}

ssize_t libos_write(struct libos *l, int fd, const void *buf, size_t len)
{
	return CALL(l, write, fd, buf, len);
}

ssize_t libos_readv(struct libos *l, int fd, const struct iovec *iov, int nr)
{
	return CALL(l, readv, fd, iov, nr);
}

ssize_t libos_writev(struct libos *l, int fd, const struct iovec *iov, int nr)
{
	return CALL(l, writev, fd, iov, nr);
}

int libos_ioctl(struct libos *l, int fd, unsigned long request, void *arg)
{
	return CALL(l, ioctl, fd, request, arg);
}

int libos_fcntl(struct libos *l, int fd, int cmd, long arg)
{
	return CALL(l, fcntl, fd, cmd, arg);
}

int libos_poll(struct libos *l, struct pollfd *fds, nfds_t nr, int timeout_ms)
{
	return CALL(l, poll, fds, nr, timeout_ms);
}

int libos_epoll_create1(struct libos *l, int flags)
{
	return CALL(l, epoll_create1, flags);
}

int libos_epoll_ctl(struct libos *l, int epfd, int op, int fd, struct epoll_event *event)
{
	return CALL(l, epoll_ctl, epfd, op, fd, event);
}

int libos_epoll_wait(struct libos *l, int epfd, struct epoll_event *events, int max,
		     int timeout_ms)
{
	return CALL(l, epoll_wait, epfd, events, max, timeout_ms);
}

int libos_unshare(struct libos *l, int flags)
{
	return CALL(l, unshare, flags);
}

int libos_setns(struct libos *l, int fd, int type)
{
	return CALL(l, setns, fd, type);
}

int libos_nanosleep(struct libos *l, const struct timespec *duration, struct timespec *rest)
{
	return CALL(l, nanosleep, duration, rest);
}
