// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nusefds.c - numbers of descriptors of both kinds: they are the lowest
 * free ones, and mean the same after dup, close and exec. See nusecalls.h.
 */
#include <linux/close_range.h>
#include <linux/netlink.h>
#include "nusecalls.h"

static int udp(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

/* Of this kind: 'l' a library's, 'h' a host's */
static int make(char kind)
{
	return kind == 'l' ? udp() : open("/dev/null", O_RDWR);
}

static char kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return 0;
	return S_ISSOCK(st.st_mode) ? 'l' : 'h';
}

TEST(lowest_free)
{
	int first = 3, i;

	closefrom(first);
	for (i = 0; i < 40; i++) {
		ASSERT_EQ(first + i, make(i % 3 ? 'l' : 'h'));
	}
	close(first + 7);
	close(first + 3);
	close(first + 12);
	EXPECT_EQ(first + 3, make('l'));
	EXPECT_EQ(first + 7, make('h'));
	EXPECT_EQ(first + 12, make('l'));
	EXPECT_EQ(first + 40, make('l'));
}

/* Events of processes, which are the host's */
TEST(connector)
{
	int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR);

	if (fd < 0)
		SKIP(return, "the kernel has none");
	EXPECT_EQ('l', kind_of(fd));
}

TEST(accept_takes_the_lowest)
{
	int listener = bound(SOCK_STREAM), hole = make('h'), client = dial(SOCK_STREAM, listener);

	close(hole);
	EXPECT_EQ(hole, accept(listener, NULL, NULL));
	close(client);
}

TEST(a_failed_call_takes_none)
{
	int listener = bound(SOCK_STREAM | SOCK_NONBLOCK), next = make('h');

	close(next);
	EXPECT_EQ(-1, socket(AF_INET, 77, 0));
	EXPECT_EQ(-1, socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	EXPECT_EQ(-1, accept(listener, NULL, NULL));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(next, make('h'));
}

TEST(dup_of_all_kinds)
{
	static const char kinds[] = "lh";
	int i, k, from, to;

	for (i = 0; i < 2; i++) {
		from = make(kinds[i]);
		to = dup(from);
		ASSERT_LT(from, to);
		EXPECT_EQ(kinds[i], kind_of(to));
		close(from);
		EXPECT_EQ(kinds[i], kind_of(to));
		close(to);
		for (k = 0; k < 2; k++) {
			from = make(kinds[i]);
			to = make(kinds[k]);
			EXPECT_EQ(to, dup2(from, to));
			EXPECT_EQ(kinds[i], kind_of(to));
			EXPECT_EQ(0, fcntl(to, F_GETFD));
			close(from);
			from = make(kinds[k]);
			EXPECT_EQ(to, dup3(from, to, O_CLOEXEC));
			EXPECT_EQ(kinds[k], kind_of(to));
			EXPECT_EQ(FD_CLOEXEC, fcntl(to, F_GETFD));
			close(from);
			close(to);
			EXPECT_FALSE(is_open(to));
		}
	}
}

TEST(dup_is_the_same_socket)
{
	int fd[2], copy, high;

	ASSERT_EQ(0, tcp_pair(fd));
	copy = dup(fd[0]);
	high = fcntl(fd[0], F_DUPFD, 300);
	EXPECT_EQ(300, high);
	EXPECT_EQ(0, fcntl(copy, F_SETFL, O_NONBLOCK));
	EXPECT_TRUE(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
	EXPECT_TRUE(fcntl(high, F_GETFL) & O_NONBLOCK);
	close(fd[0]);
	EXPECT_TRUE(passes(copy, fd[1]));
	EXPECT_TRUE(passes(high, fd[1]));
	close(copy);
	EXPECT_TRUE(passes(high, fd[1]));
	close(high);
	EXPECT_EQ(0, read(fd[1], &copy, 1));
}

TEST(dup2_to_itself_and_nowhere)
{
	int fd = make('l'), closed = make('l');

	close(closed);
	EXPECT_EQ(fd, dup2(fd, fd));
	EXPECT_EQ(-1, dup3(fd, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, dup2(closed, closed));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, dup2(closed, fd));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ('l', kind_of(fd));
	EXPECT_EQ(-1, dup2(fd, -1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, dup2(fd, 1 << 28));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, dup3(fd, closed, 0x123));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, dup(closed));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, dup(-1));
	EXPECT_EQ(EBADF, errno);
}

