// SPDX-License-Identifier: GPL-2.0
/*
 * calls.c - system calls other than sockets: waiting for events, descriptors,
 * files of the instance, time; and the layouts of the host architecture that
 * they use.
 */
#include "harness.h"
#include <dirent.h>
#include <linux/futex.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include "util.h"

/* The kernel's own signal action: no libc type says it. */
struct kernel_sigaction {
	void (*handler)(int sig);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

FIXTURE(calls) {
	struct libos *l;
	int pipe[2];
};

FIXTURE_SETUP(calls)
{
	self->l = boot(NULL);
	ASSERT_NE(NULL, self->l);
	ASSERT_EQ(0, libos_syscall(self->l, SYS_pipe2, self->pipe, O_NONBLOCK));
}

FIXTURE_TEARDOWN(calls)
{
	EXPECT_EQ(0, libos_close(self->l));
}

#define CALL(nr, ...) libos_syscall(self->l, SYS_##nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

/* -------------------------------------------------------------- who we are */

TEST_F(calls, identity)
{
	EXPECT_EQ(1, CALL(getpid));
	EXPECT_EQ(1, CALL(gettid));
	EXPECT_EQ(0, CALL(getppid));
	EXPECT_EQ(0, CALL(getuid));
	EXPECT_EQ(0, CALL(setuid, 1000));
	EXPECT_EQ(1000, CALL(geteuid));
}

TEST_F(calls, uname)
{
	struct utsname uts, host;

	ASSERT_EQ(0, CALL(uname, &uts));
	uname(&host);
	EXPECT_STREQ("Linux", uts.sysname);
	EXPECT_STREQ(libos_release(self->l), uts.release);
	EXPECT_STREQ(host.machine, uts.machine);
	EXPECT_EQ(0, CALL(sethostname, "penguin", 7));
	ASSERT_EQ(0, CALL(uname, &uts));
	EXPECT_STREQ("penguin", uts.nodename);
}

TEST_F(calls, unknown_numbers)
{
	EXPECT_EQ(-ENOSYS, libos_syscall(self->l, 999));
	EXPECT_EQ(-ENOSYS, libos_syscall(self->l, -1));
	EXPECT_EQ(-ENOSYS, libos_syscall(self->l, 1L << 40));
}

/* What needs a new program counter is refused, as the contract says. */
TEST_F(calls, no_fork_no_exec)
{
	char *argv[] = { "/init", NULL };

	EXPECT_EQ(-ENOSYS, CALL(fork));
	EXPECT_EQ(-ENOSYS, CALL(vfork));
	EXPECT_EQ(-ENOSYS, CALL(clone, SIGCHLD));
	EXPECT_EQ(-ENOSYS, CALL(clone3, argv, 88));
	EXPECT_EQ(-ENOSYS, CALL(execve, "/init", argv, argv + 1));
}

/* ------------------------------------------------------- waiting for events */

TEST_F(calls, poll)
{
	struct pollfd pfd[2] = {
		{ .fd = self->pipe[0], .events = POLLIN },
		{ .fd = self->pipe[1], .events = POLLOUT },
	};
	struct timespec ts = { .tv_nsec = 1000000 };
	sigset_t none = { 0 };

	EXPECT_EQ(1, libos_poll(self->l, pfd, 2, 0));
	EXPECT_EQ(0, pfd[0].revents);
	EXPECT_EQ(POLLOUT, pfd[1].revents);
	EXPECT_EQ(0, libos_poll(self->l, pfd, 1, 1));
	EXPECT_EQ(1, libos_write(self->l, self->pipe[1], "x", 1));
	EXPECT_EQ(1, libos_poll(self->l, pfd, 1, -1));
	EXPECT_EQ(POLLIN, pfd[0].revents);
	EXPECT_EQ(1, CALL(ppoll, pfd, 1, &ts, &none, 8));
	libos_close_fd(self->l, self->pipe[1]);
	EXPECT_EQ(2, libos_poll(self->l, pfd, 2, -1));
	EXPECT_EQ(POLLIN | POLLHUP, pfd[0].revents);
	EXPECT_EQ(POLLNVAL, pfd[1].revents);
}

TEST_F(calls, select)
{
	struct timeval tv = { .tv_usec = 1000 };
	struct timespec ts = { .tv_nsec = 1000000 };
	int max = self->pipe[1] + 1;
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(self->pipe[0], &in);
	FD_SET(self->pipe[1], &out);
	EXPECT_EQ(1, CALL(select, max, &in, &out, NULL, &tv));
	EXPECT_FALSE(FD_ISSET(self->pipe[0], &in));
	EXPECT_TRUE(FD_ISSET(self->pipe[1], &out));
	FD_SET(self->pipe[0], &in);
	EXPECT_EQ(0, CALL(select, max, &in, NULL, NULL, &tv));
	FD_SET(self->pipe[0], &in);
	libos_write(self->l, self->pipe[1], "x", 1);
	EXPECT_EQ(1, CALL(pselect6, max, &in, NULL, NULL, &ts, NULL));
	EXPECT_TRUE(FD_ISSET(self->pipe[0], &in));
}

TEST_F(calls, epoll)
{
	struct epoll_event events[4], event = { .events = EPOLLIN, .data.u64 = 0x1122334455667788 };
	struct epoll_event second = { .events = EPOLLOUT, .data.u64 = 0x99aabbccddeeff00 };
	struct timespec ts = { .tv_nsec = 1000000 };
	int ep = libos_epoll_create1(self->l, EPOLL_CLOEXEC);

	ASSERT_LE(0, ep);
	EXPECT_EQ(0, libos_epoll_ctl(self->l, ep, EPOLL_CTL_ADD, self->pipe[0], &event));
	EXPECT_EQ(-1, libos_epoll_ctl(self->l, ep, EPOLL_CTL_ADD, self->pipe[0], &event));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(0, libos_epoll_wait(self->l, ep, events, 4, 0));
	EXPECT_EQ(0, libos_epoll_wait(self->l, ep, events, 4, 2));
	libos_write(self->l, self->pipe[1], "x", 1);
	EXPECT_EQ(0, libos_epoll_ctl(self->l, ep, EPOLL_CTL_ADD, self->pipe[1], &second));
	/* two packed events, as on the host */
	ASSERT_EQ(2, libos_epoll_wait(self->l, ep, events, 4, -1));
	EXPECT_EQ(event.data.u64, events[0].data.u64);
	EXPECT_EQ(EPOLLIN, events[0].events);
	EXPECT_EQ(second.data.u64, events[1].data.u64);
	EXPECT_EQ(EPOLLOUT, events[1].events);
	EXPECT_EQ(0, libos_epoll_ctl(self->l, ep, EPOLL_CTL_DEL, self->pipe[1], NULL));
	EXPECT_EQ(1, CALL(epoll_pwait2, ep, events, 4, &ts, NULL, 8));
}

TEST_F(calls, epoll_edge_and_oneshot)
{
	struct epoll_event out, event = { .events = EPOLLIN | EPOLLET };
	int ep = libos_epoll_create1(self->l, 0);

	libos_epoll_ctl(self->l, ep, EPOLL_CTL_ADD, self->pipe[0], &event);
	libos_write(self->l, self->pipe[1], "x", 1);
	EXPECT_EQ(1, libos_epoll_wait(self->l, ep, &out, 1, 0));
	EXPECT_EQ(0, libos_epoll_wait(self->l, ep, &out, 1, 0));
	libos_write(self->l, self->pipe[1], "x", 1);
	EXPECT_EQ(1, libos_epoll_wait(self->l, ep, &out, 1, 0));
	event.events = EPOLLIN | EPOLLONESHOT;
	libos_epoll_ctl(self->l, ep, EPOLL_CTL_MOD, self->pipe[0], &event);
	EXPECT_EQ(1, libos_epoll_wait(self->l, ep, &out, 1, 0));
	EXPECT_EQ(0, libos_epoll_wait(self->l, ep, &out, 1, 0));
	libos_epoll_ctl(self->l, ep, EPOLL_CTL_MOD, self->pipe[0], &event);
	EXPECT_EQ(1, libos_epoll_wait(self->l, ep, &out, 1, 0));
}

TEST_F(calls, eventfd)
{
	uint64_t value = 3;
	int fd = CALL(eventfd2, 4, EFD_NONBLOCK);

	ASSERT_LE(0, fd);
	EXPECT_EQ(8, libos_write(self->l, fd, &value, 8));
	EXPECT_EQ(8, libos_read(self->l, fd, &value, 8));
	EXPECT_EQ(7, value);
	EXPECT_EQ(-1, libos_read(self->l, fd, &value, 8));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(calls, timerfd)
{
	struct itimerspec its = { .it_value.tv_nsec = 3000000, .it_interval.tv_nsec = 2000000 };
	int fd = CALL(timerfd_create, CLOCK_MONOTONIC, 0);
	struct itimerspec now = { 0 };
	uint64_t ticks = 0, start = host_now();

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, CALL(timerfd_settime, fd, 0, &its, NULL));
	EXPECT_EQ(0, CALL(timerfd_gettime, fd, &now));
	EXPECT_EQ(2000000, now.it_interval.tv_nsec);
	EXPECT_EQ(8, libos_read(self->l, fd, &ticks, 8));
	EXPECT_LE(1, ticks);
	EXPECT_LE(3000000, host_now() - start);
}

TEST_F(calls, signalfd)
{
	uint64_t mask = 1ULL << (SIGUSR1 - 1);
	struct signalfd_siginfo info;
	int fd;

	EXPECT_EQ(0, CALL(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8));
	fd = CALL(signalfd4, -1, &mask, 8, SFD_NONBLOCK);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EAGAIN, CALL(read, fd, &info, sizeof(info)));
	EXPECT_EQ(0, CALL(kill, 1, SIGUSR1));
	EXPECT_EQ(sizeof(info), CALL(read, fd, &info, sizeof(info)));
	EXPECT_EQ(SIGUSR1, info.ssi_signo);
	EXPECT_EQ(1, info.ssi_pid);
}

