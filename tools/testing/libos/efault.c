// SPDX-License-Identifier: GPL-2.0
/*
 * efault.c - bad pointers of every kind, in every kind of argument: the call
 * returns EFAULT, nobody dies, and the next call works.
 */
#include "harness.h"
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <net/if.h>
#include <linux/filter.h>
#include "util.h"

#define PAGE	4096

FIXTURE(efault) {
	struct libos *l;
	char *page;		/* two pages: readable and writable, then nothing */
	char *read_only;
	int pipe[2], udp, tcp, bound, epoll, timerfd, eventfd, dir;
	void *bad[10];
	unsigned int nr_bad;
};

FIXTURE_SETUP(efault)
{
	static const uintptr_t nowhere[] = {
		1,			/* near 0 */
		0x10000,
		0x7ffffffff000,		/* the end of what a program can have */
		0x800000000000,		/* not canonical: a fault without an address */
		0xdeadbeefdeadbeef,
		0xffff800000000000,	/* the host kernel's half */
		(uintptr_t)-4096,	/* as an error */
		(uintptr_t)-1,
	};
	struct epoll_event event = { .events = EPOLLIN };
	size_t i;

	/* in virtual time: a call that nothing can complete returns */
	self->l = boot(libos_world_new(1));
	ASSERT_NE(NULL, self->l);
	self->page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(self->page + PAGE, PAGE, PROT_NONE);
	self->read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < ARRAY_SIZE(nowhere); i++)
		self->bad[self->nr_bad++] = (void *)nowhere[i];
	self->bad[self->nr_bad++] = self->page + PAGE;		/* mapped, no access */
	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe2, self->pipe, O_NONBLOCK));
	self->udp = server(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	self->tcp = libos_socket(self->l, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	self->bound = server(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000);
	self->epoll = libos_epoll_create1(self->l, 0);
	libos_epoll_ctl(self->l, self->epoll, EPOLL_CTL_ADD, self->pipe[0], &event);
	self->timerfd = libos_syscall(self->l, SYS_timerfd_create, 1L, O_NONBLOCK);
	self->eventfd = libos_syscall(self->l, SYS_eventfd2, 1L, O_NONBLOCK);
	self->dir = libos_open_file(self->l, "/", O_RDONLY | O_DIRECTORY, 0);
	libos_write(self->l, self->pipe[1], "some bytes to be read", 21);
}

FIXTURE_TEARDOWN(efault)
{
	char buf[4];

	/* Still in good health */
	EXPECT_EQ(NULL, libos_panic(self->l));
	EXPECT_EQ(1, libos_syscall(self->l, SYS_getpid));
	EXPECT_LT(0, libos_read(self->l, self->pipe[0], buf, sizeof(buf)));
	EXPECT_EQ(0, libos_close(self->l));
}

/* Where a pointer goes: in place of the argument that is BAD */
#define BAD	((long)0xbadbadbadbadbad)

struct call {
	const char *name;
	long nr;
	long args[6];
	bool null_is_fine;	/* NULL means "not wanted" */
};

#define C(name, ...)	{ #name, SYS_##name, { __VA_ARGS__ }, false }
#define N(name, ...)	{ #name, SYS_##name, { __VA_ARGS__ }, true }

static long make(struct libos *l, const struct call *call, const void *pointer)
{
	long a[6];
	int i;

	for (i = 0; i < 6; i++)
		a[i] = call->args[i] == BAD ? (long)pointer : call->args[i];
	return libos_syscall(l, call->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void expect_efault(struct __test_metadata *_metadata, struct libos *l,
			  const struct call *call, const void *pointer)
{
	long ret = make(l, call, pointer);

	if (ret != -EFAULT)
		TH_LOG("%s(%ld, %ld, ...) with %p: %ld, not EFAULT", call->name,
		       call->args[0], call->args[1], pointer, ret);
	EXPECT_EQ(-EFAULT, ret);
}

TEST_F(efault, plain_arguments)
{
	struct sockaddr_in to = { AF_INET, htons(7000), { htonl(INADDR_LOOPBACK) }, { 0 } };
	struct sigaction *no = NULL;
	const struct call calls[] = {
		/* what the kernel writes */
		C(read, self->pipe[0], BAD, 8),
		C(pread64, libos_open_file(self->l, "/proc/version", 0, 0), BAD, 8, 0),
		C(recvfrom, self->udp, BAD, 8, MSG_DONTWAIT | MSG_PEEK),
		C(fstat, self->pipe[0], BAD),
		C(stat, (long)"/", BAD),
		C(lstat, (long)"/", BAD),
		C(newfstatat, AT_FDCWD, (long)"/", BAD, 0),
		C(statx, AT_FDCWD, (long)"/", 0, STATX_ALL, BAD),
		C(statfs, (long)"/", BAD),
		C(uname, BAD),
		C(sysinfo, BAD),
		C(getcwd, BAD, 64),
		C(readlink, (long)"/proc/self", BAD, 64),
		C(getrandom, BAD, 8, 0),
		C(clock_gettime, CLOCK_MONOTONIC, BAD),
		N(clock_getres, CLOCK_MONOTONIC, BAD),
		N(gettimeofday, BAD, 0),
		N(time, BAD),
		C(getrlimit, RLIMIT_NOFILE, BAD),
		C(getrusage, 0, BAD),
		N(times, BAD),
		C(getitimer, 0, BAD),
		C(getresuid, BAD, BAD, BAD),
		C(getsockname, self->udp, BAD, (long)self->page),
		C(getdents64, self->dir, BAD, 512),
		C(pipe, BAD),
		C(pipe2, BAD, 0),
		C(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD),
		C(timerfd_gettime, self->timerfd, BAD),
		N(sched_getparam, 0, BAD),
		C(prctl, PR_GET_NAME, BAD),
		C(adjtimex, BAD),
		C(capget, BAD, BAD),
		C(ioctl, self->pipe[0], FIONREAD, BAD),
		C(ioctl, self->udp, SIOCGIFCONF, BAD),
		C(ioctl, self->udp, SIOCGIFFLAGS, BAD),
		C(ioctl, self->udp, FIONREAD, BAD),
		/* what it reads */
		C(write, self->pipe[1], BAD, 8),
		C(write, self->eventfd, BAD, 8),
		C(sendto, self->udp, BAD, 8, 0, (long)&to, sizeof(to)),
		N(sendto, self->udp, (long)"x", 1, 0, BAD, sizeof(to)),
		C(open, BAD, O_RDONLY),
		C(openat, AT_FDCWD, BAD, O_RDONLY),
		C(mkdir, BAD, 0755),
		C(unlink, BAD),
		C(chdir, BAD),
		C(access, BAD, 0),
		C(symlink, (long)"x", BAD),
		C(rename, BAD, (long)"/x"),
		C(bind, self->tcp, BAD, 16),
		C(connect, self->tcp, BAD, 16),
		C(setsockopt, self->tcp, SOL_SOCKET, SO_REUSEADDR, BAD, 4),
		C(setsockopt, self->tcp, SOL_SOCKET, SO_ATTACH_FILTER, BAD, sizeof(struct sock_fprog)),
		C(setsockopt, self->tcp, IPPROTO_TCP, 13 /* CONGESTION */, BAD, 8),
		C(setsockopt, self->udp, IPPROTO_IP, IP_ADD_MEMBERSHIP, BAD, 12),
		C(epoll_ctl, self->epoll, EPOLL_CTL_MOD, self->pipe[0], BAD),
		C(timerfd_settime, self->timerfd, 0, BAD, 0),
		C(nanosleep, BAD, 0),
		C(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, 0),
		C(clock_settime, CLOCK_REALTIME, BAD),
		C(sethostname, BAD, 8),
		C(prctl, PR_SET_NAME, BAD),
		C(signalfd4, -1, BAD, 8, 0),
		C(ioctl, self->udp, SIOCSIFFLAGS, BAD),
		C(setrlimit, RLIMIT_NOFILE, BAD),
		N(rt_sigprocmask, SIG_BLOCK, BAD, 0, 8),
		N(rt_sigaction, SIGUSR1, BAD, (long)no, 8),
		N(rt_sigaction, SIGUSR1, (long)no, BAD, 8),
		C(bpf, 0, BAD, 72),
		/* both */
		C(poll, BAD, 1, 0),
		C(getsockopt, self->tcp, SOL_SOCKET, SO_REUSEADDR, BAD, (long)self->page),
		C(getsockopt, self->tcp, SOL_SOCKET, SO_REUSEADDR, (long)self->page + 64, BAD),
		C(getsockname, self->udp, (long)self->page + 64, BAD),
		N(select, self->pipe[1] + 1, BAD, 0, 0, (long)self->page + 1024),
		N(select, 0, 0, 0, 0, BAD),
		N(pselect6, 0, 0, 0, 0, BAD, 0),
		N(sendfile, self->pipe[1], self->dir, BAD, 8),
	};
	unsigned int i, k;

	*(int *)self->page = 4;		/* a length */
	libos_sendto(self->l, self->udp, "datagram", 8, 0, (void *)&to, sizeof(to));
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (k = 0; k < self->nr_bad; k++)
			expect_efault(_metadata, self->l, &calls[i], self->bad[k]);
		if (!calls[i].null_is_fine)
			expect_efault(_metadata, self->l, &calls[i], NULL);
		if (libos_panic(self->l))
			TH_LOG("%s killed it: %s", calls[i].name, libos_panic(self->l));
		ASSERT_EQ(NULL, libos_panic(self->l));
	}
}

TEST_F(efault, read_only_memory)
{
	const struct call calls[] = {
		C(read, self->pipe[0], BAD, 8),
		C(fstat, self->pipe[0], BAD),
		C(uname, BAD),
		C(getrandom, BAD, 8, 0),
		C(clock_gettime, CLOCK_MONOTONIC, BAD),
		C(pipe, BAD),
		C(ioctl, self->pipe[0], FIONREAD, BAD),
		C(getcwd, BAD, 64),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		expect_efault(_metadata, self->l, &calls[i], self->read_only);
	/* but it can be read */
	EXPECT_EQ(8, libos_write(self->l, self->pipe[1], self->read_only, 8));
}

/* Memory that ends within the argument, at every place of it */
TEST_F(efault, memory_that_ends)
{
	char *end = self->page + PAGE;
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct stat st;
	long ret;
	int i;

	for (i = 0; i < (int)sizeof(addr); i++) {
		memcpy(end - i, &addr, i);
		ret = libos_syscall(self->l, SYS_bind, self->tcp, end - i, sizeof(addr));
		EXPECT_EQ(-EFAULT, ret);
	}
	for (i = 0; i < (int)sizeof(st); i++)
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_stat, "/", end - i));
	EXPECT_EQ(0, libos_syscall(self->l, SYS_stat, "/", end - sizeof(st)));
	for (i = 0; i < 390; i++)
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_uname, end - i));
	EXPECT_EQ(0, libos_syscall(self->l, SYS_uname, end - 390));
	/* a length whose last byte is not there */
	for (i = 1; i < 4; i++)
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_getsockname, self->udp, self->page,
						 end - i));
}

