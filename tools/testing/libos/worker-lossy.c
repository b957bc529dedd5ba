// SPDX-License-Identifier: GPL-2.0
/*
 * worker-lossy.c - a TCP transfer over a bad line in virtual time, in a process
 * of its own: what determinism.py runs many times.
 *
 *	worker-lossy SEED CAPTURE
 *
 * Prints an address of its stack, bytes received, segments sent again, and the
 * virtual time at which the last byte came.
 */
#include "util.h"

#define BYTES	(1 << 20)

static int transfer(uint64_t seed, const char *path)
{
	struct libos_line line = { .delay_ns = 10 * MS, .rate_bps = 20000000, .loss = 0.02,
				   .duplicate = 0.01, .reorder = 0.01 };
	struct libos_cable cable = { .size = sizeof(cable), .line = { line, line } };
	static struct stream stream;
	struct libos_pcap *pcap;
	struct pair p;
	int fd[2];

	if (pair_open(&p, seed, &cable))
		return -1;
	if (libos_pcap_open(path, &pcap) || libos_pcap_add(pcap, p.dev[0]) ||
	    libos_pcap_add(pcap, p.dev[1]))
		return complain("%s", libos_error());
	if (connection(p.a, p.b, 0, "10.0.0.2", 7000, fd))
		return -1;
	stream = (struct stream) { .from = p.a, .to = p.b, .from_fd = fd[0], .to_fd = fd[1],
				   .bytes = BYTES };
	if (stream_start(&stream))
		return -1;
	libos_world_run(p.world, 600 * S);
	if (stream.received != BYTES || stream.bad || stream.err)
		return complain("%llu of %d bytes came, %llu of them bad, error %d",
				(unsigned long long)stream.received, BYTES,
				(unsigned long long)stream.bad, stream.err);
	printf("%p %d %ld %llu\n", (void *)&p, BYTES, counter(p.a, "Tcp", "RetransSegs"),
	       (unsigned long long)stream.finished);
	if (libos_pcap_close(pcap))
		return complain("%s", libos_error());
	return pair_close(&p);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: worker-lossy SEED CAPTURE\n");
		return 2;
	}
	return transfer(strtoull(argv[1], NULL, 0), argv[2]) ? 1 : 0;
}
