// SPDX-License-Identifier: GPL-2.0
/*
 * scm.c - library descriptors in messages of AF_UNIX sockets, which are the host's.
 *
 * In the message, a fresh socket of the host (a carrier) stands for the library
 * descriptor, whose file is held in transit (transit.h). Its abstract name says
 * which. The receiver puts what the name says in its place. A file stays in transit
 * until nobody has its carrier any more, neither a process nor a message on its way:
 * then the name is free again. That is looked at when another is sent or taken.
 *
 * An epoll is one of the host, too (epoll.c). That one goes with the carrier, in a
 * message which the carrier has sent itself and which is only ever looked at.
 *
 * A message without descriptors costs a look at the length of its control data.
 */
#include "core.h"
#include <sys/socket.h>
#include <sys/un.h>
#include "../transit.h"

#define MAX_RIGHTS	253		/* the host's limit for a message */
#define SMALL_CONTROL	1104		/* which fit in this */
#define MAX_CONTROL	65536

struct name {
	sa_family_t family;
	char magic[6];			/* begins with a NUL */
	uint64_t cookie;
};

#define MAGIC	"\0nuse"

static void host_close(long fd)
{
	host_call(__NR_close, fd, 0, 0, 0, 0, 0);
}

/* A socket of that name; -EADDRINUSE: there is one */
static long carrier_new(uint64_t cookie)
{
	struct name name = { AF_UNIX, MAGIC, cookie };
	long fd = host_call(__NR_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0, 0), err;

	if (fd < 0)
		return fd;
	err = host_call(__NR_bind, fd, &name, sizeof(name), 0, 0, 0);
	if (!err)
		return fd;
	host_close(fd);
	return err;
}

/* A message with one descriptor; @fd is out when it has been received. */
struct single {
	struct msghdr msg;
	struct iovec iov;
	char byte;
	struct {
		struct cmsghdr head;
		int fd;
	} control;
};

static void single_init(struct single *single, int fd)
{
	*single = (struct single) {
		.iov = { &single->byte, 1 },
		.msg = {
			.msg_iov = &single->iov, .msg_iovlen = 1,
			.msg_control = &single->control,
			.msg_controllen = sizeof(single->control),
		},
		.control = { { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS }, fd },
	};
}

static long carrier_load(int carrier, uint64_t cookie, int epoll)
{
	struct name name = { AF_UNIX, MAGIC, cookie };
	struct single single;
	long ret;

	single_init(&single, epoll);
	single.msg.msg_name = &name;
	single.msg.msg_namelen = sizeof(name);
	ret = host_call(__NR_sendmsg, carrier, &single.msg, MSG_DONTWAIT, 0, 0, 0);
	return ret < 0 ? ret : 0;
}

/* The epoll that goes with it; -EAGAIN: it is for something else */
static long carrier_look(int carrier)
{
	struct single single;
	long ret;

	single_init(&single, -1);
	ret = host_call(__NR_recvmsg, carrier, &single.msg,
			MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 0, 0, 0);
	if (ret < 0)
		return ret;
	return single.msg.msg_controllen ? single.control.fd : -EMFILE;
}

/* Lets go what has no carrier any more. */
static void collect(void)
{
	struct transit_call call = { 0 };
	uint32_t slot;
	long fd;

	for (slot = 0; slot < SHARE_TRANSITS; slot++) {
		call.cookie = share->transit.slots[slot].cookie;
		fd = call.cookie ? carrier_new(call.cookie) : -1;
		if (fd < 0)
			continue;
		self_do(transit_drop, 0, (long[6]) { (long)&call });
		host_close(fd);
	}
}

/* ---------------------------------------------------------------- control data */

/* Where the next header after that at @at is, or the end; only of what is whole */
static size_t next_header(const char *control, size_t len, size_t at)
{
	const struct cmsghdr *head = (void *)(control + at);

	if (head->cmsg_len < sizeof(*head) || head->cmsg_len > len - at)
		return len;
	return at + CMSG_ALIGN(head->cmsg_len);
}

