// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nusedata.c - how bytes get in and out of a socket: vectors, many messages
 * at once, files and pipes, stdio, timeouts, urgent data. See nusecalls.h.
 */
#include <linux/sockios.h>
#include <sys/sendfile.h>
#include "nusecalls.h"

#define MIB	(1 << 20)

/* Byte @i of what is sent */
static uint8_t byte_of(uint64_t i)
{
	return i * 31 + (i >> 8) * 7 + (i >> 16);
}

static void fill(uint8_t *buf, uint64_t from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = byte_of(from + i);
}

static bool check(const uint8_t *buf, uint64_t from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (buf[i] != byte_of(from + i))
			return false;
	return true;
}

/* A file of so many bytes, which has no name */
static int make_file(size_t size)
{
	FILE *file = tmpfile();
	uint8_t *buf = malloc(size);
	int fd = dup(fileno(file));

	fill(buf, 0, size);
	if (write(fd, buf, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET))
		abort();
	fclose(file);
	free(buf);
	return fd;
}

/* Reads to the end in a thread; bad bytes, and how many there were */
struct sink {
	pthread_t thread;
	int fd;
	uint64_t from, got;
	bool bad;
};

static void *sink_run(void *arg)
{
	struct sink *s = arg;
	uint8_t buf[20000];
	ssize_t n;

	while ((n = read(s->fd, buf, sizeof(buf))) > 0) {
		s->bad |= !check(buf, s->from + s->got, n);
		s->got += n;
	}
	s->bad |= n < 0;
	return NULL;
}

static void sink_start(struct sink *s)
{
	if (pthread_create(&s->thread, NULL, sink_run, s))
		abort();
}

static uint64_t sink_end(struct sink *s)
{
	pthread_join(s->thread, NULL);
	return s->bad ? ~0ULL : s->got;
}

/* ---------------------------------------------------------------- queues */

TEST(bytes_in_the_queues)
{
	int fd[2], n = -1;

	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(0, ioctl(fd[1], FIONREAD, &n));
	EXPECT_EQ(0, n);
	EXPECT_EQ(100, send(fd[0], fd, 100, 0) < 0 ? -1 : 100);
	while (!ioctl(fd[1], FIONREAD, &n) && !n)
		sleep_ms(1);
	EXPECT_LT(0, n);
	EXPECT_EQ(0, ioctl(fd[0], SIOCOUTQ, &n));
	EXPECT_EQ(-1, ioctl(fd[0], FIONREAD, 8));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(0, udp_pair(fd));
	EXPECT_EQ(50, send(fd[0], fd, 50, 0) < 0 ? -1 : 50);
	EXPECT_EQ(0, ioctl(fd[1], FIONREAD, &n));
	EXPECT_LT(0, n);
}

