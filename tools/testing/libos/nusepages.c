// SPDX-License-Identifier: GPL-2.0
/*
 * nusepages.c - memory that the kernel of a shared instance maps, and programs map
 * of it: packet rings, BPF arrays and ring buffers, in processes that come and go.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "harness.h"
#include "nuse/vdso.h"
#include "shared.h"

#define PORT	7000
#define BLOCK	(64 << 10)
#define BLOCKS	4
#define RECORDER	5	/* pages of the window: its three, and the data twice */
#define RW	(PROT_READ | PROT_WRITE)

static struct share_thread *self(void)
{
	int err;

	return share_self(share_process.number, &err);
}

/* fork(), as the catcher will do it. */
static pid_t fork_here(void)
{
	int number = share_fork(self());
	pid_t pid;

	if (number < 0)
		return -1;
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (share_forked(number))
		_exit(1);
	return 0;
}

/* Waits until it has ended; what it returned, or the signal + 1000. */
static int reaped(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	share_reap(pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* What the instance maps for us, or NULL */
static void *map_at(void *at, int fd, size_t len, int prot, int flags, off_t off)
{
	long addr = share_mmap(self(), SYS_mmap, (long[6]) { (long)at, len, prot, flags, fd, off });

	return addr < 0 ? NULL : (void *)addr;
}

static void *map(int fd, size_t len)
{
	return map_at(NULL, fd, len, RW, MAP_SHARED, 0);
}

static long unmap(void *addr, size_t len)
{
	return share_memory_call(self(), SYS_munmap, (long[6]) { (long)addr, len });
}

/* ------------------------------------------------------------------- packets */

static struct sockaddr_in address_of(int port)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* A UDP socket at @port that talks to @peer */
static int talker(int port, int peer)
{
	struct sockaddr_in here = address_of(port), there = address_of(peer);
	int fd = call(SYS_socket, AF_INET, SOCK_DGRAM);

	return call(SYS_bind, fd, (long)&here, sizeof(here)) ||
	       call(SYS_connect, fd, (long)&there, sizeof(there)) ? -1 : fd;
}

static const char text[] = "number";

/* Sends so many packets and waits for an answer to each. */
static int ask(int fd, int nr)
{
	char buf[64];

	while (nr--)
		if (call(SYS_write, fd, (long)text, sizeof(text)) != sizeof(text) ||
		    call(SYS_read, fd, (long)buf, sizeof(buf)) != sizeof(text))
			return 1;
	return 0;
}

static int answer(int fd, int nr)
{
	char buf[64];

	while (nr--)
		if (call(SYS_read, fd, (long)buf, sizeof(buf)) != sizeof(text) ||
		    call(SYS_write, fd, (long)buf, sizeof(text)) != sizeof(text))
			return 1;
	return 0;
}

/* A packet socket on lo with a ring, and the ring */
static char *ring_new(int *fd)
{
	struct tpacket_req3 req = {
		.tp_block_size = BLOCK, .tp_block_nr = BLOCKS, .tp_frame_size = 2048,
		.tp_frame_nr = BLOCK * BLOCKS / 2048, .tp_retire_blk_tov = 20,
	};
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = 1,
				  .sll_protocol = htons(ETH_P_ALL) };
	int version = TPACKET_V3;

	*fd = call(SYS_socket, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	if (call(SYS_setsockopt, *fd, SOL_PACKET, PACKET_VERSION, (long)&version,
		 sizeof(version)) ||
	    call(SYS_setsockopt, *fd, SOL_PACKET, PACKET_RX_RING, (long)&req, sizeof(req)) ||
	    call(SYS_bind, *fd, (long)&ll, sizeof(ll)))
		return NULL;
	return map(*fd, BLOCK * BLOCKS);
}

/* Packets of ours in the ring's blocks, which are given back */
static int ring_count(char *ring)
{
	struct tpacket_block_desc *desc;
	const struct tpacket3_hdr *pkt;
	int block, nr = 0;
	unsigned int i;

	for (block = 0; block < BLOCKS; block++) {
		desc = (void *)(ring + block * BLOCK);
		if (!(desc->hdr.bh1.block_status & TP_STATUS_USER))
			continue;
		pkt = (void *)((char *)desc + desc->hdr.bh1.offset_to_first_pkt);
		for (i = 0; i < desc->hdr.bh1.num_pkts; i++) {
			nr += !!memmem((char *)pkt + pkt->tp_mac, pkt->tp_snaplen, text,
				       sizeof(text));
			pkt = (void *)((char *)pkt + pkt->tp_next_offset);
		}
		desc->hdr.bh1.block_status = TP_STATUS_KERNEL;
	}
	return nr;
}

/* Waits for that many. */
static int ring_wait(int fd, char *ring, int want)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int nr = 0;

	while (nr < want && call(SYS_poll, (long)&pfd, 1, 5000) == 1)
		nr += ring_count(ring);
	return nr;
}

/* ----------------------------------------------------------------------- BPF */

static long map_new(int type, int key, int value, int entries, int flags)
{
	union bpf_attr attr = { .map_type = type, .key_size = key, .value_size = value,
				.max_entries = entries, .map_flags = flags };

	return call(SYS_bpf, BPF_MAP_CREATE, (long)&attr, sizeof(attr));
}

static long array_new(void)
{
	return map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_MMAPABLE);
}

