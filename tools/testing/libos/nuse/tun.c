// SPDX-License-Identifier: GPL-2.0
/*
 * tun.c - a tester of TCP as packetdrill is one: it makes tun0, configures it by
 * programs, and is the network behind it, packet by packet, while a socket of its
 * own is the other end. It knows nothing of where it runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOCAL	"192.168.7.1"
#define REMOTE	"192.0.2.7"
#define PORT	8080
#define PEER	4321
#define WAIT_MS	10000

struct packet {
	struct iphdr ip;
	union {
		struct tcphdr tcp;
		struct icmphdr icmp;
		char bytes[1500];
	};
};

static int tun;

#define check(what) do {							\
	if (!(what)) {								\
		fprintf(stderr, "tun.c:%d: %s: %s\n", __LINE__, #what, strerror(errno)); \
		exit(1);							\
	}									\
} while (0)

static void run(const char *command)
{
	int status = system(command);

	if (status)
		fprintf(stderr, "%s: status 0x%x\n", command, status);
	check(!status);
}

static void make_tun(void)
{
	struct ifreq ifr = { .ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI };

	tun = open("/dev/net/tun", O_RDWR);
	check(tun >= 0);
	check(!ioctl(tun, TUNSETIFF, &ifr));
	run("sysctl -qw net.ipv4.tcp_timestamps=0 net.ipv4.tcp_ecn=0");
	run("sysctl -qw net.ipv6.conf.tun0.disable_ipv6=1");
	run("ip addr add " LOCAL "/24 dev tun0");
	run("ip link set tun0 mtu 1400 up");
	run("tc qdisc add dev tun0 root pfifo limit 100");
	run("ip route add 192.0.2.0/24 dev tun0 via 192.168.7.2");
	run("ip -o addr show dev tun0 | grep -q " LOCAL);
	run("tc qdisc show dev tun0 | grep -q pfifo");
	run("test $(cat /sys/class/net/tun0/mtu) = 1400");
}

/* ----------------------------------------------------------------- packets */

static uint32_t add(uint32_t sum, const void *data, size_t len)
{
	const unsigned char *at = data;

	for (; len > 1; len -= 2, at += 2)
		sum += at[0] << 8 | at[1];
	return len ? sum + (at[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* @len bytes after the header for IP, which this makes, and the checksums */
static void inject(struct packet *p, int protocol, size_t len)
{
	ssize_t all = sizeof(p->ip) + len;

	p->ip = (struct iphdr) {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol, .tot_len = htons(all),
		.saddr = inet_addr(REMOTE), .daddr = inet_addr(LOCAL),
	};
	p->ip.check = fold(add(0, &p->ip, sizeof(p->ip)));
	if (protocol == IPPROTO_TCP)
		p->tcp.check = fold(add(add(protocol + len, &p->ip.saddr, 8), p->bytes, len));
	else
		p->icmp.checksum = fold(add(0, p->bytes, len));
	check(write(tun, p, all) == all);
}

static void inject_tcp(uint32_t seq, uint32_t ack, struct tcphdr flags, const char *data)
{
	struct packet p = { .tcp = flags };

	p.tcp.source = htons(PEER);
	p.tcp.dest = htons(PORT);
	p.tcp.seq = htonl(seq);
	p.tcp.ack_seq = htonl(ack);
	p.tcp.doff = sizeof(p.tcp) / 4;
	p.tcp.window = htons(65535);
	memcpy(p.bytes + sizeof(p.tcp), data, strlen(data));
	inject(&p, IPPROTO_TCP, sizeof(p.tcp) + strlen(data));
}

/* The next packet that the stack sends */
static void sniff(struct packet *p, int protocol)
{
	struct pollfd fd = { tun, POLLIN, 0 };
	ssize_t len;

	check(poll(&fd, 1, WAIT_MS) == 1);
	memset(p, 0, sizeof(*p));
	len = read(tun, p, sizeof(*p));
	check(len >= (ssize_t)sizeof(p->ip));
	check(p->ip.version == 4 && p->ip.ihl == 5 && p->ip.protocol == protocol);
	check(p->ip.saddr == inet_addr(LOCAL) && p->ip.daddr == inet_addr(REMOTE));
	check(ntohs(p->ip.tot_len) == len);
}

static void sniff_tcp(struct packet *p, uint32_t seq, uint32_t ack, const char *data)
{
	sniff(p, IPPROTO_TCP);
	check(ntohs(p->tcp.source) == PORT && ntohs(p->tcp.dest) == PEER);
	check(ntohl(p->tcp.seq) == seq && p->tcp.ack && ntohl(p->tcp.ack_seq) == ack);
	check(ntohs(p->ip.tot_len) == sizeof(p->ip) + 4 * p->tcp.doff + strlen(data));
	check(!memcmp(p->bytes + 4 * p->tcp.doff, data, strlen(data)));
}

/* ------------------------------------------------------------------- tests */

static void ping(void)
{
	struct packet p = { .icmp = { .type = ICMP_ECHO, .un.echo = { htons(7), htons(1) } } };

	inject(&p, IPPROTO_ICMP, 64);
	sniff(&p, IPPROTO_ICMP);
	check(p.icmp.type == ICMP_ECHOREPLY && p.icmp.un.echo.id == htons(7));
}

static int listener(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	check(fd >= 0);
	check(!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	check(!bind(fd, (struct sockaddr *)&at, sizeof(at)));
	check(!listen(fd, 1));
	return fd;
}

/* A whole connection: handshake, a question, its answer, lost once, and the end */
static void connection(void)
{
	const struct tcphdr syn = { .syn = 1 }, ack = { .ack = 1 }, fin = { .fin = 1, .ack = 1 };
	struct sockaddr_in from;
	struct tcp_info info;
	struct packet p;
	socklen_t len = sizeof(from);
	int server = listener(), fd;
	uint32_t isn;
	char text[16];

	inject_tcp(999, 0, syn, "");
	sniff(&p, IPPROTO_TCP);
	check(p.tcp.syn && p.tcp.ack && ntohl(p.tcp.ack_seq) == 1000);
	isn = ntohl(p.tcp.seq) + 1;
	inject_tcp(1000, isn, ack, "");
	fd = accept(server, (struct sockaddr *)&from, &len);
	check(fd >= 0);
	check(from.sin_addr.s_addr == inet_addr(REMOTE) && ntohs(from.sin_port) == PEER);

	inject_tcp(1000, isn, ack, "question");
	sniff_tcp(&p, isn, 1008, "");
	check(read(fd, text, sizeof(text)) == 8 && !memcmp(text, "question", 8));
	check(write(fd, "answer", 6) == 6);
	sniff_tcp(&p, isn, 1008, "answer");
	sniff_tcp(&p, isn, 1008, "answer");
	inject_tcp(1008, isn + 6, ack, "");
	len = sizeof(info);
	check(!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	check(info.tcpi_state == TCP_ESTABLISHED && info.tcpi_total_retrans == 1);

	inject_tcp(1008, isn + 6, fin, "");
	sniff_tcp(&p, isn + 6, 1009, "");
	check(!read(fd, text, sizeof(text)));
	close(fd);
	sniff_tcp(&p, isn + 6, 1009, "");
	check(p.tcp.fin);
	inject_tcp(1009, isn + 7, ack, "");
	close(server);
}

int main(void)
{
	make_tun();
	ping();
	connection();
	puts("ok");
	return 0;
}
