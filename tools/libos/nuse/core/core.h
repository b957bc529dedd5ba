/* SPDX-License-Identifier: GPL-2.0 */
/*
 * core.h - what belongs to the stack: the table of system calls behind the
 * catchers.
 *
 * A library descriptor is a descriptor of the host too, of the same number: a
 * duplicate of FD_PLACEHOLDER, or an epoll of the host. So numbers are the
 * host's everywhere, and a number is taken at the host first and given back there
 * last: nobody else can have it meanwhile. Which are the library's stands in
 * share_member::fds: a descriptor is marked before the instance has it, and as long.
 * What the instance has for the length of a call has the number of a hidden one.
 *
 * All functions here that take a call's arguments return as the system call
 * does.
 */
#ifndef _NUSE_CORE_H
#define _NUSE_CORE_H

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include "../catch.h"
#include "../share.h"

#define PAGE_SIZE	4096UL

typedef long (*call_fn)(long nr, const long args[6]);

/* As the program made it, to the host */
static inline long to_host(long nr, const long a[6])
{
	return host_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Both return where the text ends. */
static inline char *append(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	*to = 0;
	return to;
}

static inline char *append_number(char *to, unsigned int n)
{
	if (n >= 10)
		to = append_number(to, n / 10);
	*to++ = '0' + n % 10;
	*to = 0;
	return to;
}

/* ---------------------------------------------------------------- self.c */

/* The number of the calling thread's process in the instance; 0: it is in none */
uint32_t self_member(void);

/* A call of the instance; it waits for @wait too, if that is not NULL. */
long self_call(long nr, const long args[6], struct share_wait *wait);

/* The same for one that makes descriptor @fd, or the next free one */
long self_make(long nr, const long args[6], int fd);

#define lib_call(nr, ...)	self_call(nr, (long[6]) { __VA_ARGS__ }, NULL)

/* What is more than a call of the instance, by the thread's entry */
long self_do(long (*fn)(struct share_thread *self, long nr, const long args[6]), long nr,
	     const long args[6]);

/*
 * The task that new threads of the process come from does what this thread did. A
 * descriptor that this makes has the number of a hidden one.
 */
long self_helper_call(long nr, const long args[6]);

/* After catch_enter() */
void self_leave(struct catch_thread *self);

/* A process that has ended has nothing any more. */
void self_reap(uint32_t pid);

/* The id that the thread, or its process, has in the instance */
long self_tid(void);
long self_pid(void);

/* Until no thread is about to begin. */
void self_await_births(void);

/* A thread or the process ends. */
long self_exit(long nr, const long args[6]);

/* ------------------------------------------------------------------ fd.c */

enum fd_kind { FD_HOST, FD_LIBRARY, FD_EPOLL };

enum fd_kind fd_kind(long fd);
/* A call whose first argument is a descriptor that the library does not have */
long fd_on_host(long nr, const long args[6]);
void fd_mark(int fd, enum fd_kind kind);

/* Which sides' descriptors an epoll may have */
void fd_epoll_has(int fd, bool library, bool host);
void fd_epoll_sides(int fd, bool *library, bool *host);

/* A call that makes a library descriptor of the number @fd that the host has just given */
long fd_settle(long fd, long nr, const long args[6], enum fd_kind kind);
/* One that gets its number at the host, too */
long fd_make(long nr, const long args[6], bool cloexec);

/* In a child: what other threads of its parent were making is only a number at the host. */
void fd_after_fork(void);
/* After an exec: those with FD_CLOEXEC are closed at the host. */
void fd_after_exec(void);

long fd_close(long nr, const long args[6]);
long fd_close_range(long nr, const long args[6]);
long fd_dup(long nr, const long args[6]);
long fd_dup2(long nr, const long args[6]);
long fd_fcntl(long nr, const long args[6]);
/* Calls whose first argument is a descriptor */
long fd_call(long nr, const long args[6]);
long fd_ioctl(long nr, const long args[6]);

/* -------------------------------------------------------------- hidden.c */

/* One of the instance's own, which the program does not see */
bool fd_is_hidden(long fd);

/* At the host, around them */
long hidden_close_range(unsigned int first, unsigned int last, int flags);

/* Of a directory, which may be one of descriptors */
long hidden_getdents(long nr, const long args[6]);
/* Of a descriptor */
long hidden_fstat(long nr, const long args[6]);
/* A call with the path of such a directory; it may be one of the stat family. */
long hidden_path_call(long nr, const long args[6]);

/* --------------------------------------------------------------- owner.c */

/* Of a library descriptor: F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX */
long owner_fcntl(long nr, const long args[6]);
/* FIOSETOWN, FIOGETOWN, SIOCSPGRP, SIOCGPGRP */
long owner_ioctl(long nr, const long args[6]);

/* -------------------------------------------------------------- socket.c */

long socket_make(long nr, const long args[6]);
long socket_accept(long nr, const long args[6]);
/* bpf() on what the instance has */
long socket_bpf(long nr, const long args[6]);
long socket_getsockopt(long nr, const long args[6]);
/* SIOCKCMCLONE of a library descriptor */
long socket_clone(long nr, const long args[6]);

/* ioctl() of a socket of the host: whether it is about an interface, and what it does then */
bool socket_asks(const long args[6]);
long socket_ask(long nr, const long args[6]);

/* -------------------------------------------------------------- cgroup.c */

/* bpf(), maybe on a cgroup of the host */
long cgroup_bpf(long nr, const long args[6]);
void cgroup_after_exec(void);

/* ------------------------------------------------------------- netlink.c */

long netlink_sendto(long nr, const long args[6]);
/* Of a library descriptor */
long netlink_sendmsg(long nr, const long args[6]);

/* ---------------------------------------------------------------- poll.c */

long poll_poll(long nr, const long args[6]);
long poll_ppoll(long nr, const long args[6]);
long poll_select(long nr, const long args[6]);
long poll_pselect(long nr, const long args[6]);

/* --------------------------------------------------------------- epoll.c */

long epoll_create_call(long nr, const long args[6]);
long epoll_ctl_call(long nr, const long args[6]);
long epoll_wait_call(long nr, const long args[6]);
long epoll_pwait_call(long nr, const long args[6]);
long epoll_pwait2_call(long nr, const long args[6]);

/* ---------------------------------------------------------------- copy.c */

long copy_sendfile(long nr, const long args[6]);
long copy_splice(long nr, const long args[6]);
long copy_other(long nr, const long args[6]);

/* ---------------------------------------------------------------- path.c */

/* The first argument is a path */
long path_call(long nr, const long args[6]);
/* A directory's descriptor and a path */
long path_at_call(long nr, const long args[6]);
long path_symlink(long nr, const long args[6]);
long path_symlinkat(long nr, const long args[6]);
long path_chdir(long nr, const long args[6]);
long path_fchdir(long nr, const long args[6]);
long path_getcwd(long nr, const long args[6]);
long path_mount(long nr, const long args[6]);
long path_umount(long nr, const long args[6]);

/* ----------------------------------------------------------------- ids.c */

/* The number of a process that the host knows by @pid; 0: it is in the instance none */
uint32_t ids_member(uint32_t pid);
/* The id that a process has on the other side; 0: it is in the instance no process */
uint32_t ids_to_library(uint32_t pid);
uint32_t ids_to_host(uint32_t pid);

/* Users, groups and capabilities */
long ids_call(long nr, const long args[6]);
void ids_after_exec(void);
long ids_capset(long nr, const long args[6]);
long ids_prctl(long nr, const long args[6]);
long ids_unshare(long nr, const long args[6]);
long ids_setns(long nr, const long args[6]);

/* -------------------------------------------------------------- limits.c */

long limits_get(long nr, const long args[6]);
long limits_set(long nr, const long args[6]);
long limits_both(long nr, const long args[6]);

/* ---------------------------------------------------------------- wait.c */

long wait_wait4(long nr, const long args[6]);
long wait_waitid(long nr, const long args[6]);

/* ---------------------------------------------------------------- kill.c */

/* Calls that send a signal */
long kill_call(long nr, const long args[6]);

/* -------------------------------------------------------------- memory.c */

long memory_mmap(long nr, const long args[6]);
long memory_call(long nr, const long args[6]);

/* ----------------------------------------------------------------- scm.c */

long scm_sendmsg(long nr, const long args[6]);
long scm_sendmmsg(long nr, const long args[6]);
long scm_recvmsg(long nr, const long args[6]);
long scm_recvmmsg(long nr, const long args[6]);

/* ---------------------------------------------------------------- user.c */

/* Memory that the program's pointers name; -EFAULT where they are bad. */
int peek(void *to, long from, size_t size);
int poke(long to, const void *from, size_t size);
/* At most @size bytes with the NUL; the length, -ENAMETOOLONG if there is none */
long peek_string(char *to, long from, size_t size);
/* Where such a copy goes on after a fault at @ip; 0: it is none */
uintptr_t peek_fault(uintptr_t ip);

/* Memory of our own for the length of a call: NULL, or to be given back */
void *scratch_get(size_t size);
void scratch_put(void *at, size_t size);

#endif /* _NUSE_CORE_H */
