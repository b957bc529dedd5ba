/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * libos.h - Linux kernels inside a process.
 *
 * libos_open() boots an instance of liblinux.so; libos_socket() and its
 * siblings are the system calls of that kernel; libos_cable() joins two
 * instances and libos_tap() joins one to the host. An instance lives in real
 * time, where any thread may call it and block, or in the virtual time of a
 * world, where one thread drives everything and equal inputs give equal
 * packets.
 *
 * Functions that return int give 0 or a negative errno, and on failure
 * libos_error() says in one line what went wrong and what to do. The POSIX
 * shaped calls return -1 and set errno, as in libc.
 *
 * The library handles SIGSEGV and SIGBUS, for bad pointers in calls, and passes
 * on what is not its own. Handlers of other signals that may run in a thread
 * inside a call should be installed with SA_ONSTACK: the kernel's stacks are
 * small. After fork() instances are the parent's; the child must not touch them.
 */
#ifndef _LIBOS_H
#define _LIBOS_H

#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct libos;		/* an instance: one kernel */
struct libos_world;	/* a virtual time, and the instances that live in it */
struct libos_dev;	/* a network device of an instance */
struct libos_pcap;	/* a capture file */

/**
 * libos_error - what the last function of this thread that failed has to say
 *
 * Returns one line without a newline; "" when nothing failed yet. Valid until
 * this thread's next call of the library.
 */
const char *libos_error(void);

/* -------------------------------------------------------------- instances */

#define LIBOS_VERBOSE	(1 << 0)	/* the kernel's console goes to stderr */

/**
 * struct libos_config - how an instance is to be; zero is the default
 * @size:	sizeof(struct libos_config)
 * @flags:	LIBOS_VERBOSE
 * @kernel:	path of liblinux.so. Default: $LIBLINUX, else liblinux.so beside
 *		the executable, in ../lib of it, where it was installed, or in
 *		the current directory
 * @name:	names the instance in messages
 * @cmdline:	kernel command line
 * @memory:	bytes of memory, 32 MiB by default, at most 2 GiB. Only what the
 *		kernel touches is taken from the host
 * @world:	the virtual time that it lives in; NULL is real time
 * @console:	gets what the kernel prints; it must not block and must not
 *		call the library
 * @console_arg: handed to @console
 */
struct libos_config {
	uint32_t size;
	uint32_t flags;
	const char *kernel;
	const char *name;
	const char *cmdline;
	uint64_t memory;
	struct libos_world *world;
	void (*console)(void *arg, const char *text, size_t len);
	void *console_arg;
};

/**
 * libos_open - boots an instance
 * @config:	how; NULL is all defaults. Not needed after the call
 * @libos:	the instance
 *
 * The calling thread becomes process 1 of the instance; other threads become
 * further threads of that process with their first call, at first in its first
 * namespaces and with all its descriptors. The first instance of
 * a process always gets the same addresses, the second as well, and so on.
 */
int libos_open(const struct libos_config *config, struct libos **libos);

/**
 * libos_close - ends an instance and gives everything back
 * @libos:	the instance; NULL does nothing
 *
 * Its devices are closed with it, and the other ends of its cables. No other
 * thread may be in a call of it: -EBUSY if one is blocked there.
 */
int libos_close(struct libos *libos);

/* What "uname -r" says in the instance. */
const char *libos_release(const struct libos *libos);

/* Why the instance is dead (its calls return -EOWNERDEAD); NULL if it lives. */
const char *libos_panic(const struct libos *libos);

/* ------------------------------------------------------------------ calls */

/**
 * libos_syscall - makes a system call of the instance
 * @libos:	the instance
 * @nr:		number, as in <sys/syscall.h> of x86-64
 *
 * Up to six further arguments, each of the size of a long. Returns what the
 * kernel returns: a negative errno on failure. Any thread may call; a call
 * that blocks waits for devices and timers itself. Code of libos_spawn() calls
 * its own instance only (-EDEADLK). In virtual time a call that nothing can
 * ever complete returns -EDEADLK.
 */
long libos_syscall(struct libos *libos, long nr, ...);

/**
 * libos_spawn - runs a function as a task of the instance
 * @libos:	the instance
 * @fn:		the function
 * @arg:	its argument
 * @stack:	bytes of stack for it; 0 is 64 KiB
 *
 * The task is a thread of process 1 with a stack in the instance; its blocking
 * calls suspend it alone, so any number runs without host threads. It starts
 * when the instance runs next, at once in real time, and ends when @fn returns.
 * Returns its thread id in the instance. In real time it may go on in another
 * host thread after a call that blocked: hold no thread-local pointer there.
 */
