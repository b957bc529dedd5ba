/* SPDX-License-Identifier: GPL-2.0 */
/*
 * raw.h - the least host that the contract allows, for tests of the contract
 * itself: one thread, a clock that stands still unless the kernel waits for
 * it, and every packet that the kernel sends kept in a list.
 */
#ifndef _TESTS_RAW_H
#define _TESTS_RAW_H

#include <dlfcn.h>
#include <liblinux.h>
#include "util.h"

#define RAW_MEMORY	(32 << 20)
#define RAW_SENT	1024

/* A packet that the kernel sent */
struct raw_sent {
	uint32_t dev;
	uint32_t len;
	uint32_t nr_iov;
	struct lib_vnet vnet;
	uint64_t token;
	bool held;		/* we owe netdev_tx_done() */
	uint8_t *data;
};

struct raw {
	void *dl;
	int (*init)(struct lib_exports *exports, const struct lib_host *host,
		    struct lib_kernel *kernel);
	struct lib_exports ex;
	struct lib_host host;
	struct lib_kernel kernel;

	uint64_t now;			/* the clock */
	uint64_t deadline;
	uint64_t seed;			/* of the random numbers */

	unsigned int idles, fires, wakes, panics, signals;
	int signal;			/* the last one */
	struct lib_task *woken, *signalled;
	char reason[128];		/* of the panic */
	char console[65536];
	size_t console_len;
	unsigned int foreign_stacks;	/* callbacks that ran outside of the memory */

	unsigned int hold;		/* of each batch, keep so many packets */
	unsigned int batches, largest_batch;
	unsigned int nr_sent;
	struct raw_sent sent[RAW_SENT];
	unsigned int maps, unmaps;	/* of pages */

	/* Called in lib_host::idle before the clock is advanced; false: not to be */
	bool (*on_idle)(struct raw *r, struct lib_task *task);
	void *arg;
};

/* Loads the library, in a namespace of its own (LM_ID_NEWLM) or not (LM_ID_BASE). */
int raw_load(struct raw *r, long namespace);
/* Fills in the tables, with fresh memory of so many bytes. */
void raw_prepare(struct raw *r, size_t memory);
/* Calls lib_init(). */
int raw_init(struct raw *r);
/* All three, with RAW_MEMORY */
int raw_boot(struct raw *r);
/* Gives back the memory. */
void raw_free(struct raw *r);

#define RAW_PAD(a, b, c, d, e, f, ...) \
	(long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)
/* A system call of a task, or of process 1 */
#define raw_call_of(r, task, nr, ...) \
	((r)->ex.syscall(task, nr, RAW_PAD(__VA_ARGS__, 0, 0, 0, 0, 0, 0)))
#define raw_call(r, nr, ...) raw_call_of(r, (r)->kernel.boot_task, nr, ##__VA_ARGS__, 0)

/* Lets the clock go on by so much, timers included. */
void raw_sleep(struct raw *r, uint64_t ns);

/* Sets an interface's flags, its address. */
int raw_up(struct raw *r, const char *dev, bool up);
int raw_addr(struct raw *r, const char *dev, const char *addr);
/* A device with an address, up; its number in the contract, or negative */
int raw_device(struct raw *r, const struct lib_netdev *how, const char *addr);
long raw_dev_counter(struct raw *r, const char *dev, const char *name);
int raw_read_file(struct raw *r, const char *path, char *buf, size_t len);

/* Receives one packet; 1 if it was taken. */
int raw_receive(struct raw *r, uint32_t dev, const void *data, size_t len,
		const struct lib_vnet *vnet);
/* Forgets what was sent. */
void raw_forget(struct raw *r);
/* Is done with all packets that are held. */
int raw_done(struct raw *r, uint64_t tstamp);

#endif /* _TESTS_RAW_H */