TEST(dup2_closes_the_other_end)
{
	int fd[2], pipes[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, pipe(pipes));
	dup2(pipes[0], fd[0]);
	EXPECT_EQ(0, read(fd[1], &c, 1));
	dup2(fd[1], pipes[1]);
	close(pipes[0]);
	EXPECT_EQ(0, read(fd[0], &c, 1));
}

TEST(onto_stdin_and_stdout)
{
	int saved = dup(1), fd[2], i;

	ASSERT_EQ(0, tcp_pair(fd));
	dup2(fd[0], 0);
	dup2(fd[0], 1);
	close(fd[0]);
	printf("hello\n");
	fflush(stdout);
	dup2(saved, 1);
	char text[16] = "";
	for (i = 0; i < 6; )
		i += read(fd[1], text + i, 6 - i);
	EXPECT_STREQ("hello\n", text);
	write(fd[1], "line\n", 5);
	EXPECT_TRUE(fgets(text, sizeof(text), stdin));
	EXPECT_STREQ("line\n", text);
}

TEST(sockets_on_0_1_2)
{
	int saved = fcntl(1, F_DUPFD, 10), saved2 = fcntl(2, F_DUPFD, 10), got[3], i;
	bool works;

	for (i = 0; i < 3; i++)
		close(i);
	for (i = 0; i < 3; i++)
		got[i] = bound(SOCK_DGRAM);
	struct sockaddr_in to = name_of(1);
	works = sendto(2, "x", 1, 0, (void *)&to, sizeof(to)) == 1 &&
		recv(1, &to, 1, 0) == 1;
	dup2(saved, 1);
	dup2(saved2, 2);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(i, got[i]);
	EXPECT_TRUE(works);
}

TEST(dupfd_cloexec)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), a, b;

	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	a = fcntl(fd, F_DUPFD, 100);
	b = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	EXPECT_EQ(100, a);
	EXPECT_EQ(101, b);
	EXPECT_EQ(0, fcntl(a, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(b, F_GETFD));
	EXPECT_EQ(0, fcntl(fd, F_SETFD, 0));
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, ioctl(fd, FIOCLEX));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, ioctl(fd, FIONCLEX));
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	EXPECT_EQ(-1, fcntl(fd, F_DUPFD, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fcntl(fd, F_DUPFD, 1 << 28));
	EXPECT_EQ(EINVAL, errno);
}

TEST(close_range_of_both)
{
	int i, first = 3;

	closefrom(first);
	for (i = 0; i < 12; i++)
		make(i & 1 ? 'l' : 'h');
	EXPECT_EQ(0, close_range(first + 2, first + 4, 0));
	EXPECT_EQ(0, close_range(first + 6, first + 8, CLOSE_RANGE_CLOEXEC));
	for (i = 0; i < 12; i++) {
		EXPECT_EQ(i < 2 || i > 4, is_open(first + i));
		if (i < 2 || i > 4)
			EXPECT_EQ(i >= 6 && i <= 8, fcntl(first + i, F_GETFD));
	}
	EXPECT_EQ(-1, close_range(first + 4, first + 2, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, close_range(first, first + 2, 0x100));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, close_range(first, ~0U, 0));
	for (i = 0; i < 12; i++)
		EXPECT_FALSE(is_open(first + i));
	EXPECT_EQ(first, make('l'));
}

TEST(closefrom_and_go_on)
{
	int fd[2];

	closefrom(20);
	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_TRUE(connected(fd));
}

TEST(close_all_up_to_65536)
{
	int fd, pair[2], status;

	for (fd = 3; fd < 65536; fd++)
		close(fd);
	ASSERT_EQ(0, tcp_pair(pair));
	EXPECT_EQ(4, pair[0]);
	EXPECT_EQ(4, pair[0]);
	EXPECT_TRUE(connected(pair));
	status = status_of(CHILD(connected(pair) ? 7 : 8));
	EXPECT_EQ(7, status);
	EXPECT_EQ(3, WEXITSTATUS(system("exit 3")));
}