/* Element 2 as the kernel sees it */
static uint64_t array_value(int map_fd)
{
	uint64_t value = 0;
	uint32_t key = 2;
	union bpf_attr attr = { .map_fd = map_fd, .key = (uintptr_t)&key,
				.value = (uintptr_t)&value };

	call(SYS_bpf, BPF_MAP_LOOKUP_ELEM, (long)&attr, sizeof(attr));
	return value;
}

#define INSN(c, d, s, o, i)	{ .code = c, .dst_reg = d, .src_reg = s, .off = o, .imm = i }

/* A socket filter that writes each packet's length to a ring buffer: 16 bytes */
static int recording_filter(int map_fd)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 1, offsetof(struct __sk_buff, len), 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 3, -8, 0),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -8),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 8),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ringbuf_output),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0xffff),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (uintptr_t)insns,
		.insn_cnt = ARRAY_SIZE(insns), .license = (uintptr_t)"GPL",
	};

	return call(SYS_bpf, BPF_PROG_LOAD, (long)&attr, sizeof(attr));
}

/* A ring buffer of one page and what writes to it: the packets that @fd gets */
static int recorder_new(int fd)
{
	int map_fd = map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	int prog = recording_filter(map_fd);

	if (call(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_BPF, (long)&prog, sizeof(prog)))
		return -1;
	call(SYS_close, prog);
	return map_fd;
}

/* Soon so many pages of the window are in use: it is the keeper who looks after that. */
static bool window_has(uint32_t nr)
{
	int i;

	for (i = 0; i < 5000 && __atomic_load_n(&share->pages.top, __ATOMIC_RELAXED) != nr; i++)
		usleep(1000);
	return i < 5000;
}

/* --------------------------------------------------------------------- tests */

/* One has the ring, the other sends; then a child with the same ring does both. */
TEST(ring_in_two_processes)
{
	int fd, sock;
	pid_t pid[2];
	char *ring;

	ASSERT_EQ(0, start());
	sock = talker(PORT, PORT + 1);
	ASSERT_LE(0, sock);
	pid[0] = fork_here();
	if (!pid[0])
		_exit(ask(talker(PORT + 1, PORT), 40));
	ring = ring_new(&fd);
	ASSERT_NE(NULL, ring);
	EXPECT_TRUE(share_owns((uintptr_t)ring, 1));
	ASSERT_EQ(0, answer(sock, 40));
	/* On lo, a packet is seen as it goes and as it comes. */
	EXPECT_LE(80, ring_wait(fd, ring, 80));
	EXPECT_EQ(0, reaped(pid[0]));

	pid[0] = fork_here();
	if (!pid[0]) {
		if (ring_wait(fd, ring, 80) < 80)
			_exit(2);
		_exit(unmap(ring, BLOCK * BLOCKS) ? 3 : 0);
	}
	pid[1] = fork_here();
	if (!pid[1])
		_exit(ask(talker(PORT + 1, PORT), 40));
	/* The ring is the child's alone now. */
	EXPECT_EQ(0, unmap(ring, BLOCK * BLOCKS));
	EXPECT_EQ(-EINVAL, unmap(ring, BLOCK * BLOCKS));
	EXPECT_EQ(0, call(SYS_close, fd));
	ASSERT_EQ(0, answer(sock, 40));
	EXPECT_EQ(0, reaped(pid[0]));
	EXPECT_EQ(0, reaped(pid[1]));
	EXPECT_TRUE(window_has(0));
}

/* It is gone with its owner, and with its owner's program. */
TEST(ring_of_one_that_is_killed)
{
	int fd, i;
	pid_t pid;

	ASSERT_EQ(0, start());
	for (i = 0; i < 3; i++) {
		pid = fork_here();
		if (!pid) {
			if (!ring_new(&fd))
				_exit(1);
			call(SYS_close, fd);
			kill(getpid(), SIGKILL);
		}
		EXPECT_EQ(1000 + SIGKILL, reaped(pid));
		EXPECT_TRUE(window_has(0));
	}
	EXPECT_NE(NULL, ring_new(&fd));
	EXPECT_EQ(BLOCK * BLOCKS / 4096, share->pages.top);
}

