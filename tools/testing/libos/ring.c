// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c - memory that kernel and caller share, which needs pages to be seen
 * a second time: packet rings, BPF maps and ring buffers, AF_XDP.
 */
#include "harness.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <sys/mman.h>
#include "netlink.h"
#include "raw.h"

#define BLOCK	(64 << 10)
#define BLOCKS	4

FIXTURE(ring) {
	struct libos *l;
	int fd;
};

FIXTURE_SETUP(ring)
{
	self->l = boot(NULL);
	ASSERT_NE(NULL, self->l);
	self->fd = libos_socket(self->l, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(ring)
{
	EXPECT_EQ(0, libos_close(self->l));
}

static int bind_lo(struct libos *l, int fd, int protocol)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = 1,
				  .sll_protocol = htons(protocol) };

	return libos_bind(l, fd, (void *)&ll, sizeof(ll));
}

/* What the instance maps for us, or NULL */
static void *map_at(struct libos *l, int fd, size_t len, off_t off)
{
	long addr = libos_syscall(l, SYS_mmap, 0L, len, PROT_READ | PROT_WRITE,
				  fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, (long)fd, off);

	return addr < 0 ? NULL : (void *)addr;
}

static void *map(struct libos *l, int fd, size_t len)
{
	return map_at(l, fd, len, 0);
}

static int rx_ring(struct libos *l, int fd)
{
	struct tpacket_req3 req = {
		.tp_block_size = BLOCK, .tp_block_nr = BLOCKS, .tp_frame_size = 2048,
		.tp_frame_nr = BLOCK * BLOCKS / 2048, .tp_retire_blk_tov = 20,
	};

	return set_int(l, fd, SOL_PACKET, PACKET_VERSION, TPACKET_V3) ?:
	       libos_setsockopt(l, fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req));
}

/* Packets that carry @text in a block of the ring */
static int find(const char *block, const char *text)
{
	const struct tpacket_block_desc *desc = (void *)block;
	const struct tpacket3_hdr *pkt = (void *)(block + desc->hdr.bh1.offset_to_first_pkt);
	unsigned int i;
	int nr = 0;

	for (i = 0; i < desc->hdr.bh1.num_pkts; i++) {
		nr += !!memmem((char *)pkt + pkt->tp_mac, pkt->tp_snaplen, text, strlen(text));
		pkt = (void *)((char *)pkt + pkt->tp_next_offset);
	}
	return nr;
}

TEST_F(ring, receives)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };
	const struct tpacket_block_desc *desc;
	struct tpacket_stats_v3 stats;
	socklen_t len = sizeof(stats);
	int fd, i, nr = 0, block;
	char text[32], *ring;

	ASSERT_EQ(0, rx_ring(self->l, self->fd));
	ring = map(self->l, self->fd, BLOCK * BLOCKS);
	ASSERT_NE(NULL, ring);
	ASSERT_EQ(0, bind_lo(self->l, self->fd, ETH_P_ALL));
	ASSERT_LE(0, server(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000));
	fd = client(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	for (i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "number %02d", i);
		ASSERT_EQ(9, libos_send(self->l, fd, text, 9, 0));
	}
	ASSERT_EQ(1, libos_poll(self->l, &pfd, 1, 2000));
	for (block = 0; block < BLOCKS; block++) {
		desc = (void *)(ring + block * BLOCK);
		if (desc->hdr.bh1.block_status & TP_STATUS_USER)
			nr += find(ring + block * BLOCK, "number");
	}
	EXPECT_LE(20, nr);
	EXPECT_EQ(0, libos_getsockopt(self->l, self->fd, SOL_PACKET, PACKET_STATISTICS, &stats,
				      &len));
	EXPECT_LE(20, stats.tp_packets);
	EXPECT_EQ(0, stats.tp_drops);
	EXPECT_EQ(0, libos_syscall(self->l, SYS_munmap, ring, (long)BLOCK * BLOCKS));
}

