// SPDX-License-Identifier: GPL-2.0
/*
 * sockets.c - every socket family of the configuration opens, and those that
 * can talk to themselves do so over the instance's own loopback.
 */
#include "harness.h"
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/tcp.h>
#include <linux/tipc.h>
#include <linux/tls.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <sys/mman.h>
#include <sys/un.h>
#include "util.h"

#ifndef IPPROTO_SCTP
#define IPPROTO_SCTP	132
#endif
#ifndef SOL_TLS
#define SOL_TLS		282
#endif
#define SOL_DCCP	269
#define DCCP_SOCKOPT_SERVICE	2

FIXTURE(sockets) {
	struct libos *l;
};

FIXTURE_SETUP(sockets)
{
	self->l = boot(NULL);
	ASSERT_NE(NULL, self->l);
}

FIXTURE_TEARDOWN(sockets)
{
	EXPECT_EQ(0, libos_close(self->l));
}

static int stream_echo(struct libos *l, int protocol, const char *addr)
{
	int fd[2];

	return connection(l, l, protocol, addr, 7000, fd) ?:
	       echo(l, fd[0], l, fd[1], "Hello, stream!");
}

static int datagram_echo(struct libos *l, int protocol, const char *addr)
{
	struct sockaddr_storage ss = address(addr, 7001);
	int a = server(l, SOCK_DGRAM, protocol, addr, 7000), b;
	char buf[64];

	b = libos_socket(l, ss.ss_family, SOCK_DGRAM, protocol);
	if (a < 0 || b < 0 || libos_bind(l, b, (void *)&ss, address_len(&ss)) ||
	    libos_connect(l, a, (void *)&ss, address_len(&ss)))
		return complain("datagram: %s", strerror(errno));
	if (libos_send(l, a, "dgram", 6, 0) != 6 || libos_recv(l, b, buf, 64, 0) != 6)
		return complain("datagram: %s", strerror(errno));
	return strcmp(buf, "dgram");
}

TEST_F(sockets, tcp4)
{
	EXPECT_EQ(0, stream_echo(self->l, 0, "127.0.0.1"));
}

TEST_F(sockets, tcp6)
{
	EXPECT_EQ(0, stream_echo(self->l, 0, "::1"));
}

TEST_F(sockets, udp4)
{
	EXPECT_EQ(0, datagram_echo(self->l, 0, "127.0.0.1"));
}

TEST_F(sockets, udp6)
{
	EXPECT_EQ(0, datagram_echo(self->l, 0, "::1"));
}

TEST_F(sockets, udplite)
{
	EXPECT_EQ(0, datagram_echo(self->l, IPPROTO_UDPLITE, "127.0.0.1"));
	EXPECT_EQ(0, datagram_echo(self->l, IPPROTO_UDPLITE, "::1"));
}

TEST_F(sockets, sctp_stream)
{
	EXPECT_EQ(0, stream_echo(self->l, IPPROTO_SCTP, "127.0.0.1"));
	EXPECT_EQ(0, stream_echo(self->l, IPPROTO_SCTP, "::1"));
}

