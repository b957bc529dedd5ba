/* SPDX-License-Identifier: GPL-2.0 */
/*
 * share.h - an instance that processes share.
 *
 * Image, memory and a control page lie at the same addresses in every process
 * that belongs to it, as shared mappings; the page of host functions is each
 * process's own. Any thread runs kernel code itself, under one lock. A thread
 * that is blocked waits: one of all polls the devices and the next timer, the
 * others sleep on a word of their own. A call that comes to touch its caller's
 * memory waits for the caller's process, while others go on.
 *
 * What is here is freestanding, see catch.h, and holds no pointer to a process.
 */
#ifndef _NUSE_SHARE_H
#define _NUSE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <liblinux.h>

#define SHARE_BASE	0x1e0000000000ULL		/* the image */
#define SHARE_CONTROL	(SHARE_BASE + (768ULL << 20))
#define SHARE_MEMORY	(SHARE_BASE + (1ULL << 30))	/* of the kernel */

#define SHARE_PROCESSES	4096
#define SHARE_THREADS	8192
#define SHARE_DEVICES	16
#define SHARE_HELD	256
#define SHARE_CAPTURES	16
#define SHARE_KICKS	16
#define SHARE_WAKES	64
#define SHARE_FDS	65536

#include "../lib/clock.h"
#include "mappings.h"
#include "owners.h"
#include "pages.h"
#include "transit.h"

/*
 * Descriptors of the host that each process of the instance has, of equal numbers
 * in all: share_control::fd_base and these. The program does not see them.
 */
enum {
	FD_TEXT,		/* liblinux.so: the text */
	FD_DATA,		/* the image's data */
	FD_MEMORY,
	FD_CONTROL,
	FD_PLACEHOLDER,		/* library descriptors are its duplicates at the host */
	FD_KEEPER,		/* eventfd: a process came, went or changed */
	FD_TIMER,		/* timerfd: who polls waits on it, or the keeper */
	FD_KICK,		/* eventfds: threads wait on them */
	FD_DEVICE = FD_KICK + SHARE_KICKS,
	FD_CAPTURE = FD_DEVICE + SHARE_DEVICES,	/* files of captures */
	FD_RESOLV_CONF = FD_CAPTURE + SHARE_CAPTURES,
	NR_OWN_FDS
};

/**
 * struct share_device - a device of the instance, number n: own_fd(FD_DEVICE + n)
 * @id:		lib_netdev::id
 * @vnet_hdr:	bytes in front of each packet
 * @capture:	the file of its capture, from 1; 0: none
 * @capture_id:	its number there
 * @singles:	looks in a row that found one packet each
 * @down:	nobody has the other end
 * @first:	of the packets that are held
 * @nr_held:	how many
 * @held:	those for which the other end had no room: a ring
 */
struct share_device {
	uint32_t id;
	uint32_t vnet_hdr;
	uint32_t capture;
	uint32_t capture_id;
	uint32_t singles;
	bool down;
	uint32_t first;
	uint32_t nr_held;
	struct lib_packet held[SHARE_HELD];
};

/**
 * struct share_thread - a thread that makes calls
 * @process:	its process, a number from 1; 0: the entry is free
 * @tid:	its thread id at the host
 * @key:	tells it from others in its process: its fs base, if it has one of its own
 * @task:	its task
 * @word:	what it sleeps on
 * @kick:	the eventfd on which it waits instead, from 1; 0: none
 * @next:	of the threads that are waiting, by number from 1; 0: the last
 * @signals:	of the kernel's for the thread, to be raised when it has left
 */
struct share_thread {
	uint32_t process;
	uint32_t tid;
	uint64_t key;
	struct lib_task *task;
	uint32_t word;
	uint32_t kick;
	uint32_t next;
	uint64_t signals;
};

#define SHARE_BIRTH	(1U << 31)
#define SHARE_GOING	(~0U)

/**
 * struct share_member - a process
 * @pid:	at the host; 0: the entry is free. That of the thread that makes it, and
 *		SHARE_BIRTH, until one of both says the right one; SHARE_GOING while
 *		somebody ends its tasks
 * @helper:	a task that makes no calls: parent of those that do
 * @top:	all of its library descriptors are below
 * @making:	how many of them threads are about to make
 * @inside:	its working directory is one of the instance
 * @other_user:	it is not who it was when it came, or has not always been
 * @divided:	its threads may differ, in their namespaces or who they are: see share_settle()
 */