TEST_F(ring, sends)
{
	struct tpacket_req req = { .tp_block_size = 4096, .tp_block_nr = 2,
				   .tp_frame_size = 2048, .tp_frame_nr = 4 };
	int other = libos_socket(self->l, AF_PACKET, SOCK_RAW, htons(0x88b5));
	struct tpacket2_hdr *frame;
	char buf[256], *data;
	void *ring;

	ASSERT_EQ(0, set_int(self->l, self->fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2));
	ASSERT_EQ(0, libos_setsockopt(self->l, self->fd, SOL_PACKET, PACKET_TX_RING, &req,
				      sizeof(req)));
	ring = map(self->l, self->fd, 8192);
	ASSERT_NE(NULL, ring);
	ASSERT_EQ(0, bind_lo(self->l, self->fd, 0));
	ASSERT_EQ(0, bind_lo(self->l, other, 0x88b5));
	frame = ring;
	data = ring + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll);
	memset(data, 0, 64);
	data[12] = 0x88;
	data[13] = 0xb5;
	strcpy(data + 14, "from the ring");
	frame->tp_len = 64;
	frame->tp_status = TP_STATUS_SEND_REQUEST;
	EXPECT_EQ(64, libos_send(self->l, self->fd, NULL, 0, 0));
	EXPECT_EQ(TP_STATUS_AVAILABLE, frame->tp_status);
	ASSERT_EQ(64, libos_recv(self->l, other, buf, sizeof(buf), 0));
	EXPECT_STREQ("from the ring", buf + 14);
}

/* The same pages, seen by the kernel where they lie and by us where we mapped them */
TEST_F(ring, many_times)
{
	void *ring;
	int i, fd;

	for (i = 0; i < 200; i++) {
		fd = libos_socket(self->l, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
		ASSERT_EQ(0, rx_ring(self->l, fd));
		ring = map(self->l, fd, BLOCK * BLOCKS);
		ASSERT_NE(NULL, ring);
		ASSERT_EQ(0, libos_syscall(self->l, SYS_munmap, ring, (long)BLOCK * BLOCKS));
		ASSERT_EQ(0, libos_close_fd(self->l, fd));
	}
}

TEST_F(ring, not_every_socket)
{
	int tcp = libos_socket(self->l, AF_INET, SOCK_STREAM, 0);
	int unix_socket = libos_socket(self->l, AF_UNIX, SOCK_STREAM, 0);

	EXPECT_EQ(NULL, map(self->l, tcp, 4096));
	EXPECT_EQ(NULL, map(self->l, unix_socket, 4096));
	EXPECT_EQ(NULL, map(self->l, self->fd, 4096));	/* it has no ring */
	ASSERT_EQ(0, rx_ring(self->l, self->fd));
	EXPECT_EQ(NULL, map(self->l, self->fd, 4096));	/* of another size */
	EXPECT_EQ(NULL, map(self->l, self->fd, 1UL << 44));
	EXPECT_EQ(NULL, libos_panic(self->l));
}

/* -------------------------------------------------------------------- BPF */

static long bpf(struct libos *l, int cmd, union bpf_attr *attr)
{
	return libos_syscall(l, SYS_bpf, (long)cmd, attr, sizeof(*attr));
}

static long map_new(struct libos *l, int type, int key, int value, int entries, int flags)
{
	union bpf_attr attr = { .map_type = type, .key_size = key, .value_size = value,
				.max_entries = entries, .map_flags = flags };

	return bpf(l, BPF_MAP_CREATE, &attr);
}

static long map_element(struct libos *l, int cmd, int map_fd, uint32_t key, void *value)
{
	union bpf_attr attr = { .map_fd = map_fd, .key = (uintptr_t)&key,
				.value = (uintptr_t)value };

	return bpf(l, cmd, &attr);
}

#define INSN(c, d, s, o, i)	{ .code = c, .dst_reg = d, .src_reg = s, .off = o, .imm = i }
#define INSN_MAP(d, fd)		INSN(BPF_LD | BPF_DW | BPF_IMM, d, BPF_PSEUDO_MAP_FD, 0, fd), \
				INSN(0, 0, 0, 0, 0)
#define INSN_MOV(d, s)		INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define INSN_SET(d, i)		INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define INSN_ADD(d, i)		INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define INSN_CALL(i)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, i)
#define INSN_EXIT		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int load(struct libos *l, int type, const struct bpf_insn *insns, unsigned int nr)
{
	static char log[65536];
	union bpf_attr attr = {
		.prog_type = type, .insns = (uintptr_t)insns, .insn_cnt = nr,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log, .log_size = sizeof(log), .log_level = 1,
	};
	int fd = bpf(l, BPF_PROG_LOAD, &attr);

	return fd < 0 ? complain("program: %s: %s", strerror(-fd), log) : fd;
}

/* Runs a program on a packet of so many bytes; what it returns, or -1 */
static int test_run(struct libos *l, int prog, unsigned int len)
{
	char packet[256] = { 0 };
	union bpf_attr attr = {
		.test = { .prog_fd = prog, .data_in = (uintptr_t)packet,
			  .data_size_in = len, .repeat = 1 },
	};

	return bpf(l, BPF_PROG_TEST_RUN, &attr) ? -1 : (int)attr.test.retval;
}

/* Adds one to element 2, and returns it. */
static int counting_program(struct libos *l, int map_fd)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 2),
		INSN_MOV(2, 10),
		INSN_ADD(2, -4),
		INSN_MAP(1, map_fd),
		INSN_CALL(BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 1, 0),
		INSN_EXIT,
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, 0, 0),
		INSN_ADD(1, 1),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 0, 1, 0, 0),
		INSN_MOV(0, 1),
		INSN_EXIT,
	};

	return load(l, BPF_PROG_TYPE_SCHED_CLS, insns, ARRAY_SIZE(insns));
}