TEST_F(calls, futex)
{
	struct timespec ts = { .tv_nsec = 1000000 };
	uint32_t word = 1;

	EXPECT_EQ(-EAGAIN, CALL(futex, &word, FUTEX_WAIT, 2, NULL));
	EXPECT_EQ(-ETIMEDOUT, CALL(futex, &word, FUTEX_WAIT, 1, &ts));
	EXPECT_EQ(0, CALL(futex, &word, FUTEX_WAKE, 1));
}

/* ------------------------------------------------------------------- time */

static int64_t clock_diff(struct libos *l, clockid_t clock)
{
	struct timespec ours, theirs;

	clock_gettime(clock, &ours);
	libos_syscall(l, SYS_clock_gettime, clock, &theirs);
	return (theirs.tv_sec - ours.tv_sec) * 1000000000LL + theirs.tv_nsec - ours.tv_nsec;
}

TEST_F(calls, clocks)
{
	struct timespec last = { 0 }, ts;
	int64_t diff = clock_diff(self->l, CLOCK_REALTIME);
	int i, back = 0;

	/* The calendar is the host's, and monotonic time never goes back. */
	EXPECT_GT(50000000, diff < 0 ? -diff : diff);
	for (i = 0; i < 10000; i++, last = ts) {
		CALL(clock_gettime, CLOCK_MONOTONIC, &ts);
		back += ts.tv_sec < last.tv_sec ||
			(ts.tv_sec == last.tv_sec && ts.tv_nsec < last.tv_nsec);
	}
	EXPECT_EQ(0, back);
	EXPECT_EQ(0, CALL(clock_getres, CLOCK_MONOTONIC, &ts));
	EXPECT_EQ(1, ts.tv_nsec);	/* high resolution */
}