TEST_F(sockets, sctp_seqpacket)
{
	struct sockaddr_storage ss = address("127.0.0.1", 7000);
	int a = server(self->l, SOCK_SEQPACKET, IPPROTO_SCTP, "127.0.0.1", 7000);
	int b = libos_socket(self->l, AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
	char buf[64];

	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	ASSERT_EQ(6, libos_sendto(self->l, b, "many", 6, 0, (void *)&ss, address_len(&ss)));
	EXPECT_EQ(6, libos_recv(self->l, a, buf, sizeof(buf), 0));
}

TEST_F(sockets, mptcp)
{
	char buf[32];

	ASSERT_LT(0, libos_sysctl_get(self->l, "net.mptcp.enabled", buf, sizeof(buf)));
	EXPECT_STREQ("1", buf);
	EXPECT_EQ(0, stream_echo(self->l, IPPROTO_MPTCP, "127.0.0.1"));
	EXPECT_EQ(0, stream_echo(self->l, IPPROTO_MPTCP, "::1"));
	EXPECT_LT(0, counter(self->l, "MPTcpExt", "MPCapableSYNACKRX"));
}

TEST_F(sockets, dccp)
{
	struct sockaddr_storage ss = address("127.0.0.1", 7000);
	int a = libos_socket(self->l, AF_INET, SOCK_DCCP, IPPROTO_DCCP), b, c;

	ASSERT_LE(0, a);
	b = libos_socket(self->l, AF_INET, SOCK_DCCP, IPPROTO_DCCP);
	EXPECT_EQ(0, set_int(self->l, a, SOL_DCCP, DCCP_SOCKOPT_SERVICE, htonl(42)));
	EXPECT_EQ(0, set_int(self->l, b, SOL_DCCP, DCCP_SOCKOPT_SERVICE, htonl(42)));
	ASSERT_EQ(0, libos_bind(self->l, a, (void *)&ss, address_len(&ss)));
	ASSERT_EQ(0, libos_listen(self->l, a, 1));
	ASSERT_EQ(0, libos_connect(self->l, b, (void *)&ss, address_len(&ss)));
	c = libos_accept4(self->l, a, NULL, NULL, 0);
	ASSERT_LE(0, c);
	EXPECT_EQ(0, echo(self->l, b, self->l, c, "DCCP"));
}

TEST_F(sockets, raw_and_ping)
{
	EXPECT_LE(0, ping(self->l, "127.0.0.1", 1000));
	EXPECT_LE(0, ping(self->l, "::1", 1000));
}

TEST_F(sockets, ping_socket)
{
	struct sockaddr_storage ss = address("127.0.0.1", 0);
	uint8_t buf[64] = { 8 };
	int fd;

	ASSERT_OK(libos_sysctl_set(self->l, "net.ipv4.ping_group_range", "0 1000"));
	fd = libos_socket(self->l, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	ASSERT_LE(0, fd);
	ASSERT_EQ(64, libos_sendto(self->l, fd, buf, 64, 0, (void *)&ss, address_len(&ss)));
	ASSERT_EQ(64, libos_recv(self->l, fd, buf, 64, 0));
	EXPECT_EQ(0, buf[0]);
}

FIXTURE(unix_socket) {
	struct libos *l;
};

FIXTURE_VARIANT(unix_socket) {
	int type;
};

FIXTURE_VARIANT_ADD(unix_socket, stream) {
	.type = SOCK_STREAM,
};

FIXTURE_VARIANT_ADD(unix_socket, dgram) {
	.type = SOCK_DGRAM,
};

FIXTURE_VARIANT_ADD(unix_socket, seqpacket) {
	.type = SOCK_SEQPACKET,
};

FIXTURE_SETUP(unix_socket)
{
	self->l = boot(NULL);
	ASSERT_NE(NULL, self->l);
}

FIXTURE_TEARDOWN(unix_socket)
{
}

TEST_F(unix_socket, socketpair)
{
	int fd[2];

	ASSERT_EQ(0, libos_syscall(self->l, SYS_socketpair, AF_UNIX, variant->type, 0, fd));
	EXPECT_EQ(0, echo(self->l, fd[0], self->l, fd[1], "unix"));
}

TEST_F(unix_socket, named)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/socket" };
	int a = libos_socket(self->l, AF_UNIX, variant->type, 0), c = a;
	int b = libos_socket(self->l, AF_UNIX, variant->type, 0);
	char buf[8];

	ASSERT_EQ(0, libos_bind(self->l, a, (void *)&un, sizeof(un)));
	if (variant->type != SOCK_DGRAM)
		ASSERT_EQ(0, libos_listen(self->l, a, 1));
	ASSERT_EQ(0, libos_connect(self->l, b, (void *)&un, sizeof(un)));
	if (variant->type != SOCK_DGRAM)
		c = libos_accept4(self->l, a, NULL, NULL, 0);
	ASSERT_LE(0, c);
	ASSERT_EQ(5, libos_send(self->l, b, "name", 5, 0));
	EXPECT_EQ(5, libos_recv(self->l, c, buf, sizeof(buf), 0));
	EXPECT_STREQ("name", buf);
}

TEST_F(unix_socket, abstract)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "\0abstract" };
	int a = libos_socket(self->l, AF_UNIX, variant->type, 0);

	EXPECT_EQ(0, libos_bind(self->l, a, (void *)&un, sizeof(un)));
}