TEST_F(ring, bpf_program_and_map)
{
	int map_fd = map_new(self->l, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0), prog;
	uint64_t value = 42, got = 0;

	ASSERT_LE(0, map_fd);
	ASSERT_EQ(0, map_element(self->l, BPF_MAP_UPDATE_ELEM, map_fd, 2, &value));
	prog = counting_program(self->l, map_fd);
	ASSERT_LE(0, prog);
	EXPECT_EQ(43, test_run(self->l, prog, 64));
	ASSERT_EQ(0, map_element(self->l, BPF_MAP_LOOKUP_ELEM, map_fd, 2, &got));
	EXPECT_EQ(43, got);
	EXPECT_EQ(NULL, map(self->l, map_fd, 4096));	/* not made for that */
}

/* An array that program and caller see without a call; twice, each its own place */
TEST_F(ring, bpf_array_is_mapped)
{
	int map_fd = map_new(self->l, BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_MMAPABLE), prog;
	int maps = self_maps();
	uint64_t *a, *b;

	ASSERT_LE(0, map_fd);
	EXPECT_EQ(NULL, map(self->l, map_fd, 8192));
	a = map(self->l, map_fd, 4096);
	b = map(self->l, map_fd, 4096);
	ASSERT_TRUE(a && b && a != b);
	prog = counting_program(self->l, map_fd);
	ASSERT_LE(0, prog);
	a[2] = 6;
	EXPECT_EQ(7, test_run(self->l, prog, 64));
	EXPECT_EQ(7, b[2]);
	EXPECT_EQ(0, libos_syscall(self->l, SYS_munmap, a, 4096L));
	EXPECT_EQ(-EINVAL, libos_syscall(self->l, SYS_munmap, a, 4096L));
	EXPECT_EQ(8, test_run(self->l, prog, 64));
	EXPECT_EQ(8, b[2]);
	EXPECT_EQ(0, libos_syscall(self->l, SYS_munmap, b, 4096L));
	EXPECT_GE(maps + 2, self_maps());
}

