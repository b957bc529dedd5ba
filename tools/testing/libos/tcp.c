// SPDX-License-Identifier: GPL-2.0
/*
 * tcp.c - TCP's timers and the cable, in virtual time.
 *
 * Two instances at the ends of a cable; captures say when each segment left or
 * came, to the nanosecond, so the timers of hours are tested in no time at all.
 * Neighbours are permanent: a line that is cut is to be TCP's matter, not ARP's.
 */
#include "harness.h"
#include <net/if_arp.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#include "raw.h"

#define SEED		2015
#define DELAY		(10 * MS)
#define RTT		(2 * DELAY)
#define MINUTE		(60 * S)
#define HOUR		(60 * MINUTE)

/* The kernel's timer wheel may be late by an eighth. */
#define LATEST(ns)	((ns) + (ns) / 8 + 2 * MS)

static const struct libos_line good = { .delay_ns = DELAY };
static const struct libos_line dead = { .delay_ns = DELAY, .loss = 1 };

static int know_neighbour(struct libos *l, const char *addr, unsigned int nr)
{
	struct arpreq req = { .arp_flags = ATF_PERM | ATF_COM, .arp_dev = "eth0" };
	struct sockaddr_storage ss = address(addr, 0);
	int fd = libos_socket(l, AF_INET, SOCK_DGRAM, 0), ret;

	memcpy(&req.arp_pa, &ss, sizeof(req.arp_pa));
	req.arp_ha.sa_family = ARPHRD_ETHER;
	memcpy(req.arp_ha.sa_data, (uint8_t [6]) { 2, 0, 0, 0, nr >> 8, nr }, 6);
	ret = libos_ioctl(l, fd, SIOCSARP, &req);
	libos_close_fd(l, fd);
	return ret;
}

FIXTURE(tcp) {
	struct pair p;
	int fd[2];
	const char *path;
	struct libos_pcap *pcap;
	struct capture capture;
};

FIXTURE_SETUP(tcp)
{
	struct libos_cable cable = { .size = sizeof(cable), .flags = LIBOS_CABLE_NO_GSO,
				     .line = { good, good } };

	ASSERT_EQ(0, pair_open(&self->p, SEED, &cable));
	ASSERT_EQ(0, know_neighbour(self->p.a, "10.0.0.2", 2));
	ASSERT_EQ(0, know_neighbour(self->p.b, "10.0.0.1", 1));
	ASSERT_EQ(0, connection(self->p.a, self->p.b, 0, "10.0.0.2", 7000, self->fd));
	ASSERT_EQ(0, set_int(self->p.a, self->fd[0], IPPROTO_TCP, TCP_NODELAY, 1));
	ASSERT_EQ(0, echo(self->p.a, self->fd[0], self->p.b, self->fd[1], "hello"));
	self->path = temp_path();
	ASSERT_OK(libos_pcap_open(self->path, &self->pcap));
	ASSERT_OK(libos_pcap_add(self->pcap, self->p.dev[0]));
}

FIXTURE_TEARDOWN(tcp)
{
}

static uint64_t now_in(const struct pair *p)
{
	return libos_world_now(p->world);
}

static void pass_time(const struct pair *p, uint64_t ns)
{
	libos_world_run(p->world, now_in(p) + ns);
}

/* The calendar starts on 1 January 2025, the clock at 0. */
#define CALENDAR	(1735689600 * S)

/*
 * Times at which the first end sent segments with payload, or probes: empty ones
 * about a byte that was acknowledged. Returns how many there are.
 */
static int sent_times(struct capture *c, bool probes, uint64_t *times, int max)
{
	struct segment s;
	uint32_t next = 0;
	unsigned int i;
	int nr = 0;

	for (i = 0; i < c->nr; i++) {
		if (!tcp_segment(&c->frames[i], &s))
			continue;
		if (!c->frames[i].out) {
			next = s.ack;
			continue;
		}
		if (probes ? !s.payload && next && s.seq == next - 1 : s.payload > 0) {
			if (nr < max)
				times[nr] = c->frames[i].time;
			nr++;
		}
	}
	return nr;
}