static ssize_t pass_fd(struct libos *l, int via, int fd)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr head; } control = {
		.head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS },
	};
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return libos_sendmsg(l, via, &msg, 0);
}

TEST_F(unix_socket, passes_descriptors)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr head; } control = { 0 };
	char byte, buf[8] = "";
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd[2], pipe[2], got;

	ASSERT_EQ(0, libos_syscall(self->l, SYS_socketpair, AF_UNIX, variant->type, 0, fd));
	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe2, pipe, 0));
	ASSERT_EQ(1, pass_fd(self->l, fd[0], pipe[1]));
	ASSERT_EQ(1, libos_recvmsg(self->l, fd[1], &msg, 0));
	ASSERT_EQ(SCM_RIGHTS, control.head.cmsg_type);
	memcpy(&got, CMSG_DATA(&control.head), sizeof(got));
	EXPECT_NE(got, pipe[1]);
	EXPECT_EQ(5, libos_write(self->l, got, "moved", 5));
	EXPECT_EQ(5, libos_read(self->l, pipe[0], buf, sizeof(buf)));
	EXPECT_STREQ("moved", buf);
}

/* Sends a dump request and counts what comes. */
static int netlink_dump(struct libos *l, int protocol, int type, size_t body)
{
	struct { struct nlmsghdr hdr; char body[256]; } req = {
		.hdr = { .nlmsg_len = NLMSG_LENGTH(body), .nlmsg_type = type,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	};
	int fd = libos_socket(l, AF_NETLINK, SOCK_RAW, protocol), nr = 0;
	static char buf[32768];
	struct nlmsghdr *msg;
	ssize_t n;

	if (fd < 0 || libos_send(l, fd, &req, req.hdr.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		n = libos_recv(l, fd, buf, sizeof(buf), 0);
		if (n <= 0)
			return -1;
		for (msg = (void *)buf; NLMSG_OK(msg, n); msg = NLMSG_NEXT(msg, n)) {
			if (msg->nlmsg_type == NLMSG_ERROR)
				return -1;
			if (msg->nlmsg_type == NLMSG_DONE)
				return nr;
			nr++;
		}
	}
}

TEST_F(sockets, netlink_route)
{
	EXPECT_LE(1, netlink_dump(self->l, NETLINK_ROUTE, 18 /* RTM_GETLINK */, 16));
	EXPECT_LE(2, netlink_dump(self->l, NETLINK_ROUTE, 22 /* RTM_GETADDR */, 8));
	EXPECT_LE(1, netlink_dump(self->l, NETLINK_ROUTE, 26 /* RTM_GETROUTE */, 12));
}

/* sock_diag sees sockets: TCP over IPv4, in any state */
TEST_F(sockets, netlink_diag)
{
	struct { struct nlmsghdr hdr; uint8_t family, protocol, ext, pad; uint32_t states;
		 char id[48]; } req = {
		.hdr = { .nlmsg_len = sizeof(req), .nlmsg_type = 20,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.family = AF_INET, .protocol = IPPROTO_TCP, .states = -1,
	};
	int fd = libos_socket(self->l, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	struct nlmsghdr answer[64];

	ASSERT_LE(0, fd);
	ASSERT_LE(0, server(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000));
	ASSERT_LT(0, libos_send(self->l, fd, &req, sizeof(req), 0));
	ASSERT_LT(0, libos_recv(self->l, fd, answer, sizeof(answer), 0));
	EXPECT_EQ(20, answer[0].nlmsg_type);
}

TEST_F(sockets, netlink_families)
{
	static const int protocols[] = {
		NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_XFRM, NETLINK_FIB_LOOKUP,
		NETLINK_NETFILTER, NETLINK_KOBJECT_UEVENT, NETLINK_GENERIC,
	};
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		fd = libos_socket(self->l, AF_NETLINK, SOCK_RAW, protocols[i]);
		if (fd < 0)
			TH_LOG("protocol %d: %s", protocols[i], strerror(errno));
		EXPECT_LE(0, fd);
	}
}

TEST_F(sockets, packet)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = 1 };
	int fd = libos_socket(self->l, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	char buf[256];

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, libos_bind(self->l, fd, (void *)&ll, sizeof(ll)));
	ASSERT_LE(0, ping(self->l, "127.0.0.1", 1000));
	EXPECT_LT(14 + 28 - 1, libos_recv(self->l, fd, buf, sizeof(buf), 0));
	EXPECT_EQ(0x45, buf[14]);
}

TEST_F(sockets, vsock)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL,
				  .svm_port = 7000 };
	int a = libos_socket(self->l, AF_VSOCK, SOCK_STREAM, 0), b, c;

	ASSERT_LE(0, a);
	if (libos_bind(self->l, a, (void *)&vm, sizeof(vm)))
		SKIP(return, "no loopback transport for vsock in this configuration");
	ASSERT_EQ(0, libos_listen(self->l, a, 1));
	b = libos_socket(self->l, AF_VSOCK, SOCK_STREAM, 0);
	ASSERT_EQ(0, libos_connect(self->l, b, (void *)&vm, sizeof(vm)));
	c = libos_accept4(self->l, a, NULL, NULL, 0);
	ASSERT_LE(0, c);
	EXPECT_EQ(0, echo(self->l, b, self->l, c, "vsock"));
}