int libos_spawn(struct libos *libos, void (*fn)(void *arg), void *arg, size_t stack);

int libos_socket(struct libos *libos, int domain, int type, int protocol);
int libos_bind(struct libos *libos, int fd, const struct sockaddr *addr, socklen_t len);
int libos_connect(struct libos *libos, int fd, const struct sockaddr *addr, socklen_t len);
int libos_listen(struct libos *libos, int fd, int backlog);
int libos_accept4(struct libos *libos, int fd, struct sockaddr *addr, socklen_t *len,
		  int flags);
int libos_getsockname(struct libos *libos, int fd, struct sockaddr *addr, socklen_t *len);
int libos_getpeername(struct libos *libos, int fd, struct sockaddr *addr, socklen_t *len);
int libos_setsockopt(struct libos *libos, int fd, int level, int name, const void *value,
		     socklen_t len);
int libos_getsockopt(struct libos *libos, int fd, int level, int name, void *value,
		     socklen_t *len);
int libos_shutdown(struct libos *libos, int fd, int how);
ssize_t libos_send(struct libos *libos, int fd, const void *buf, size_t len, int flags);
ssize_t libos_recv(struct libos *libos, int fd, void *buf, size_t len, int flags);
ssize_t libos_sendto(struct libos *libos, int fd, const void *buf, size_t len, int flags,
		     const struct sockaddr *addr, socklen_t addrlen);
ssize_t libos_recvfrom(struct libos *libos, int fd, void *buf, size_t len, int flags,
		       struct sockaddr *addr, socklen_t *addrlen);
ssize_t libos_sendmsg(struct libos *libos, int fd, const struct msghdr *msg, int flags);
ssize_t libos_recvmsg(struct libos *libos, int fd, struct msghdr *msg, int flags);
struct mmsghdr;
int libos_sendmmsg(struct libos *libos, int fd, struct mmsghdr *msgs, unsigned int nr,
		   int flags);
int libos_recvmmsg(struct libos *libos, int fd, struct mmsghdr *msgs, unsigned int nr,
		   int flags, struct timespec *timeout);
int libos_open_file(struct libos *libos, const char *path, int flags, mode_t mode);
int libos_close_fd(struct libos *libos, int fd);
ssize_t libos_read(struct libos *libos, int fd, void *buf, size_t len);
ssize_t libos_write(struct libos *libos, int fd, const void *buf, size_t len);
ssize_t libos_readv(struct libos *libos, int fd, const struct iovec *iov, int nr);
ssize_t libos_writev(struct libos *libos, int fd, const struct iovec *iov, int nr);
int libos_ioctl(struct libos *libos, int fd, unsigned long request, void *arg);
int libos_fcntl(struct libos *libos, int fd, int cmd, long arg);
int libos_poll(struct libos *libos, struct pollfd *fds, nfds_t nr, int timeout_ms);
int libos_epoll_create1(struct libos *libos, int flags);
int libos_epoll_ctl(struct libos *libos, int epfd, int op, int fd, struct epoll_event *event);
int libos_epoll_wait(struct libos *libos, int epfd, struct epoll_event *events, int max,
		     int timeout_ms);
int libos_unshare(struct libos *libos, int flags);
int libos_setns(struct libos *libos, int fd, int type);
int libos_nanosleep(struct libos *libos, const struct timespec *duration,
		    struct timespec *rest);

/* ----------------------------------------------------------- virtual time */

/**
 * libos_world_new - makes a virtual time
 * @seed:	decides every random number in it
 *
 * Its clock starts at 0 and its calendar on 1 January 2025, UTC. The world and
 * its instances belong to the calling thread. Returns NULL without memory.
 */
struct libos_world *libos_world_new(uint64_t seed);

/* Frees a world; -EBUSY while it has instances. */
int libos_world_free(struct libos_world *world);

/* The time in nanoseconds. */
uint64_t libos_world_now(const struct libos_world *world);

/**
 * libos_world_run - lets time pass
 * @world:	the world
 * @until:	time to stop at; UINT64_MAX is never
 *
 * Runs all that happens up to and at @until. Time passes too while the thread
 * is blocked in a call of an instance. Returns 0 at @until, 1 when nothing is
 * left that could happen.
 */
int libos_world_run(struct libos_world *world, uint64_t until);

/**
 * libos_world_at - calls a function at a time
 * @world:	the world
 * @time:	when; a time that has passed is now
 * @fn:		the function. It may make calls of instances, blocking ones too,
 *		but not while another such function is blocked in the same
 *		instance
 * @arg:	its argument
 *
 * What is due at one time happens in the order in which it was asked for.
 */