struct share_member {
	uint32_t pid;
	uint32_t top;
	uint32_t making;
	bool inside;
	bool other_user;
	bool divided;
	struct lib_task *helper;
};

/**
 * struct share_epolls - of 64 library descriptors, a bit each
 * @all:	those that are an epoll of the host, too
 * @library, @host: of them, which may have descriptors of the library, of the host
 */
struct share_epolls {
	uint64_t all;
	uint64_t library;
	uint64_t host;
};

/**
 * struct share_table - the library descriptors of a process
 * @fds:	a bit each
 *
 * Members are looked through, tables are not: these are large, and take memory
 * where a process has descriptors.
 */
struct share_table {
	uint64_t fds[SHARE_FDS / 64];
	struct share_epolls epolls[SHARE_FDS / 64];
};

/**
 * struct share_control - what all processes know of the instance
 * @lock:	thread id at the host of who is inside, with a bit for others that
 *		wait; 0: nobody
 * @dead:	a process died inside, or the kernel panicked: nobody enters again
 * @entries:	counts who enters and who leaves: odd while somebody is inside
 * @changes:	counts what happens to members
 * @deadline:	of the kernel's next timer
 * @fired:	when it was seen last whether that is due, by the processor's counter
 * @clock:	the host's, as the instance sees it
 * @clock_even:	see clock_is_even()
 * @timer:	what FD_TIMER is set to; 0: it has gone off
 * @poller:	the thread that polls, from 1, or the keeper; 0: nobody
 * @waiting:	first of the threads that sleep
 * @kicks:	eventfds in use, a bit each
 * @keeper_asleep: the keeper waits for the timer, and is to be told when nobody polls
 * @fd_base:	first of the hidden descriptors
 * @creating:	the thread id at the host of who makes a task: one at a time; 0: nobody
 * @turn:	changes when that is over, or the use of the transit
 * @cgroups:	some of the host's are in the instance, too
 * @wakes:	threads to be woken when the lock is free
 */
struct share_control {
	uint32_t lock;
	uint32_t dead;
	uint32_t changes;
	uint64_t entries;
	uint64_t deadline;
	uint64_t fired;
	struct clock clock;
	bool clock_even;
	uint64_t timer;
	uint32_t poller;
	uint32_t waiting;
	uint32_t kicks;
	uint32_t keeper_asleep;
	uint32_t fd_base;
	uint32_t creating;
	uint32_t turn;
	bool cgroups;
	uint32_t nr_wakes;
	uint32_t wakes[SHARE_WAKES];

	struct lib_exports exports;
	struct lib_kernel kernel;
	uint64_t text_size;			/* of the image, which its data follow */
	uint32_t nr_devices;
	uint32_t nr_captures;
	struct share_device devices[SHARE_DEVICES];
	uint32_t nr_members;			/* all were below */
	uint32_t nr_threads;			/* likewise */
	uint32_t nr_mappings;
	struct share_member members[SHARE_PROCESSES];	/* by number; 0 is none */
	struct share_table tables[SHARE_PROCESSES];		/* of them */
	struct share_thread threads[SHARE_THREADS];
	char resolv_conf[32];			/* path of what programs get for it, or "" */
	struct share_owner owners[SHARE_OWNERS];
	struct share_mapping mappings[SHARE_MAPPINGS];
	struct share_pages pages;
	struct share_transit transit;
	char reason[128];			/* why it is dead */
	uint32_t console_len;
	char console[64 << 10];			/* the last of what the kernel said: a ring */
};

#define share ((struct share_control *)SHARE_CONTROL)
_Static_assert(sizeof(struct share_control) <= SHARE_MEMORY - SHARE_CONTROL, "it has room");

static inline int own_fd(unsigned int which)
{
	return share->fd_base + which;
}

/**
 * struct share_process - what is a process's own
 * @quiesced:	its pid, when it is about to end, to stop or to exec: none of its threads
 *		enters again before it goes on
 * @quiescer:	but this one
 * @entered:	one of its threads has been inside, or is about to
 * @lockers:	how many of its threads wait for the lock
 */
struct share_process {
	uint32_t number;
	uint32_t pid;
	uint32_t quiesced;
	uint32_t quiescer;
	uint32_t entered;
	uint32_t lockers;
};
extern struct share_process share_process;