/* Reads pages of its caller, whosever they are. */
TEST_F(sockets, alg)
{
	static const uint8_t abc[] = {	/* SHA-256 of "abc" begins with */
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
	};
	struct sockaddr_alg alg = { .salg_family = AF_ALG, .salg_type = "hash",
				    .salg_name = "sha256" };
	int a = libos_socket(self->l, AF_ALG, SOCK_SEQPACKET, 0), b;
	uint8_t digest[32];
	char *text[] = { "abc", (void *)libos_syscall(self->l, SYS_mmap, 0L, 4096L, 3L,
						      MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L) };
	unsigned int i;

	ASSERT_LE(0, a);
	ASSERT_EQ(0, libos_bind(self->l, a, (void *)&alg, sizeof(alg)));
	b = libos_accept4(self->l, a, NULL, NULL, 0);
	ASSERT_LE(0, b);
	memcpy(text[1], "abc", 3);
	for (i = 0; i < ARRAY_SIZE(text); i++) {	/* ours, and the instance's */
		ASSERT_EQ(3, libos_write(self->l, b, text[i], 3));
		ASSERT_EQ(32, libos_read(self->l, b, digest, sizeof(digest)));
		EXPECT_EQ(0, memcmp(digest, abc, sizeof(abc)));
	}
}

/* Writes to pages of its caller: the block of FIPS 197, appendix C.1, after one of zeros */
TEST_F(sockets, alg_cipher)
{
	static const uint8_t expected[] = {
		0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
		0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a,
	};
	struct sockaddr_alg alg = { .salg_family = AF_ALG, .salg_type = "skcipher",
				    .salg_name = "cbc(aes)" };
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } op = {
		.head = { CMSG_LEN(sizeof(int)), SOL_ALG, ALG_SET_OP },
	};
	uint8_t key[16], text[16], crypt[18] = { 0 };
	struct iovec iov = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &op,
			      .msg_controllen = sizeof(op) };
	int a = libos_socket(self->l, AF_ALG, SOCK_SEQPACKET, 0), b, i;

	for (i = 0; i < 16; i++) {
		key[i] = i;
		text[i] = i * 0x11;
	}
	*(int *)CMSG_DATA(&op.head) = ALG_OP_ENCRYPT;
	ASSERT_EQ(0, libos_bind(self->l, a, (void *)&alg, sizeof(alg)));
	ASSERT_EQ(0, libos_setsockopt(self->l, a, SOL_ALG, ALG_SET_KEY, key, sizeof(key)));
	b = libos_accept4(self->l, a, NULL, NULL, 0);
	ASSERT_EQ(16, libos_sendmsg(self->l, b, &msg, 0));
	ASSERT_EQ(16, libos_read(self->l, b, crypt + 1, 16));
	EXPECT_EQ(0, memcmp(crypt + 1, expected, sizeof(expected)));
	EXPECT_EQ(0, crypt[0] | crypt[17]);
}