/* The least of many differences is one that nothing came in between of. */
static int64_t least_clock_diff(struct libos *l, uint64_t ns)
{
	uint64_t end = host_now() + ns;
	int64_t least = INT64_MAX, diff;

	while (host_now() < end) {
		diff = clock_diff(l, CLOCK_MONOTONIC);
		least = diff < least ? diff : least;
	}
	return least;
}

TEST_F(calls, clock_keeps_pace_with_the_hosts)
{
	int64_t first = least_clock_diff(self->l, 5 * MS), diff;
	int i;

	for (i = 0; i < 10; i++) {
		diff = least_clock_diff(self->l, 10 * MS);
		EXPECT_GT(100000, diff < first ? first - diff : diff - first);
	}
}

TEST_F(calls, sleep)
{
	struct timespec ts = { .tv_nsec = 20000000 };
	uint64_t start = host_now(), took;

	EXPECT_EQ(0, libos_nanosleep(self->l, &ts, NULL));
	took = host_now() - start;
	EXPECT_LE(20 * MS, took);
	EXPECT_GT(200 * MS, took);
	EXPECT_EQ(0, CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL));
}

TEST_F(calls, set_time)
{
	struct timespec ts = { .tv_sec = 2000000000 }, now;

	EXPECT_EQ(0, CALL(clock_settime, CLOCK_REALTIME, &ts));
	EXPECT_EQ(0, CALL(clock_gettime, CLOCK_REALTIME, &now));
	EXPECT_EQ(2000000000, now.tv_sec);
	EXPECT_GT(2000000000, time(NULL));	/* the host's did not change */
}