/* Writes 0x5a5a and the packet's length: a record of 24 bytes, which may wrap. */
static int recording_program(struct libos *l, int map_fd)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 1, offsetof(struct __sk_buff, len), 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 3, -8, 0),
		INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -16, 0x5a5a),
		INSN_MAP(1, map_fd),
		INSN_MOV(2, 10),
		INSN_ADD(2, -16),
		INSN_SET(3, 16),
		INSN_SET(4, 0),
		INSN_CALL(BPF_FUNC_ringbuf_output),
		INSN_EXIT,
	};

	return load(l, BPF_PROG_TYPE_SCHED_CLS, insns, ARRAY_SIZE(insns));
}

struct recorder {
	struct libos *l;
	int prog;
};

static void record_later(void *arg)
{
	struct timespec ts = { .tv_nsec = 20 * MS };
	struct recorder *rec = arg;

	libos_nanosleep(rec->l, &ts, NULL);
	test_run(rec->l, rec->prog, 99);
}

/* The consumer's page, the producer's, and the data twice, as libbpf maps them */
TEST_F(ring, bpf_ring_buffer)
{
	int map_fd = map_new(self->l, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	struct recorder rec = { self->l, recording_program(self->l, map_fd) };
	struct pollfd pfd = { .fd = map_fd, .events = POLLIN };
	volatile uint64_t *consumer, *producer;
	const uint64_t *record;
	unsigned int i, sent = 0, seen = 0;
	char *data;

	ASSERT_LE(0, map_fd);
	ASSERT_LE(0, rec.prog);
	consumer = map(self->l, map_fd, 4096);
	ASSERT_NE(NULL, consumer);
	producer = (void *)libos_syscall(self->l, SYS_mmap, 0L, 3 * 4096L, (long)PROT_READ,
					 (long)MAP_SHARED, (long)map_fd, 4096L);
	ASSERT_TRUE((long)producer > 0);
	data = (char *)producer + 4096;
	EXPECT_EQ(NULL, map_at(self->l, map_fd, 4096, 4096));	/* to write */
	EXPECT_EQ(0, libos_poll(self->l, &pfd, 1, 0));

	for (i = 0; i < 10; i++) {
		while (!test_run(self->l, rec.prog, 64 + sent % 64))
			sent++;
		ASSERT_EQ(4096 / 24, sent - seen);	/* it is full */
		ASSERT_EQ(24ULL * sent, *producer);
		ASSERT_EQ(1, libos_poll(self->l, &pfd, 1, 0));
		for (; *consumer < *producer; *consumer += 24, seen++) {
			record = (void *)(data + *consumer % 4096);
			ASSERT_EQ(16, *(uint32_t *)record);
			ASSERT_EQ(0x5a5a, record[1]);
			ASSERT_EQ(64 + seen % 64, record[2]);
		}
		ASSERT_EQ(sent, seen);
	}
	ASSERT_OK(libos_spawn(self->l, record_later, &rec, 0));
	ASSERT_EQ(1, libos_poll(self->l, &pfd, 1, 5000));
	EXPECT_EQ(99, ((uint64_t *)(data + *consumer % 4096))[2]);
	EXPECT_EQ(0, libos_syscall(self->l, SYS_munmap, producer, 3 * 4096L));
	EXPECT_EQ(0, libos_syscall(self->l, SYS_munmap, consumer, 4096L));
}

TEST_F(ring, ring_buffers_many_times)
{
	int i, fd;
	void *page;

	for (i = 0; i < 200; i++) {
		fd = map_new(self->l, BPF_MAP_TYPE_RINGBUF, 0, 0, 1 << 20, 0);
		ASSERT_LE(0, fd);
		page = map(self->l, fd, 4096);
		ASSERT_NE(NULL, page);
		ASSERT_EQ(0, libos_syscall(self->l, SYS_munmap, page, 4096L));
		ASSERT_EQ(0, libos_close_fd(self->l, fd));
	}
}

TEST_F(ring, btf)
{
	static char buf[16];
	int fd = libos_open_file(self->l, "/sys/kernel/btf/vmlinux", O_RDONLY, 0);

	if (fd < 0)
		SKIP(return, "no BTF in this kernel (%s)", strerror(errno));
	ASSERT_EQ(16, libos_read(self->l, fd, buf, sizeof(buf)));
	EXPECT_EQ('\x9f', buf[0]);
	EXPECT_EQ('\xeb', buf[1]);
}

/* ----------------------------------------------------------------- AF_XDP */

#define CHUNK	4096
#define CHUNKS	64

struct queue {
	volatile uint32_t *producer, *consumer;
	void *desc;
};

/* A socket, its memory and its four rings */
struct xsk {
	struct libos *l;
	int fd;
	char *memory;
	struct queue fill, done, rx, tx;
};

static int queue_open(struct xsk *x, struct queue *q, int option, size_t desc, off_t off,
		      const struct xdp_ring_offset *at)
{
	char *ring = map_at(x->l, x->fd, at->desc + CHUNKS * desc, off);

	if (!ring)
		return complain("ring %d is not mapped", option);
	q->producer = (void *)(ring + at->producer);
	q->consumer = (void *)(ring + at->consumer);
	q->desc = ring + at->desc;
	return 0;
}

/* Its memory has to be the instance's. */
static int umem_open(struct xsk *x)
{
	struct xdp_umem_reg reg = { .len = CHUNKS * CHUNK, .chunk_size = CHUNK };

	x->fd = libos_socket(x->l, AF_XDP, SOCK_RAW, 0);
	x->memory = map(x->l, -1, reg.len);
	reg.addr = (uintptr_t)x->memory;
	return libos_setsockopt(x->l, x->fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg));
}

