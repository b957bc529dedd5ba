// SPDX-License-Identifier: GPL-2.0
/* util.c - see util.h */
#include <stdarg.h>
#include <dirent.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include "util.h"

int complain(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return -1;
}

const char *liblinux(void)
{
	const char *path = getenv("LIBLINUX");

	return path ? path : "./liblinux.so";
}

uint64_t host_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * S + ts.tv_nsec;
}

/* ------------------------------------------------------- this very process */

long self_status(const char *field)
{
	FILE *f = fopen("/proc/self/status", "r");
	size_t len = strlen(field);
	char line[256];
	long value = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, len) && line[len] == ':')
			value = atol(line + len + 1);
	if (f)
		fclose(f);
	return value;
}

int self_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr - 3;		/* ".", ".." and its own */
}

/* The heap is not counted: malloc() keeps what was freed, in one piece or two. */
int self_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	int nr = 0;

	while (fgets(line, sizeof(line), f))
		nr += !strstr(line, "[heap]");
	fclose(f);
	return nr;
}

const char *temp_path(void)
{
	static char paths[16][32];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof(paths[0]), "/proc/self/fd/%d", memfd_create("test", 0));
	return path;
}

/* ------------------------------------------------------------- instances */

struct libos *boot(struct libos_world *world)
{
	struct libos_config config = { .size = sizeof(config), .world = world };
	struct libos *l;

	if (libos_open(&config, &l) || libos_link_up(l, "lo")) {
		complain("%s", libos_error());
		return NULL;
	}
	return l;
}

struct libos_port port_of(struct libos *l, unsigned int nr)
{
	return (struct libos_port) { .libos = l, .mac = { 2, 0, 0, 0, nr >> 8, nr } };
}

static int address_end(struct libos *l, const char *v4, const char *v6)
{
	return libos_addr_add(l, "eth0", v4) ?: libos_addr_add(l, "eth0", v6) ?:
	       libos_link_up(l, "eth0");
}

int pair_open(struct pair *p, uint64_t seed, const struct libos_cable *cable)
{
	struct libos_port a, b;

	p->world = seed ? libos_world_new(seed) : NULL;
	p->a = boot(p->world);
	p->b = boot(p->world);
	if (!p->a || !p->b)
		return -1;
	a = port_of(p->a, 1);
	b = port_of(p->b, 2);
	if (libos_cable(&a, &b, cable, p->dev) ||
	    address_end(p->a, "10.0.0.1/24", "fc00::1/64") ||
	    address_end(p->b, "10.0.0.2/24", "fc00::2/64"))
		return complain("%s", libos_error());
	return 0;
}

int pair_close(struct pair *p)
{
	if (libos_close(p->a) || libos_close(p->b) || libos_world_free(p->world))
		return complain("%s", libos_error());
	return 0;
}

/* ------------------------------------------------------------- addresses */

struct sockaddr_storage address(const char *text, unsigned int port)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in6 *in6 = (void *)&ss;
	struct sockaddr_in *in = (void *)&ss;

	if (strchr(text, ':')) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		inet_pton(AF_INET6, text, &in6->sin6_addr);
	} else {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		inet_pton(AF_INET, text, &in->sin_addr);
	}
	return ss;
}

socklen_t address_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6);
}

/* ----------------------------------------------------------------- calls */