/* Zero-copy send: the same, and the notice that the memory is free again */
TEST_F(sockets, zerocopy)
{
	char *data = (void *)libos_syscall(self->l, SYS_mmap, 0L, 65536L, 3L,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L);
	struct msghdr msg = { 0 };
	char buf[4096];
	size_t got = 0;
	int fd[2];

	ASSERT_EQ(0, connection(self->l, self->l, 0, "127.0.0.1", 7000, fd));
	ASSERT_EQ(0, set_int(self->l, fd[0], SOL_SOCKET, SO_ZEROCOPY, 1));
	ASSERT_EQ(20000, libos_send(self->l, fd[0], data, 20000, MSG_ZEROCOPY));
	while (got < 20000)
		got += libos_recv(self->l, fd[1], buf, sizeof(buf), 0);
	msg.msg_control = buf;
	msg.msg_controllen = sizeof(buf);
	EXPECT_EQ(0, libos_recvmsg(self->l, fd[0], &msg, MSG_ERRQUEUE));
}

TEST_F(sockets, tipc)
{
	struct sockaddr_tipc addr = {
		.family = AF_TIPC, .addrtype = TIPC_SERVICE_RANGE, .scope = TIPC_NODE_SCOPE,
		.addr.nameseq = { .type = 18888, .lower = 17, .upper = 17 },
	}, to = {
		.family = AF_TIPC, .addrtype = TIPC_SERVICE_ADDR,
		.addr.name.name = { .type = 18888, .instance = 17 },
	};
	int a = libos_socket(self->l, AF_TIPC, SOCK_STREAM, 0), b, c;

	ASSERT_LE(0, a);
	b = libos_socket(self->l, AF_TIPC, SOCK_STREAM, 0);
	ASSERT_EQ(0, libos_bind(self->l, a, (void *)&addr, sizeof(addr)));
	ASSERT_EQ(0, libos_listen(self->l, a, 1));
	/* it connects when it is accepted */
	ASSERT_EQ(0, libos_fcntl(self->l, b, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, libos_connect(self->l, b, (void *)&to, sizeof(to)));
	EXPECT_EQ(EINPROGRESS, errno);
	c = libos_accept4(self->l, a, NULL, NULL, 0);
	ASSERT_LE(0, c);
	EXPECT_EQ(0, echo(self->l, b, self->l, c, "tipc"));
}

static int bind_to(struct libos *l, int fd, const char *addr, unsigned int port)
{
	struct sockaddr_storage ss = address(addr, port);

	return libos_bind(l, fd, (void *)&ss, address_len(&ss));
}

/* Within a host: its TCP port is left to programs. */
TEST_F(sockets, rds)
{
	struct sockaddr_storage to = address("127.0.0.1", 4001);
	int tcp = libos_socket(self->l, AF_INET, SOCK_STREAM, 0);
	int a = libos_socket(self->l, AF_RDS, SOCK_SEQPACKET, 0);
	int b = libos_socket(self->l, AF_RDS, SOCK_SEQPACKET, 0);
	char buf[8] = "";

	EXPECT_EQ(0, bind_to(self->l, tcp, "0.0.0.0", 16385));
	ASSERT_EQ(0, bind_to(self->l, a, "127.0.0.1", 4000));
	ASSERT_EQ(0, bind_to(self->l, b, "127.0.0.1", 4001));
	EXPECT_EQ(4, libos_sendto(self->l, a, "rds", 4, 0, (void *)&to,
				  sizeof(struct sockaddr_in)));
	EXPECT_EQ(4, libos_recv(self->l, b, buf, sizeof(buf), 0));
	EXPECT_STREQ("rds", buf);
}

/* The others open, at least. */
TEST_F(sockets, more_families)
{
	static const struct {
		const char *name;
		int family, type, protocol;
	} families[] = {
		{ "AF_KEY", AF_KEY, SOCK_RAW, 2 },
		{ "AF_RDS", AF_RDS, SOCK_SEQPACKET, 0 },
		{ "AF_KCM", AF_KCM, SOCK_DGRAM, 0 },
		{ "AF_XDP", AF_XDP, SOCK_RAW, 0 },
		{ "AF_PPPOX", AF_PPPOX, SOCK_STREAM, 0 },
		{ "AF_LLC", AF_LLC, SOCK_STREAM, 0 },
		{ "L2TP", AF_INET, SOCK_DGRAM, 115 },
		{ "raw GRE", AF_INET, SOCK_RAW, IPPROTO_GRE },
		{ "raw IPv6", AF_INET6, SOCK_RAW, IPPROTO_RAW },
	};
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		fd = libos_socket(self->l, families[i].family, families[i].type,
				  families[i].protocol);
		if (fd < 0)
			TH_LOG("%s: %s", families[i].name, strerror(errno));
		EXPECT_LE(0, fd);
	}
}