/* Calls @fn for each descriptor in the control data, until it fails. */
static long each_right(char *control, size_t len, long (*fn)(int *fd, void *arg), void *arg)
{
	struct cmsghdr *head;
	size_t at, i, nr;
	long err = 0;

	for (at = 0; at + sizeof(*head) <= len; at = next_header(control, len, at)) {
		head = (void *)(control + at);
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
		    head->cmsg_len < sizeof(*head) || head->cmsg_len > len - at)
			continue;
		nr = (head->cmsg_len - sizeof(*head)) / sizeof(int);
		for (i = 0; i < nr && !err; i++)
			err = fn((int *)(head + 1) + i, arg);
	}
	return err;
}

/* A copy of the control data, in @small if it fits; NULL if it is none that we know */
static char *control_get(const struct msghdr *msg, char *small)
{
	size_t len = msg->msg_controllen;
	char *copy = len <= SMALL_CONTROL ? small : len <= MAX_CONTROL ? scratch_get(MAX_CONTROL) :
									 NULL;

	if (copy && len && !peek(copy, (long)msg->msg_control, len))
		return copy;
	if (copy && copy != small)
		scratch_put(copy, MAX_CONTROL);
	return NULL;
}

static void control_put(char *copy, const char *small)
{
	if (copy && copy != small)
		scratch_put(copy, MAX_CONTROL);
}

/* --------------------------------------------------------------------- sending */

struct carriers {
	unsigned int nr;
	int fds[MAX_RIGHTS];
};

static long count(int *fd, void *arg)
{
	if (fd_is_hidden(*fd))
		return -EBADF;
	*(unsigned int *)arg += fd_kind(*fd) != FD_HOST;
	return 0;
}

static long replace(int *fd, void *arg)
{
	struct carriers *carriers = arg;
	struct transit_call call = { .fd = *fd };
	long carrier, err;

	if (!fd_kind(*fd))
		return 0;
	if (carriers->nr == MAX_RIGHTS)
		return -EINVAL;
	host_call(__NR_getrandom, &call.cookie, sizeof(call.cookie), 0, 0, 0, 0);
	carrier = carrier_new(call.cookie);
	if (carrier < 0)
		return carrier;
	carriers->fds[carriers->nr++] = carrier;
	err = self_do(transit_put, 0, (long[6]) { (long)&call });
	if (!err && fd_kind(*fd) == FD_EPOLL) {
		err = carrier_load(carrier, call.cookie, *fd);
		fd_epoll_has(*fd, true, true);
	}
	*fd = carrier;
	return err;
}

/* Sends @msg with carriers in its control data, which is ours. */
static long send_carriers(const long args[6], struct msghdr *msg)
{
	struct carriers carriers = { 0 };
	long ret;

	collect();
	ret = each_right(msg->msg_control, msg->msg_controllen, replace, &carriers);
	if (!ret)
		ret = host_pass(__NR_sendmsg, (long[6]) { args[0], (long)msg, args[2] });
	while (carriers.nr)
		host_close(carriers.fds[--carriers.nr]);
	collect();			/* it may have been received before that */
	return ret;
}

static bool has_control(long msg)
{
	size_t len;

	return !peek(&len, msg + offsetof(struct msghdr, msg_controllen), sizeof(len)) && len;
}

static long send_one(const long args[6])
{
	char small[SMALL_CONTROL] __attribute__((aligned(8)));
	unsigned int nr = 0;
	struct msghdr msg;
	char *control;
	long ret = 0;

	if (peek(&msg, args[1], sizeof(msg)))
		return -EFAULT;
	control = control_get(&msg, small);
	if (control)
		ret = each_right(control, msg.msg_controllen, count, &nr);
	if (nr && !ret) {
		msg.msg_control = control;
		ret = send_carriers(args, &msg);
	} else if (!ret) {
		ret = host_pass(__NR_sendmsg, args);
	}
	control_put(control, small);
	return ret;
}