TEST_F(efault, strings_that_end)
{
	char *end = self->page + PAGE;
	int i;

	memset(self->page, 'a', PAGE);
	for (i = 1; i < 64; i++) {
		/* without its zero */
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_open, end - i, O_RDONLY));
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_mkdir, end - i, 0700L));
	}
	for (i = 1; i < 64; i++) {
		/* with its zero as the last byte that there is */
		end[-1] = 0;
		EXPECT_EQ(-ENOENT, libos_syscall(self->l, SYS_open, end - 1 - i, O_RDONLY));
		memset(end - 1 - i, '/', i);
		EXPECT_LE(0, libos_syscall(self->l, SYS_open, end - 1 - i, O_RDONLY));
		memset(end - 1 - i, 'a', i);
	}
	memset(self->page, 'a', PAGE);
	EXPECT_EQ(-ENAMETOOLONG, libos_syscall(self->l, SYS_open, self->page, O_RDONLY));
	EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_prctl, PR_SET_NAME, end - 3));
	EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_futex, end, 0L, 0L, NULL));
}

/* Data that ends: what there was has moved, the rest is EFAULT. */
TEST_F(efault, partial_transfers)
{
	struct sockaddr_in to = { AF_INET, htons(7000), { htonl(INADDR_LOOPBACK) }, { 0 } };
	char *end = self->page + PAGE, buf[64];
	int pipe[2], fd[2];

	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe2, pipe, O_NONBLOCK));
	memset(self->page, 'p', PAGE);
	EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_write, pipe[1], end, 8L));
	EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendto, self->udp, end - 4, 8L, 0L,
					 &to, 16L));
	ASSERT_EQ(0, connection(self->l, self->l, 0, "127.0.0.1", 7001, fd));
	EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendto, fd[0], end, 8L, 0L, NULL, 0L));
	EXPECT_EQ(8, libos_send(self->l, fd[0], "12345678", 8, 0));
	EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_recvfrom, fd[1], end, 8L, MSG_DONTWAIT,
					 NULL, NULL));
	/* not lost */
	EXPECT_EQ(8, libos_recv(self->l, fd[1], buf, sizeof(buf), MSG_DONTWAIT));
	EXPECT_EQ(0, memcmp(buf, "12345678", 8));
}

