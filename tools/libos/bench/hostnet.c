// SPDX-License-Identifier: GPL-2.0
/* hostnet.c - see hostnet.h */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"
#include "hostnet.h"

int hostnet_new(void)
{
	int netns;

	if (unshare(CLONE_NEWNET))
		die("cannot make a network namespace (%s): be root, or allow user namespaces",
		    strerror(errno));
	netns = open("/proc/self/ns/net", O_RDONLY);
	if (netns < 0)
		die("/proc/self/ns/net: %s", strerror(errno));
	hostnet_ip(netns, "link set lo up");
	return netns;
}

void hostnet_enter(int netns)
{
	if (setns(netns, CLONE_NEWNET))
		die("setns: %s", strerror(errno));
}

void hostnet_ip(int netns, const char *format, ...)
{
	char command[512] = "ip ";
	va_list ap;

	va_start(ap, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, ap);
	va_end(ap);
	hostnet_enter(netns);
	if (system(command))
		die("\"%s\" failed: is iproute2 installed?", command);
}

void hostnet_join(int a, const char *a_name, const char *a_addr,
		  int b, const char *b_name, const char *b_addr)
{
	hostnet_ip(a, "link add %s type veth peer name %s netns /proc/%d/fd/%d", a_name, b_name,
		   getpid(), b);
	hostnet_ip(a, "addr add %s dev %s", a_addr, a_name);
	hostnet_ip(a, "link set %s up", a_name);
	hostnet_ip(b, "addr add %s dev %s", b_addr, b_name);
	hostnet_ip(b, "link set %s up", b_name);
}