TEST_F(sockets, unknown_family)
{
	EXPECT_EQ(-EAFNOSUPPORT, libos_syscall(self->l, SYS_socket, 99, SOCK_STREAM, 0));
	EXPECT_EQ(-1, libos_socket(self->l, 99, SOCK_STREAM, 0));
	EXPECT_EQ(EAFNOSUPPORT, errno);
}

TEST_F(sockets, tcp_info)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	int fd[2];

	ASSERT_EQ(0, connection(self->l, self->l, 0, "127.0.0.1", 7000, fd));
	ASSERT_EQ(0, echo(self->l, fd[0], self->l, fd[1], "12345"));
	ASSERT_EQ(0, libos_getsockopt(self->l, fd[0], IPPROTO_TCP, TCP_INFO, &info, &len));
	EXPECT_EQ(1, info.tcpi_state);
	EXPECT_EQ(6, info.tcpi_bytes_acked - 1);
	EXPECT_EQ(6, info.tcpi_bytes_received);
}

/* Each congestion control that the kernel names can be chosen and carries data. */
TEST_F(sockets, every_congestion_control)
{
	static const char *const wanted[] = {
		"reno", "cubic", "bbr", "bic", "cdg", "dctcp", "westwood", "highspeed", "hybla",
		"htcp", "vegas", "nv", "veno", "scalable", "lp", "yeah", "illinois",
	};
	char names[512], chosen[16], *name, *rest = names;
	socklen_t len;
	int fd[2];
	size_t i;

	ASSERT_LT(0, libos_sysctl_get(self->l, "net.ipv4.tcp_available_congestion_control",
				      names, sizeof(names)));
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (!strstr(names, wanted[i]))
			TH_LOG("missing: %s", wanted[i]);
		EXPECT_NE(NULL, strstr(names, wanted[i]));
	}
	ASSERT_LT(0, libos_sysctl_get(self->l, "net.ipv4.tcp_congestion_control",
				      chosen, sizeof(chosen)));
	EXPECT_STREQ("cubic", chosen);
	while ((name = strsep(&rest, " "))) {
		ASSERT_EQ(0, connection(self->l, self->l, 0, "127.0.0.1", 7000, fd));
		EXPECT_EQ(0, libos_setsockopt(self->l, fd[0], IPPROTO_TCP, TCP_CONGESTION,
					      name, strlen(name)));
		EXPECT_EQ(0, echo(self->l, fd[0], self->l, fd[1], name));
		len = sizeof(chosen);
		EXPECT_EQ(0, libos_getsockopt(self->l, fd[0], IPPROTO_TCP, TCP_CONGESTION,
					      chosen, &len));
		EXPECT_EQ(0, strncmp(name, chosen, strlen(name)));	/* dctcp-reno */
	}
}

/* TLS in the kernel: both ends share a key, what goes in comes out. */
TEST_F(sockets, tls)
{
	struct {
		uint16_t version, cipher;
		uint8_t iv[8], key[16], salt[4], seq[8];
	} info = { 0x0304, 51, { 1 }, { 2 }, { 3 }, { 0 } };
	int fd[2];

	ASSERT_EQ(0, connection(self->l, self->l, 0, "127.0.0.1", 7000, fd));
	ASSERT_EQ(0, libos_setsockopt(self->l, fd[0], IPPROTO_TCP, TCP_ULP, "tls", 3));
	ASSERT_EQ(0, libos_setsockopt(self->l, fd[1], IPPROTO_TCP, TCP_ULP, "tls", 3));
	ASSERT_EQ(0, libos_setsockopt(self->l, fd[0], SOL_TLS, 1, &info, sizeof(info)));
	ASSERT_EQ(0, libos_setsockopt(self->l, fd[1], SOL_TLS, 2, &info, sizeof(info)));
	ASSERT_EQ(0, libos_setsockopt(self->l, fd[1], SOL_TLS, 1, &info, sizeof(info)));
	ASSERT_EQ(0, libos_setsockopt(self->l, fd[0], SOL_TLS, 2, &info, sizeof(info)));
	EXPECT_EQ(0, echo(self->l, fd[0], self->l, fd[1], "sealed"));
}