static int xsk_open(struct xsk *x, const char *dev)
{
	struct sockaddr_xdp addr = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY,
				     .sxdp_ifindex = link_index(x->l, dev) };
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);

	return umem_open(x) ?:
	       set_int(x->l, x->fd, SOL_XDP, XDP_UMEM_FILL_RING, CHUNKS) ?:
	       set_int(x->l, x->fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, CHUNKS) ?:
	       set_int(x->l, x->fd, SOL_XDP, XDP_RX_RING, CHUNKS) ?:
	       set_int(x->l, x->fd, SOL_XDP, XDP_TX_RING, CHUNKS) ?:
	       libos_getsockopt(x->l, x->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len) ?:
	       queue_open(x, &x->fill, XDP_UMEM_FILL_RING, 8, XDP_UMEM_PGOFF_FILL_RING, &at.fr) ?:
	       queue_open(x, &x->done, XDP_UMEM_COMPLETION_RING, 8,
			  XDP_UMEM_PGOFF_COMPLETION_RING, &at.cr) ?:
	       queue_open(x, &x->rx, XDP_RX_RING, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING,
			  &at.rx) ?:
	       queue_open(x, &x->tx, XDP_TX_RING, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING,
			  &at.tx) ?:
	       libos_bind(x->l, x->fd, (void *)&addr, sizeof(addr));
}

/* All that a device receives goes to the socket; returns the link. */
static int xsk_redirect(struct xsk *x, const char *dev)
{
	int map_fd = map_new(x->l, BPF_MAP_TYPE_XSKMAP, 4, 4, 1, 0);
	const struct bpf_insn insns[] = {
		INSN_MAP(1, map_fd),
		INSN_SET(2, 0),
		INSN_SET(3, XDP_PASS),
		INSN_CALL(BPF_FUNC_redirect_map),
		INSN_EXIT,
	};
	union bpf_attr attr = {
		.link_create = { .target_ifindex = link_index(x->l, dev), .attach_type = BPF_XDP,
				 .prog_fd = load(x->l, BPF_PROG_TYPE_XDP, insns,
						 ARRAY_SIZE(insns)),
				 .flags = XDP_FLAGS_SKB_MODE },
	};

	return map_element(x->l, BPF_MAP_UPDATE_ELEM, map_fd, 0, &x->fd) ?:
	       bpf(x->l, BPF_LINK_CREATE, &attr);
}

static const char head[14] = "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\1\x88\xb5";