TEST(vectors)
{
	uint8_t out[1000], in[1000];
	struct iovec from[3] = { { out, 10 }, { out + 10, 0 }, { out + 10, 990 } };
	struct iovec to[3] = { { in, 333 }, { in + 333, 1 }, { in + 334, 666 } };
	int fd[2];

	fill(out, 0, sizeof(out));
	ASSERT_EQ(0, udp_pair(fd));
	EXPECT_EQ(1000, writev(fd[0], from, 3));
	EXPECT_EQ(1000, readv(fd[1], to, 3));
	EXPECT_TRUE(check(in, 0, 1000));
	EXPECT_EQ(10, writev(fd[0], from, 1));
	EXPECT_EQ(10, preadv2(fd[1], to, 1, -1, 0));
	EXPECT_EQ(-1, syscall(SYS_writev, fd[0], from, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, syscall(SYS_writev, fd[0], 8, 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, readv(fd[1], to, 0));
	EXPECT_EQ(-1, preadv2(fd[1], to, 1, -1, RWF_NOWAIT));
	EXPECT_TRUE(errno == EAGAIN || errno == EOPNOTSUPP);	/* of old kernels */
}

TEST(peek_and_waitall)
{
	uint8_t out[20000], in[20000];
	int fd[2];

	fill(out, 0, sizeof(out));
	ASSERT_EQ(0, tcp_pair(fd));
	pid_t child = CHILD(({
		int i;

		for (i = 0; i < 4; i++) {
			sleep_ms(5);
			if (write(fd[0], out + i * 5000, 5000) != 5000)
				_exit(1);
		}
		0;
	}));

	EXPECT_LT(0, recv(fd[1], in, 100, MSG_PEEK));
	EXPECT_EQ(20000, recv(fd[1], in, 20000, MSG_WAITALL));
	EXPECT_TRUE(check(in, 0, 20000));
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(-1, recv(fd[1], in, 1, MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
}

/* ------------------------------------------------------- many messages at once */

TEST(many_messages)
{
	struct mmsghdr out[20] = { 0 }, in[20] = { 0 };
	struct iovec from[20], to[20];
	uint8_t data[20], got[20][100];
	int fd[2], i;

	ASSERT_EQ(0, udp_pair(fd));
	for (i = 0; i < 20; i++) {
		data[i] = i;
		from[i] = (struct iovec) { data, i + 1 };
		to[i] = (struct iovec) { got[i], 100 };
		out[i].msg_hdr = (struct msghdr) { .msg_iov = &from[i], .msg_iovlen = 1 };
		in[i].msg_hdr = (struct msghdr) { .msg_iov = &to[i], .msg_iovlen = 1 };
	}
	EXPECT_EQ(20, sendmmsg(fd[0], out, 20, 0));
	EXPECT_EQ(20, out[19].msg_len);
	EXPECT_EQ(20, recvmmsg(fd[1], in, 20, 0, NULL));
	for (i = 0; i < 20; i++)
		EXPECT_EQ(i + 1, in[i].msg_len);
	EXPECT_EQ(-1, recvmmsg(fd[1], in, 20, MSG_DONTWAIT, NULL));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(3, sendmmsg(fd[0], out, 3, 0));
	EXPECT_EQ(3, recvmmsg(fd[1], in, 20, MSG_WAITFORONE, NULL));
	EXPECT_EQ(-1, sendmmsg(fd[0], (void *)8, 3, 0));
	EXPECT_EQ(EFAULT, errno);
}

TEST(many_messages_with_a_time)
{
	struct mmsghdr in[2] = { 0 };
	struct timespec none = { 0, 0 }, bad = { 0, -1 };
	char buf[2][10];
	struct iovec to[2] = { { buf[0], 10 }, { buf[1], 10 } };
	int fd[2], i;

	ASSERT_EQ(0, udp_pair(fd));
	for (i = 0; i < 2; i++)
		in[i].msg_hdr = (struct msghdr) { .msg_iov = &to[i], .msg_iovlen = 1 };
	EXPECT_EQ(1, write(fd[0], "x", 1));
	EXPECT_EQ(1, recvmmsg(fd[1], in, 2, 0, &none));
	EXPECT_EQ(-1, recvmmsg(fd[1], in, 2, 0, &bad));
	EXPECT_EQ(EINVAL, errno);
}

TEST(messages_with_names_and_control)
{
	struct sockaddr_in to, from;
	char data[10], control[100];
	struct iovec iov = { data, 10 };
	int a = bound(SOCK_DGRAM), b = bound(SOCK_DGRAM), one = 1;
	struct msghdr msg = { &from, sizeof(from), &iov, 1, control, sizeof(control), 0 };
	struct cmsghdr *cmsg;

	to = name_of(b);
	EXPECT_EQ(0, setsockopt(b, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)));
	EXPECT_EQ(5, sendto(a, "hello", 5, 0, (void *)&to, sizeof(to)));
	EXPECT_EQ(5, recvmsg(b, &msg, 0));
	EXPECT_EQ(name_of(a).sin_port, from.sin_port);
	EXPECT_EQ(sizeof(from), msg.msg_namelen);
	cmsg = CMSG_FIRSTHDR(&msg);
	ASSERT_TRUE(cmsg);
	EXPECT_EQ(IP_PKTINFO, cmsg->cmsg_type);
	iov.iov_len = 2;
	EXPECT_EQ(5, sendto(a, "hello", 5, 0, (void *)&to, sizeof(to)));
	EXPECT_EQ(2, recvmsg(b, &msg, 0));
	EXPECT_TRUE(msg.msg_flags & MSG_TRUNC);
	msg.msg_controllen = 4;
	EXPECT_EQ(5, sendto(a, "hello", 5, 0, (void *)&to, sizeof(to)));
	EXPECT_EQ(5, recvmsg(b, &msg, MSG_TRUNC));
	EXPECT_TRUE(msg.msg_flags & MSG_CTRUNC);
}

/* --------------------------------------------------------------- sendfile */

TEST(sendfile_all)
{
	int file = make_file(3 * MIB + 17), fd[2];
	ssize_t n;

	ASSERT_EQ(0, tcp_pair(fd));
	struct sink sink = { .fd = fd[1] };

	sink_start(&sink);
	while ((n = sendfile(fd[0], file, NULL, MIB)) > 0)
		;
	EXPECT_EQ(0, n);
	EXPECT_EQ(3 * MIB + 17, lseek(file, 0, SEEK_CUR));
	close(fd[0]);
	EXPECT_EQ(3 * MIB + 17, sink_end(&sink));
}

TEST(sendfile_with_an_offset)
{
	int file = make_file(MIB), fd[2];
	off_t offset = 1000;

	ASSERT_EQ(0, tcp_pair(fd));
	struct sink sink = { .fd = fd[1], .from = 1000 };

	sink_start(&sink);
	lseek(file, 77, SEEK_SET);
	EXPECT_EQ(5000, sendfile(fd[0], file, &offset, 5000));
	EXPECT_EQ(6000, offset);
	EXPECT_EQ(77, lseek(file, 0, SEEK_CUR));
	EXPECT_EQ(MIB - 6000, sendfile(fd[0], file, &offset, 2 * MIB));
	EXPECT_EQ(MIB, offset);
	EXPECT_EQ(0, sendfile(fd[0], file, &offset, 10));
	close(fd[0]);
	EXPECT_EQ(MIB - 1000, sink_end(&sink));
	EXPECT_EQ(-1, sendfile(fd[1], file, (void *)8, 10));
	EXPECT_EQ(EFAULT, errno);
	offset = -5;
	EXPECT_EQ(-1, sendfile(fd[1], file, &offset, 10));
	EXPECT_EQ(EINVAL, errno);
}

TEST(sendfile_without_blocking)
{
	int file = make_file(16 * MIB), fd[2];
	off_t offset = 0;
	ssize_t n, all = 0;
	uint8_t *buf = malloc(16 * MIB);

	ASSERT_EQ(0, tcp_pair(fd));
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	while ((n = sendfile(fd[0], file, &offset, 16 * MIB - offset)) > 0)
		all += n;
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(all, offset);
	EXPECT_LT(0, all);
	EXPECT_GT(16 * MIB, all);
	shutdown(fd[0], SHUT_WR);
	EXPECT_EQ(all, recv(fd[1], buf, 16 * MIB, MSG_WAITALL));
	EXPECT_TRUE(check(buf, 0, all));
}

TEST(sendfile_of_a_pipe_or_socket)
{
	int fd[2], pipes[2], file = make_file(10);
	ssize_t n;

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, pipe(pipes));
	n = sendfile(file, fd[1], NULL, 10);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EINVAL, errno);
	n = sendfile(fd[0], fd[0], NULL, 10);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EINVAL, errno);
	n = sendfile(fd[0], pipes[1], NULL, 10);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EBADF, errno);
	n = sendfile(fd[0], pipes[0], NULL, 10);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(3, write(fd[0], "abc", 3));
	EXPECT_EQ(3, sendfile(pipes[1], fd[1], NULL, 10));
}