/* Maps it all in a new program, from its hidden descriptors. Returns 0 or a negative errno. */
int share_map(int fd_base);

/* Only the page of host functions, of the process alone */
int share_map_host_page(void);

/*
 * Makes this process one of the instance's, which is mapped: a process of its
 * own, like the first. Likewise.
 */
int share_attach(void);

/*
 * The program of a process was replaced by the one that calls, which has mapped the
 * instance: it goes on with its descriptors. @self is the thread that did it, NULL if
 * it has no entry. Likewise.
 */
int share_exec(uint32_t process, struct share_thread *self);

/*
 * fork(): the parent calls the first before, which returns the number that the
 * child will have, or a negative errno. Then the child calls the second; one that
 * works on its parent's memory until it exec's (vfork), the third instead. The parent
 * calls the last with the pid, for a child that was killed at once, or, if there is
 * none, share_reap().
 */
int share_fork(struct share_thread *self);
int share_forked(int number);
void share_vforked(int number);
void share_born(int number, uint32_t pid);

/* The host table of this process, for lib_init() */
void share_host(struct lib_host *host);

/*
 * Under the lock: the helper of a process, to make calls that are this process's; NULL
 * if it has ended.
 */
struct lib_task *share_helper(uint32_t process);

/* The calling thread's entry in @process; NULL if it has none */
struct share_thread *share_known(uint32_t process);

/* The calling thread's entry in @process, with a task, made if there is none; NULL and *err. */
struct share_thread *share_self(uint32_t process, int *err);

/**
 * struct share_wait - what a thread waits for besides what its call waits for
 * @fds:	descriptors of the host, behind SHARE_WAIT_ROOM unused entries
 * @nr:		how many
 * @mask:	signal mask while it waits, or NULL
 * @came:	out: one of them is ready, and the call was ended with -EINTR
 */
struct share_wait {
	struct pollfd *fds;
	unsigned int nr;
	const uint64_t *mask;
	bool came;
};

#define SHARE_WAIT_ROOM	(2 + SHARE_DEVICES)

/*
 * A thread's task comes from its process's helper, when it makes its first call: they
 * are all alike. Before one of them becomes another than they are, in a process that is
 * divided from then on, the other @args[0], a thread id, gets a task that is as they
 * were. New threads have one from their birth, which comes from that of their creator:
 * share_bear() gives the number of its entry, from 1, or an error, and the thread takes
 * it with share_begin(), or share_unborn() is called if there is none.
 */
long share_settle(struct share_thread *self, long nr, const long args[6]);
long share_bear(struct share_thread *self);
void share_begin(struct share_thread *self);
void share_unborn(struct share_thread *thread);

/* Makes a call of the kernel, blocking if it does. @wait may be NULL. */
long share_call(struct share_thread *self, long nr, const long args[6], struct share_wait *wait);

/*
 * What a process has for each of the threads, which is its own.
 * @signal:	not 0: a signal has come, and the thread must not wait; or NULL
 * @wait:	what it waits for besides
 */
struct share_local {
	const uint32_t *signal;
	struct share_wait *wait;
};
extern struct share_local share_local[SHARE_THREADS];

static inline unsigned int share_slot(const struct share_thread *thread)
{
	return thread - share->threads;
}

/* The lock, for whatever else is to be done; -EOWNERDEAD if the instance is dead. */
int share_enter(void);
void share_leave(void);

/*
 * To send signals that end processes at once: between the two, if the first says so,
 * nobody is inside, nor will those be to whom they were sent. It waits a little for
 * who is, but not for one that is stopped there.
 */
bool share_keep_out(void);
void share_let_in(void);

/* The process is about to end or to stop, with all of its threads: none will be inside. */
void share_quiesce(void);

/* It goes on: it could not exec, or is no longer stopped. */
void share_go_on(void);

/* Somebody has the other end of device @id, or no longer has. Under the lock. */
void share_link(uint32_t id, bool up);

/*
 * The keeper: looks after timers and devices while no
 * thread of a program does, until @fd is readable or a member has changed.
 */
void share_care(int fd);

/* The process with that share_member::pid is gone, if there still is one: ends its tasks. */
void share_reap(uint32_t pid);

/* Something happened to a member: the keeper will look. */
void share_changed(void);

#endif /* _NUSE_SHARE_H */