/* The kernel writes to pages that one process maps, whichever process runs it. */
TEST(ring_buffer_in_two_processes)
{
	const uint64_t *producer, *record;
	volatile uint64_t *consumer;
	int sock, map_fd, i;
	pid_t pid;

	ASSERT_EQ(0, start());
	sock = talker(PORT, PORT + 1);
	ASSERT_LE(0, sock);
	pid = fork_here();
	if (!pid)
		_exit(ask(talker(PORT + 1, PORT), 2000));
	/* Each is at the same address, on other pages. */
	for (i = 0; i < 20; i++) {
		map_fd = recorder_new(sock);
		ASSERT_LE(0, map_fd);
		consumer = map(map_fd, 4096);
		producer = map_at(NULL, map_fd, 3 * 4096, PROT_READ, MAP_SHARED, 4096);
		ASSERT_TRUE(consumer && producer);
		ASSERT_EQ(0, answer(sock, 100));
		/* The asker is ahead by one, or was at the start. */
		ASSERT_LE(99 * 16, *producer);
		for (; *consumer < 99 * 16; *consumer += 16) {
			record = producer + 512 + *consumer % 4096 / 8;
			ASSERT_EQ(8, *(uint32_t *)record);
			ASSERT_EQ(8 + sizeof(text), record[1]);
		}
		ASSERT_EQ(0, unmap((void *)consumer, 4096));
		ASSERT_EQ(0, unmap((void *)producer, 3 * 4096));
		ASSERT_EQ(0, call(SYS_close, map_fd));
	}
	EXPECT_EQ(0, reaped(pid));
	EXPECT_EQ(1, call(SYS_getpid));
}

/* Makes, uses and removes what the kernel writes to. */
static int churn(int port)
{
	int sock = talker(port, port), map_fd, i;
	volatile uint64_t *consumer;
	char buf[64];

	for (i = 0; i < 100; i++) {
		map_fd = recorder_new(sock);
		consumer = map(map_fd, 4096);
		if (!consumer || *consumer)
			return 1;
		if (call(SYS_write, sock, (long)text, sizeof(text)) != sizeof(text) ||
		    call(SYS_read, sock, (long)buf, sizeof(buf)) != sizeof(text))
			return 2;
		*consumer = 16;
		if (unmap((void *)consumer, 4096) || call(SYS_close, map_fd))
			return 3;
	}
	return 0;
}

TEST(unmap_and_map_again)
{
	int i;
	pid_t pid[3];

	ASSERT_EQ(0, start());
	/* The first program makes the kernel read all of its types. */
	ASSERT_LE(0, recorder_new(talker(PORT + 4, PORT + 4)));
	for (i = 0; i < 3; i++) {
		pid[i] = fork_here();
		if (!pid[i])
			_exit(churn(PORT + i));
	}
	EXPECT_EQ(0, churn(PORT + 3));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, reaped(pid[i]));
}

TEST(array_in_two_processes)
{
	int fd;
	uint64_t *a;
	pid_t pid;

	ASSERT_EQ(0, start());
	fd = array_new();
	ASSERT_LE(0, fd);
	pid = fork_here();
	if (!pid) {
		a = map(fd, 4096);
		if (!a)
			_exit(1);
		a[2] = 6;
		_exit(array_value(fd) == 6 ? 0 : 2);
	}
	EXPECT_EQ(0, reaped(pid));
	EXPECT_EQ(6, array_value(fd));
	a = map(fd, 4096);
	ASSERT_NE(NULL, a);
	EXPECT_EQ(6, a[2]);
	EXPECT_EQ(0, unmap(a, 4096));
	EXPECT_TRUE(window_has(0));
}

/* As it was asked for, and as the next at the same address wants it */
TEST(protections)
{
	int fd;
	uint64_t *a, *b;
	pid_t pid;

	ASSERT_EQ(0, start());
	fd = array_new();
	a = map_at(NULL, fd, 4096, PROT_READ, MAP_SHARED, 0);
	ASSERT_NE(NULL, a);
	pid = fork_here();
	if (!pid) {
		a[2] = 1;
		_exit(0);
	}
	EXPECT_EQ(1000 + SIGSEGV, reaped(pid));
	EXPECT_EQ(0, share_memory_call(self(), SYS_mprotect, (long[6]) { (long)a, 4096, RW }));
	a[2] = 1;
	EXPECT_EQ(0, share_memory_call(self(), SYS_mprotect, (long[6]) { (long)a, 4096, 0 }));
	EXPECT_EQ(0, unmap(a, 4096));
	b = map(fd, 4096);
	ASSERT_EQ(a, b);
	EXPECT_EQ(1, b[2]);
	b[2] = 2;
	EXPECT_EQ(2, array_value(fd));
}