/* ----------------------------------------------------------------- splice */

/* From one connection to another through a pipe, by a third party */
TEST(splice_proxy)
{
	int in[2], out[2], pipes[2];
	uint8_t *data = malloc(4 * MIB);
	ssize_t n, m;

	ASSERT_EQ(0, tcp_pair(in));
	ASSERT_EQ(0, tcp_pair(out));
	ASSERT_EQ(0, pipe(pipes));
	fill(data, 0, 4 * MIB);
	struct sink sink = { .fd = out[1] };
	pid_t child = CHILD(write(in[0], data, 4 * MIB) == 4 * MIB ? 0 : 1);

	close(in[0]);
	sink_start(&sink);
	while ((n = splice(in[1], NULL, pipes[1], NULL, MIB, SPLICE_F_MOVE)) > 0) {
		for (; n > 0; n -= m) {
			m = splice(pipes[0], NULL, out[0], NULL, n, SPLICE_F_MORE);
			ASSERT_LT(0, m);
		}
	}
	EXPECT_EQ(0, n);
	close(out[0]);
	EXPECT_EQ(4 * MIB, sink_end(&sink));
	EXPECT_EQ(0, status_of(child));
}

TEST(splice_without_blocking)
{
	int fd[2], pipes[2];
	uint8_t data[70000], got[70000];
	ssize_t n, all = 0;

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, pipe(pipes));
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
	n = splice(fd[1], NULL, pipes[1], NULL, 100, 0);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EAGAIN, errno);
	fcntl(fd[1], F_SETFL, 0);
	n = splice(pipes[0], NULL, fd[0], NULL, 100, SPLICE_F_NONBLOCK);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EAGAIN, errno);
	fill(data, 0, sizeof(data));
	EXPECT_EQ(70000, write(fd[0], data, 70000));
	while (all < 70000) {
		n = splice(fd[1], NULL, pipes[1], NULL, 70000 - all, 0);
		ASSERT_LT(0, n);
		n = read(pipes[0], got + all, n);
		ASSERT_LT(0, n);
		all += n;
	}
	EXPECT_TRUE(check(got, 0, 70000));
	EXPECT_EQ(65536, write(pipes[1], data, 65536));
	write(fd[0], data, 10);
	n = splice(fd[1], NULL, pipes[1], NULL, 10, SPLICE_F_NONBLOCK);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EAGAIN, errno);
	fcntl(pipes[1], F_SETFL, O_NONBLOCK);
	n = splice(fd[1], NULL, pipes[1], NULL, 10, 0);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EAGAIN, errno);
	for (all = 0; all < 65536; all += n) {
		n = splice(pipes[0], NULL, fd[0], NULL, 65536 - all, 0);
		ASSERT_LT(0, n);
	}
	EXPECT_EQ(10, recv(fd[1], got, 10, MSG_WAITALL));
	EXPECT_EQ(65536, recv(fd[1], got, 65536, MSG_WAITALL));
	EXPECT_TRUE(check(got, 0, 65536));
}