int libos_world_at(struct libos_world *world, uint64_t time, void (*fn)(void *arg), void *arg);

/* ---------------------------------------------------------------- devices */

#define LIBOS_PORT_NETNS	(1 << 0)	/* libos_port::netns is meant */

/**
 * struct libos_port - a device to be made in an instance
 * @libos:	the instance
 * @name:	its name; "%d" becomes the first free number. NULL is "eth%d"
 * @mac:	its address; all zero is a random one
 * @mtu:	0 is 1500
 * @flags:	LIBOS_PORT_NETNS
 * @netns:	descriptor (in the instance) of the network namespace that it is
 *		to be in; without the flag it is the calling task's
 */
struct libos_port {
	struct libos *libos;
	const char *name;
	uint8_t mac[6];
	uint16_t pad;
	uint32_t mtu;
	uint32_t flags;
	int netns;
};

/**
 * struct libos_line - one direction of a cable; zero is a perfect one
 * @delay_ns:	time of flight
 * @rate_bps:	bits a second; 0 is any number. A packet leaves the sender's
 *		device when its last bit is on the line
 * @queue:	packets that the device holds at the line; more wait in the
 *		kernel's queueing discipline. 0 is 256. Fixed when the cable is
 *		made
 * @loss:	probability that a packet is lost, 0 to 1
 * @duplicate:	... arrives twice
 * @corrupt:	... arrives with one bit turned
 * @reorder:	... overtakes what is in flight by skipping the delay
 */
struct libos_line {
	uint64_t delay_ns;
	uint64_t rate_bps;
	uint32_t queue;
	uint32_t pad;
	double loss;
	double duplicate;
	double corrupt;
	double reorder;
};

#define LIBOS_CABLE_NO_CSUM	(1 << 0)	/* the kernels do all checksums */
#define LIBOS_CABLE_NO_GSO	(1 << 1)	/* no packet is larger than the MTU */

/**
 * struct libos_cable - what a cable is like
 * @size:	sizeof(struct libos_cable)
 * @flags:	LIBOS_CABLE_*
 * @seed:	of its probabilities. In a world 0 means: derived from its seed
 * @line:	from the first port to the second, and back
 *
 * A line with a rate, loss, duplicates or reordering deals in single packets:
 * it implies LIBOS_CABLE_NO_GSO. One that corrupts implies both.
 */
struct libos_cable {
	uint32_t size;
	uint32_t flags;
	uint64_t seed;
	struct libos_line line[2];
};

/**
 * libos_cable - joins two new devices
 * @a:		one end
 * @b:		the other; may be in the same instance. Both live in real time or
 *		both in one world
 * @cable:	what it is like; NULL is perfect: no delay, no limit
 * @dev:	the two devices; NULL if nobody needs them
 *
 * A perfect cable carries checksum and segmentation offload: packets of up to
 * 64 KiB cross it, copied once, by the receiving kernel. In real time the
 * sending thread takes them there.
 */
int libos_cable(const struct libos_port *a, const struct libos_port *b,
		const struct libos_cable *cable, struct libos_dev *dev[2]);

/**
 * libos_cable_set - changes the line that leaves a device of a cable
 * @dev:	the device
 * @line:	what the line is like from the next packet on; what is in flight
 *		stays as it is. The offloads of the device do not change: a line
 *		that corrupts needs a cable made with both flags, one with a
 *		rate, loss, duplicates or reordering LIBOS_CABLE_NO_GSO
 */
int libos_cable_set(struct libos_dev *dev, const struct libos_line *line);

/**
 * libos_tap - joins a new device to a TAP interface of the host
 * @port:	the device; real time only
 * @hostname:	name of the host's interface, which is made unless it exists;
 *		"%d" as in the kernel; NULL is "tap%d"
 * @dev:	the device; NULL if nobody needs it
 */
int libos_tap(const struct libos_port *port, const char *hostname, struct libos_dev **dev);

/* Removes a device, and for a cable the device at its other end with it. */
int libos_dev_close(struct libos_dev *dev);

const char *libos_dev_name(const struct libos_dev *dev);	/* in the instance */
unsigned int libos_dev_ifindex(const struct libos_dev *dev);
const char *libos_dev_hostname(const struct libos_dev *dev);	/* of a tap; else "" */

/* Sets a device's link up (1) or down (0). */
int libos_dev_carrier(struct libos_dev *dev, int up);

/**
 * libos_pcap_open - makes a capture file in pcapng format
 * @path:	its path; an old file is replaced
 * @pcap:	the file
 */
