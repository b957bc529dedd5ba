// SPDX-License-Identifier: GPL-2.0
/*
 * socket.c - whose a new socket is: the stack's, unless its family has to do
 * with this machine and not with a network, or with a subsystem that is not the
 * network's.
 */
#include "core.h"
#include <linux/bpf.h>
#include <linux/kcm.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/socket.h>
/* needs those before it */
#include <linux/sctp.h>

static bool is_ours(int family, int protocol)
{
	switch (family) {
	case AF_UNIX:
	case AF_ALG:
	case AF_VSOCK:
	case AF_BLUETOOTH:
	case AF_NFC:
	case AF_QIPCRTR:
		return false;
	case AF_NETLINK:
		return protocol != NETLINK_AUDIT && protocol != NETLINK_SELINUX &&
		       protocol != NETLINK_CONNECTOR && protocol != NETLINK_KOBJECT_UEVENT;
	}
	return true;
}

static bool cloexec(int type)
{
	return type & SOCK_CLOEXEC;
}

/* Two descriptors, in the program's memory: each gets its number at the host. */
static long make_pair(const long args[6])
{
	bool exec = cloexec(args[1]);
	int pair[2], i;
	long ret, fds[2];

	ret = self_make(__NR_socketpair, (long[6]) { args[0], args[1], args[2], (long)pair },
			share->fd_base);
	if (ret < 0)
		return ret;
	for (i = 0; i < 2; i++) {
		fds[i] = fd_make(__NR_fcntl, (long[6]) { pair[i], exec ? F_DUPFD_CLOEXEC : F_DUPFD },
				 exec);
		lib_call(__NR_close, pair[i]);
		pair[i] = fds[i];
		ret = fds[i] < 0 ? fds[i] : ret;
	}
	ret = ret ?: poke(args[3], pair, sizeof(pair));
	for (i = 0; ret && i < 2; i++)
		if (fds[i] >= 0)
			fd_close(__NR_close, (long[6]) { fds[i] });
	return ret;
}

long socket_make(long nr, const long args[6])
{
	if (!is_ours(args[0], args[2]))
		return to_host(nr, args);
	return nr == __NR_socket ? fd_make(nr, args, cloexec(args[1])) : make_pair(args);
}

long socket_accept(long nr, const long args[6])
{
	if (!fd_kind(args[0]))
		return fd_on_host(nr, args);
	return fd_make(nr, args, nr == __NR_accept4 && cloexec(args[3]));
}

/*
 * Interfaces are the instance's, and any socket may be asked for them: libc's
 * if_nametoindex() takes one of AF_UNIX.
 */
bool socket_asks(const long args[6])
{
	unsigned int request = args[1];
	socklen_t len = sizeof(int);
	int domain;

	return request >= SIOCGIFNAME && request < SIOCDEVPRIVATE + 16 &&
	       (request < SIOCPROTOPRIVATE || request >= SIOCDEVPRIVATE) &&
	       !fd_is_hidden(args[0]) &&
	       !host_call(__NR_getsockopt, args[0], SOL_SOCKET, SO_DOMAIN, &domain, &len, 0);
}

long socket_ask(long nr, const long args[6])
{
	long fd = self_make(__NR_socket, (long[6]) { AF_UNIX, SOCK_DGRAM }, share->fd_base);
	const long ask[6] = { fd, args[1], args[2] };
	long ret;

	if (fd < 0)
		return fd;
	if ((unsigned int)args[1] == SIOCGSKNS)
		ret = fd_make(nr, ask, true);
	else
		ret = self_call(nr, ask, NULL);
	lib_call(__NR_close, fd);
	return ret;
}

/* An association of SCTP becomes a socket of its own, whose number is the result. */
long socket_getsockopt(long nr, const long args[6])
{
	sctp_peeloff_flags_arg_t peeloff = { 0 };

	if (!fd_kind(args[0]) || args[1] != IPPROTO_SCTP)
		return fd_call(nr, args);
	switch ((int)args[2]) {
	case SCTP_SOCKOPT_PEELOFF_FLAGS:
		peek(&peeloff, args[3], sizeof(peeloff));
		return fd_make(nr, args, cloexec(peeloff.flags));
	case SCTP_SOCKOPT_PEELOFF:
		return fd_make(nr, args, false);
	}
	return self_call(nr, args, NULL);
}

/* The number is in the program's memory, and gets that of the host there. */
long socket_clone(long nr, const long args[6])
{
	int domain = 0;
	socklen_t len = sizeof(domain);
	struct kcm_clone clone;
	long fd, ret;

	lib_call(__NR_getsockopt, args[0], SOL_SOCKET, SO_DOMAIN, (long)&domain, (long)&len);
	if (domain != AF_KCM)
		return self_call(nr, args, NULL);
	ret = self_make(nr, (long[6]) { args[0], args[1], (long)&clone }, share->fd_base);
	if (ret < 0)
		return ret;
	fd = fd_make(__NR_fcntl, (long[6]) { clone.fd, F_DUPFD }, false);
	lib_call(__NR_close, clone.fd);
	if (fd < 0)
		return fd;
	clone.fd = fd;
	return poke(args[2], &clone, sizeof(clone));
}

/* Programs and maps are for the stack's packets. */
long socket_bpf(long nr, const long args[6])
{
	switch (args[0]) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_OBJ_GET:
	case BPF_PROG_GET_FD_BY_ID:
	case BPF_MAP_GET_FD_BY_ID:
	case BPF_RAW_TRACEPOINT_OPEN:
	case BPF_BTF_LOAD:
	case BPF_BTF_GET_FD_BY_ID:
	case BPF_LINK_CREATE:
	case BPF_LINK_GET_FD_BY_ID:
	case BPF_ENABLE_STATS:
	case BPF_ITER_CREATE:
		return fd_make(nr, args, true);
	}
	return self_call(nr, args, NULL);
}