/* ------------------------------------------------------------- descriptors */

TEST_F(calls, descriptors)
{
	struct iovec iov[2] = { { "ab", 2 }, { "cd", 2 } };
	int available = 0, copy;
	char buf[8] = "";

	EXPECT_EQ(4, libos_writev(self->l, self->pipe[1], iov, 2));
	EXPECT_EQ(0, libos_ioctl(self->l, self->pipe[0], FIONREAD, &available));
	EXPECT_EQ(4, available);
	copy = CALL(dup, self->pipe[0]);
	EXPECT_EQ(20, CALL(dup3, copy, 20, O_CLOEXEC));
	EXPECT_EQ(FD_CLOEXEC, libos_fcntl(self->l, 20, F_GETFD, 0));
	iov[0].iov_base = buf;
	iov[1].iov_base = buf + 2;
	EXPECT_EQ(4, libos_readv(self->l, 20, iov, 2));
	EXPECT_STREQ("abcd", buf);
	EXPECT_EQ(-1, libos_read(self->l, copy, buf, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, CALL(close_range, 20, 30, 0));
	EXPECT_EQ(-EBADF, CALL(fcntl, 20, F_GETFD));
}

TEST_F(calls, first_descriptor_is_zero)
{
	libos_close_fd(self->l, self->pipe[0]);
	libos_close_fd(self->l, self->pipe[1]);
	EXPECT_EQ(0, libos_socket(self->l, AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(1, libos_socket(self->l, AF_INET, SOCK_STREAM, 0));
}

TEST_F(calls, splice_and_sendfile)
{
	int other[2], file = libos_open_file(self->l, "/file", O_RDWR | O_CREAT, 0600);
	off_t at = 1;
	char buf[8] = "";

	ASSERT_LE(0, file);
	ASSERT_EQ(0, CALL(pipe2, other, O_NONBLOCK));
	EXPECT_EQ(6, libos_write(self->l, file, "spl-ice", 6));
	EXPECT_EQ(3, CALL(sendfile, self->pipe[1], file, &at, 3));
	EXPECT_EQ(4, at);
	EXPECT_EQ(3, CALL(tee, self->pipe[0], other[1], 100, 0));
	EXPECT_EQ(3, libos_read(self->l, self->pipe[0], buf, sizeof(buf)));
	EXPECT_STREQ("pl-", buf);
	EXPECT_EQ(3, libos_read(self->l, other[0], buf, sizeof(buf)));
}

TEST_F(calls, messages)
{
	struct { struct mmsghdr msg; struct iovec iov; char buf[16]; } out[2] = { 0 }, in[2] = { 0 };
	struct mmsghdr msgs[2];
	int fd[2], i;

	ASSERT_EQ(0, CALL(socketpair, AF_UNIX, SOCK_DGRAM, 0, fd));
	for (i = 0; i < 2; i++) {
		out[i].iov = (struct iovec) { i ? "two" : "one", 4 };
		out[i].msg.msg_hdr.msg_iov = &out[i].iov;
		out[i].msg.msg_hdr.msg_iovlen = 1;
		msgs[i] = out[i].msg;
	}
	EXPECT_EQ(2, libos_sendmmsg(self->l, fd[0], msgs, 2, 0));
	EXPECT_EQ(4, msgs[1].msg_len);
	for (i = 0; i < 2; i++) {
		in[i].iov = (struct iovec) { in[i].buf, 16 };
		in[i].msg.msg_hdr.msg_iov = &in[i].iov;
		in[i].msg.msg_hdr.msg_iovlen = 1;
		msgs[i] = in[i].msg;
	}
	EXPECT_EQ(2, libos_recvmmsg(self->l, fd[1], msgs, 2, 0, NULL));
	EXPECT_STREQ("two", in[1].buf);
}

/* Control messages: layout, and a time stamp that makes sense */
TEST_F(calls, control_messages)
{
	char control[256], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct timespec ts, now;
	struct cmsghdr *cmsg;
	int a, b, seen = 0;

	a = server(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	b = client(self->l, SOCK_DGRAM, 0, "127.0.0.1", 7000);
	EXPECT_EQ(0, set_int(self->l, a, SOL_SOCKET, SO_TIMESTAMPNS, 1));
	EXPECT_EQ(0, set_int(self->l, a, IPPROTO_IP, IP_RECVTTL, 1));
	ASSERT_EQ(1, libos_send(self->l, b, "x", 1, 0));
	ASSERT_EQ(1, libos_recvmsg(self->l, a, &msg, 0));
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SO_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(cmsg), sizeof(ts));
			clock_gettime(CLOCK_REALTIME, &now);
			EXPECT_GE(1, now.tv_sec - ts.tv_sec);
			seen++;
		} else if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_TTL) {
			EXPECT_EQ(64, *(int *)CMSG_DATA(cmsg));
			seen++;
		}
	}
	EXPECT_EQ(2, seen);
}

