// SPDX-License-Identifier: GPL-2.0
/*
 * calls.c - calls by libc, by its syscall(), by instructions of our own; what
 * stays in registers; bad pointers.
 */
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "check.h"

static void kinds(void)
{
	char buf[8];
	int i;

	for (i = 0; i < 1000; i++) {
		EQUAL(getppid(), CAUGHT);
		EQUAL(syscall(SYS_getppid), CAUGHT);
		EQUAL(trapped(SYS_getppid), CAUGHT);
		memset(buf, 0, sizeof(buf));
		EQUAL(read(600, buf, 3), 3);
		TRUE(!strcmp(buf, "abc"));
		EQUAL(recv(600, buf, 4, 0), 4);
		TRUE(!strcmp(buf, "abcd"));
		EQUAL(syscall(SYS_getuid), getuid());
		EQUAL(read(400, buf, 1), -1);
		EQUAL(errno, EBADF);
		EQUAL(getpriority(PRIO_PROCESS, 0), 0);
	}
}

/* Every register but rax, rcx, r11 stays, and so do xmm and the red zone. */
static void registers(void)
{
	uint64_t before[14], after[14];
	int i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 14; i++)
			before[i] = 0x1111111111111111UL * (i + 1);
		asm volatile(
			"push %%rbp; push %%rbx; mov %0, %%rcx; mov %1, %%rbx; push %%rbx\n\t"
			"mov 0(%%rcx), %%rbx; mov 8(%%rcx), %%rdx; mov 16(%%rcx), %%rsi\n\t"
			"mov 24(%%rcx), %%rdi; mov 32(%%rcx), %%rbp; mov 40(%%rcx), %%r8\n\t"
			"mov 48(%%rcx), %%r9; mov 56(%%rcx), %%r10; mov 64(%%rcx), %%r12\n\t"
			"mov 72(%%rcx), %%r13; mov 80(%%rcx), %%r14; mov 88(%%rcx), %%r15\n\t"
			"movq 96(%%rcx), %%xmm0; movq 104(%%rcx), %%xmm15\n\t"
			"movq %%rsi, -8(%%rsp); movq %%rdi, -128(%%rsp)\n\t"
			"mov $110, %%eax; syscall\n\t"
			"cmpq %%rsi, -8(%%rsp); jne 1f; cmpq %%rdi, -128(%%rsp); jne 1f\n\t"
			"cmp $4242, %%rax; jne 1f; pop %%rcx\n\t"
			"mov %%rbx, 0(%%rcx); mov %%rdx, 8(%%rcx); mov %%rsi, 16(%%rcx)\n\t"
			"mov %%rdi, 24(%%rcx); mov %%rbp, 32(%%rcx); mov %%r8, 40(%%rcx)\n\t"
			"mov %%r9, 48(%%rcx); mov %%r10, 56(%%rcx); mov %%r12, 64(%%rcx)\n\t"
			"mov %%r13, 72(%%rcx); mov %%r14, 80(%%rcx); mov %%r15, 88(%%rcx)\n\t"
			"movq %%xmm0, 96(%%rcx); movq %%xmm15, 104(%%rcx)\n\t"
			"pop %%rbx; pop %%rbp; jmp 2f\n"
			"1:	ud2\n"
			"2:"
			: : "r" (before), "r" (after)
			: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
			  "r14", "r15", "xmm0", "xmm15", "memory", "cc");
		for (i = 0; i < 14; i++)
			EQUAL(after[i], before[i]);
	}
}

/* As the host says it, whether by trap or by jump */
static void bad_pointers(void)
{
	static char *const none[] = { NULL };
	void *bad = (void *)8;
	int i;

	for (i = 0; i < 3; i++) {
		EQUAL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad, NULL, 8), -1);
		EQUAL(errno, EFAULT);
		EQUAL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, bad, 8), -1);
		EQUAL(errno, EFAULT);
		EQUAL(syscall(SYS_rt_sigprocmask, 9, none, NULL, 8), -1);
		EQUAL(errno, EINVAL);
		EQUAL(syscall(SYS_rt_sigaction, SIGUSR1, bad, NULL, 8), -1);
		EQUAL(errno, EFAULT);
		EQUAL(syscall(SYS_rt_sigaction, SIGKILL, none, NULL, 4), -1);
		EQUAL(errno, EINVAL);
		EQUAL(syscall(SYS_ppoll, NULL, 0, NULL, bad, 8), -1);
		EQUAL(errno, EFAULT);
		EQUAL(syscall(SYS_execve, bad, none, none), -1);
		EQUAL(errno, EFAULT);
		EQUAL(syscall(SYS_execve, "/bin/true", bad, none), -1);
		EQUAL(errno, EFAULT);
		EQUAL(syscall(SYS_readlink, "/proc/self/exe", bad, 100), -1);
		EQUAL(errno, EFAULT);
		EQUAL(syscall(SYS_clone3, bad, 64), -1);
		EQUAL(errno, EFAULT);
		EQUAL(syscall(425 /* io_uring_setup */, 1, none), -1);
		EQUAL(errno, ENOSYS);
	}
}

/* What libc calls with is a jump after the first time; ours cannot be. */
static void patched(void)
{
	const uint8_t *ours = (void *)trapped, *libc = (void *)getppid;
	int i;

	for (i = 0; i < 2; i++) {
		EQUAL(getppid(), CAUGHT);
		EQUAL(trapped(SYS_getppid), CAUGHT);
	}
	EQUAL(libc[0], 0xe9);
	for (i = 0; i < 64 && (ours[i] != 0x0f || ours[i + 1] != 0x05); i++)
		TRUE(ours[i] != 0xe9);
	TRUE(i < 64);
}

static void exe(void)
{
	char link[300], own[40];
	ssize_t len = readlink("/proc/self/exe", link, sizeof(link) - 1);

	TRUE(len > 0);
	link[len] = 0;
	TRUE(strstr(link, "calls"));
	snprintf(own, sizeof(own), "/proc/%d/exe", getpid());
	EQUAL(readlink(own, link, 5), 5);
	EQUAL(readlink("/proc/self/none", link, 5), -1);
	EQUAL(errno, ENOENT);
}

static void inside_libc(void)
{
	struct addrinfo *list, hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	char line[64] = "";
	FILE *pipe;

	EQUAL(getaddrinfo("localhost", "80", &hints, &list), 0);
	freeaddrinfo(list);
	pipe = popen("echo $PPID; exit 3", "r");
	TRUE(pipe);
	TRUE(fgets(line, sizeof(line), pipe));
	EQUAL(atoi(line), CAUGHT);
	EQUAL(WEXITSTATUS(pclose(pipe)), 3);
	EQUAL(WEXITSTATUS(system("test $PPID = 4242")), 0);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{ "kinds", kinds }, { "patched", patched }, { "registers", registers },
		{ "bad_pointers", bad_pointers }, { "exe", exe }, { "inside_libc", inside_libc }, { NULL, NULL },
	};

	return check_main(argc, argv, checks);
}
