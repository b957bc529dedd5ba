// SPDX-License-Identifier: GPL-2.0
/* pcap.c - captures: what a cable carried, as other programs read it */
#include "harness.h"
#include <sys/wait.h>
#include "util.h"

#define EPOCH		(1735689600 * S)	/* where the calendar of a world starts */
#define DELAY		(10 * MS + 1)		/* the 1 takes nanoseconds to be seen */

static const struct libos_cable slow = {
	.size = sizeof(slow),
	.line = { { .delay_ns = DELAY }, { .delay_ns = DELAY } },
};

/* Pings, and an echo over TCP, along the cable of a world; into @path */
static int traffic(const char *path, uint64_t seed)
{
	struct libos_pcap *pcap;
	struct pair p;
	int fd[2];

	if (pair_open(&p, seed, &slow) || libos_pcap_open(path, &pcap) ||
	    libos_pcap_add(pcap, p.dev[0]) || libos_pcap_add(pcap, p.dev[1]))
		return -1;
	if (ping(p.a, "10.0.0.2", 1000) < 0 || ping(p.b, "fc00::1", 5000) < 0)
		return -1;
	if (connection(p.a, p.b, 0, "10.0.0.2", 80, fd) || echo(p.a, fd[0], p.b, fd[1], "here"))
		return -1;
	libos_world_run(p.world, libos_world_now(p.world) + S);
	return libos_pcap_close(pcap) ?: pair_close(&p);
}

TEST(blocks)
{
	const char *path = temp_path();
	struct capture c;
	struct segment s;
	unsigned int i, segments = 0;

	ASSERT_EQ(0, traffic(path, 1));
	ASSERT_EQ(0, capture_read(&c, path));
	EXPECT_EQ(2, c.nr_devs);
	EXPECT_NE(NULL, strstr(c.devs[0], " eth0"));
	EXPECT_NE(NULL, strstr(c.devs[1], " eth0"));
	EXPECT_STRNE(c.devs[0], c.devs[1]);
	EXPECT_LE(20, c.nr);
	for (i = 0; i < c.nr; i++) {
		EXPECT_LE(EPOCH, c.frames[i].time);
		EXPECT_GT(EPOCH + 60 * S, c.frames[i].time);
		EXPECT_LE(c.frames[i ? i - 1 : 0].time, c.frames[i].time);
		segments += tcp_segment(&c.frames[i], &s);
	}
	EXPECT_LE(14, segments);	/* handshake, two ways and back, each seen twice */
}

static bool same(const struct frame *a, const struct frame *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* What leaves one device comes to the other, to the nanosecond. */
TEST(times)
{
	const char *path = temp_path();
	unsigned int i, j, found;
	struct capture c;

	ASSERT_EQ(0, traffic(path, 1));
	ASSERT_EQ(0, capture_read(&c, path));
	for (i = 0; i < c.nr; i++) {
		if (!c.frames[i].out || c.frames[i].time + DELAY > c.frames[c.nr - 1].time)
			continue;
		for (j = i + 1, found = 0; j < c.nr; j++)
			found += !c.frames[j].out && c.frames[j].dev != c.frames[i].dev &&
				 c.frames[j].time == c.frames[i].time + DELAY &&
				 same(&c.frames[i], &c.frames[j]);
		EXPECT_EQ(1, found);
	}
}

/* Each in a process of its own: ping() counts. */
TEST(equal_worlds_equal_files)
{
	const char *path[2] = { temp_path(), temp_path() };
	struct capture c[2];
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		pid = fork();
		if (!pid)
			_exit(!!traffic(path[i], 7));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
		ASSERT_EQ(0, capture_read(&c[i], path[i]));
	}
	ASSERT_EQ(c[0].nr, c[1].nr);
	for (i = 0; i < c[0].nr; i++) {
		EXPECT_EQ(c[0].frames[i].time, c[1].frames[i].time);
		EXPECT_TRUE(same(&c[0].frames[i], &c[1].frames[i]));
	}
}

TEST(tcpdump)
{
	char command[256], line[4096];
	const char *path = temp_path();
	unsigned long sec, ns;
	unsigned int nr = 0;
	struct capture c;
	FILE *f;

	if (system("command -v tcpdump >/dev/null"))
		SKIP(return, "there is no tcpdump: apt-get install tcpdump");
	ASSERT_EQ(0, traffic(path, 1));
	ASSERT_EQ(0, capture_read(&c, path));
	/* Standard input, since it may give up the right to open the file */
	snprintf(command, sizeof(command),
		 "tcpdump -nn -tt --time-stamp-precision=nano -r - 2>/dev/null <%s", path);
	f = popen(command, "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lu.%9lu ", &sec, &ns) != 2)
			continue;
		ASSERT_GT(c.nr, nr);
		EXPECT_EQ(c.frames[nr].time, sec * S + ns);
		nr++;
	}
	EXPECT_EQ(0, pclose(f));
	EXPECT_EQ(c.nr, nr);
}

TEST(one_file_at_a_time)
{
	struct libos_pcap *pcap[2];
	struct pair p;

	ASSERT_EQ(0, pair_open(&p, 1, NULL));
	ASSERT_OK(libos_pcap_open(temp_path(), &pcap[0]));
	ASSERT_OK(libos_pcap_open(temp_path(), &pcap[1]));
	ASSERT_OK(libos_pcap_add(pcap[0], p.dev[0]));
	EXPECT_EQ(-EBUSY, libos_pcap_add(pcap[1], p.dev[0]));
	EXPECT_EQ(-EBUSY, libos_pcap_add(pcap[0], p.dev[0]));
	ASSERT_OK(libos_pcap_close(pcap[0]));
	ASSERT_OK(libos_pcap_add(pcap[1], p.dev[0]));
	EXPECT_LE(0, ping(p.a, "10.0.0.2", 1000));
	ASSERT_OK(libos_pcap_close(pcap[1]));
	EXPECT_LE(0, ping(p.a, "10.0.0.2", 1000));
	EXPECT_EQ(0, libos_pcap_close(NULL));
}

/* A device may go before its capture ends; what it did stays. */
TEST(device_goes_first)
{
	const char *path = temp_path();
	struct libos_pcap *pcap;
	struct capture c;
	struct pair p;

	ASSERT_EQ(0, pair_open(&p, 1, NULL));
	ASSERT_OK(libos_pcap_open(path, &pcap));
	ASSERT_OK(libos_pcap_add(pcap, p.dev[0]));
	ASSERT_LE(0, ping(p.a, "10.0.0.2", 1000));
	ASSERT_OK(libos_dev_close(p.dev[0]));
	ASSERT_EQ(0, pair_close(&p));
	ASSERT_OK(libos_pcap_close(pcap));
	ASSERT_EQ(0, capture_read(&c, path));
	EXPECT_LE(4, c.nr);
}

TEST(bad_files)
{
	struct libos_pcap *pcap;
	struct pair p;

	EXPECT_EQ(-ENOENT, libos_pcap_open("/no/such/folder/x.pcapng", &pcap));
	EXPECT_NE(NULL, strstr(libos_error(), "/no/such/folder/x.pcapng"));
	EXPECT_EQ(-EISDIR, libos_pcap_open("/", &pcap));
	ASSERT_EQ(0, pair_open(&p, 1, NULL));
	ASSERT_OK(libos_pcap_open("/dev/full", &pcap));
	ASSERT_OK(libos_pcap_add(pcap, p.dev[0]));
	EXPECT_LE(0, ping(p.a, "10.0.0.2", 1000));
	EXPECT_EQ(-ENOSPC, libos_pcap_close(pcap));
}

TEST_HARNESS_MAIN