int server(struct libos *l, int type, int protocol, const char *addr, unsigned int port)
{
	struct sockaddr_storage ss = address(addr, port);
	int fd = libos_socket(l, ss.ss_family, type, protocol);

	if (fd < 0)
		return complain("socket %d %d: %s", type, protocol, strerror(errno));
	set_int(l, fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (libos_bind(l, fd, (void *)&ss, address_len(&ss)))
		return complain("bind %s %u: %s", addr, port, strerror(errno));
	if (type != SOCK_DGRAM && libos_listen(l, fd, 64))
		return complain("listen: %s", strerror(errno));
	return fd;
}

int client(struct libos *l, int type, int protocol, const char *addr, unsigned int port)
{
	struct sockaddr_storage ss = address(addr, port);
	int fd = libos_socket(l, ss.ss_family, type, protocol);

	if (fd < 0)
		return complain("socket %d %d: %s", type, protocol, strerror(errno));
	if (libos_connect(l, fd, (void *)&ss, address_len(&ss)))
		return complain("connect %s %u: %s", addr, port, strerror(errno));
	return fd;
}

int connection(struct libos *a, struct libos *b, int protocol, const char *addr,
	       unsigned int port, int fd[2])
{
	int listening = server(b, SOCK_STREAM, protocol, addr, port);

	if (listening < 0)
		return -1;
	fd[0] = client(a, SOCK_STREAM, protocol, addr, port);
	if (fd[0] < 0)
		return -1;
	fd[1] = libos_accept4(b, listening, NULL, NULL, 0);
	if (fd[1] < 0)
		return complain("accept: %s", strerror(errno));
	return libos_close_fd(b, listening);
}

static int pass(struct libos *a, int afd, struct libos *b, int bfd, const char *text)
{
	size_t len = strlen(text) + 1, got = 0;
	char buf[256];
	ssize_t n;

	n = libos_send(a, afd, text, len, 0);
	if (n != (ssize_t)len)
		return complain("send: %zd %s", n, strerror(errno));
	while (got < len) {
		n = libos_recv(b, bfd, buf + got, sizeof(buf) - got, 0);
		if (n <= 0)
			return complain("recv: %zd %s", n, strerror(errno));
		got += n;
	}
	return got == len && !strcmp(buf, text) ? 0 : complain("other bytes came out");
}

int echo(struct libos *a, int afd, struct libos *b, int bfd, const char *text)
{
	return pass(a, afd, b, bfd, text) ?: pass(b, bfd, a, afd, text);
}

static uint64_t instance_now(struct libos *l)
{
	struct timespec ts;

	libos_syscall(l, SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * S + ts.tv_nsec;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint16_t *p = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *p++;
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

/* Whether a packet from a raw socket is the reply to our request @seq. */
static bool is_reply(int family, const uint8_t *buf, ssize_t n, uint16_t seq)
{
	if (family == AF_INET6)
		return n >= 8 && buf[0] == ICMP6_ECHO_REPLY && !memcmp(buf + 6, &seq, 2);
	return n >= 28 && buf[20] == ICMP_ECHOREPLY && !memcmp(buf + 26, &seq, 2);
}

int64_t ping(struct libos *l, const char *addr, int timeout_ms)
{
	struct sockaddr_storage ss = address(addr, 0);
	bool six = ss.ss_family == AF_INET6;
	int fd = libos_socket(l, ss.ss_family, SOCK_RAW, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	struct icmphdr req = { .type = six ? ICMP6_ECHO_REQUEST : ICMP_ECHO };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	static uint16_t last;
	uint64_t start, now;
	int64_t ret = -1;
	uint8_t buf[256];
	ssize_t n;

	if (fd < 0)
		return complain("raw socket: %s", strerror(errno));
	req.un.echo.sequence = ++last;
	req.checksum = six ? 0 : checksum(&req, sizeof(req));
	start = instance_now(l);
	n = libos_sendto(l, fd, &req, sizeof(req), 0, (void *)&ss, address_len(&ss));
	if (n < 0)
		complain("ping %s: %s", addr, strerror(errno));
	while (n >= 0 && ret < 0) {
		now = instance_now(l);
		if (now - start > timeout_ms * MS ||
		    libos_poll(l, &pfd, 1, timeout_ms - (now - start) / MS) <= 0)
			break;
		n = libos_recv(l, fd, buf, sizeof(buf), 0);
		if (is_reply(ss.ss_family, buf, n, last))
			ret = instance_now(l) - start;
	}
	libos_close_fd(l, fd);
	return ret;
}

int set_int(struct libos *l, int fd, int level, int name, int value)
{
	return libos_setsockopt(l, fd, level, name, &value, sizeof(value));
}

int get_int(struct libos *l, int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return libos_getsockopt(l, fd, level, name, &value, &len) ? -1 : value;
}

int read_file(struct libos *l, const char *path, char *buf, size_t len)
{
	int fd = libos_open_file(l, path, O_RDONLY, 0);
	size_t got = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = libos_read(l, fd, buf + got, len - 1 - got)) > 0)
		got += n;
	buf[got] = 0;
	libos_close_fd(l, fd);
	return n < 0 ? -errno : (int)got;
}

int write_file(struct libos *l, const char *path, const char *text)
{
	int fd = libos_open_file(l, path, O_WRONLY | O_CREAT, 0644), ret;

	if (fd < 0)
		return -errno;
	ret = libos_write(l, fd, text, strlen(text)) < 0 ? -errno : 0;
	libos_close_fd(l, fd);
	return ret;
}

/* The word at the place in line @values that @name has in line @names */
static long column(const char *names, const char *values, const char *name)
{
	size_t len = strlen(name);

	for (;;) {
		names += strspn(names, " ");
		values += strspn(values, " ");
		if (!*names || *names == '\n' || !*values)
			return -1;
		if (!strncmp(names, name, len) && (names[len] == ' ' || names[len] == '\n'))
			return atol(values);
		names += strcspn(names, " \n");
		values += strcspn(values, " \n");
	}
}

long counter(struct libos *l, const char *group, const char *name)
{
	static const char *const files[] = { "/proc/net/snmp", "/proc/net/netstat" };
	char buf[16384], *line, *next;
	size_t len = strlen(group), i;
	long value;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (read_file(l, files[i], buf, sizeof(buf)) < 0)
			continue;
		for (line = buf; (next = strchr(line, '\n')); line = next + 1) {
			if (strncmp(line, group, len) || line[len] != ':')
				continue;
			value = column(line, next + 1, name);
			if (value >= 0)
				return value;
			next = strchr(next + 1, '\n');
			if (!next)
				break;
		}
	}
	return -1;
}

long dev_counter(struct libos *l, const char *dev, const char *name)
{
	char path[128], buf[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", dev, name);
	return read_file(l, path, buf, sizeof(buf)) < 0 ? -1 : atol(buf);
}

/* --------------------------------------------------------------- streams */

static uint8_t pattern(uint64_t at)
{
	return at ^ at >> 8 ^ at >> 16;
}

static void send_stream(void *arg)
{
	struct stream *s = arg;
	uint64_t len, i;
	long n;

	while (s->sent < s->bytes) {
		len = s->bytes - s->sent < sizeof(s->out) ? s->bytes - s->sent
							  : sizeof(s->out);
		for (i = 0; i < len; i++)
			s->out[i] = pattern(s->sent + i);
		n = libos_syscall(s->from, SYS_sendto, s->from_fd, s->out, len, 0, NULL, 0);
		if (n < 0) {
			s->err = -n;
			break;
		}
		s->sent += n;
	}
	libos_syscall(s->from, SYS_shutdown, s->from_fd, SHUT_WR);
}

static void receive_stream(void *arg)
{
	struct stream *s = arg;
	long n, i;

	while ((n = libos_syscall(s->to, SYS_recvfrom, s->to_fd, s->in, sizeof(s->in), 0,
				  NULL, NULL)) > 0) {
		for (i = 0; i < n; i++)
			s->bad += s->in[i] != pattern(s->received + i);
		s->received += n;
	}
	if (n < 0)
		s->err = -n;
	s->finished = instance_now(s->to);
	s->closed = true;
}

int stream_start(struct stream *s)
{
	int err = libos_spawn(s->to, receive_stream, s, 0);

	if (err > 0)
		err = libos_spawn(s->from, send_stream, s, 0);
	return err > 0 ? 0 : complain("%s", libos_error());
}

/* -------------------------------------------------------------- captures */

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The value of an option in a block's tail; NULL if it is not there. */
static const uint8_t *option(const uint8_t *p, const uint8_t *end, uint16_t code, uint16_t *len)
{
	while (p + 4 <= end && get16(p)) {
		*len = get16(p + 2);
		if (get16(p) == code)
			return p + 4;
		p += 4 + ((*len + 3) & ~3);
	}
	return NULL;
}

static int read_interface(struct capture *c, const uint8_t *body, const uint8_t *end)
{
	const uint8_t *name, *resolution;
	uint16_t len;

	if (c->nr_devs == ARRAY_SIZE(c->devs))
		return complain("too many interfaces");
	if (get16(body) != 1)
		return complain("link type %u", get16(body));
	resolution = option(body + 8, end, 9, &len);
	if (!resolution || len != 1 || *resolution != 9)
		return complain("times are not in nanoseconds");
	name = option(body + 8, end, 2, &len);
	snprintf(c->devs[c->nr_devs++], sizeof(c->devs[0]), "%.*s", name ? len : 0,
		 (const char *)name);
	return 0;
}

static int read_packet(struct capture *c, const uint8_t *body, const uint8_t *end)
{
	struct frame *f = &c->frames[c->nr++];
	const uint8_t *flags;
	uint16_t len;

	f->dev = get32(body);
	f->time = (uint64_t)get32(body + 4) << 32 | get32(body + 8);
	f->len = get32(body + 12);
	f->data = body + 20;
	if (f->dev >= c->nr_devs)
		return complain("packet of unknown interface %u", f->dev);
	if (f->len != get32(body + 16) || f->data + f->len > end)
		return complain("packet of strange length %u", f->len);
	flags = option(f->data + ((f->len + 3) & ~3), end, 2, &len);
	f->out = flags && (get32(flags) & 3) == 2;
	return 0;
}

int capture_read(struct capture *c, const char *path)
{
	int fd = open(path, O_RDONLY), err = 0;
	struct stat st;
	size_t at = 0, len;

	memset(c, 0, sizeof(*c));
	if (fd < 0 || fstat(fd, &st))
		return complain("%s: %s", path, strerror(errno));
	c->file = malloc(st.st_size + 1);
	c->frames = malloc((st.st_size / 32 + 1) * sizeof(*c->frames));
	if (pread(fd, c->file, st.st_size, 0) != st.st_size)
		return complain("%s: %s", path, strerror(errno));
	close(fd);
	for (; at < (size_t)st.st_size && !err; at += len) {
		const uint8_t *block = c->file + at, *end;

		len = st.st_size - at < 12 ? 0 : get32(block + 4);
		if (len < 12 || len % 4 || at + len > (size_t)st.st_size ||
		    get32(block + len - 4) != len)
			return complain("%s: a bad block at %zu", path, at);
		end = block + len - 4;
		if (!at && get32(block) != 0x0a0d0d0a)
			return complain("%s is not pcapng", path);
		if (get32(block) == 1)
			err = read_interface(c, block + 8, end);
		if (get32(block) == 6)
			err = read_packet(c, block + 8, end);
	}
	return err;
}

bool tcp_segment(const struct frame *f, struct segment *s)
{
	const uint8_t *ip = f->data + 14, *tcp;
	unsigned int ip_len, head;

	if (f->len < 54 || ntohs(get16(f->data + 12)) != 0x0800 || ip[9] != IPPROTO_TCP)
		return false;
	head = (ip[0] & 15) * 4;
	ip_len = ntohs(get16(ip + 2));
	tcp = ip + head;
	s->sport = ntohs(get16(tcp));
	s->dport = ntohs(get16(tcp + 2));
	s->seq = ntohl(get32(tcp + 4));
	s->ack = ntohl(get32(tcp + 8));
	s->flags = tcp[13];
	s->window = ntohs(get16(tcp + 14));
	s->payload = ip_len - head - (tcp[12] >> 4) * 4;
	return true;
}