TEST(at_an_address_of_ours)
{
	int flags = MAP_SHARED | MAP_FIXED;
	uint64_t *a, *own;
	int fd;

	ASSERT_EQ(0, start());
	fd = array_new();
	own = mmap(NULL, 8192, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	a = map_at(own, fd, 4096, RW, flags, 0);
	ASSERT_EQ(own, a);
	a[2] = 7;
	EXPECT_EQ(7, array_value(fd));
	a[512] = 1;
	EXPECT_EQ(NULL, map_at(own, fd, 4096, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, 0));
	EXPECT_EQ(NULL, map_at((char *)own + 1, fd, 4096, RW, flags, 0));
	EXPECT_EQ(NULL, map_at((void *)SHARE_MEMORY, fd, 4096, RW, flags, 0));
	EXPECT_EQ(7, own[2]);
	EXPECT_EQ(0, munmap(own, 8192));
	EXPECT_EQ(1, call(SYS_getpid));
}

static long memory_call(long nr, const void *addr, size_t len, long arg)
{
	return share_memory_call(self(), nr, (long[6]) { (long)addr, len, arg });
}

/* Nothing that a program asks for changes what the kernel needs. */
TEST(what_is_not_ours)
{
	static const long calls[] = { SYS_munmap, SYS_mprotect, SYS_madvise, SYS_mremap, SYS_mmap };
	char *memory = (void *)SHARE_MEMORY, *a, *b;
	unsigned int i;
	int fd;

	ASSERT_EQ(0, start());
	EXPECT_FALSE(share_owns(SHARE_BASE - 4096, 4096));
	EXPECT_TRUE(share_owns(SHARE_BASE - 4096, 4097));
	EXPECT_TRUE(share_owns(0, ~0UL));
	EXPECT_TRUE(share_owns(SHARE_WINDOW, 0));
	EXPECT_FALSE(share_owns(SHARE_BASE + (4ULL << 30), 4096));
	fd = array_new();
	a = map(fd, 4096);
	b = map(fd, 4096);
	ASSERT_TRUE(a && b == a + 4096);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		EXPECT_GT(0, memory_call(calls[i], memory, 4096, 0));
		EXPECT_GT(0, memory_call(calls[i], share, 4096, 0));
		EXPECT_GT(0, memory_call(calls[i], a, 12288, 0));
		EXPECT_GT(0, memory_call(calls[i], a - 4096, 8192, 0));
		EXPECT_GT(0, memory_call(calls[i], a, ~0UL, 0));
	}
	EXPECT_EQ(0, memory_call(SYS_madvise, a, 4096, MADV_REMOVE));
	EXPECT_EQ(0, memory_call(SYS_madvise, a, 4096, MADV_DONTFORK));
	EXPECT_GT(0, memory_call(SYS_mremap, a, 4096, 8192));
	EXPECT_EQ(0, unmap(a, 4096));
	EXPECT_EQ(0, unmap(b, 4096));
	EXPECT_EQ(1, call(SYS_getpid));
}

/* In new programs: one that is new in the instance, one whose process had a ring */

static int new_program(int fd_base, int slot)
{
	int fd;

	map_gateway();
	vdso_init();
	if (share_map(fd_base))
		return 2;
	if (slot < 0 ? share_attach() : share_exec(share->threads[slot].process, &share->threads[slot]))
		return 3;
	/* The ring is gone, the recorder is not. */
	if (!window_has(RECORDER))
		return 4;
	fd = talker(PORT + 1, PORT);
	return fd < 0 ? 5 : ask(fd, 50);
}

static void __attribute__((constructor)) in_new_program(void)
{
	const char *arg = getenv("NUSE_TEST");
	int fd_base, slot;

	if (arg && sscanf(arg, "%d,%d", &fd_base, &slot) == 2)
		_exit(new_program(fd_base, slot));
}

static void exec_here(int slot)
{
	char arg[32];

	snprintf(arg, sizeof(arg), "%d,%d", share->fd_base, slot);
	setenv("NUSE_TEST", arg, 1);
	execl("/proc/self/exe", "nusepages", NULL);
	_exit(9);
}

TEST(new_programs)
{
	int sock, fd, status;
	uint64_t *consumer;
	pid_t pid;

	ASSERT_EQ(0, start());
	sock = talker(PORT, PORT + 1);
	fd = recorder_new(sock);
	ASSERT_LE(0, fd);
	pid = fork();
	if (!pid)
		exec_here(-1);
	EXPECT_EQ(0, answer(sock, 50));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	share_reap(pid);

	pid = fork_here();
	if (!pid) {
		int ring_fd;

		if (!ring_new(&ring_fd))
			_exit(1);
		call(SYS_close, ring_fd);
		exec_here(share_slot(self()));
	}
	EXPECT_EQ(0, answer(sock, 50));
	EXPECT_EQ(0, reaped(pid));
	consumer = map(fd, 4096);
	ASSERT_NE(NULL, consumer);
	EXPECT_EQ(0, *consumer);
}

TEST_HARNESS_MAIN