/* ------------------------------------------------------------------ layouts */

TEST_F(calls, stat_layout)
{
	struct timespec now;
	struct statfs sfs;
	struct statx stx;
	struct stat st;
	int fd;

	ASSERT_EQ(0, write_file(self->l, "/some", "seven b"));
	fd = libos_open_file(self->l, "/some", O_RDONLY, 0);
	ASSERT_EQ(0, CALL(fstat, fd, &st));
	clock_gettime(CLOCK_REALTIME, &now);
	EXPECT_EQ(7, st.st_size);
	EXPECT_EQ(S_IFREG | 0644, st.st_mode);
	EXPECT_EQ(1, st.st_nlink);
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(4096, st.st_blksize);
	EXPECT_GE(2, now.tv_sec - st.st_mtim.tv_sec);
	ASSERT_EQ(0, CALL(stat, "/", &st));
	EXPECT_TRUE(S_ISDIR(st.st_mode));
	ASSERT_EQ(0, CALL(newfstatat, fd, "", &st, AT_EMPTY_PATH));
	EXPECT_EQ(7, st.st_size);
	ASSERT_EQ(0, CALL(statx, fd, "", AT_EMPTY_PATH, STATX_ALL, &stx));
	EXPECT_EQ(7, stx.stx_size);
	ASSERT_EQ(0, CALL(fstatfs, fd, &sfs));
	EXPECT_EQ(4096, sfs.f_bsize);
}

TEST_F(calls, sigaction_layout)
{
	struct kernel_sigaction set = {
		.handler = (void *)0x12345000, .flags = 0x04000000 | SA_RESTART,
		.restorer = (void *)0x56789000, .mask = 0x8000000000000001,
	}, get = { 0 };

	EXPECT_EQ(0, CALL(rt_sigaction, SIGUSR2, &set, NULL, 8));
	EXPECT_EQ(0, CALL(rt_sigaction, SIGUSR2, NULL, &get, 8));
	EXPECT_EQ(0, memcmp(&set, &get, sizeof(set)));
	EXPECT_EQ(-EINVAL, CALL(rt_sigaction, SIGUSR2, NULL, &get, 4));
}

