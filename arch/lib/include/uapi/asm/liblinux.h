/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * liblinux.h - the contract between a Linux kernel that is a library and the
 * program that drives it.
 *
 * A program loads liblinux.so, gives memory, a clock and devices to lib_init()
 * and gets a table of functions back. One loaded image is one kernel, an
 * "instance"; its whole state is the image's data and the memory it was given.
 *
 * The rule of one. At most one host thread is inside an instance at a time,
 * from the call of an exported function to its return. The kernel has no lock
 * and no thread of its own; the caller serialises. There is one place to let
 * others in: lib_host::idle, which the kernel calls, on the stack of the
 * calling thread, when the call it serves is blocked and nothing else can run.
 * All other host functions run on small kernel stacks: they must be short,
 * must not block, must not longjmp, and must not call back into the instance.
 *
 * Tables carry their size, so that either side may be older: a table may only
 * grow at its end, and what lies beyond the smaller of the two sizes does not
 * exist for the other side.
 *
 * Times are nanoseconds. Functions that return int or long return a negative
 * errno on failure; -EOWNERDEAD means that the instance has panicked.
 */
#ifndef _UAPI_ASM_LIB_LIBLINUX_H
#define _UAPI_ASM_LIB_LIBLINUX_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the contract: changes only when size cannot express it. */
#define LIB_ABI_VERSION		1

#define LIB_TIME_NEVER		(~(uint64_t)0)
#define LIB_MIN_MEMORY		(8ULL << 20)

/* ------------------------------------------------------------------ tasks */

/**
 * struct lib_task - a task of the caller, as both sides see it
 * @tid:	its thread id in the instance
 * @process:	the host process that made it, or its last call: whose memory
 *		that call reads and writes, and which alone carries it on
 * @done:	1 while no call of it is inside the kernel; goes to 1 just before
 *		lib_host::wake
 * @dead:	1 when it has exited; no call can be made on it any more
 * @result:	what its last call returned
 * @host:	the caller's own words; the kernel never looks at them
 * @fd_wish:	set to n + 1, its next call makes descriptor n, or the next free
 *		one, in place of the lowest; 0 again afterwards
 *
 * Lives in the instance's memory, from task_create to task_exit.
 */
struct lib_task {
	uint32_t tid;
	uint32_t process;
	uint32_t done;
	uint32_t dead;
	long result;
	uint64_t host[5];
	uint32_t fd_wish;
	uint32_t pad;
};

#define LIB_TASK_PROCESS	(1 << 0) /* a process of its own: own descriptors */

/* ---------------------------------------------------------------- packets */

/* A piece of a packet; the layout of struct iovec. */
struct lib_iov {
	void *base;
	size_t len;
};

/* Offload metadata of a packet: layout and values of struct virtio_net_hdr. */
struct lib_vnet {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;	/* bytes of headers, a hint */
	uint16_t gso_size;	/* payload bytes of one segment */
	uint16_t csum_start;	/* with LIB_VNET_NEEDS_CSUM: sum from here, */
	uint16_t csum_offset;	/* store it here, counted from csum_start */
};

#define LIB_VNET_NEEDS_CSUM	1	/* checksum to be completed */
#define LIB_VNET_DATA_VALID	2	/* checksum was verified */
#define LIB_VNET_GSO_NONE	0
#define LIB_VNET_GSO_TCPV4	1
#define LIB_VNET_GSO_TCPV6	4
#define LIB_VNET_GSO_UDP_L4	5
#define LIB_VNET_GSO_ECN	0x80

/**
 * struct lib_packet - one packet on its way through the contract
 * @iov:	the bytes in order, @nr_iov pieces, @len in all, link-layer header first
 * @vnet:	offload metadata
 * @tstamp:	hardware time stamp; 0 is none
 * @token:	from the kernel: names the packet to netdev_tx_done
 */
struct lib_packet {
	const struct lib_iov *iov;
	uint32_t nr_iov;
	uint32_t len;
	struct lib_vnet vnet;
	uint16_t pad[3];
	uint64_t tstamp;
	uint64_t token;
};

#define LIB_MAX_IOV		18	/* at most so many pieces in one packet */
#define LIB_MAX_PACKET		(65536 + 256)	/* at most so many bytes */