/* TLS 1.2 is decrypted straight into the caller's pages, and nothing beside it. */
TEST_F(sockets, tls_in_place)
{
	struct tls12_crypto_info_aes_gcm_128 keys = {
		.info = { TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128 },
	};
	static char sent[40000], got[40002];
	ssize_t len, n;
	size_t i;
	int fd[2];

	for (i = 0; i < sizeof(sent); i++)
		sent[i] = i * 7;
	ASSERT_EQ(0, connection(self->l, self->l, 0, "127.0.0.1", 7000, fd));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, libos_setsockopt(self->l, fd[i], IPPROTO_TCP, TCP_ULP, "tls", 3));
		ASSERT_EQ(0, libos_setsockopt(self->l, fd[i], SOL_TLS, i ? TLS_RX : TLS_TX,
					      &keys, sizeof(keys)));
	}
	ASSERT_EQ(sizeof(sent), libos_send(self->l, fd[0], sent, sizeof(sent), 0));
	memset(got, 0x55, sizeof(got));
	for (len = 0; len < (ssize_t)sizeof(sent); len += n) {
		n = libos_recv(self->l, fd[1], got + 1 + len, sizeof(sent) - len, 0);
		ASSERT_LT(0, n);
	}
	EXPECT_EQ(0, memcmp(sent, got + 1, sizeof(sent)));
	EXPECT_EQ(0x55, got[0]);
	EXPECT_EQ(0x55, got[sizeof(got) - 1]);
}

TEST_F(sockets, multicast)
{
	struct ip_mreqn mreq = { .imr_ifindex = 1 };
	struct sockaddr_storage to = address("239.1.2.3", 7000);
	int a = server(self->l, SOCK_DGRAM, 0, "0.0.0.0", 7000);
	char buf[8];

	inet_pton(AF_INET, "239.1.2.3", &mreq.imr_multiaddr);
	ASSERT_EQ(0, libos_setsockopt(self->l, a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq,
				      sizeof(mreq)));
	ASSERT_EQ(0, libos_setsockopt(self->l, a, IPPROTO_IP, IP_MULTICAST_IF, &mreq,
				      sizeof(mreq)));
	ASSERT_EQ(5, libos_sendto(self->l, a, "group", 5, 0, (void *)&to, address_len(&to)));
	EXPECT_EQ(5, libos_recv(self->l, a, buf, sizeof(buf), 0));
}

TEST_F(sockets, many)
{
	int i, nr = 0;

	for (i = 0; i < 1000; i++)
		nr += libos_socket(self->l, AF_INET, SOCK_STREAM, 0) == i;
	EXPECT_EQ(1000, nr);
}

/* Errors are Linux's own. */
TEST_F(sockets, errors)
{
	struct sockaddr_storage ss = address("127.0.0.1", 7000);
	int fd = libos_socket(self->l, AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(-1, libos_connect(self->l, fd, (void *)&ss, address_len(&ss)));
	EXPECT_EQ(ECONNREFUSED, errno);
	EXPECT_EQ(-1, libos_send(self->l, fd, "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_EQ(-1, libos_recv(self->l, 999, &ss, 1, 0));
	EXPECT_EQ(EBADF, errno);
	ASSERT_LE(0, server(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000));
	fd = libos_socket(self->l, AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(-1, libos_bind(self->l, fd, (void *)&ss, address_len(&ss)));
	EXPECT_EQ(EADDRINUSE, errno);
	ss = address("192.0.2.1", 7000);
	EXPECT_EQ(-1, libos_connect(self->l, fd, (void *)&ss, address_len(&ss)));
	EXPECT_EQ(ENETUNREACH, errno);
}

TEST_HARNESS_MAIN