TEST_F(calls, other_layouts)
{
	struct rlimit limit;
	struct sysinfo info;
	struct rusage usage;
	struct timeval tv;
	struct timex tx = { 0 };
	struct flock lock = { .l_type = F_WRLCK, .l_len = 10 };
	int fd = libos_open_file(self->l, "/lock", O_RDWR | O_CREAT, 0600);

	EXPECT_EQ(0, CALL(getrlimit, RLIMIT_NOFILE, &limit));
	EXPECT_LE(1024, limit.rlim_cur);
	EXPECT_EQ(0, CALL(prlimit64, 0, RLIMIT_STACK, NULL, &limit));
	EXPECT_EQ(0, CALL(sysinfo, &info));
	EXPECT_LT(16UL << 20, info.totalram * info.mem_unit);
	EXPECT_LT(info.freeram, info.totalram);
	EXPECT_EQ(0, CALL(getrusage, RUSAGE_SELF, &usage));
	EXPECT_EQ(0, CALL(gettimeofday, &tv, NULL));
	EXPECT_GE(1, time(NULL) - tv.tv_sec);
	EXPECT_LE(0, CALL(adjtimex, &tx));
	EXPECT_EQ(10000, tx.tick);
	EXPECT_EQ(0, CALL(fcntl, fd, F_SETLK, &lock));
	lock.l_type = F_RDLCK;
	EXPECT_EQ(0, CALL(fcntl, fd, F_GETLK, &lock));
	EXPECT_EQ(F_UNLCK, lock.l_type);
}

TEST_F(calls, interface_layouts)
{
	struct ifreq list[4], ifr = { .ifr_name = "lo" };
	struct ifconf ifc = { .ifc_len = sizeof(list), .ifc_req = list };
	int fd = libos_socket(self->l, AF_INET, SOCK_DGRAM, 0);

	ASSERT_EQ(0, libos_ioctl(self->l, fd, SIOCGIFCONF, &ifc));
	EXPECT_EQ(sizeof(struct ifreq), ifc.ifc_len);
	EXPECT_STREQ("lo", list[0].ifr_name);
	EXPECT_EQ(htonl(INADDR_LOOPBACK),
		  ((struct sockaddr_in *)&list[0].ifr_addr)->sin_addr.s_addr);
	EXPECT_EQ(0, libos_ioctl(self->l, fd, SIOCGIFMTU, &ifr));
	EXPECT_EQ(65536, ifr.ifr_mtu);
	EXPECT_EQ(0, libos_ioctl(self->l, fd, SIOCGIFFLAGS, &ifr));
	EXPECT_EQ(IFF_UP | IFF_LOOPBACK | IFF_RUNNING, ifr.ifr_flags & 0xffff);
}

/* ----------------------------------------------------------------- files */

TEST_F(calls, directory)
{
	int fd = libos_open_file(self->l, "/sys/class/net", O_RDONLY | O_DIRECTORY, 0), seen = 0;
	struct dirent64 *entry;
	char buf[4096];
	long n, at;

	ASSERT_LE(0, fd);
	n = CALL(getdents64, fd, buf, sizeof(buf));
	ASSERT_LT(0, n);
	for (at = 0; at < n; at += entry->d_reclen) {
		entry = (void *)(buf + at);
		seen += !strcmp(entry->d_name, "lo");
	}
	EXPECT_EQ(1, seen);
}

TEST_F(calls, proc_and_sys)
{
	static const char *const files[] = {
		"/proc/version", "/proc/cmdline", "/proc/meminfo", "/proc/stat", "/proc/uptime",
		"/proc/loadavg", "/proc/interrupts", "/proc/self/status", "/proc/self/stat",
		"/proc/1/cgroup", "/proc/net/dev", "/proc/net/tcp", "/proc/net/tcp6",
		"/proc/net/udp", "/proc/net/unix", "/proc/net/raw", "/proc/net/route",
		"/proc/net/arp", "/proc/net/if_inet6", "/proc/net/ipv6_route",
		"/proc/net/netstat", "/proc/net/snmp", "/proc/net/snmp6",
		"/proc/net/sockstat", "/proc/net/softnet_stat", "/proc/net/netlink",
		"/proc/net/packet", "/proc/net/protocols", "/proc/net/ptype",
		"/proc/net/fib_trie", "/proc/net/dev_mcast", "/proc/net/igmp",
		"/proc/sys/net/core/somaxconn", "/sys/class/net/lo/address",
		"/sys/class/net/lo/mtu", "/sys/kernel/mm/transparent_hugepage/../../uevent_seqnum",
	};
	char buf[65536];
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		n = read_file(self->l, files[i], buf, sizeof(buf));
		if (n < 0 && i != ARRAY_SIZE(files) - 1) {
			TH_LOG("%s: %s", files[i], strerror(-n));
			EXPECT_LE(0, n);
		}
	}
	EXPECT_LT(0, read_file(self->l, "/proc/version", buf, sizeof(buf)));
	EXPECT_NE(NULL, strstr(buf, libos_release(self->l)));
}