TEST_F(efault, vectors)
{
	char *end = self->page + PAGE, buf[8] = "";
	struct iovec *iov = (void *)(end - sizeof(*iov));
	struct iovec bad[3] = { { buf, 4 }, { end, 4 }, { buf, 4 } };
	unsigned int k;
	int pipe[2];

	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe2, pipe, O_NONBLOCK));
	for (k = 0; k < self->nr_bad; k++) {
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_readv, self->pipe[0], self->bad[k], 1L));
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_writev, pipe[1], self->bad[k], 1L));
		*iov = (struct iovec) { self->bad[k], 8 };
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_readv, self->pipe[0], iov, 1L));
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_writev, pipe[1], iov, 1L));
	}
	/* the second one is not there */
	*iov = (struct iovec) { buf, 4 };
	EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_writev, pipe[1], iov, 2L));
	/* a bad piece in the middle */
	libos_syscall(self->l, SYS_writev, pipe[1], bad, 3L);
	EXPECT_EQ(-EINVAL, libos_syscall(self->l, SYS_writev, pipe[1], bad, 5000L));
	bad[0].iov_len = -1;
	EXPECT_EQ(-EINVAL, libos_syscall(self->l, SYS_writev, pipe[1], bad, 1L));
}

/* A message header is full of pointers. */
TEST_F(efault, messages)
{
	struct sockaddr_in addr = { AF_INET, htons(7000), { htonl(INADDR_LOOPBACK) }, { 0 } };
	char buf[32], *end = self->page + PAGE;
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_name = &addr, .msg_namelen = sizeof(addr),
			      .msg_iov = &iov, .msg_iovlen = 1 }, m;
	unsigned int k;

	for (k = 0; k < self->nr_bad; k++) {
		void *bad = self->bad[k];

		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendmsg, self->udp, bad, 0L));
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_recvmsg, self->udp, bad, 0L));
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendmmsg, self->udp, bad, 1L, 0L));
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_recvmmsg, self->udp, bad, 1L, 0L, NULL));
		m = msg;
		m.msg_name = bad;
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendmsg, self->udp, &m, 0L));
		m = msg;
		m.msg_iov = bad;
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendmsg, self->udp, &m, 0L));
		m = msg;
		m.msg_control = bad;
		m.msg_controllen = 64;
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendmsg, self->udp, &m, 0L));
		iov.iov_base = bad;
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendmsg, self->udp, &msg, 0L));
		iov.iov_base = buf;
		/* receiving: a datagram whose sender's name has nowhere to go */
		ASSERT_EQ(32, libos_sendmsg(self->l, self->udp, &msg, 0));
		m = msg;
		m.msg_name = bad;
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_recvmsg, self->udp, &m, 0L));
	}
	/* a header that ends too early */
	for (k = 1; k < sizeof(msg); k += 7)
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendmsg, self->udp, end - k, 0L));
}