/* A packet socket that hears and sends our protocol */
static int packet_socket(struct libos *l, const char *dev)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = link_index(l, dev),
				  .sll_protocol = htons(0x88b5) };
	int fd = libos_socket(l, AF_PACKET, SOCK_RAW, 0);

	return libos_bind(l, fd, (void *)&ll, sizeof(ll)) ? -1 : fd;
}

/* The next packet of our protocol, which is given back when it has been copied */
static int xsk_receive(struct xsk *x, char *buf)
{
	struct pollfd pfd = { .fd = x->fd, .events = POLLIN };
	const struct xdp_desc *desc;
	bool ours;

	do {
		if (*x->rx.consumer == *x->rx.producer && libos_poll(x->l, &pfd, 1, 5000) != 1)
			return complain("no packet");
		desc = (struct xdp_desc *)x->rx.desc + *x->rx.consumer % CHUNKS;
		memcpy(buf, x->memory + desc->addr, desc->len);
		ours = !memcmp(buf + 12, head + 12, 2);
		((uint64_t *)x->fill.desc)[*x->fill.producer % CHUNKS] = desc->addr / CHUNK * CHUNK;
		++*x->fill.producer;
		++*x->rx.consumer;
	} while (!ours);
	return 0;
}

/* The upper half of the memory is for sending. */
static int xsk_send(struct xsk *x, const void *data, uint32_t len)
{
	uint32_t nr = *x->tx.producer % CHUNKS;
	struct xdp_desc *desc = (struct xdp_desc *)x->tx.desc + nr;

	*desc = (struct xdp_desc) { (CHUNKS / 2 + nr % (CHUNKS / 2)) * CHUNK, len, 0 };
	memcpy(x->memory + desc->addr, data, len);
	++*x->tx.producer;
	return libos_sendto(x->l, x->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
}

/* Packets both ways between @dev of @l and @peer of @other */
static int xdp_both_ways(struct libos *l, const char *dev, struct libos *other, const char *peer)
{
	struct xsk x = { .l = l };
	int fd = packet_socket(other, peer), i;
	char out[1000] = "", in[CHUNK];

	if (fd < 0 || xsk_open(&x, dev) || xsk_redirect(&x, dev) < 0)
		return complain("AF_XDP: %s", strerror(errno));
	for (i = 0; i < CHUNKS / 2; i++)
		((uint64_t *)x.fill.desc)[i] = i * CHUNK;
	*x.fill.producer = CHUNKS / 2;
	memcpy(out, head, sizeof(head));
	for (i = 0; i < 5 * CHUNKS; i++) {
		sprintf(out + 14, "number %d", i);
		if (libos_send(other, fd, out, sizeof(out), 0) != sizeof(out) ||
		    xsk_receive(&x, in) || memcmp(out, in, sizeof(out)))
			return complain("packet %d in", i);
		if (xsk_send(&x, out, sizeof(out)) ||
		    libos_recv(other, fd, in, sizeof(in), 0) != sizeof(out) ||
		    memcmp(out, in, sizeof(out)))
			return complain("packet %d out: %s", i, strerror(errno));
		while (*x.done.consumer != *x.done.producer)
			++*x.done.consumer;
	}
	return 0;
}

TEST_F(ring, xdp_on_veth)
{
	ASSERT_EQ(0, veth_new(self->l, "va", "vb", -1));
	ASSERT_OK(libos_link_up(self->l, "va"));
	ASSERT_OK(libos_link_up(self->l, "vb"));
	EXPECT_EQ(0, xdp_both_ways(self->l, "va", self->l, "vb"));
}

TEST(xdp_on_cable)
{
	struct pair p;

	ASSERT_EQ(0, pair_open(&p, 0, NULL));
	EXPECT_EQ(0, xdp_both_ways(p.a, "eth0", p.b, "eth0"));
	EXPECT_EQ(0, pair_close(&p));
}

/* What was pinned is free again. */
TEST_F(ring, xdp_many_times)
{
	struct xsk x = { .l = self->l };
	int i;

	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, umem_open(&x));
		ASSERT_EQ(0, libos_close_fd(x.l, x.fd));
		ASSERT_EQ(0, libos_syscall(x.l, SYS_munmap, x.memory, (long)CHUNKS * CHUNK));
	}
}