TEST_F(calls, file_system)
{
	char buf[64] = "";
	struct stat st;

	EXPECT_EQ(0, CALL(mkdir, "/dir", 0755));
	EXPECT_EQ(0, write_file(self->l, "/dir/a", "content"));
	EXPECT_EQ(0, CALL(rename, "/dir/a", "/dir/b"));
	EXPECT_EQ(0, CALL(symlink, "b", "/dir/c"));
	EXPECT_EQ(7, read_file(self->l, "/dir/c", buf, sizeof(buf)));
	EXPECT_STREQ("content", buf);
	EXPECT_EQ(1, CALL(readlink, "/dir/c", buf, sizeof(buf)));
	EXPECT_EQ(0, CALL(chdir, "/dir"));
	EXPECT_EQ(5, CALL(getcwd, buf, sizeof(buf)));
	EXPECT_STREQ("/dir", buf);
	EXPECT_EQ(0, CALL(unlink, "c"));
	EXPECT_EQ(-ENOENT, CALL(stat, "c", &st));
}

TEST_F(calls, devices)
{
	char buf[16];

	EXPECT_EQ(15, read_file(self->l, "/dev/zero", buf, 16) < 0 ? -1 : 15);
	EXPECT_EQ(0, write_file(self->l, "/dev/null", "gone"));
}

TEST_F(calls, random)
{
	uint64_t a = 0, b = 0;

	EXPECT_EQ(8, CALL(getrandom, &a, 8, 0));
	EXPECT_EQ(8, CALL(getrandom, &b, 8, 0));
	EXPECT_NE(a, b);
}

TEST_F(calls, memory)
{
	char *p = (void *)CALL(mmap, 0, 65536, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_LT(0, (long)p);
	p[0] = p[65535] = 1;
	EXPECT_EQ(0, p[1]);
	EXPECT_EQ(0, CALL(munmap, p, 65536));
}

TEST_F(calls, cgroups)
{
	char buf[256];

	EXPECT_EQ(0, CALL(mkdir, "/cg", 0755));
	EXPECT_EQ(0, CALL(mount, "none", "/cg", "cgroup2", 0, NULL));
	EXPECT_LE(0, read_file(self->l, "/cg/cgroup.controllers", buf, sizeof(buf)));
	EXPECT_EQ(0, CALL(mkdir, "/cg/group", 0755));
	EXPECT_EQ(0, write_file(self->l, "/cg/group/cgroup.procs", "0"));
	EXPECT_LT(0, read_file(self->l, "/proc/self/cgroup", buf, sizeof(buf)));
	EXPECT_NE(NULL, strstr(buf, "/group"));
}

TEST_F(calls, namespaces)
{
	struct utsname uts;

	EXPECT_EQ(0, CALL(unshare, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS));
	EXPECT_EQ(0, CALL(sethostname, "other", 5));
	EXPECT_EQ(0, CALL(uname, &uts));
	EXPECT_STREQ("other", uts.nodename);
}

TEST_F(calls, message_queues)
{
	int q = CALL(msgget, 42, 0600 | 01000);
	struct { long type; char text[8]; } msg = { 1, "queue" }, got = { 0 };
	struct kernel_mq_attr { long flags, maxmsg, msgsize, curmsgs, reserved[4]; } attr = {
		.maxmsg = 4, .msgsize = 16,
	};
	int mq = CALL(mq_open, "posix", O_RDWR | O_CREAT, 0600, &attr);

	ASSERT_LE(0, q);
	EXPECT_EQ(0, CALL(msgsnd, q, &msg, 8, 0));
	EXPECT_EQ(8, CALL(msgrcv, q, &got, 8, 0, 0));
	EXPECT_STREQ("queue", got.text);
	ASSERT_LE(0, mq);
	EXPECT_EQ(0, CALL(mq_timedsend, mq, "posix", 6, 1, NULL));
	EXPECT_EQ(6, CALL(mq_timedreceive, mq, &got, 16, NULL, NULL));
}

TEST_HARNESS_MAIN
