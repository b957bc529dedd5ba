/* SPDX-License-Identifier: GPL-2.0 */
/*
 * share.h - an instance that processes share.
 *
 * Image, memory and a control page lie at the same addresses in every process
 * that belongs to it, as shared mappings; the page of host functions is each
 * process's own. Any thread runs kernel code itself, under one lock. A thread
 * that is blocked waits: one of all polls the devices and the next timer, the
 * others sleep on a word of their own. A call that comes to touch its caller's
 * memory goes on in the caller's process: it is left for that, see
 * lib_exports::resume.
 *
 * What is here is freestanding, see catch.h, and holds no pointer to a process.
 */
#ifndef _NUSE_SHARE_H
#define _NUSE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <liblinux.h>

#define SHARE_BASE	0x1e0000000000ULL		/* the image */
#define SHARE_CONTROL	(SHARE_BASE + (768ULL << 20))
#define SHARE_MEMORY	(SHARE_BASE + (1ULL << 30))	/* of the kernel */

#define SHARE_PROCESSES	256
#define SHARE_THREADS	1024
#define SHARE_DEVICES	16
#define SHARE_WAKES	64

/* A device of the instance: each process has its descriptor, under a number of its own. */
struct share_device {
	uint32_t id;		/* lib_netdev::id */
	uint32_t vnet_hdr;	/* bytes in front of each packet */
};

/**
 * struct share_thread - a thread that makes calls
 * @process:	its process, a number from 1; 0: the entry is free
 * @tid:	its thread id at the host
 * @key:	tells it from others in its process: its fs base
 * @task:	its task
 * @word:	what it sleeps on
 * @next:	of the threads that are waiting, by number from 1; 0: the last
 * @signals:	of the kernel's for the thread, to be raised when it has left
 */
struct share_thread {
	uint32_t process;
	uint32_t tid;
	uint64_t key;
	struct lib_task *task;
	uint32_t word;
	uint32_t next;
	uint64_t signals;
};

/**
 * struct share_member - a process
 * @pid:	at the host; 0: the entry is free
 * @helper:	a task that makes no calls: parent of those that do
 */
struct share_member {
	uint32_t pid;
	struct lib_task *helper;
};

/**
 * struct share_control - what all processes know of the instance
 * @lock:	thread id at the host of who is inside, with a bit for others that
 *		wait; 0: nobody
 * @dead:	a process died inside, or the kernel panicked: nobody enters again
 * @entries:	counts who enters
 * @deadline:	of the kernel's next timer
 * @poller_until: what who polls waits for; 0: nobody polls
 * @poller:	the thread that polls, from 1
 * @waiting:	first of the threads that sleep
 * @left:	the task whose call is to go on in its process
 * @creating:	a task is being made: one at a time
 * @turn:	changes when one of these two is over
 * @wakes:	threads to be woken when the lock is free
 */
struct share_control {
	uint32_t lock;
	uint32_t dead;
	uint64_t entries;
	uint64_t deadline;
	uint64_t poller_until;
	uint32_t poller;
	uint32_t waiting;
	struct lib_task *left;
	uint32_t creating;
	uint32_t turn;
	uint32_t nr_wakes;
	uint32_t wakes[SHARE_WAKES];

	struct lib_exports exports;
	struct lib_kernel kernel;
	uint64_t text_size;			/* of the image, which its data follow */
	uint32_t nr_devices;
	struct share_device devices[SHARE_DEVICES];
	struct share_member members[SHARE_PROCESSES];	/* by number; 0 is none */
	struct share_thread threads[SHARE_THREADS];
	char reason[128];			/* why it is dead */
	uint32_t console_len;
	char console[64 << 10];			/* the last of what the kernel said: a ring */
};

#define share ((struct share_control *)SHARE_CONTROL)

/* What is a process's own: its number, and its descriptors */
struct share_process {
	uint32_t number;
	uint32_t pid;
	int kick_fd;				/* wakes who polls */
	int fds[SHARE_DEVICES];
};
extern struct share_process share_process;

/* What an instance consists of, as descriptors; see map.c */
struct share_files {
	int text;		/* liblinux.so: the text */
	int data;		/* the image's data */
	int memory;
	int control;
};

/* Maps it all in a new program. Returns 0 or a negative errno. */
int share_map(const struct share_files *files);

/* Only the page of host functions, of the process alone, for share_attach() */
int share_map_host_page(void);

/*
 * Makes this process one of the instance's, which is mapped: a process of its
 * own, like the first. Likewise.
 */
int share_attach(void);

/*
 * fork(): the parent calls the first before, which returns the number that the
 * child will have, or a negative errno. Then the child calls the second, or, if
 * there is none, the parent share_reap().
 */
int share_fork(void);
int share_forked(int number);

/* The host table of this process, for lib_init() */
void share_host(struct lib_host *host);

/* The calling thread's entry, with a task, made if there is none; NULL and *err. */
struct share_thread *share_self(int *err);

/*
 * To be called by a thread that begins: it may have the fs base of one that has
 * ended, whose entry and task are its own then.
 */
void share_new_thread(void);

/* Makes a call of the kernel, blocking if it does. */
long share_call(struct share_thread *self, long nr, const long args[6]);

/* The lock, for whatever else is to be done; -EOWNERDEAD if the instance is dead. */
int share_enter(void);
void share_leave(void);

/*
 * Looks after timers and devices when no thread is blocked; waits for them, or for
 * kick_fd, until the time.
 */
void share_care(uint64_t until);

/* A process is gone: ends its tasks, or the instance if it was inside. */
void share_reap(uint32_t number);

#endif /* _NUSE_SHARE_H */