int libos_pcap_open(const char *path, struct libos_pcap **pcap);

/**
 * libos_pcap_add - captures what a device sends and receives, from now on
 * @pcap:	the file; several devices may share it
 * @dev:	the device; it can be in one file at a time
 *
 * Packets are as they cross the device: a large segment is one packet. Time
 * stamps are in nanoseconds; in virtual time the whole file is determined.
 */
int libos_pcap_add(struct libos_pcap *pcap, struct libos_dev *dev);

/* Ends a capture and closes the file; -EIO and the like if writing failed. */
int libos_pcap_close(struct libos_pcap *pcap);

/* ---------------------------------------------------------- configuration */

/* All act in the network namespace of the calling thread's task. */

/* Sets an interface up or down. */
int libos_link_up(struct libos *libos, const char *dev);
int libos_link_down(struct libos *libos, const char *dev);

/* Adds an address: "10.0.0.1/24" or "fc00::1/64", usable at once (no DAD). */
int libos_addr_add(struct libos *libos, const char *dev, const char *addr);

/**
 * libos_route_add - adds a route
 * @libos:	the instance
 * @prefix:	"10.1.0.0/16", "fc00:1::/64", "default" (family of @via) or
 *		"default6"
 * @via:	the gateway, or NULL
 * @dev:	the interface, or NULL if @via tells
 */
int libos_route_add(struct libos *libos, const char *prefix, const char *via,
		    const char *dev);

/**
 * libos_source_route - gives what is sent from an address a gateway of its own
 * @libos:	the instance
 * @addr:	the address and its network, "10.0.0.2/24"
 * @via:	the gateway
 * @dev:	the interface that has both
 * @table:	number of the routing table to put the routes into, which only
 *		packets from @addr use: 1 to 252, or from 256 on
 */
int libos_source_route(struct libos *libos, const char *addr, const char *via,
		       const char *dev, uint32_t table);

/* Adds a neighbour that is never asked for its address, or changes one. */
int libos_neigh_add(struct libos *libos, const char *dev, const char *addr,
		    const uint8_t mac[6]);

/* Sets the root queueing discipline: "fq_codel" and others, with their default
 * parameters. -ENOENT if there is none of that name, -EINVAL if it has no
 * defaults.
 */
int libos_qdisc_set(struct libos *libos, const char *dev, const char *kind);

/**
 * libos_sysctl_get - reads a sysctl of the instance
 * @libos:	the instance
 * @name:	"net.ipv4.tcp_rmem" or with slashes
 * @buf:	gets the value, ended by NUL, without a newline
 * @len:	bytes of @buf
 *
 * Returns the length of the value.
 */
long libos_sysctl_get(struct libos *libos, const char *name, char *buf, size_t len);
int libos_sysctl_set(struct libos *libos, const char *name, const char *value);

/* Calls @fn for each sysctl, until it returns non-zero; returns that. @fn must
 * not call the library.
 */
int libos_sysctl_iterate(struct libos *libos,
			 int (*fn)(void *arg, const char *name, unsigned int mode),
			 void *arg);

/* ------------------------------------------------------ snapshot and clone */

/**
 * libos_snapshot - freezes the state of an idle instance
 * @libos:	the instance: without devices of the caller (-EBUSY), without
 *		calls under way or unfinished libos_spawn() functions (-EBUSY).
 *		It goes on as before
 *
 * Returns a sealed memory file (memfd) that holds everything. Pass it to other
 * processes by inheritance or SCM_RIGHTS; close() it when it is no longer
 * needed: clones do not need it.
 */
int libos_snapshot(struct libos *libos);

/**
 * libos_clone - makes an instance from a snapshot
 * @snapshot:	what libos_snapshot() returned
 * @config:	as for libos_open(): only ::flags, ::kernel (another path of the
 *		same file), ::name, ::world and ::console count
 * @libos:	the instance
 *
 * It runs at once, at the addresses of the original, which must be free in
 * this process (-EEXIST); what it does not change stays shared. It gets fresh
 * randomness. The calling thread becomes process 1. AF_PACKET rings and other
 * users of page remapping do not work in a clone (-ENOMEM there).
 */
int libos_clone(int snapshot, const struct libos_config *config, struct libos **libos);

/**
 * libos_reset - takes an instance back to a snapshot, in place
 * @libos:	the instance: the one that the snapshot was taken of or a clone
 *		of it, without devices of the caller and without calls under way
 * @snapshot:	the snapshot
 */
int libos_reset(struct libos *libos, int snapshot);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* _LIBOS_H */