/* Device kinds, values of the 2015 API */
#define LIB_NETDEV_NOARP	(1 << 0)
#define LIB_NETDEV_POINTTOPOINT	(1 << 1)
#define LIB_NETDEV_MULTICAST	(1 << 2)
#define LIB_NETDEV_BROADCAST	(1 << 3)
#define LIB_NETDEV_RAWIP	(1 << 4) /* no link-layer header, as a TUN device */
#define LIB_NETDEV_NOCARRIER	(1 << 5) /* the link is down at first */

/* What the caller's end takes care of */
#define LIB_NETDEV_F_CSUM	(1 << 0) /* completes or passes on checksums */
#define LIB_NETDEV_F_TSO	(1 << 1) /* takes TCP segments up to 64 KiB */
#define LIB_NETDEV_F_USO	(1 << 2) /* takes UDP segments up to 64 KiB */

/**
 * struct lib_netdev - a network device to be made
 * @size:	sizeof(struct lib_netdev)
 * @id:		out: names the device in the contract
 * @ifindex:	out: its index in the instance
 * @mtu:	0 is 1500
 * @flags:	LIB_NETDEV_*
 * @features:	LIB_NETDEV_F_*
 * @tx_ring:	packets the caller may hold at once, 0 is 256; when so many are
 *		out the device's queue stops until netdev_tx_done
 * @name:	a "%d" is replaced by the first free number; empty is "eth%d". Out:
 *		the name
 * @addr:	hardware address; all zero is a random one. Out: the address
 */
struct lib_netdev {
	uint32_t size;
	uint32_t id;
	uint32_t ifindex;
	uint32_t mtu;
	uint32_t flags;
	uint32_t features;
	uint32_t tx_ring;
	char name[16];
	uint8_t addr[6];
	uint8_t pad[2];
};

/* -------------------------------------------------------- caller to kernel */

/**
 * struct lib_host - what the caller gives: functions and nothing else
 *
 * The kernel copies the table to a page of its own (lib_kernel::host_page),
 * which holds the only host pointers in an instance; when processes share an
 * instance each maps that page privately and calls attach().
 *
 * @size:	sizeof(struct lib_host)
 * @version:	LIB_ABI_VERSION
 * @process:	a number for this host process, any; equal for all its threads
 * @ctx:	handed to each function
 * @clock_ns:	monotonic time; starts anywhere, never goes back
 * @realtime_ns: time since 1970; read at boot, on resume and by clock setting
 * @timer_arm:	the next timer is due at @deadline (clock_ns time) and replaces
 *		the one before; LIB_TIME_NEVER is none. timer_fire() is then to
 *		be called at that time or as soon as possible after it
 * @idle:	the call of @task cannot go on and the kernel has nothing to do
 *		before @deadline. Wait for a device, the deadline or another
 *		thread's call that completes @task, feed what came to the
 *		instance, and return; @task is NULL while booting. Returning
 *		early is always right. Runs on the caller's stack; here, and only
 *		here, may the instance be given to other threads meanwhile
 * @wake:	the thread that waits in idle() for @task is to come back from it.
 *		Its call, which another thread went on with, is complete: ::done
 *		is 1 and ::result is set; or, with ::done still 0, waits for the
 *		memory of its process, lib_task::process
 * @signal:	@task got signal @sig (SIGPIPE, a timer's, ...) which the kernel
 *		does not deliver; the caller may. May be NULL: dropped
 * @console_write: text for the console. May be NULL
 * @random:	fills @buf with @len random bytes; what it gives decides all of
 *		the instance's randomness
 * @panic:	the instance is dead, @reason says why; runs on the stack of the
 *		calling thread just before -EOWNERDEAD is returned. May be NULL
 * @netdev_tx:	takes @nr packets of device @dev and returns how many of them,
 *		counted from the first, are done with (sent, copied or dropped).
 *		The memory of each of the others, pieces included, stays with the
 *		caller until it names the packet's token in netdev_tx_done(),
 *		which it must not do from here
 * @map_pages:	maps @nr pages of the instance's memory, named by their offsets
 *		in it, one behind the other, and returns the address; NULL if
 *		that cannot be. May be NULL: AF_PACKET rings and vmap() fail
 * @unmap_pages: undoes it
 * @reset_image: forgets all changes to a range of the image's data (for a file
 *		mapping: MADV_DONTNEED), so that the same image can be
 *		initialised again. May be NULL: a second lib_init() is -EBUSY
 */
