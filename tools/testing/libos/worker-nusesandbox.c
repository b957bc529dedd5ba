// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nusesandbox.c - programs with seccomp filters of their own: what they refuse
 * fails, ends the process or is a signal, by whatever way the call is made, and what
 * they allow goes on. See nusecalls.h.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include "nusecalls.h"

#define NR_IS(nr, yes, no)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, yes, no)
#define LOAD(field)		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action)		BPF_STMT(BPF_RET | BPF_K, action)

/* With an error that these calls do not have by themselves */
#define REFUSED			(SECCOMP_RET_ERRNO | EXDEV)

static int install(struct sock_filter *code, unsigned short len, unsigned int flags)
{
	struct sock_fprog fprog = { len, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return flags ? syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog) :
		       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog);
}

/* All calls with this number end so. */
static int filter(unsigned int nr, unsigned int action, unsigned int flags)
{
	struct sock_filter code[] = {
		LOAD(nr),
		NR_IS(nr, 0, 1),
		RETURN(action),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return install(code, ARRAY_SIZE(code), flags);
}

/* Those that a server needs for a client; it is killed for any other. */
static int allow_few(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		NR_IS(__NR_read, 6, 0),
		NR_IS(__NR_write, 5, 0),
		NR_IS(__NR_poll, 4, 0),
		NR_IS(__NR_close, 3, 0),
		NR_IS(__NR_exit_group, 2, 0),
		NR_IS(__NR_rt_sigreturn, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return install(code, ARRAY_SIZE(code), 0);
}

static bool is_refused(long ret)
{
	return ret == -1 && errno == EXDEV;
}

TEST(an_error)
{
	int fd[2];

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, filter(__NR_shutdown, REFUSED, 0));
	EXPECT_EQ(SECCOMP_MODE_FILTER, prctl(PR_GET_SECCOMP));
	EXPECT_TRUE(is_refused(shutdown(fd[0], SHUT_RDWR)));
	EXPECT_TRUE(is_refused(syscall(__NR_shutdown, fd[0], SHUT_RDWR)));
	EXPECT_TRUE(is_refused(shutdown(-1, SHUT_RDWR)));
	EXPECT_TRUE(connected(fd));
}

/* The code has made such calls before. */
TEST(an_error_from_now_on)
{
	int fd[2], i;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 100; i++) {
		ASSERT_TRUE(passes(fd[0], fd[1]));
		ASSERT_EQ(-1, shutdown(-1, 0));
		ASSERT_EQ(EBADF, errno);
		ASSERT_EQ(-1, syscall(__NR_recvfrom, -1, 0, 0, 0, 0, 0));
	}
	ASSERT_EQ(0, filter(__NR_shutdown, REFUSED, 0));
	ASSERT_EQ(0, filter(__NR_recvfrom, REFUSED, 0));
	for (i = 0; i < 100; i++) {
		ASSERT_TRUE(is_refused(shutdown(fd[0], 0)));
		ASSERT_TRUE(is_refused(recv(fd[0], fd, 1, MSG_DONTWAIT)));
		ASSERT_TRUE(is_refused(syscall(__NR_recvfrom, -1, 0, 0, 0, 0, 0)));
		ASSERT_TRUE(connected(fd));
	}
}

/* All instructions that a filter may have */
TEST(arguments)
{
	struct sock_filter code[] = {
		LOAD(args[0]),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LDX | BPF_IMM, 5),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 6),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 12),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 3),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_STMT(BPF_STX, 5),
		BPF_STMT(BPF_LDX | BPF_MEM, 3),
		/* for AF_INET6: -(((10 + 5) * 6 - 12) / 3 * 16 / 2 ^ 1 | 2) */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, -211U, 0, 5),
		BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, AF_INET6, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, AF_INET6, 0, 2),
		LOAD(nr),
		NR_IS(__NR_socket, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, AUDIT_ARCH_X86_64, 0, 1),
		RETURN(REFUSED),
		RETURN(SECCOMP_RET_ALLOW),
	};

	ASSERT_EQ(0, install(code, ARRAY_SIZE(code), 0));
	EXPECT_TRUE(is_refused(socket(AF_INET6, SOCK_DGRAM, 0)));
	EXPECT_TRUE(is_refused(socket(AF_INET6, SOCK_STREAM, 0)));
	EXPECT_LE(0, socket(AF_INET, SOCK_DGRAM, 0));
	EXPECT_LE(0, socket(AF_NETLINK, SOCK_RAW, 0));
	EXPECT_LE(0, socket(AF_UNIX, SOCK_STREAM, 0));
}