long scm_sendmsg(long nr, const long args[6])
{
	if (fd_kind(args[0]))
		return netlink_sendmsg(nr, args);
	return has_control(args[1]) ? send_one(args) : fd_on_host(nr, args);
}

/* Those with control data go one by one. */
long scm_sendmmsg(long nr, const long args[6])
{
	const size_t size = sizeof(struct mmsghdr);
	unsigned int vlen = args[2] > 1024 ? 1024 : args[2], i, len;
	bool any = false;
	long ret;

	if (fd_kind(args[0]))
		return self_call(nr, args, NULL);
	for (i = 0; i < vlen && !any; i++)
		any = has_control(args[1] + i * size);
	if (!any)
		return fd_on_host(nr, args);
	for (i = 0; i < vlen; i++) {
		ret = send_one((long[6]) { args[0], args[1] + i * size, args[3] });
		if (ret < 0)
			return i ?: ret;
		len = ret;
		if (poke(args[1] + i * size + offsetof(struct mmsghdr, msg_len), &len, sizeof(len)))
			return -EFAULT;
	}
	return i;
}

/* ------------------------------------------------------------------- receiving */

/* What came with a message */
struct arrival {
	int flags;
	bool any;
};

/* At the host, in place of the carrier. Nobody knows what an epoll has. */
static void become(int fd, long epoll, int flags)
{
	host_call(__NR_dup3, epoll < 0 ? own_fd(FD_PLACEHOLDER) : epoll, fd, flags, 0, 0, 0);
	fd_mark(fd, epoll < 0 ? FD_LIBRARY : FD_EPOLL);
	if (epoll >= 0)
		fd_epoll_has(fd, true, true);
}

/* Is it a carrier? Then the library descriptor takes its number. */
static long take(int *fd, void *arg)
{
	struct arrival *arrival = arg;
	struct transit_call call = { .fd = *fd, .flags = arrival->flags };
	struct name name;
	int len = sizeof(name);
	long epoll;

	if (host_call(__NR_getsockname, *fd, &name, &len, 0, 0, 0) || len != sizeof(name) ||
	    name.family != AF_UNIX || __builtin_memcmp(name.magic, MAGIC, sizeof(name.magic)) ||
	    *fd >= SHARE_FDS)
		return 0;
	call.cookie = name.cookie;
	epoll = carrier_look(*fd);
	if (epoll != -EMFILE && !self_do(transit_take, 0, (long[6]) { (long)&call })) {
		become(*fd, epoll, arrival->flags);
		arrival->any = true;
	}
	if (epoll >= 0)
		host_close(epoll);
	return 0;
}

static void receive(long at, long flags)
{
	struct arrival arrival = { .flags = flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0 };
	char small[SMALL_CONTROL] __attribute__((aligned(8)));
	struct msghdr msg;
	char *control;

	if (peek(&msg, at, sizeof(msg)))
		return;
	control = control_get(&msg, small);
	if (control)
		each_right(control, msg.msg_controllen, take, &arrival);
	control_put(control, small);
	if (arrival.any)
		collect();
}

long scm_recvmsg(long nr, const long args[6])
{
	long ret;

	if (fd_kind(args[0]))
		return self_call(nr, args, NULL);
	ret = fd_on_host(nr, args);
	if (ret >= 0 && has_control(args[1]))
		receive(args[1], args[2]);
	return ret;
}

long scm_recvmmsg(long nr, const long args[6])
{
	const size_t size = sizeof(struct mmsghdr);
	long ret, i;

	if (fd_kind(args[0]))
		return self_call(nr, args, NULL);
	ret = fd_on_host(nr, args);
	for (i = 0; i < ret; i++)
		if (has_control(args[1] + i * size))
			receive(args[1] + i * size, args[3]);
	return ret;
}