struct lib_host {
	uint32_t size;
	uint32_t version;
	uint32_t process;
	uint32_t pad;
	void *ctx;
	uint64_t (*clock_ns)(void *ctx);
	uint64_t (*realtime_ns)(void *ctx);
	void (*timer_arm)(void *ctx, uint64_t deadline);
	void (*idle)(void *ctx, struct lib_task *task, uint64_t deadline);
	void (*wake)(void *ctx, struct lib_task *task);
	void (*signal)(void *ctx, struct lib_task *task, int sig);
	void (*console_write)(void *ctx, const char *text, size_t len);
	void (*random)(void *ctx, void *buf, size_t len);
	void (*panic)(void *ctx, const char *reason);
	unsigned int (*netdev_tx)(void *ctx, uint32_t dev, const struct lib_packet *pkts,
				  unsigned int nr);
	void *(*map_pages)(void *ctx, const uint64_t *offsets, unsigned int nr);
	void (*unmap_pages)(void *ctx, void *addr, unsigned int nr);
	int (*reset_image)(void *ctx, void *start, size_t len);
};

/**
 * struct lib_kernel - one instance: its resources, and what is known of it
 * @size:	sizeof(struct lib_kernel)
 * @memory:	in: memory of the instance, page aligned, zero-filled, readable
 *		and writable, LIB_MIN_MEMORY at least, the caller's until exit()
 * @memory_size: in: its bytes
 * @cmdline:	in: kernel command line, or NULL
 * @boot_task:	out: the task of the thread that called lib_init(): process 1
 * @release:	out: as uname -r says
 * @image:	out: first byte of the image's writable data, page aligned
 * @image_size:	out: its bytes; with @memory this is the whole state
 * @host_page:	out: page of the host table, within @image
 * @status:	out: points at the live status word, LIB_RUNNING or LIB_DEAD
 * @running:	out: points at the task whose fiber runs the calling code, NULL
 *		when a plain thread does
 */
struct lib_kernel {
	uint32_t size;
	uint32_t pad;
	void *memory;
	uint64_t memory_size;
	const char *cmdline;
	struct lib_task *boot_task;
	char release[64];
	void *image;
	uint64_t image_size;
	void *host_page;
	const uint32_t *status;
	struct lib_task *const *running;
};

#define LIB_OFF			0
#define LIB_RUNNING		1
#define LIB_DEAD		2

/* -------------------------------------------------------- kernel to caller */

/* Called for each sysctl; @path is relative to /proc/sys. Non-zero stops. */
typedef int (*lib_sysctl_fn)(void *arg, const char *path, unsigned int mode);