/* Output pointers that are only looked at once there is something to tell */
TEST_F(efault, results)
{
	struct epoll_event event = { .events = EPOLLIN };
	unsigned int k;
	int fd;

	for (k = 0; k < self->nr_bad; k++) {
		void *bad = self->bad[k];

		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_epoll_wait, self->epoll, bad, 1L, 0L));
		*(int *)self->page = 16;	/* a length */
		fd = client(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000);
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_accept, self->bound, bad, self->page));
		libos_close_fd(self->l, fd);
		fd = client(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000);
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_accept, self->bound, self->page, bad));
		libos_close_fd(self->l, fd);
	}
	EXPECT_EQ(1, libos_epoll_wait(self->l, self->epoll, &event, 1, 0));
}

/* Requests to netlink whose data is not there */
TEST_F(efault, netlink)
{
	int fd = libos_socket(self->l, AF_NETLINK, SOCK_RAW, 0);
	unsigned int k;

	for (k = 0; k < self->nr_bad; k++)
		EXPECT_EQ(-EFAULT, libos_syscall(self->l, SYS_sendto, fd, self->bad[k], 32L, 0L,
						 NULL, 0L));
}

struct fiber {
	struct libos *l;
	long ret[16];
	unsigned int nr;
	bool done;
	void **bad;
};

