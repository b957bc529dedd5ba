// SPDX-License-Identifier: GPL-2.0
/*
 * instances.c - many kernels in one process: 256 of them on a ring of cables,
 * a thousand one after the other, several at work in several host threads, and
 * one that dies beside others that live.
 */
#include "harness.h"
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include "util.h"

/* ---------------------------------------------------------------- a ring */

#define RING		256
#define RING_MEMORY	(16 << 20)

/* Device "next" of instance @i leads to device "prev" of the one behind it. */
static int ring_link(struct libos **ring, unsigned int i)
{
	struct libos_port a = port_of(ring[i], 2 * i);
	struct libos_port b = port_of(ring[(i + 1) % RING], 2 * i + 1);
	char addr[32];

	a.name = "next";
	b.name = "prev";
	if (libos_cable(&a, &b, NULL, NULL))
		return -1;
	snprintf(addr, sizeof(addr), "10.0.%u.1/24", i);
	if (libos_addr_add(a.libos, "next", addr) || libos_link_up(a.libos, "next"))
		return -1;
	snprintf(addr, sizeof(addr), "10.0.%u.2/24", i);
	return libos_addr_add(b.libos, "prev", addr) ?: libos_link_up(b.libos, "prev");
}

TEST(ring_of_256)
{
	struct libos_config config = { .size = sizeof(config), .memory = RING_MEMORY };
	struct libos *ring[RING];
	unsigned int i, answers = 0;
	char addr[32];

	config.world = libos_world_new(1);
	ASSERT_NE(NULL, config.world);
	for (i = 0; i < RING; i++)
		ASSERT_OK(libos_open(&config, &ring[i]));
	for (i = 0; i < RING; i++)
		ASSERT_OK(ring_link(ring, i));
	for (i = 0; i < RING; i++) {
		snprintf(addr, sizeof(addr), "10.0.%u.2", i);
		answers += ping(ring[i], addr, 1000) >= 0;
		snprintf(addr, sizeof(addr), "10.0.%u.1", i);
		answers += ping(ring[(i + 1) % RING], addr, 1000) >= 0;
	}
	EXPECT_EQ(2 * RING, answers);
	for (i = 0; i < RING; i++)
		EXPECT_EQ(0, libos_close(ring[i]));
	EXPECT_EQ(0, libos_world_free(config.world));
}

/* Who asks for more memory than there is gets none, and all goes on. */
TEST(full_memory)
{
	struct libos_config config = { .size = sizeof(config), .memory = RING_MEMORY };
	struct rlimit many = { 1 << 20, 1 << 20 };
	int nr = 0, turn, fd[2];
	struct libos *l;

	ASSERT_OK(libos_open(&config, &l));
	ASSERT_OK(libos_link_up(l, "lo"));
	ASSERT_EQ(0, libos_syscall(l, SYS_setrlimit, (long)RLIMIT_NOFILE, &many));
	for (turn = 0; turn < 2; turn++) {
		for (nr = 0; libos_socket(l, AF_INET, SOCK_STREAM, 0) >= 0; nr++)
			;
		EXPECT_TRUE(errno == ENOMEM || errno == ENOBUFS);
		EXPECT_LT(500, nr);
		while (nr-- > 0)
			libos_close_fd(l, nr);
	}
	ASSERT_EQ(0, connection(l, l, 0, "127.0.0.1", 7000, fd));
	EXPECT_EQ(0, echo(l, fd[0], l, fd[1], "alive"));
	EXPECT_EQ(0, libos_close(l));
}

/* ------------------------------------------------------ open, close, open */

#define WARM_UP	50
#define CYCLES	1000

struct usage {
	long rss, threads;
	int fds, maps;
};

static struct usage usage(void)
{
	malloc_trim(0);
	return (struct usage) {
		.rss = self_status("VmRSS"), .threads = self_status("Threads"),
		.fds = self_fds(), .maps = self_maps(),
	};
}