/* Each piece fills a part of the pipe that none of the next fits in. */
TEST(splice_of_small_pieces)
{
	static uint8_t data[15 * 3000 + 65536], got[sizeof(data)];
	int fd[2], pipes[2], i;
	ssize_t n, in = 0, out = 0, sent = 0;

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, pipe(pipes));
	fill(data, 0, sizeof(data));
	for (i = 0; i < 15; i++) {
		sent += write(fd[0], data + sent, 3000);
		n = splice(fd[1], NULL, pipes[1], NULL, 3000, SPLICE_F_NONBLOCK);
		in += n > 0 ? n : 0;
	}
	sent += write(fd[0], data + sent, 65536);
	while (out < sent) {
		n = splice(fd[1], NULL, pipes[1], NULL, sent - in, SPLICE_F_NONBLOCK);
		if (n > 0) {
			in += n;
			continue;
		}
		ASSERT_EQ(in == sent ? 0 : -1, n);
		n = read(pipes[0], got + out, in - out);
		ASSERT_LT(0, n);
		out += n;
	}
	EXPECT_TRUE(check(got, 0, out));
}

TEST(splice_ends)
{
	int fd[2], pipes[2], file = make_file(100);
	loff_t offset = 0;

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(-1, splice(fd[0], NULL, fd[1], NULL, 10, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, splice(fd[0], NULL, file, NULL, 10, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, splice(fd[0], &offset, pipes[1], NULL, 10, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, splice(fd[0], NULL, pipes[1], &offset, 10, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, splice(fd[0], NULL, pipes[0], NULL, 10, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, splice(pipes[1], NULL, fd[0], NULL, 10, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, splice(999, NULL, fd[0], NULL, 10, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, splice(fd[0], NULL, pipes[1], NULL, 0, 64));
	EXPECT_EQ(-1, splice(pipes[0], NULL, fd[0], NULL, 10, 64));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, splice(pipes[0], NULL, fd[0], NULL, -1, 0));
	EXPECT_EQ(EINVAL, errno);
	close(pipes[1]);
	EXPECT_EQ(0, splice(pipes[0], NULL, fd[0], NULL, 10, 0));
	shutdown(fd[0], SHUT_WR);
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(0, splice(fd[1], NULL, pipes[1], NULL, 10, 0));
}

/* ------------------------------------------------------------------ stdio */

TEST(stdio)
{
	int fd[2], i;
	FILE *a, *b;
	char line[64];

	ASSERT_EQ(0, tcp_pair(fd));
	a = fdopen(fd[0], "r+");
	b = fdopen(fd[1], "r+");
	for (i = 0; i < 1000; i++)
		fprintf(a, "line %d\n", i);
	fflush(a);
	for (i = 0; i < 1000; i++) {
		ASSERT_TRUE(fgets(line, sizeof(line), b));
		ASSERT_EQ(i, atoi(line + 5));
	}
	fprintf(b, "back\n");
	fclose(b);
	EXPECT_TRUE(fgets(line, sizeof(line), a));
	EXPECT_STREQ("back\n", line);
	EXPECT_FALSE(fgets(line, sizeof(line), a));
	EXPECT_TRUE(feof(a));
	dprintf(fd[0], "lost\n");
}

/* ---------------------------------------------------------------- timeouts */

TEST(timeouts)
{
	struct timeval tv = { 0, 20000 };
	int fd[2], listener = bound(SOCK_STREAM);
	int64_t start = now_ms();
	static char block[MIB];
	ssize_t n;
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(0, setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	EXPECT_EQ(-1, read(fd[0], &c, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_LE(20, now_ms() - start);
	EXPECT_EQ(0, setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	EXPECT_EQ(-1, accept(listener, NULL, NULL));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	while ((n = write(fd[0], block, sizeof(block))) > 0)
		;
	EXPECT_EQ(EAGAIN, errno);
}

/* ------------------------------------------------------------------ the end */

TEST(shut_down)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(0, shutdown(fd[0], SHUT_WR));
	EXPECT_EQ(0, read(fd[1], &c, 1));
	EXPECT_TRUE(passes(fd[1], fd[0]));
	EXPECT_EQ(-1, send(fd[0], &c, 1, MSG_NOSIGNAL));
	EXPECT_EQ(EPIPE, errno);
}

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}

TEST(sigpipe)
{
	int fd[2];

	ASSERT_EQ(0, tcp_pair(fd));
	shutdown(fd[0], SHUT_WR);
	signal(SIGPIPE, on_signal);
	EXPECT_EQ(-1, send(fd[0], "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_EQ(0, caught);
	EXPECT_EQ(-1, write(fd[0], "x", 1));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_EQ(SIGPIPE, caught);
	caught = 0;
	EXPECT_EQ(-1, sendfile(fd[0], make_file(10), NULL, 10));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_EQ(SIGPIPE, caught);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_EQ(-1, write(fd[0], "x", 1));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_EQ(1000 + SIGPIPE, status_of(CHILD(({
		signal(SIGPIPE, SIG_DFL);
		write(fd[0], "x", 1);
		0;
	}))));
}

TEST(reset)
{
	struct linger linger = { 1, 0 };
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(0, setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	close(fd[0]);
	EXPECT_EQ(-1, read(fd[1], &c, 1));
	EXPECT_EQ(ECONNRESET, errno);
}

TEST(linger)
{
	struct linger linger = { 1, 5 };
	uint8_t *data = malloc(MIB);
	int fd[2];

	ASSERT_EQ(0, tcp_pair(fd));
	struct sink sink = { .fd = fd[1] };

	fill(data, 0, MIB);
	setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	sink_start(&sink);
	EXPECT_EQ(MIB, write(fd[0], data, MIB));
	EXPECT_EQ(0, close(fd[0]));
	EXPECT_EQ(MIB, sink_end(&sink));
}

/* ------------------------------------------------------ urgent data, SIGIO */

TEST(urgent_data)
{
	int fd[2], mark = -1;
	char c[4] = "";

	ASSERT_EQ(0, tcp_pair(fd));
	signal(SIGURG, on_signal);
	EXPECT_EQ(0, fcntl(fd[1], F_SETOWN, getpid()));
	EXPECT_EQ(getpid(), fcntl(fd[1], F_GETOWN));
	EXPECT_EQ(1, send(fd[0], "a", 1, 0));
	EXPECT_EQ(1, send(fd[0], "!", 1, MSG_OOB));
	EXPECT_EQ(1, send(fd[0], "b", 1, 0));
	while (!caught)
		sleep_ms(1);
	EXPECT_EQ(SIGURG, caught);
	EXPECT_EQ(1, recv(fd[1], c, 1, MSG_OOB));
	EXPECT_EQ('!', c[0]);
	EXPECT_EQ(1, recv(fd[1], c, 4, 0));
	EXPECT_EQ('a', c[0]);
	EXPECT_EQ(0, ioctl(fd[1], SIOCATMARK, &mark));
	EXPECT_EQ(1, mark);
	EXPECT_EQ(1, recv(fd[1], c, 4, 0));
	EXPECT_EQ('b', c[0]);
}

TEST(sigio)
{
	int fd[2];

	ASSERT_EQ(0, udp_pair(fd));
	signal(SIGIO, on_signal);
	EXPECT_EQ(0, fcntl(fd[1], F_SETOWN, getpid()));
	EXPECT_EQ(0, fcntl(fd[1], F_SETFL, O_ASYNC | O_NONBLOCK));
	EXPECT_EQ(1, write(fd[0], "x", 1));
	while (!caught)
		sleep_ms(1);
	EXPECT_EQ(SIGIO, caught);
	caught = 0;
	EXPECT_EQ(0, fcntl(fd[1], F_SETSIG, SIGUSR2));
	signal(SIGUSR2, on_signal);
	EXPECT_EQ(1, write(fd[0], "x", 1));
	while (!caught)
		sleep_ms(1);
	EXPECT_EQ(SIGUSR2, caught);
}

/* Somebody else causes it: another process. */
TEST(sigio_from_a_child)
{
	int fd[2], flag = 1;
	pid_t self = getpid();

	ASSERT_EQ(0, udp_pair(fd));
	signal(SIGIO, on_signal);
	EXPECT_EQ(0, ioctl(fd[1], FIOSETOWN, &self));
	EXPECT_EQ(0, ioctl(fd[1], FIOASYNC, &flag));
	EXPECT_EQ(0, status_of(CHILD(write(fd[0], "x", 1) != 1)));
	while (!caught)
		sleep_ms(1);
	EXPECT_EQ(SIGIO, caught);
}

/* ------------------------------------------------------------- large ones */

TEST(large_transfers)
{
	uint8_t *data = malloc(8 * MIB);
	int fd[2][2], i;
	struct sink sinks[2];
	pid_t children[2];

	fill(data, 0, 8 * MIB);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, tcp_pair(fd[i]));
		children[i] = CHILD(write(fd[i][0], data, 8 * MIB) == 8 * MIB ? 0 : 1);
		close(fd[i][0]);
		sinks[i] = (struct sink) { .fd = fd[i][1] };
		sink_start(&sinks[i]);
	}
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(8 * MIB, sink_end(&sinks[i]));
		EXPECT_EQ(0, status_of(children[i]));
	}
}

TEST(datagrams_keep_their_size)
{
	static const int sizes[] = { 0, 1, 1472, 1473, 9000, 60000, 65507 };
	uint8_t *data = malloc(65536), *got = malloc(65536);
	unsigned int i;
	int fd[2];

	fill(data, 0, 65536);
	ASSERT_EQ(0, udp_pair(fd));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(sizes[i], send(fd[0], data, sizes[i], 0));
		EXPECT_EQ(sizes[i], recv(fd[1], got, 65536, 0));
		EXPECT_TRUE(check(got, 0, sizes[i]));
	}
	EXPECT_EQ(-1, send(fd[0], data, 65508, 0));
	EXPECT_EQ(EMSGSIZE, errno);
}

TEST_HARNESS_MAIN