TEST(closed_is_closed)
{
	int fd = make('l');

	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(-1, close(fd));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, close(-1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, listen(fd, 1));
	EXPECT_EQ(EBADF, errno);
}

/* What the host says of a socket, a host's file in its place after it */
TEST(a_number_changes_its_kind)
{
	int fd = make('l'), i;

	for (i = 0; i < 50; i++) {
		close(fd);
		ASSERT_EQ(fd, make(i & 1 ? 'l' : 'h'));
		EXPECT_EQ(i & 1 ? 'l' : 'h', kind_of(fd));
		EXPECT_EQ(i & 1 ? 0 : -1, listen(fd, 1) && errno == ENOTSOCK ? -1 : 0);
	}
}

TEST(no_leak)
{
	int before = count_fds(), i, fd[2];

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, tcp_pair(fd));
		close(fd[0]);
		close(dup(fd[1]));
		dup2(fd[1], fd[0]);
		close(fd[0]);
		close(fd[1]);
		close(epoll_create1(0));
	}
	EXPECT_EQ(before, count_fds());
}

/* "socket:[...]", as for a socket of the host */
TEST(proc_self_fd)
{
	char path[64], link[64] = "";
	int fd = make('l');

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_EQ(0, strncmp(link, "socket:[", 8));
}

TEST(status)
{
	struct stat st;
	int fd = make('l');

	EXPECT_EQ(0, fstat(fd, &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL));
	EXPECT_EQ(-1, ftruncate(fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pread(fd, &st, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_FALSE(isatty(fd));
}

TEST(limit_of_descriptors)
{
	struct rlimit limit = { 64, 4096 };
	int fd, last = -1;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 64;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (;;) {
		fd = make(last & 1 ? 'l' : 'h');
		if (fd < 0)
			break;
		last = fd;
	}
	EXPECT_EQ(63, last);
	EXPECT_EQ(EMFILE, errno);
	EXPECT_EQ(-1, make('l'));
	EXPECT_EQ(EMFILE, errno);
	EXPECT_EQ(-1, dup(last));
	EXPECT_EQ(EMFILE, errno);
	EXPECT_EQ(-1, dup2(last, 64));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, fcntl(last, F_DUPFD, 64));
	EXPECT_EQ(EINVAL, errno);
	close(40);
	EXPECT_EQ(40, make('l'));
	close(40);
	EXPECT_EQ(40, dup(50));
	close(40);
	EXPECT_EQ(40, epoll_create1(0));
	close(40);
	limit.rlim_cur = 128;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(40, make('l'));
	EXPECT_EQ(64, make('l'));
}

TEST(accept_at_the_limit)
{
	struct rlimit limit;
	int listener = bound(SOCK_STREAM), client = dial(SOCK_STREAM, listener), fd;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = client + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-1, accept(listener, NULL, NULL));
	EXPECT_EQ(EMFILE, errno);
	limit.rlim_cur++;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	fd = accept(listener, NULL, NULL);
	EXPECT_EQ(client + 1, fd);
	EXPECT_TRUE(passes(fd, client));
}

/* Descriptors above 1023 and numbers of many */
TEST(many)
{
	struct rlimit limit;
	int i, first = 3, fd[2];

	closefrom(first);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 3000;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < 1500; i++) {
		ASSERT_EQ(first + i, make(i % 5 ? 'l' : 'h'));
	}
	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_LT(1500, fd[0]);
	EXPECT_TRUE(connected(fd));
	EXPECT_EQ(0, close_range(first, first + 1499, 0));
	EXPECT_TRUE(connected(fd));
	EXPECT_EQ(first, make('l'));
}

static int is_open_in_exec(int fd)
{
	char text[64];

	snprintf(text, sizeof(text), "test -e /proc/self/fd/%d", fd);
	return WEXITSTATUS(system(text)) == 0;
}