/* Each retransmission waits twice as long as the one before, two minutes at most. */
TEST_F(tcp, retransmission_backs_off)
{
	uint64_t times[64], gap, last, total;
	struct pair *p = &self->p;
	int nr, i;

	ASSERT_OK(libos_cable_set(p->dev[0], &dead));
	ASSERT_EQ(5, libos_send(p->a, self->fd[0], "again", 5, 0));
	pass_time(p, 3 * HOUR);
	EXPECT_EQ(-1, libos_recv(p->a, self->fd[0], times, 1, MSG_DONTWAIT));
	EXPECT_EQ(ETIMEDOUT, errno);
	ASSERT_OK(libos_pcap_close(self->pcap));
	ASSERT_EQ(0, capture_read(&self->capture, self->path));

	/* the first, the tail loss probe, and tcp_retries2 = 15 of the timer */
	nr = sent_times(&self->capture, false, times, ARRAY_SIZE(times));
	ASSERT_EQ(17, nr);
	last = times[2] - times[1];
	EXPECT_LE(200 * MS, last);
	for (i = 3; i < nr; i++, last = gap) {
		gap = times[i] - times[i - 1];
		if (last < 56 * S) {
			EXPECT_LE(2 * last - last / 8, gap);
			EXPECT_GE(2 * last + last / 4, gap);
		} else {
			EXPECT_LE(100 * S, gap);
			EXPECT_GE(LATEST(120 * S), gap);
		}
	}
	total = times[nr - 1] - times[0];
	EXPECT_LE(800 * S, total);
	EXPECT_GE(1100 * S, total);
	TH_LOG("%d transmissions in %llu s", nr, total / S);
}

/* A single loss is mended a round trip later, long before the timer. */
TEST_F(tcp, fast_retransmit)
{
	static char buf[1000], got[10000];
	uint64_t times[64], start;
	struct pair *p = &self->p;
	int i, nr;

	start = now_in(p);
	ASSERT_OK(libos_cable_set(p->dev[0], &dead));
	ASSERT_EQ(1000, libos_send(p->a, self->fd[0], buf, 1000, 0));
	pass_time(p, 1000);
	ASSERT_OK(libos_cable_set(p->dev[0], &good));
	for (i = 1; i < 10; i++)
		ASSERT_EQ(1000, libos_send(p->a, self->fd[0], buf, 1000, 0));
	ASSERT_EQ(10000, libos_recv(p->b, self->fd[1], got, 10000, MSG_WAITALL));
	EXPECT_GE(start + 4 * RTT, now_in(p));
	pass_time(p, S);
	EXPECT_EQ(1, counter(p->a, "TcpExt", "TCPFastRetrans"));
	EXPECT_EQ(0, counter(p->a, "TcpExt", "TCPTimeouts"));
	EXPECT_EQ(0, counter(p->a, "TcpExt", "TCPLossProbes"));
	EXPECT_EQ(1, counter(p->a, "Tcp", "RetransSegs"));
	ASSERT_OK(libos_pcap_close(self->pcap));
	ASSERT_EQ(0, capture_read(&self->capture, self->path));
	nr = sent_times(&self->capture, false, times, ARRAY_SIZE(times));
	ASSERT_LT(2, nr);	/* how many is the kernel's matter: it joins small ones */
	EXPECT_LE(RTT, times[nr - 1] - times[0]);
	EXPECT_GE(3 * RTT, times[nr - 1] - times[0]);
}