TEST(those_that_are_none)
{
	static struct sock_filter code[BPF_MAXINSNS + 1] = { RETURN(SECCOMP_RET_ALLOW) };
	struct sock_filter bad = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4096);

	EXPECT_EQ(-1, install(&bad, 1, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, install(code, 0, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, install(code, BPF_MAXINSNS + 1, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, install((void *)8, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_LE(0, socket(AF_INET, SOCK_DGRAM, 0));
}

/* It waits, works, and dies of its first other call; the others go on. */
TEST(a_server_that_may_do_little)
{
	int fd[2], other[2];
	char c = 'a';
	pid_t child;

	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, tcp_pair(other));
	child = CHILD(({
		struct pollfd poll_fd = { fd[1], POLLIN, 0 };

		if (allow_few())
			_exit(2);
		while (poll(&poll_fd, 1, -1) == 1 && read(fd[1], &c, 1) == 1 && c != 'x')
			write(fd[1], &c, 1);
		shutdown(fd[1], SHUT_RDWR);
		3;
	}));
	close(fd[1]);
	for (c = 'a'; c <= 'z'; c++) {
		if (c == 'x')
			continue;
		sleep_ms(c % 3);
		ASSERT_EQ(1, write(fd[0], &c, 1));
		ASSERT_EQ(1, read(fd[0], &c, 1));
	}
	ASSERT_EQ(1, write(fd[0], "x", 1));
	EXPECT_EQ(1000 + SIGSYS, status_of(child));
	EXPECT_EQ(0, read(fd[0], &c, 1));
	EXPECT_TRUE(connected(other));
}

static volatile siginfo_t trapped;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	trapped = *info;
	uc->uc_mcontext.gregs[REG_RAX] = 42 + sig - SIGSYS;
}

TEST(a_signal)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	int fd[2], i;

	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < 10; i++)
		listen(-1, 1);
	ASSERT_EQ(0, sigaction(SIGSYS, &action, NULL));
	ASSERT_EQ(0, filter(__NR_listen, SECCOMP_RET_TRAP | 77, 0));
	for (i = 0; i < 10; i++) {
		trapped.si_signo = 0;
		ASSERT_EQ(42, listen(i % 2 ? fd[0] : -1, 1));
		ASSERT_EQ(SIGSYS, trapped.si_signo);
		ASSERT_EQ(77, trapped.si_errno);
		ASSERT_EQ(__NR_listen, trapped.si_syscall);
		ASSERT_EQ(AUDIT_ARCH_X86_64, trapped.si_arch);
		ASSERT_TRUE(connected(fd));
	}
}

static void *shuts(void *arg)
{
	return (void *)(long)is_refused(shutdown(*(int *)arg, SHUT_WR));
}

static void *filters_and_shuts(void *arg)
{
	if (filter(__NR_shutdown, REFUSED, 0))
		return NULL;
	return shuts(arg);
}

static bool in_thread(void *(*fn)(void *arg), int fd)
{
	pthread_t thread;
	void *result = NULL;

	return !pthread_create(&thread, NULL, fn, &fd) && !pthread_join(thread, &result) && result;
}

TEST(threads)
{
	int fd[2];

	ASSERT_EQ(0, udp_pair(fd));
	EXPECT_TRUE(in_thread(filters_and_shuts, fd[0]));
	EXPECT_FALSE(in_thread(shuts, fd[0]));
	EXPECT_EQ(0, shutdown(fd[0], SHUT_WR));
	ASSERT_EQ(0, filter(__NR_shutdown, REFUSED, 0));
	EXPECT_TRUE(in_thread(shuts, fd[0]));
	EXPECT_EQ(1, status_of(CHILD(in_thread(shuts, fd[0]))));
	EXPECT_EQ(1, status_of(CHILD(is_refused(shutdown(fd[0], SHUT_WR)))));
}

static void shut_later(struct later *later)
{
	later->other = is_refused(shutdown(later->fd, SHUT_WR));
}

/* One that is there already */
TEST(all_threads)
{
	struct later later = { .act = shut_later };
	int fd[2];

	ASSERT_EQ(0, udp_pair(fd));
	later.fd = fd[0];
	later_start(&later);
	ASSERT_EQ(0, filter(__NR_shutdown, REFUSED, SECCOMP_FILTER_FLAG_TSYNC));
	later_end(&later);
	EXPECT_TRUE(later.other);
}

static bool says(const char *command, const char *word)
{
	FILE *pipe = popen(command, "r");
	char text[256];
	bool found = false;

	if (!pipe)
		return false;
	while (fgets(text, sizeof(text), pipe))
		found |= !!strstr(text, word);
	return !pclose(pipe) && found;
}

/* A program inherits them, and its children do. */
TEST(programs)
{
	static const char client[] =
		"LC_ALL=C bash -c ': < /dev/tcp/127.0.0.1/1; :' 2>&1; sh -c 'exit 0'";

	EXPECT_TRUE(says(client, "refused"));
	ASSERT_EQ(0, filter(__NR_connect, REFUSED, 0));
	ASSERT_EQ(0, filter(__NR_listen, REFUSED, 0));
	EXPECT_TRUE(says(client, "Invalid cross-device link"));
}

TEST_HARNESS_MAIN
