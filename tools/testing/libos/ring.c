// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c - memory that kernel and caller share, which needs pages to be seen
 * a second time: packet rings, BPF ring buffers, AF_XDP.
 */
#include "harness.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <sys/mman.h>
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

static void *map(struct libos *l, int fd, size_t len)
{
	long addr = libos_syscall(l, SYS_mmap, 0L, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				  0L);

	return addr < 0 && addr > -4096 ? NULL : (void *)addr;
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

#define INSN(c, d, s, o, i)	{ .code = c, .dst_reg = d, .src_reg = s, .off = o, .imm = i }

static long load(struct libos *l, const struct bpf_insn *insns, unsigned int nr, char *log)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS, .insns = (uintptr_t)insns,
		.insn_cnt = nr, .license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log, .log_size = 65536, .log_level = 1,
	};

	return bpf(l, BPF_PROG_LOAD, &attr);
}

static long test_run(struct libos *l, int prog, uint32_t *ret)
{
	char packet[64] = { 0 };
	union bpf_attr attr = {
		.test = { .prog_fd = prog, .data_in = (uintptr_t)packet,
			  .data_size_in = sizeof(packet), .repeat = 1 },
	};
	long err = bpf(l, BPF_PROG_TEST_RUN, &attr);

	*ret = attr.test.retval;
	return err;
}

TEST_F(ring, bpf_program_and_map)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
				.value_size = 8, .max_entries = 4 };
	uint64_t value = 42, got = 0;
	uint32_t key = 2, ret = 0;
	static char log[65536];
	int map_fd, prog;

	map_fd = bpf(self->l, BPF_MAP_CREATE, &attr);
	ASSERT_LE(0, map_fd);
	attr = (union bpf_attr) { .map_fd = map_fd, .key = (uintptr_t)&key,
				  .value = (uintptr_t)&value };
	ASSERT_EQ(0, bpf(self->l, BPF_MAP_UPDATE_ELEM, &attr));
	{
		const struct bpf_insn insns[] = {
			INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 2),
			INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
			INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
			INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map_fd),
			INSN(0, 0, 0, 0, 0),
			INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
			INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 1, 0),
			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
			INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, 0, 0),
			INSN(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, 1),
			INSN(BPF_STX | BPF_MEM | BPF_DW, 0, 1, 0, 0),
			INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0),
			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
		};

		prog = load(self->l, insns, ARRAY_SIZE(insns), log);
	}
	if (prog < 0)
		TH_LOG("%d: %s", prog, log);
	ASSERT_LE(0, prog);
	ASSERT_EQ(0, test_run(self->l, prog, &ret));
	EXPECT_EQ(43, ret);
	attr = (union bpf_attr) { .map_fd = map_fd, .key = (uintptr_t)&key,
				  .value = (uintptr_t)&got };
	ASSERT_EQ(0, bpf(self->l, BPF_MAP_LOOKUP_ELEM, &attr));
	EXPECT_EQ(43, got);
}

/* A ring buffer is mapped twice, one behind the other: records may wrap. */

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

/* --------------------------------------------- a host that cannot map pages */

TEST(host_without_map_pages)
{
	static struct raw r;
	struct tpacket_req3 req = {
		.tp_block_size = BLOCK, .tp_block_nr = BLOCKS, .tp_frame_size = 2048,
		.tp_frame_nr = BLOCK * BLOCKS / 2048,
	};
	int fd, version = TPACKET_V3;

	ASSERT_EQ(0, raw_load(&r, LM_ID_BASE));
	raw_prepare(&r, RAW_MEMORY);
	r.host.map_pages = NULL;
	r.host.unmap_pages = NULL;
	ASSERT_EQ(0, raw_init(&r));
	fd = raw_call(&r, SYS_socket, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	ASSERT_EQ(0, raw_call(&r, SYS_setsockopt, fd, SOL_PACKET, PACKET_VERSION, &version, 4));
	ASSERT_EQ(0, raw_call(&r, SYS_setsockopt, fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)));
	EXPECT_GT(0, raw_call(&r, SYS_mmap, 0, BLOCK * BLOCKS, 3, MAP_SHARED, fd, 0));
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
