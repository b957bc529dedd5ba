// SPDX-License-Identifier: GPL-2.0
/*
 * snapshot.c - an instance at rest is frozen, cloned in other processes, and
 * taken back in place.
 *
 * A clone takes the addresses of the original, so it needs a process without
 * it: the test itself forks those before the original is there, and passes the
 * snapshot to them over a socket.
 */
#include "harness.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "util.h"

/* What a clone has to report */
struct report {
	int err;		/* errno of libos_clone() */
	long pid;		/* getpid() in it */
	int echo;		/* TCP over its loopback: 0 */
	int mark;		/* whether it has the original's file: 0 */
	uint64_t random[4];
	char mac[32];		/* what a device gets that is given none */
	uint64_t mono;		/* its clock, at once */
};

static uint64_t monotonic(struct libos *l)
{
	struct timespec ts = { 0 };

	libos_syscall(l, SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * S + ts.tv_nsec;
}

static int has_mark(struct libos *l)
{
	char buf[64];

	return read_file(l, "/mark", buf, sizeof(buf)) == 6 && !strcmp(buf, "before") ? 0 : -1;
}

/* -------------------------------------------------- processes for clones */

/**
 * struct child - a process that waits for a snapshot
 * @pid:	of the process
 * @sock:	to it: a descriptor there, a struct report back
 */
struct child {
	pid_t pid;
	int sock;
};

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int))];
};

static int send_fd(int sock, int fd)
{
	struct iovec iov = { "", 1 };
	union control control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : complain("sendmsg: %s", strerror(errno));
}

static int receive_fd(int sock)
{
	struct iovec iov = { (char[1]) { 0 }, 1 };
	union control control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* The address of a new device */
static int random_mac(struct libos *l, char *mac, size_t len)
{
	struct libos_port port = { .libos = l, .name = "new%d" };

	return libos_cable(&port, &port, NULL, NULL) ?:
	       read_file(l, "/sys/class/net/new0/address", mac, len);
}

static void live_as_clone(int snapshot, struct report *report)
{
	struct libos *l;
	int fd[2];

	report->err = libos_clone(snapshot, NULL, &l);
	if (report->err) {
		complain("%s", libos_error());
		return;
	}
	report->mono = monotonic(l);
	report->pid = libos_syscall(l, SYS_getpid);
	libos_syscall(l, SYS_getrandom, report->random, sizeof(report->random), 0);
	report->mark = has_mark(l);
	random_mac(l, report->mac, sizeof(report->mac));
	report->echo = connection(l, l, 0, "127.0.0.1", 7000, fd) ?:
		       echo(l, fd[0], l, fd[1], "Hello from a clone!");
	report->err = libos_close(l);
}

/* To be called before the process has an instance. */
static int child_start(struct child *child)
{
	struct report report = { 0 };
	int sock[2], snapshot;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock))
		return complain("socketpair: %s", strerror(errno));
	child->pid = fork();
	child->sock = sock[0];
	if (child->pid) {
		close(sock[1]);
		return child->pid < 0 ? complain("fork: %s", strerror(errno)) : 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(sock[0]);
	snapshot = receive_fd(sock[1]);
	if (snapshot < 0)
		_exit(1);
	live_as_clone(snapshot, &report);
	_exit(write(sock[1], &report, sizeof(report)) != sizeof(report));
}

/* Lets it live as a clone; 0 if it had something to report. */
static int child_run(struct child *child, int snapshot, struct report *report)
{
	int status;

	if (send_fd(child->sock, snapshot))
		return -1;
	if (read(child->sock, report, sizeof(*report)) != sizeof(*report))
		complain("the clone's process died");
	close(child->sock);
	if (waitpid(child->pid, &status, 0) != child->pid || status)
		return complain("the clone's process ended with status %#x", status);
	return 0;
}

/* ----------------------------------------------------------------- clones */

FIXTURE(snapshot) {
	struct child child[2];
	struct libos *l;
};

FIXTURE_SETUP(snapshot)
{
	ASSERT_EQ(0, child_start(&self->child[0]));
	ASSERT_EQ(0, child_start(&self->child[1]));
	self->l = boot(NULL);
	ASSERT_NE(NULL, self->l);
	ASSERT_EQ(0, write_file(self->l, "/mark", "before"));
}

FIXTURE_TEARDOWN(snapshot)
{
	EXPECT_EQ(0, libos_close(self->l));
}

static int works(struct libos *l)
{
	int fd[2];

	return connection(l, l, 0, "127.0.0.1", 7010, fd) ?:
	       echo(l, fd[0], l, fd[1], "as before") ?: libos_close_fd(l, fd[0]) ?:
	       libos_close_fd(l, fd[1]);
}