static int cycle(void)
{
	struct libos *l;

	if (libos_open(NULL, &l))
		return complain("%s", libos_error());
	if (libos_socket(l, AF_INET, SOCK_STREAM, 0) < 0)
		return complain("socket: %s", strerror(errno));
	return libos_close(l) ? complain("%s", libos_error()) : 0;
}

TEST(a_thousand_cycles)
{
	struct usage before, after;
	int i;

	for (i = 0; i < WARM_UP; i++)
		ASSERT_EQ(0, cycle());
	before = usage();
	for (i = 0; i < CYCLES; i++)
		ASSERT_EQ(0, cycle());
	after = usage();
	TH_LOG("RSS %ld and %ld KiB", before.rss, after.rss);
	EXPECT_GE(before.rss + 2048, after.rss);
	EXPECT_EQ(before.threads, after.threads);
	EXPECT_EQ(before.fds, after.fds);
	EXPECT_EQ(before.maps, after.maps);
}

/* ---------------------------------------------------------- two threads */

/**
 * struct talk - a thread that echoes over TCP in an instance of its own
 * @start:	all begin together
 * @other:	how far the other one has come
 * @rounds:	how far this one has come
 */
struct talk {
	pthread_t thread;
	pthread_barrier_t *start;
	struct talk *other;
	struct libos *l;
	unsigned int rounds;
	int err;
};

#define ROUNDS	200

/* Waits in the middle for the other: it has to get there while this one runs. */
static void *talk(void *arg)
{
	struct talk *t = arg;
	int fd[2];

	t->l = boot(NULL);
	t->err = t->l ? connection(t->l, t->l, 0, "127.0.0.1", 7000, fd) : -1;
	pthread_barrier_wait(t->start);
	while (!t->err && t->rounds < ROUNDS) {
		t->err = echo(t->l, fd[0], t->l, fd[1], "both at once");
		__atomic_add_fetch(&t->rounds, 1, __ATOMIC_RELEASE);
	}
	while (!t->err && __atomic_load_n(&t->other->rounds, __ATOMIC_ACQUIRE) < ROUNDS / 2)
		t->err = echo(t->l, fd[0], t->l, fd[1], "after you");
	return NULL;
}

TEST(two_instances_in_two_threads)
{
	pthread_barrier_t start;
	struct talk talks[2] = { 0 };
	int i;

	pthread_barrier_init(&start, NULL, 2);
	for (i = 0; i < 2; i++) {
		talks[i].start = &start;
		talks[i].other = &talks[!i];
		ASSERT_EQ(0, pthread_create(&talks[i].thread, NULL, talk, &talks[i]));
	}
	for (i = 0; i < 2; i++)
		pthread_join(talks[i].thread, NULL);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, talks[i].err);
		EXPECT_EQ(ROUNDS, talks[i].rounds);
		EXPECT_EQ(0, libos_close(talks[i].l));
	}
}

/* ------------------------------------------------- threads that all block */

#define WAITERS	6

struct waiter {
	pthread_t thread;
	struct libos *l;
	int listening, udp;
	int result;
};

static void *accept_one(void *arg)
{
	struct waiter *w = arg;
	int fd = libos_accept4(w->l, w->listening, NULL, NULL, 0);
	char byte;

	w->result = fd < 0 ? -errno : libos_recv(w->l, fd, &byte, 1, 0);
	return NULL;
}

static void *receive_one(void *arg)
{
	struct waiter *w = arg;
	char buf[16];
	ssize_t n = libos_recv(w->l, w->udp, buf, sizeof(buf), 0);

	w->result = n < 0 ? -errno : n;
	return NULL;
}