static void in_fiber(void *arg)
{
	struct fiber *f = arg;
	unsigned int k;

	for (k = 0; k < f->nr; k++)
		f->ret[k] = libos_syscall(f->l, SYS_uname, f->bad[k]);
	f->done = true;
}

/* The same from a function that runs in the instance */
TEST_F(efault, fibers)
{
	struct fiber f = { .l = self->l, .nr = self->nr_bad, .bad = self->bad };
	unsigned int k;

	ASSERT_LT(0, libos_spawn(self->l, in_fiber, &f, 0));
	libos_nanosleep(self->l, &(struct timespec) { .tv_nsec = 1000 }, NULL);
	ASSERT_TRUE(f.done);
	for (k = 0; k < self->nr_bad; k++)
		EXPECT_EQ(-EFAULT, f.ret[k]);
}

/* Random calls with random pointers, but for those that end the instance */
TEST_F(efault, fuzz)
{
	static const long never[] = {
		SYS_exit, SYS_exit_group, SYS_reboot, SYS_kill, SYS_tkill, SYS_tgkill,
		SYS_pause, SYS_rt_sigsuspend, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
		SYS_wait4, SYS_waitid, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_brk,
		SYS_rt_sigtimedwait, SYS_setrlimit, SYS_prlimit64, SYS_chroot,
		SYS_pivot_root, SYS_umount2, SYS_unshare, SYS_setns, SYS_close_range,
		SYS_mount, SYS_move_mount, SYS_close, SYS_dup2, SYS_dup3, SYS_madvise,
		SYS_io_setup, SYS_io_uring_setup, SYS_clock_nanosleep, SYS_futex, SYS_msgrcv,
		SYS_semop, SYS_semtimedop, SYS_flock, SYS_mq_timedreceive, SYS_acct,
		SYS_syslog, SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6, SYS_seccomp,
		SYS_accept, SYS_accept4, SYS_fcntl, SYS_prctl, SYS_setuid, SYS_capset,
		SYS_setreuid, SYS_setresuid, SYS_setfsuid, SYS_vhangup, SYS_personality,
		SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_send_signal,
		SYS_connect, SYS_ptrace,
	};
	uint64_t seed = 12345;
	unsigned int i, k;
	long nr, a[6];

	for (i = 0; i < 20000; i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		nr = (seed >> 33) % 335;
		for (k = 0; k < ARRAY_SIZE(never) && never[k] != nr; k++)
			;
		if (k < ARRAY_SIZE(never))
			continue;
		for (k = 0; k < 6; k++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			a[k] = seed >> 60 < 10 ? (long)self->bad[(seed >> 40) % self->nr_bad]
					       : (long)((seed >> 40) % 12);
		}
		for (k = 0; k < 12; k++)	/* nothing is to wait for ever */
			libos_fcntl(self->l, k, F_SETFL, O_NONBLOCK);
		libos_syscall(self->l, nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (libos_panic(self->l)) {
			TH_LOG("call %ld(%#lx, %#lx, %#lx, %#lx, %#lx): %s", nr, a[0], a[1],
			       a[2], a[3], a[4], libos_panic(self->l));
			ASSERT_EQ(NULL, libos_panic(self->l));
		}
	}
	libos_syscall(self->l, SYS_pipe2, self->pipe, O_NONBLOCK);
	libos_write(self->l, self->pipe[1], "alive", 5);
}

TEST_HARNESS_MAIN
