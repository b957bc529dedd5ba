// SPDX-License-Identifier: GPL-2.0
/*
 * idle.c - how often a kernel with nothing to do wants to be woken: timer
 * events in 100 seconds of virtual time after the boot, a device up.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "bare.h"
#include "bench.h"

#define SECONDS	100

static long sys(long nr, long a, long b, long c)
{
	long ret = bare.syscall(bare_kernel.boot_task, nr, a, b, c, 0, 0, 0);

	if (ret < 0)
		die("call %ld: %s", nr, strerror(-ret));
	return ret;
}

static void up(const char *name)
{
	int fd = sys(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { .ifr_flags = IFF_UP | IFF_RUNNING };

	strcpy(ifr.ifr_name, name);
	sys(SYS_ioctl, fd, SIOCSIFFLAGS, (long)&ifr);
	sys(SYS_close, fd, 0, 0);
}

int main(void)
{
	struct lib_netdev dev = { .size = sizeof(dev), .name = "eth0" };
	double start;
	uint64_t end;
	int events = 0;

	bare_boot();
	if (bare.netdev_create(bare_kernel.boot_task, &dev))
		die("no device");
	up("lo");
	up("eth0");
	start = cpu();
	end = bare_now + SECONDS * 1000000000ULL;
	while (bare.run() <= end) {
		bare_now = bare_deadline;
		bare.timer_fire();
		events++;
	}
	put("events_per_s", events / (double)SECONDS);
	put("cpu_us_per_s", (cpu() - start) * 1e6 / SECONDS);
	return 0;
}