TEST_F(snapshot, clones_run_at_once)
{
	struct report report[2] = { 0 };
	uint64_t before;
	int fd, i;

	before = monotonic(self->l);
	fd = libos_snapshot(self->l);
	ASSERT_OK(fd);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, child_run(&self->child[i], fd, &report[i]));
		EXPECT_EQ(0, report[i].err);
		EXPECT_EQ(1, report[i].pid);
		EXPECT_EQ(0, report[i].echo);
		EXPECT_EQ(0, report[i].mark);
		EXPECT_LE(before, report[i].mono);
	}
	EXPECT_NE(0, memcmp(report[0].random, report[1].random, sizeof(report[0].random)));
	EXPECT_EQ(18, strlen(report[0].mac));
	EXPECT_EQ(18, strlen(report[1].mac));
	EXPECT_STRNE(report[0].mac, report[1].mac);
}

TEST_F(snapshot, original_goes_on)
{
	struct report report = { 0 };
	uint64_t random[4] = { 0 }, before;
	int fd, pair[2];

	ASSERT_EQ(0, connection(self->l, self->l, 0, "127.0.0.1", 7001, pair));
	fd = libos_snapshot(self->l);
	ASSERT_OK(fd);
	before = monotonic(self->l);
	EXPECT_EQ(0, echo(self->l, pair[0], self->l, pair[1], "still connected"));
	EXPECT_EQ(0, write_file(self->l, "/mark", "behind"));
	ASSERT_EQ(0, child_run(&self->child[0], fd, &report));
	EXPECT_EQ(0, report.err);
	EXPECT_EQ(0, report.mark);
	EXPECT_EQ(0, echo(self->l, pair[0], self->l, pair[1], "even now"));
	EXPECT_EQ(sizeof(random), libos_syscall(self->l, SYS_getrandom, random,
						sizeof(random), 0));
	EXPECT_NE(0, memcmp(random, report.random, sizeof(random)));
	EXPECT_LE(before, monotonic(self->l));
	EXPECT_EQ(-1, has_mark(self->l));
}

/* The clock of a virtual time that is far ahead of the clone's world */
TEST_F(snapshot, clock_of_a_clone_is_not_behind)
{
	struct libos_config config = { .size = sizeof(config) };
	struct libos *l;
	uint64_t before;
	int fd;

	config.world = libos_world_new(1);
	ASSERT_OK(libos_open(&config, &l));
	ASSERT_OK(libos_world_run(config.world, 1000 * S));
	before = monotonic(l);
	EXPECT_LE(1000 * S, before);
	fd = libos_snapshot(l);
	ASSERT_OK(fd);
	ASSERT_OK(libos_close(l));
	ASSERT_OK(libos_world_free(config.world));

	config.world = libos_world_new(2);
	ASSERT_OK(libos_clone(fd, &config, &l));
	EXPECT_EQ(0, libos_world_now(config.world));
	EXPECT_LE(before, monotonic(l));
	EXPECT_GT(before + S, monotonic(l));
	ASSERT_OK(libos_close(l));
	EXPECT_EQ(0, libos_world_free(config.world));
}

TEST_F(snapshot, second_clone_at_the_same_addresses)
{
	struct libos *l = NULL;
	int fd = libos_snapshot(self->l);

	ASSERT_OK(fd);
	EXPECT_EQ(-EEXIST, libos_clone(fd, NULL, &l));
	EXPECT_EQ(NULL, l);
	EXPECT_NE(NULL, strstr(libos_error(), "in use"));
	ASSERT_OK(libos_close(self->l));
	ASSERT_OK(libos_clone(fd, NULL, &self->l));
	EXPECT_EQ(0, has_mark(self->l));
	EXPECT_EQ(-EEXIST, libos_clone(fd, NULL, &l));
	EXPECT_EQ(0, works(self->l));
}

/* A copy of the library; with a build id of its own if it is to be another one. */
static const char *copy_library(bool another)
{
	static const char note[] = "\4\0\0\0\24\0\0\0\3\0\0\0GNU";
	const char *path = temp_path();
	FILE *from = fopen(liblinux(), "r"), *to = fopen(path, "w");
	char *data, *id;
	size_t len;

	if (!from || !to || fseek(from, 0, SEEK_END))
		return NULL;
	len = ftell(from);
	rewind(from);
	data = malloc(len);
	if (fread(data, 1, len, from) != len)
		return NULL;
	id = memmem(data, len, note, sizeof(note));
	if (!id)
		return NULL;
	id[sizeof(note)] ^= another;
	len -= fwrite(data, 1, len, to);
	free(data);
	fclose(from);
	return fclose(to) || len ? NULL : path;
}

/* The build id tells, not where the file is or how old. */
TEST_F(snapshot, library_is_known_by_its_build_id)
{
	struct libos_config config = { .size = sizeof(config) };
	int fd = libos_snapshot(self->l);
	struct libos *l = NULL;

	ASSERT_OK(fd);
	ASSERT_OK(libos_close(self->l));
	config.kernel = copy_library(true);
	ASSERT_NE(NULL, config.kernel);
	EXPECT_EQ(-ESTALE, libos_clone(fd, &config, &l));
	EXPECT_EQ(NULL, l);
	EXPECT_NE(NULL, strstr(libos_error(), "not the library"));
	config.kernel = copy_library(false);
	ASSERT_NE(NULL, config.kernel);
	ASSERT_OK(libos_clone(fd, &config, &self->l));
	EXPECT_EQ(0, has_mark(self->l));
	EXPECT_EQ(0, works(self->l));
}