/**
 * struct lib_exports - what the kernel gives
 * @size:	in: sizeof(struct lib_exports) of the caller; out: the smaller size
 * @version:	out: LIB_ABI_VERSION
 *
 * @syscall:	makes system call @nr of the host architecture's table on @task
 *		and returns as the instruction does. Blocks if the call does;
 *		meanwhile idle() runs. Only one call at a time on one task.
 *		clone, fork, vfork and exec are -ENOSYS: see task_create. After
 *		task_interrupt a restartable call returns -512 to -516
 * @task_create: makes a task from @parent, which lends its namespaces,
 *		credentials and (unless LIB_TASK_PROCESS) its descriptors. With
 *		@fn NULL it serves the calls of one host thread. Else it runs
 *		fn(arg) on @stack_size bytes of stack (0 is 64 KiB) in the
 *		instance's memory whenever the kernel runs, is suspended in its
 *		blocking calls, and exits when fn returns; task_exit then frees
 *		it. In code of such a task, every task argument means that task.
 *		@parent must be in no call, as in all functions that take a task
 * @task_exit:	ends a task that is in no call, and frees it
 * @task_interrupt: makes the blocking call of @task return early
 * @task_kill:	kills the task's process (LIB_TASK_PROCESS) with all its tasks,
 *		inside calls or not; it may be another host process's
 * @task_adopt:	makes this process the owner of @task, whose own died: its calls
 *		go on here and find their user memory gone (EFAULT)
 * @run:	runs all that can run, returns the next deadline. An instance
 *		whose callers wait for events lives in run and timer_fire alone
 * @timer_fire:	the deadline was reached; early calls do no harm
 *
 * @netdev_create: makes a device in the network namespace of @task
 * @netdev_destroy: removes it; packets the caller holds are forgotten
 * @netdev_rx:	receives @nr packets, copying them; returns how many were taken,
 *		the others are counted as dropped. Malformed metadata is refused
 *		packet by packet
 * @netdev_tx_done: @nr packets were sent, or dropped; at time @tstamp if not 0
 * @netdev_carrier: link up (1) or down (0)
 * @netdev_join: joins two Ethernet devices of this kernel, in whatever network
 *		namespaces: what one sends the other receives, without a copy and
 *		without netdev_tx; @peer 0 undoes it
 *
 * @sysctl_get:	reads "net.ipv4.tcp_rmem" or "net/ipv4/tcp_rmem" into @buf, NUL
 *		terminated, without the newline; returns the length
 * @sysctl_set:	writes it
 * @sysctl_iterate: calls @fn for each
 *
 * @fault:	to be called from the host's SIGSEGV or SIGBUS handler with the
 *		instruction and data address; needs no lock and is safe anywhere.
 *		Returns where to go on (the faulting call returns EFAULT, or,
 *		after a fault of the kernel's own, the instance dies), or 0 if
 *		the instruction is not this kernel's
 * @freeze:	brings the instance to rest for a snapshot: 0 if only idle tasks
 *		are left, -EBUSY if a call is under way
 * @thaw:	first call on a clone of a frozen instance, after attach(): new
 *		random state, the clock goes on from where it stood (or from
 *		clock_ns(), if that is later)
 * @attach:	installs the host table of this process
 * @exit:	stops the instance: no call is possible after it, and nothing
 *		outside of its memory and image remains
 */
struct lib_exports {
	uint32_t size;
	uint32_t version;

	long (*syscall)(struct lib_task *task, long nr, long a0, long a1, long a2,
			long a3, long a4, long a5);
	int (*task_create)(struct lib_task *parent, struct lib_task **task,
			   unsigned int flags, void (*fn)(void *arg), void *arg,
			   size_t stack_size);
	int (*task_exit)(struct lib_task *task);
	int (*task_interrupt)(struct lib_task *task);
	int (*task_kill)(struct lib_task *task);
	int (*task_adopt)(struct lib_task *task);
	uint64_t (*run)(void);
	void (*timer_fire)(void);

	int (*netdev_create)(struct lib_task *task, struct lib_netdev *dev);
	int (*netdev_destroy)(struct lib_task *task, uint32_t dev);
	int (*netdev_rx)(uint32_t dev, const struct lib_packet *pkts, unsigned int nr);
	int (*netdev_tx_done)(uint32_t dev, const uint64_t *tokens, unsigned int nr,
			      uint64_t tstamp);
	int (*netdev_carrier)(uint32_t dev, int up);
	int (*netdev_join)(uint32_t dev, uint32_t peer);

	long (*sysctl_get)(struct lib_task *task, const char *name, char *buf, size_t len);
	int (*sysctl_set)(struct lib_task *task, const char *name, const char *value);
	int (*sysctl_iterate)(struct lib_task *task, lib_sysctl_fn fn, void *arg);

	uintptr_t (*fault)(uintptr_t ip, uintptr_t addr);
	int (*freeze)(void);
	int (*thaw)(void);
	int (*attach)(const struct lib_host *host);
	void (*exit)(void);
};

/**
 * lib_init - boots the kernel
 * @exports:	filled in; ::size says how much the caller knows
 * @host:	what the kernel may call
 * @kernel:	the instance's memory in, its description out
 *
 * Returns when process 1 is ready, on the calling thread; what boots blocks in
 * lib_host::idle. Returns 0, -EINVAL (a table is too small, of another version,
 * or lacks a function that is not optional; memory unaligned), -ENOMEM (less
 * than LIB_MIN_MEMORY), -EBUSY (this image runs already, or ran and reset_image
 * is NULL), -EOWNERDEAD (it panicked while booting).
 */
#ifdef __KERNEL__
__attribute__((visibility("default")))
#endif
int lib_init(struct lib_exports *exports, const struct lib_host *host,
	     struct lib_kernel *kernel);

#ifdef __cplusplus
}
#endif

#endif /* _UAPI_ASM_LIB_LIBLINUX_H */