TEST(cloexec_over_exec)
{
	int kept = make('l'), closed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ep = epoll_create1(EPOLL_CLOEXEC), ep_kept = epoll_create1(0);
	int copied = fcntl(kept, F_DUPFD_CLOEXEC, 50), listener = bound(SOCK_STREAM);
	int client = dial(SOCK_STREAM, listener), accepted;

	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	EXPECT_TRUE(is_open_in_exec(kept));
	EXPECT_TRUE(is_open_in_exec(client));
	EXPECT_TRUE(is_open_in_exec(ep_kept));
	EXPECT_FALSE(is_open_in_exec(closed));
	EXPECT_FALSE(is_open_in_exec(ep));
	EXPECT_FALSE(is_open_in_exec(copied));
	EXPECT_FALSE(is_open_in_exec(accepted));
	EXPECT_TRUE(passes(client, accepted));
	EXPECT_EQ(0, close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
	EXPECT_FALSE(is_open_in_exec(kept));
	EXPECT_FALSE(is_open_in_exec(ep_kept));
	EXPECT_TRUE(is_open(kept));
}

TEST(set_flags)
{
	int fd[2], one = 1;
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(0, ioctl(fd[0], FIONBIO, &one));
	EXPECT_EQ(-1, read(fd[0], &c, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(O_RDWR | O_NONBLOCK, fcntl(fd[0], F_GETFL) & ~0100000);
	EXPECT_EQ(0, fcntl(fd[0], F_SETFL, 0));
	EXPECT_EQ(O_RDWR, fcntl(fd[0], F_GETFL) & ~0100000);
	EXPECT_EQ(-1, fcntl(fd[0], 12345));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd[0], TCGETS, &c));
	EXPECT_EQ(ENOTTY, errno);
}

/* ------------------------------------------------ what is open, and nothing else */

#define TOP	8192

/* As many descriptors as the limit allows, or TOP: how many */
static int allow_many(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = TOP < limit.rlim_max ? TOP : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

/* As the directory lists them; its own descriptor, too */
static int count_in(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int nr = 0;

	while (dir && (entry = readdir(dir)))
		nr += entry->d_name[0] != '.';
	closedir(dir);
	return nr;
}

static long size_of(const char *path)
{
	struct statx stx;
	struct stat st;

	if (stat(path, &st) || statx(AT_FDCWD, path, 0, STATX_SIZE, &stx) ||
	    (int64_t)stx.stx_size != st.st_size)
		return -1;
	return st.st_size;
}

TEST(directories_list_what_is_open)
{
	int task, i, dir, open_before, kept[2];
	bool has_size = size_of("/proc/self/fd");
	char text[64];
	struct stat st;

	closefrom(3);
	EXPECT_EQ(4, count_in("/proc/self/fd"));
	for (i = 0; i < 30; i++)
		make(i % 2 ? 'l' : 'h');
	EXPECT_EQ(34, count_in("/proc/self/fd"));
	EXPECT_EQ(34, count_in("/proc/self/fdinfo"));
	EXPECT_EQ(34, count_in("/proc/thread-self/fd"));
	EXPECT_EQ(34, count_in("/dev/fd"));
	task = gettid();
	snprintf(text, sizeof(text), "/proc/%d/task/%d/fd", getpid(), task);
	EXPECT_EQ(34, count_in(text));
	snprintf(text, sizeof(text), "/proc/%d/fd", getppid());
	open_before = count_in(text);
	snprintf(text, sizeof(text), "ls /proc/%d/fd | wc -l | grep -q '^33$'", getpid());
	EXPECT_EQ(0, system(text));
	snprintf(text, sizeof(text), "/proc/%d/fd", getppid());
	EXPECT_EQ(open_before, count_in(text));
	if (has_size) {
		EXPECT_EQ(33, size_of("/proc/self/fd"));
		dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
		EXPECT_EQ(0, fstat(dir, &st));
		EXPECT_EQ(34, st.st_size);
		EXPECT_EQ(0, syscall(SYS_fstat, dir, &st));
		EXPECT_EQ(34, st.st_size);
		close(dir);
	}
	ASSERT_EQ(0, tcp_pair(kept));
	EXPECT_TRUE(connected(kept));
}

/* Read in the smallest pieces, of either kind */
TEST(directories_in_pieces)
{
	char entries[32];
	int dir, nr = 0;
	long calls[] = { SYS_getdents, SYS_getdents64 };
	unsigned int i;

	closefrom(3);
	make('l');
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
		ASSERT_EQ(4, dir);
		while (syscall(calls[i], dir, entries, sizeof(entries)) > 0)
			nr++;
		EXPECT_EQ((int)(i + 1) * 7, nr);
		EXPECT_EQ(0, lseek(dir, 0, SEEK_SET));
		EXPECT_LT(0, syscall(calls[i], dir, entries, sizeof(entries)));
		close(dir);
	}
}

/* A call on each number that may be one: how many it takes for open */
static int all(bool (*opens)(int fd))
{
	int fd, nr = 0, top = allow_many();

	for (fd = 3; fd < top; fd++)
		nr += opens(fd);
	return nr;
}

static bool duplicates(int fd)
{
	int copy = dup(fd);

	if (copy >= 0)
		close(copy);
	return copy >= 0;
}

static bool has_status(int fd)
{
	struct stat st;

	return !fstat(fd, &st);
}

static bool has_name(int fd)
{
	char path[32], name[64];
	struct stat st;
	bool found, stated;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	found = readlink(path, name, sizeof(name)) > 0;
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	stated = !stat(path, &st);
	return found || stated;
}

static bool is_in(int fd)
{
	static int dir;
	char path[16], name[64];

	if (!dir)
		dir = open("/proc/self/fd", O_PATH);
	snprintf(path, sizeof(path), "%d", fd);
	return fd != dir && readlinkat(dir, path, name, sizeof(name)) > 0;
}

static bool is_valid(int fd)
{
	struct pollfd poll_fd = { fd, POLLIN, 0 };

	return poll(&poll_fd, 1, 0) != 1 || poll_fd.revents != POLLNVAL;
}

static bool is_selected(int fd)
{
	static uint64_t set[TOP / 64];
	static int last;		/* numbers above all that was ever open are ignored */
	struct timeval none = { 0, 0 };
	bool is;

	if (!last)
		last = fcntl(0, F_DUPFD, allow_many() - 1);
	if (fd == last)
		return false;
	set[fd / 64] |= 1ULL << fd % 64;
	is = select(fd + 1, (fd_set *)set, NULL, NULL, &none) >= 0 || errno != EBADF;
	memset(set, 0, sizeof(set));
	return is;
}

static bool is_polled(int fd)
{
	static int ep;
	struct epoll_event event = { .events = EPOLLIN };

	if (!ep)
		ep = epoll_create1(0);
	return fd != ep && (!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) || errno != EBADF);
}