/* A reader that sleeps for hours is asked every two minutes, and then served. */
TEST_F(tcp, zero_window)
{
	static char buf[4096];
	uint64_t times[256], start;
	long sent = 0, got = 0, n;
	struct pair *p = &self->p;
	int nr, i, idle = 0;

	while (idle < 10) {
		n = libos_send(p->a, self->fd[0], buf, sizeof(buf), MSG_DONTWAIT);
		idle = n < 0 ? idle + 1 : 0;
		sent += n < 0 ? 0 : n;
		pass_time(p, S);
	}
	start = now_in(p);
	pass_time(p, 5 * HOUR);
	ASSERT_EQ(-1, libos_send(p->a, self->fd[0], buf, 1, MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, get_int(p->a, self->fd[0], SOL_SOCKET, SO_ERROR));

	for (idle = 0; got < sent && idle < 1000; idle++) {
		while ((n = libos_recv(p->b, self->fd[1], buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			got += n;
		pass_time(p, S);
	}
	EXPECT_EQ(sent, got);
	EXPECT_EQ(0, echo(p->a, self->fd[0], p->b, self->fd[1], "alive"));

	ASSERT_OK(libos_pcap_close(self->pcap));
	ASSERT_EQ(0, capture_read(&self->capture, self->path));
	nr = sent_times(&self->capture, true, times, ARRAY_SIZE(times));
	ASSERT_GT((int)ARRAY_SIZE(times), nr);
	EXPECT_LT(5 * 60 / 2 * 8 / 9, nr);
	for (i = 1; i < nr; i++)
		EXPECT_GE(LATEST(120 * S), times[i] - times[i - 1]);
	TH_LOG("%d probes in 5 hours from %llu s on; %ld bytes waited", nr, start / S, sent);
}

static void keepalive(struct libos *l, int fd, int idle, int interval, int count)
{
	set_int(l, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(l, fd, IPPROTO_TCP, TCP_KEEPIDLE, idle);
	set_int(l, fd, IPPROTO_TCP, TCP_KEEPINTVL, interval);
	set_int(l, fd, IPPROTO_TCP, TCP_KEEPCNT, count);
}

TEST_F(tcp, keepalive_keeps_the_living)
{
	struct pair *p = &self->p;
	uint64_t times[256];
	int nr;

	keepalive(p->a, self->fd[0], 60, 10, 5);
	pass_time(p, 3 * HOUR);
	EXPECT_EQ(0, echo(p->a, self->fd[0], p->b, self->fd[1], "alive"));
	ASSERT_OK(libos_pcap_close(self->pcap));
	ASSERT_EQ(0, capture_read(&self->capture, self->path));
	nr = sent_times(&self->capture, true, times, ARRAY_SIZE(times));
	EXPECT_GE(180, nr);
	EXPECT_LE(180 * 8 / 9, nr);
	TH_LOG("%d probes in 3 hours", nr);
}

/* A call that waits for a dead peer ends at idle + count * interval. */
TEST_F(tcp, keepalive_buries_the_dead)
{
	struct pair *p = &self->p;
	uint64_t start, end;
	char byte;

	keepalive(p->a, self->fd[0], 60, 10, 5);
	pass_time(p, 10 * MINUTE);
	ASSERT_OK(libos_cable_set(p->dev[0], &dead));
	ASSERT_OK(libos_cable_set(p->dev[1], &dead));
	start = now_in(p);
	EXPECT_EQ(-1, libos_recv(p->a, self->fd[0], &byte, 1, 0));
	EXPECT_EQ(ETIMEDOUT, errno);
	end = now_in(p);
	/* the last sign of life was up to 60 s before the cut */
	EXPECT_LE(start + 50 * S, end);
	EXPECT_GE(start + LATEST(110 * S), end);
	TH_LOG("%llu ms after the cut", (end - start) / MS);
}

/* To the last moment: the last sign of life is known. */
TEST_F(tcp, keepalive_time)
{
	struct pair *p = &self->p;
	uint64_t start, took;
	char byte;

	keepalive(p->a, self->fd[0], 3600, 75, 9);
	ASSERT_EQ(0, echo(p->a, self->fd[0], p->b, self->fd[1], "last words"));
	start = now_in(p);
	pass_time(p, S);	/* the peer gets its acknowledgement */
	ASSERT_OK(libos_cable_set(p->dev[0], &dead));
	EXPECT_EQ(-1, libos_recv(p->a, self->fd[0], &byte, 1, 0));
	EXPECT_EQ(ETIMEDOUT, errno);
	took = now_in(p) - start;
	EXPECT_LE((3600 + 9 * 75) * S - MS, took);
	EXPECT_GE(LATEST((3600 + 9 * 75) * S), took);
	TH_LOG("%llu s", took / S);
}

/* ------------------------------------------------------------- the cable */

/* A line that is like something, from a socket to a socket */
struct line {
	struct pair p;
	int out, in;
};

static int line_open(struct line *l, const struct libos_line *line)
{
	struct libos_cable cable = { .size = sizeof(cable), .flags = LIBOS_CABLE_NO_GSO,
				     .line = { *line } };

	if (pair_open(&l->p, SEED, &cable) || know_neighbour(l->p.a, "10.0.0.2", 2))
		return -1;
	l->in = server(l->p.b, SOCK_DGRAM, 0, "10.0.0.2", 7000);
	l->out = client(l->p.a, SOCK_DGRAM, 0, "10.0.0.2", 7000);
	return l->in < 0 || l->out < 0 ? -1 : 0;
}

static int number(struct line *l, int i)
{
	return libos_send(l->p.a, l->out, &i, sizeof(i), 0) == sizeof(i) ? 0 : -1;
}

static int next_number(struct line *l)
{
	int i;

	return libos_recv(l->p.b, l->in, &i, sizeof(i), MSG_DONTWAIT) == sizeof(i) ? i : -1;
}

TEST(cable_delay)
{
	struct libos_line way = { .delay_ns = 123456789 }, back = { .delay_ns = 1 };
	struct libos_cable cable = { .size = sizeof(cable), .line = { way, back } };
	struct pair p;

	ASSERT_EQ(0, pair_open(&p, SEED, &cable));
	ASSERT_LE(0, ping(p.a, "10.0.0.2", 5000));	/* neighbours are found */
	EXPECT_EQ(123456790, ping(p.a, "10.0.0.2", 5000));
	EXPECT_EQ(123456790, ping(p.b, "10.0.0.1", 5000));
	way.delay_ns = 5 * S;
	ASSERT_OK(libos_cable_set(p.dev[0], &way));
	EXPECT_EQ((int64_t)(5 * S + 1), ping(p.a, "10.0.0.2", 10000));
}

/* Packets follow each other as their bits do. */
TEST(cable_rate)
{
	struct libos_line line = { .delay_ns = DELAY, .rate_bps = 1000000 };
	const uint64_t bits = (14 + 20 + 8 + 1000) * 8;
	static char buf[1000];
	struct libos_pcap *pcap;
	const char *path = temp_path();
	struct capture came;
	struct line l;
	unsigned int i, nr = 0;
	uint64_t start;
	ASSERT_EQ(0, line_open(&l, &line));
	pass_time(&l.p, 10 * S);	/* what IPv6 has to say is said */
	ASSERT_OK(libos_pcap_open(path, &pcap));
	ASSERT_OK(libos_pcap_add(pcap, l.p.dev[1]));
	start = now_in(&l.p);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(1000, libos_send(l.p.a, l.out, buf, sizeof(buf), 0));
	pass_time(&l.p, 10 * S);
	ASSERT_OK(libos_pcap_close(pcap));
	ASSERT_EQ(0, capture_read(&came, path));
	for (i = 0; i < came.nr; i++) {
		if (came.frames[i].out || came.frames[i].len != bits / 8)
			continue;
		nr++;
		EXPECT_EQ(start + nr * bits * 1000 + DELAY, came.frames[i].time - CALENDAR);
	}
	EXPECT_EQ(20, nr);
}

#define NUMBERS	5000

/* Sends numbers, 100 us apart; how many came, came twice, came behind a later one. */
static int count(struct line *l, int *came, int *twice, int *late)
{
	static uint8_t seen[NUMBERS];
	int i, n, newest = -1;

	for (i = 0; i < NUMBERS + 1000; i++) {
		if (i < NUMBERS && number(l, i))
			return -1;
		pass_time(&l->p, 100000);
		while ((n = next_number(l)) >= 0) {
			*twice += seen[n];
			*came += !seen[n];
			seen[n] = 1;
			*late += n < newest;
			newest = n > newest ? n : newest;
		}
	}
	return 0;
}

TEST(cable_loss)
{
	struct libos_line line = { .delay_ns = DELAY, .loss = 0.1 };
	int came = 0, twice = 0, late = 0;
	struct line l;

	ASSERT_EQ(0, line_open(&l, &line));
	ASSERT_EQ(0, count(&l, &came, &twice, &late));
	EXPECT_LT(NUMBERS * 0.88, came);
	EXPECT_GT(NUMBERS * 0.92, came);
	EXPECT_EQ(0, twice);
	EXPECT_EQ(0, late);
	TH_LOG("%d of %d came", came, NUMBERS);
}

TEST(cable_duplicate)
{
	struct libos_line line = { .delay_ns = DELAY, .duplicate = 0.1 };
	int came = 0, twice = 0, late = 0;
	struct line l;

	ASSERT_EQ(0, line_open(&l, &line));
	ASSERT_EQ(0, count(&l, &came, &twice, &late));
	EXPECT_EQ(NUMBERS, came);
	EXPECT_LT(NUMBERS * 0.08, twice);
	EXPECT_GT(NUMBERS * 0.12, twice);
	EXPECT_EQ(0, late);
	TH_LOG("%d of %d came twice", twice, NUMBERS);
}

/* 1 of 1000 overtakes what is in flight: the 100 before it come late. */
TEST(cable_reorder)
{
	struct libos_line line = { .delay_ns = DELAY, .reorder = 0.001 };
	int came = 0, twice = 0, late = 0;
	struct line l;

	ASSERT_EQ(0, line_open(&l, &line));
	ASSERT_EQ(0, count(&l, &came, &twice, &late));
	EXPECT_EQ(NUMBERS, came);
	EXPECT_EQ(0, twice);
	EXPECT_LT(0, late);
	EXPECT_GT(20 * 100, late);
	TH_LOG("%d of %d were overtaken", late, NUMBERS);
}

TEST(cable_cut)
{
	struct libos_line line = { .delay_ns = DELAY };
	struct line l;

	ASSERT_EQ(0, line_open(&l, &line));
	ASSERT_EQ(0, number(&l, 1));
	pass_time(&l.p, DELAY / 2);	/* in flight: it arrives */
	ASSERT_OK(libos_cable_set(l.p.dev[0], &dead));
	ASSERT_EQ(0, number(&l, 2));
	pass_time(&l.p, DELAY / 2 - 1);
	EXPECT_EQ(-1, next_number(&l));
	pass_time(&l.p, 1);
	EXPECT_EQ(1, next_number(&l));
	pass_time(&l.p, HOUR);
	EXPECT_EQ(-1, next_number(&l));
	ASSERT_OK(libos_cable_set(l.p.dev[0], &line));
	ASSERT_EQ(0, number(&l, 3));
	pass_time(&l.p, DELAY);
	EXPECT_EQ(3, next_number(&l));
}

/* ---------------------------------------------------------------- idleness */

/* An instance that has nothing to do hardly wakes up. */
TEST(idle)
{
	static struct raw r;
	unsigned int fires;

	ASSERT_EQ(0, raw_boot(&r));
	raw_sleep(&r, 10 * S);
	fires = r.fires;
	raw_sleep(&r, 100 * S);
	EXPECT_GE(100 * 10, r.fires - fires);
	TH_LOG("%u timer events in 100 s", r.fires - fires);
}

TEST_HARNESS_MAIN