TEST(many_blocked_threads_are_all_served)
{
	struct sockaddr_storage ss = address("127.0.0.1", 7001);
	struct waiter waiters[WAITERS] = { 0 };
	int listening, udp, sender, fd, i;
	struct libos *l = boot(NULL);

	ASSERT_NE(NULL, l);
	listening = server(l, SOCK_STREAM, 0, "127.0.0.1", 7000);
	udp = server(l, SOCK_DGRAM, 0, "127.0.0.1", 7001);
	sender = libos_socket(l, AF_INET, SOCK_DGRAM, 0);
	ASSERT_LE(0, listening);
	ASSERT_LE(0, udp);
	ASSERT_LE(0, sender);
	for (i = 0; i < WAITERS; i++) {
		waiters[i].l = l;
		waiters[i].listening = listening;
		waiters[i].udp = udp;
		ASSERT_EQ(0, pthread_create(&waiters[i].thread, NULL,
					    i % 2 ? accept_one : receive_one, &waiters[i]));
	}
	usleep(50000);		/* most likely all of them block by now */
	for (i = 0; i < WAITERS / 2; i++) {
		ASSERT_EQ(1, libos_sendto(l, sender, "x", 1, 0, (void *)&ss,
					  address_len(&ss)));
		fd = client(l, SOCK_STREAM, 0, "127.0.0.1", 7000);
		ASSERT_LE(0, fd);
		ASSERT_EQ(1, libos_send(l, fd, "x", 1, 0));
	}
	for (i = 0; i < WAITERS; i++) {
		pthread_join(waiters[i].thread, NULL);
		EXPECT_EQ(1, waiters[i].result);
	}
	EXPECT_EQ(0, libos_close(l));
}

/* ------------------------------------------------------ one of them dies */

struct traffic {
	struct pair pair;
	int fd[2];
	unsigned int rounds;
	int err;
	bool stop;
};

static void *pass_traffic(void *arg)
{
	struct traffic *t = arg;

	while (!t->err && !__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE)) {
		t->err = echo(t->pair.a, t->fd[0], t->pair.b, t->fd[1], "still here");
		__atomic_add_fetch(&t->rounds, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Returns when that many more rounds are over, or none will come. */
static void more_rounds(struct traffic *t, unsigned int nr)
{
	unsigned int end = __atomic_load_n(&t->rounds, __ATOMIC_ACQUIRE) + nr;

	while (!__atomic_load_n(&t->err, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&t->rounds, __ATOMIC_ACQUIRE) < end)
		usleep(100);
}

TEST(a_panic_kills_one_alone)
{
	struct traffic t = { 0 };
	struct libos *victim;
	pthread_t thread;
	int maps, fds;

	ASSERT_EQ(0, pair_open(&t.pair, 0, NULL));
	ASSERT_EQ(0, connection(t.pair.a, t.pair.b, 0, "10.0.0.2", 7000, t.fd));
	ASSERT_EQ(0, pthread_create(&thread, NULL, pass_traffic, &t));
	more_rounds(&t, 10);
	ASSERT_EQ(0, cycle());		/* what the process keeps after a first one */
	maps = self_maps();
	fds = self_fds();

	victim = boot(NULL);
	ASSERT_NE(NULL, victim);
	EXPECT_EQ(NULL, libos_panic(victim));
	EXPECT_EQ(-EOWNERDEAD, libos_syscall(victim, SYS_exit_group, 0));
	ASSERT_NE(NULL, libos_panic(victim));
	EXPECT_NE(NULL, strstr(libos_panic(victim), "init"));
	EXPECT_EQ(-EOWNERDEAD, libos_syscall(victim, SYS_getpid));
	EXPECT_EQ(NULL, libos_panic(t.pair.a));
	more_rounds(&t, 10);
	EXPECT_EQ(0, libos_close(victim));
	EXPECT_EQ(maps, self_maps());
	EXPECT_EQ(fds, self_fds());

	more_rounds(&t, 10);
	__atomic_store_n(&t.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, t.err);
	EXPECT_LE(30, t.rounds);
	EXPECT_EQ(0, pair_close(&t.pair));
}

TEST_HARNESS_MAIN