static bool is_sent(int fd)
{
	static int pair[2];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	char c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	if (!pair[0] && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return true;
	if (fd == pair[0] || fd == pair[1])
		return false;
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(pair[0], &msg, MSG_DONTWAIT) == 1 || errno != EBADF;
}

TEST(nothing_else_is_open)
{
	static bool (*const ways[])(int fd) = {
		is_open, duplicates, has_status, has_name, is_in, is_valid, is_selected,
		is_polled, is_sent,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		closefrom(3);
		make('l');
		make('h');
		EXPECT_EQ(2, all(ways[i]))
			TH_LOG("way %u", i);
	}
}

/* Among others, at once */
TEST(a_list_with_all_numbers)
{
	static struct pollfd fds[TOP];
	int i, nr = allow_many() - 3, valid = 0;

	closefrom(3);
	make('l');
	make('h');
	for (i = 0; i < nr; i++)
		fds[i] = (struct pollfd) { 3 + i, 0, 0 };
	EXPECT_EQ(nr - 2, poll(fds, nr, -1));
	for (i = 0; i < nr; i++)
		valid += !fds[i].revents;
	EXPECT_EQ(2, valid);
	EXPECT_FALSE(fds[0].revents || fds[1].revents);
	fds[0].fd = -1;
	EXPECT_EQ(nr - 2, poll(fds, nr, -1));
}

/* As many as the limit allows, all of them the program's */
TEST(numbers_that_nobody_has_are_free)
{
	int fd, kept[2];

	allow_many();
	closefrom(3);
	while ((fd = make('h')) >= 0)
		ASSERT_TRUE(is_open(fd));
	EXPECT_EQ(EMFILE, errno);
	closefrom(3);
	EXPECT_EQ(4, count_in("/proc/self/fd"));
	while ((fd = make('l')) >= 0)
		ASSERT_TRUE(is_open(fd));
	EXPECT_EQ(EMFILE, errno);
	closefrom(3);
	EXPECT_EQ(4, count_in("/proc/self/fd"));
	ASSERT_EQ(0, tcp_pair(kept));
	EXPECT_TRUE(connected(kept));
}

static void *opener(void *arg)
{
	int i, fd, *failed = arg;

	for (i = 0; i < 500; i++) {
		fd = make(i % 2 ? 'l' : 'h');
		if (fd < 0 || kind_of(fd) != (i % 2 ? 'l' : 'h'))
			__atomic_add_fetch(failed, 1, __ATOMIC_RELAXED);
		close(fd);
	}
	return NULL;
}

/* Threads that open and close at once never see each other's. */
TEST(threads_that_open)
{
	int before = count_fds(), failed = 0, i;
	pthread_t threads[4];

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, opener, &failed));
	}
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, failed);
	EXPECT_EQ(before, count_fds());
}

