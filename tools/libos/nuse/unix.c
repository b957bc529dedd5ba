// SPDX-License-Identifier: GPL-2.0
/*
 * unix.c - see unix.h
 *
 * Who is about to listen at a path holds a lock on its directory, from the look
 * whether somebody does to listen(): of two that come at once, one is first.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unix.h"

#define BACKLOG	64

static int address(struct sockaddr_un *sun, const char *path)
{
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= UNIX_PATH)
		return -ENAMETOOLONG;
	strcpy(sun->sun_path, path);
	return 0;
}

static int on_address(const char *path, int (*what)(int fd, const struct sockaddr *sa,
						    socklen_t len))
{
	struct sockaddr_un sun;
	int fd, err = address(&sun, path);

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!what(fd, (struct sockaddr *)&sun, sizeof(sun)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int unix_dial(const char *path)
{
	return on_address(path, connect);
}

static int bind_and_listen(int fd, const struct sockaddr *sa, socklen_t len)
{
	return bind(fd, sa, len) ?: listen(fd, BACKLOG);
}

static bool is_our_socket(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISSOCK(st.st_mode) && st.st_uid == geteuid();
}

/* With the directory locked */
static int meet(const char *path, bool *first)
{
	int fd = unix_dial(path);

	*first = fd == -ENOENT || fd == -ECONNREFUSED;
	if (!*first)
		return fd;
	if (fd == -ECONNREFUSED && is_our_socket(path))
		unlink(path);
	return on_address(path, bind_and_listen);
}

int unix_meet(const char *path, bool *first)
{
	char copy[UNIX_PATH];
	int lock, fd;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	lock = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX)) {
		fd = -errno;
		if (lock >= 0)
			close(lock);
		return fd;
	}
	fd = meet(path, first);
	close(lock);
	return fd;
}

pid_t unix_peer(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return -errno;
	return !cred.uid || cred.uid == geteuid() ? cred.pid : -EPERM;
}

union control {
	struct cmsghdr hdr;
	char room[CMSG_SPACE(UNIX_FDS * sizeof(int))];
};

int unix_send(int fd, const void *data, size_t len, const int *fds, unsigned int nr)
{
	struct iovec iov = { (void *)data, len };
	union control control = {
		.hdr = {
			.cmsg_len = CMSG_LEN(nr * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = nr ? &control : NULL,
		.msg_controllen = nr ? CMSG_SPACE(nr * sizeof(int)) : 0,
	};

	memcpy(CMSG_DATA(&control.hdr), fds, nr * sizeof(int));
	return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

ssize_t unix_receive(int fd, void *data, size_t size, int *fds, unsigned int *nr)
{
	struct iovec iov = { data, size };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *hdr;
	ssize_t len;

	*nr = 0;
	do
		len = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	hdr = CMSG_FIRSTHDR(&msg);
	if (hdr && hdr->cmsg_level == SOL_SOCKET && hdr->cmsg_type == SCM_RIGHTS) {
		*nr = (hdr->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(hdr), *nr * sizeof(int));
	}
	return msg.msg_flags & MSG_CTRUNC ? -EMFILE : len;
}