/* ------------------------------------------------------------------ reset */

TEST_F(snapshot, reset_in_place)
{
	char before[32], now[32];
	int fd, sock, round;

	ASSERT_LT(0, libos_sysctl_get(self->l, "net.ipv4.ip_default_ttl", before,
				      sizeof(before)));
	fd = libos_snapshot(self->l);
	ASSERT_OK(fd);
	for (round = 0; round < 3; round++) {
		ASSERT_OK(libos_sysctl_set(self->l, "net.ipv4.ip_default_ttl", "17"));
		ASSERT_EQ(0, write_file(self->l, "/mark", "behind"));
		ASSERT_EQ(0, write_file(self->l, "/new", "new"));
		sock = server(self->l, SOCK_STREAM, 0, "127.0.0.1", 7000);
		ASSERT_LE(0, sock);

		ASSERT_OK(libos_reset(self->l, fd));
		ASSERT_LT(0, libos_sysctl_get(self->l, "net.ipv4.ip_default_ttl", now,
					      sizeof(now)));
		EXPECT_STREQ(before, now);
		EXPECT_EQ(0, has_mark(self->l));
		EXPECT_EQ(-ENOENT, read_file(self->l, "/new", now, sizeof(now)));
		EXPECT_EQ(-1, libos_listen(self->l, sock, 1));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(0, works(self->l));
	}
}

/* --------------------------------------------------------------- refusals */

struct call {
	struct libos *l;
	int fd;
	bool begun;
	long result;
};

static void *blocked_call(void *arg)
{
	struct call *c = arg;
	char byte;

	__atomic_store_n(&c->begun, libos_syscall(c->l, SYS_gettid) > 0, __ATOMIC_RELEASE);
	c->result = libos_recv(c->l, c->fd, &byte, 1, 0);
	return NULL;
}

/* Snapshots until one is refused: it takes the thread a moment to block. */
static int snapshot_is_refused(struct libos *l)
{
	int fd = 0, i;

	for (i = 0; i < 1000 && fd >= 0; i++) {
		fd = libos_snapshot(l);
		if (fd >= 0)
			close(fd);
		usleep(1000);
	}
	return fd;
}

TEST_F(snapshot, busy_with_a_call)
{
	struct call call = { .l = self->l };
	pthread_t thread;
	int pair[2], fd;

	fd = libos_snapshot(self->l);
	ASSERT_OK(fd);
	ASSERT_EQ(0, connection(self->l, self->l, 0, "127.0.0.1", 7001, pair));
	call.fd = pair[1];
	ASSERT_EQ(0, pthread_create(&thread, NULL, blocked_call, &call));
	while (!__atomic_load_n(&call.begun, __ATOMIC_ACQUIRE))
		usleep(100);
	EXPECT_EQ(-EBUSY, snapshot_is_refused(self->l));
	EXPECT_EQ(-EBUSY, libos_reset(self->l, fd));
	ASSERT_EQ(1, libos_send(self->l, pair[0], "x", 1, 0));
	pthread_join(thread, NULL);
	EXPECT_EQ(1, call.result);
	EXPECT_LE(0, libos_snapshot(self->l));
}

TEST_F(snapshot, busy_with_a_device)
{
	struct libos_port a = port_of(self->l, 1), b = port_of(self->l, 2);
	struct libos_dev *dev[2];
	int fd = libos_snapshot(self->l);

	ASSERT_OK(fd);
	ASSERT_OK(libos_cable(&a, &b, NULL, dev));
	EXPECT_EQ(-EBUSY, libos_snapshot(self->l));
	EXPECT_NE(NULL, strstr(libos_error(), libos_dev_name(dev[0])));
	EXPECT_EQ(-EBUSY, libos_reset(self->l, fd));
	ASSERT_OK(libos_dev_close(dev[0]));
	EXPECT_LE(0, libos_snapshot(self->l));
	EXPECT_EQ(0, works(self->l));
}

TEST_F(snapshot, no_snapshot)
{
	struct libos *l = NULL;
	int fd = memfd_create("test", MFD_CLOEXEC);

	EXPECT_EQ(-EINVAL, libos_clone(fd, NULL, &l));
	EXPECT_EQ(-EINVAL, libos_clone(-1, NULL, &l));
	EXPECT_EQ(-EINVAL, libos_reset(self->l, fd));
	EXPECT_NE(NULL, strstr(libos_error(), "no snapshot"));
	EXPECT_EQ(NULL, l);
	EXPECT_EQ(0, works(self->l));
}

TEST_HARNESS_MAIN