static int mark_of(int fd)
{
	socklen_t len = sizeof(int);
	int mark = 0;

	getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, &len);
	return mark;
}

/* Two sockets that are connected; few families but AF_UNIX, which is the host's, have them. */
static int make_pair(int pair[2])
{
	return socketpair(AF_TIPC, SOCK_STREAM, 0, pair) && socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static void *duplicator(void *arg)
{
	int i, fd, pair[2], *failed = arg, mark = gettid(), own = udp();

	setsockopt(own, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark));
	for (i = 0; i < 500; i++) {
		fd = i % 2 ? dup(own) : fcntl(own, F_DUPFD_CLOEXEC, 20);
		if (mark_of(fd) != mark)
			__atomic_add_fetch(failed, 1, __ATOMIC_RELAXED);
		close(fd);
		if (i % 4)
			continue;
		if (make_pair(pair) || !connected(pair))
			__atomic_add_fetch(failed, 1, __ATOMIC_RELAXED);
		close(pair[0]);
		close(pair[1]);
	}
	if (mark_of(own) != mark)
		__atomic_add_fetch(failed, 1, __ATOMIC_RELAXED);
	close(own);
	return NULL;
}

/* A descriptor that a thread gets is of what it has asked for, whatever others do. */
TEST(threads_that_duplicate)
{
	int before = count_fds(), failed = 0, i;
	pthread_t threads[6];

	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, i % 2 ? opener : duplicator, &failed));
	}
	for (i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, failed);
	EXPECT_EQ(before, count_fds());
}

struct acceptor {
	int listener, tid, got;
};

/* It waits once: while system() has it blocked, SIGCHLD would come here. */
static void *acceptor(void *arg)
{
	struct acceptor *acceptor = arg;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	__atomic_store_n(&acceptor->tid, gettid(), __ATOMIC_RELEASE);
	acceptor->got = accept(acceptor->listener, NULL, NULL);
	return NULL;
}

static bool sleeps(int tid)
{
	char text[256] = "";
	int fd;

	snprintf(text, sizeof(text), "/proc/self/task/%d/stat", tid);
	fd = open(text, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		*text = 0;
	close(fd);
	return strstr(text, ") S ");
}

/* The number that another thread's call will return is not taken in a child, or a program. */
TEST(child_while_another_accepts)
{
	struct acceptor who = { .listener = bound(SOCK_STREAM) };
	int hole = make('h');
	pthread_t thread;
	char text[64];

	close(hole);
	ASSERT_EQ(0, pthread_create(&thread, NULL, acceptor, &who));
	while (!__atomic_load_n(&who.tid, __ATOMIC_ACQUIRE))
		sleep_ms(1);
	do
		sleep_ms(10);
	while (!sleeps(who.tid));
	EXPECT_EQ(hole + 1, make('h'));
	EXPECT_EQ(0, status_of(CHILD(make('l') != hole)));
	snprintf(text, sizeof(text), "test ! -e /proc/self/fd/%d", hole);
	EXPECT_EQ(0, system(text));
	EXPECT_LE(0, dial(SOCK_STREAM, who.listener));
	pthread_join(thread, NULL);
	EXPECT_EQ(hole, who.got);
}

TEST_HARNESS_MAIN