/* -------------------------------------------------- pages of the caller */

/* What is ours has no page in the instance: it is copied where it is only read. */
TEST_F(ring, memory_of_ours)
{
	static char data[20000], buf[20000];
	struct msghdr msg = { .msg_control = buf, .msg_controllen = sizeof(buf) };
	struct iovec iov = { data + 1, 9000 };
	int fd[2], pipe[2], i;
	ssize_t n, got;

	for (i = 0; i < (int)sizeof(data); i++)
		data[i] = i * 7 + i / 256;
	ASSERT_EQ(0, connection(self->l, self->l, 0, "127.0.0.1", 7000, fd));
	ASSERT_EQ(0, set_int(self->l, fd[0], SOL_SOCKET, SO_ZEROCOPY, 1));
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(19990, libos_send(self->l, fd[0], data + 3, 19990, MSG_ZEROCOPY));
		for (got = 0; got < 19990; got += n) {
			n = libos_recv(self->l, fd[1], buf + got, sizeof(buf) - got, 0);
			ASSERT_LT(0, n);
		}
		ASSERT_EQ(0, memcmp(data + 3, buf, 19990));
	}
	EXPECT_EQ(0, libos_recvmsg(self->l, fd[0], &msg, MSG_ERRQUEUE));
	EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendto, (long)fd[0], 64L, 9000L,
					 (long)MSG_ZEROCOPY, NULL, 0L));

	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe2, pipe, 0L));
	ASSERT_EQ(9000, libos_syscall(self->l, SYS_vmsplice, (long)pipe[1], &iov, 1L, 0L));
	ASSERT_EQ(9000, libos_read(self->l, pipe[0], buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(data + 1, buf, 9000));
}

/* --------------------------------------------- a host that cannot map pages */

TEST(host_without_map_pages)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 };
	struct xdp_umem_reg reg = { .len = 1 << 20, .chunk_size = 4096 };
	static struct raw r;
	struct tpacket_req req = { .tp_block_size = 4096, .tp_block_nr = 2,
				   .tp_frame_size = 2048, .tp_frame_nr = 4 };
	int fd;

	ASSERT_EQ(0, raw_load(&r, LM_ID_BASE));
	raw_prepare(&r, RAW_MEMORY);
	r.host.map_pages = NULL;
	r.host.unmap_pages = NULL;
	ASSERT_EQ(0, raw_init(&r));
	fd = raw_call(&r, SYS_socket, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	ASSERT_EQ(0, raw_call(&r, SYS_setsockopt, fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)));
	EXPECT_EQ(-ENOMEM, raw_call(&r, SYS_mmap, 0, 8192, 3, MAP_SHARED, fd, 0));
	EXPECT_EQ(-ENOMEM, raw_call(&r, SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
	fd = raw_call(&r, SYS_socket, AF_XDP, SOCK_RAW, 0);
	reg.addr = raw_call(&r, SYS_mmap, 0, reg.len, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_EQ(-ENOMEM, raw_call(&r, SYS_setsockopt, fd, SOL_XDP, XDP_UMEM_REG, &reg,
				    sizeof(reg)));
	EXPECT_EQ(1, raw_call(&r, SYS_getpid));
}

/* What is mapped is unmapped: on munmap(), and when the instance ends. */
TEST(mappings_are_given_back)
{
	int before, i;

	for (i = 0; i < 30; i++) {
		struct libos *l = boot(NULL);
		int fd = libos_socket(l, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

		ASSERT_EQ(0, rx_ring(l, fd));
		ASSERT_NE(NULL, map(l, fd, BLOCK * BLOCKS));
		ASSERT_EQ(0, libos_close(l));
		if (i == 5)
			before = self_maps();
	}
	EXPECT_EQ(before, self_maps());
}

TEST_HARNESS_MAIN
