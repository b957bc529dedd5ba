/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shared.h - an instance that the test's processes share, with a keeper in the
 * first of them; for one test program, which includes it.
 */
#ifndef _SHARED_H
#define _SHARED_H

#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "nuse/catch.h"
#include "nuse/create.h"
#include "util.h"

/* The way out of the catcher, without the catcher */
static void map_gateway(void)
{
	static const unsigned char code[] = {
		0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0x4d,
		0x89, 0xc2, 0x4d, 0x89, 0xc8, 0x4c, 0x8b, 0x4c, 0x24, 0x08, 0x0f, 0x05, 0xc3,
	};
	void *page = mmap((void *)NUSE_GATEWAY, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	memcpy(page, code, sizeof(code));
	mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

#define call(nr, ...)	make_call(nr, (long[6]) { __VA_ARGS__ })

static long make_call(long nr, const long args[6])
{
	int err;
	struct share_thread *self = share_self(share_process.number, &err);

	return self ? share_call(self, nr, args, NULL) : err;
}

static void *keep(void *arg)
{
	for (;;)
		share_care(-1);
	return arg;
}

/* With its loopback up */
static int start(void)
{
	pthread_t keeper;
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int err, fd;

	map_gateway();
	err = share_create(liblinux(), 0, NULL);
	if (err)
		return complain("%s", share_error());
	if (pthread_create(&keeper, NULL, keep, NULL))
		return complain("no thread for the keeper");
	fd = call(SYS_socket, AF_INET, SOCK_DGRAM);
	err = call(SYS_ioctl, fd, SIOCSIFFLAGS, (long)&ifr);
	call(SYS_close, fd);
	return err;
}

#endif /* _SHARED_H */
