// SPDX-License-Identifier: GPL-2.0
/*
 * capture.c - the traffic of a device, in a file: whoever sends or receives a packet
 * writes it there, as one piece that the host appends.
 */
#include <asm/unistd.h>
#include <time.h>
#include "../dev/pcapng.h"
#include "catch.h"
#include "inner-share.h"
#include "vdso.h"

static void write_packet(const struct share_device *dev, bool out, uint64_t ns,
			 const struct lib_packet *pkt)
{
	unsigned char begin[PCAPNG_BLOCK], end[PCAPNG_BLOCK];
	struct lib_iov iov[2 + LIB_MAX_IOV] = {
		{ begin, pcapng_packet_begin(begin, dev->capture_id, ns, pkt->len) },
	};
	unsigned int i;

	for (i = 0; i < pkt->nr_iov; i++)
		iov[1 + i] = pkt->iov[i];
	iov[1 + i] = (struct lib_iov) { end, pcapng_packet_end(end, pkt->len, out) };
	host_call(__NR_writev, own_fd(FD_CAPTURE + dev->capture - 1), iov, 2 + i, 0, 0, 0);
}

void share_capture(const struct share_device *dev, bool out, const struct lib_packet *pkts,
		   unsigned int nr)
{
	uint64_t ns = vdso_clock(CLOCK_REALTIME);
	unsigned int i;

	for (i = 0; i < nr; i++)
		write_packet(dev, out, ns, &pkts[i]);
}
