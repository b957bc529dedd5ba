// SPDX-License-Identifier: GPL-2.0
/*
 * sandbox.c - filters that the program has for its own calls (seccomp).
 *
 * The host has each of them, behind a few instructions that let pass what leaves by
 * the gateway: those calls are not the program's. So it judges all that the program
 * calls, but where our filter has a call trap, that goes before an error. That error
 * is found here: the same filters are run when the call has trapped. So from the first
 * filter on, no thread of the process has its calls done by hooks or patched code.
 *
 * A thread's filters are a list, the newest first. What is in one is never changed or
 * given back. The next program gets a copy in a file (exec.c).
 */
#include <linux/audit.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include "inner.h"

#define DATA(field)	offsetof(struct seccomp_data, field)
#define MAX_ERRNO	4095

/* Before the program's own instructions, which find the accumulator as it was at first */
static const struct sock_filter prefix[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(instruction_pointer) + 4),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NUSE_GATEWAY >> 32, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(instruction_pointer)),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)NUSE_GATEWAY + GATEWAY_SIZE, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_STMT(BPF_LD | BPF_IMM, 0),
};

#define NR_PREFIX	(sizeof(prefix) / sizeof(prefix[0]))

_Static_assert(!(uint32_t)NUSE_GATEWAY, "the prefix looks at one end of the page only");

struct sandbox {
	const struct sandbox *older;
	uint64_t len;
	struct sock_filter code[];
};

static size_t size_of(uint64_t len)
{
	return sizeof(struct sandbox) + len * sizeof(struct sock_filter);
}

/* ---------------------------------------------------------------- verdict */

static uint32_t loaded(const struct sock_filter *f, const char *data, const uint32_t *memory)
{
	switch (BPF_MODE(f->code)) {
	case BPF_ABS:
		return *(uint32_t *)(data + f->k);
	case BPF_LEN:
		return sizeof(struct seccomp_data);
	case BPF_MEM:
		return memory[f->k];
	}
	return f->k;
}

static uint32_t computed(unsigned int op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	}
	return -a;
}

static uint32_t jump(const struct sock_filter *f, uint32_t a, uint32_t b)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == b ? f->jt : f->jf;
	case BPF_JGT:
		return a > b ? f->jt : f->jf;
	case BPF_JGE:
		return a >= b ? f->jt : f->jf;
	case BPF_JSET:
		return a & b ? f->jt : f->jf;
	}
	return f->k;
}

/* The host has found that the filter is a valid one, and that it does not end the process. */
static uint32_t run(const struct sock_filter *f, const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0, b, memory[BPF_MEMWORDS];

	for (;; f++) {
		b = BPF_SRC(f->code) == BPF_X ? x : f->k;
		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			a = loaded(f, (const char *)data, memory);
			break;
		case BPF_LDX:
			x = loaded(f, (const char *)data, memory);
			break;
		case BPF_ST:
			memory[f->k] = a;
			break;
		case BPF_STX:
			memory[f->k] = x;
			break;
		case BPF_ALU:
			a = computed(BPF_OP(f->code), a, b);
			break;
		case BPF_JMP:
			f += jump(f, a, b);
			break;
		case BPF_RET:
			return BPF_RVAL(f->code) == BPF_A ? a : f->k;
		default:
			if (BPF_MISCOP(f->code) == BPF_TAX)
				x = a;
			else
				a = x;
		}
	}
}

bool sandbox_has(const struct sandbox *newest, const struct sandbox *s)
{
	while (newest && newest != s)
		newest = newest->older;
	return newest == s;
}

static long error_of(uint32_t ret)
{
	long error = ret & SECCOMP_RET_DATA;

	return error < MAX_ERRNO ? error : MAX_ERRNO;
}

long sandbox_error(long nr, const long args[6], uintptr_t ip)
{
	struct thread *self = thread_self();
	const struct sandbox *s = self ? self->sandbox : NULL;
	struct seccomp_data data = {
		.nr = nr, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = ip,
	};
	uint32_t ret;

	memcpy(data.args, args, sizeof(data.args));
	for (; s; s = s->older) {
		ret = run(s->code, &data);
		if ((ret & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
			return -error_of(ret);
	}
	return SANDBOX_PASS;
}

/* ------------------------------------------------------------- installing */

static struct sandbox *make(uint64_t len)
{
	long mem = host_call(__NR_mmap, 0, size_of(len), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem < 0 ? NULL : (struct sandbox *)mem;
}

static void take_effect(struct thread *self, const struct sandbox *s, bool all)
{
	if (all)
		thread_sandboxed(s);
	else
		self->sandbox = s;
	patch_end();
	nuse_fds = NULL;
}

void sandbox_born(void)
{
	struct thread *self = thread_self();

	if (self && self->sandbox)
		nuse_fds = NULL;
}

long sandbox_add(unsigned int flags, long user)
{
	struct thread *self = thread_self();
	struct sock_fprog fprog;
	struct sandbox *s;
	long ret;

	if (user_read(&fprog, user, sizeof(fprog)))
		return -EFAULT;
	if (!fprog.len || fprog.len > BPF_MAXINSNS - NR_PREFIX)
		return -EINVAL;
	s = self ? make(NR_PREFIX + fprog.len) : NULL;
	if (!s)
		return -ENOMEM;
	s->older = self->sandbox;
	s->len = NR_PREFIX + fprog.len;
	memcpy(s->code, prefix, sizeof(prefix));
	ret = user_read(s->code + NR_PREFIX, (long)fprog.filter, fprog.len * sizeof(*s->code));
	if (!ret) {
		fprog.len = s->len;
		fprog.filter = s->code;
		ret = host_call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog, 0, 0, 0);
	}
	/* More than 0: a descriptor, or a thread that has filters of its own */
	if (ret < 0 || (ret > 0 && !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)))
		host_call(__NR_munmap, s, size_of(s->len), 0, 0, 0, 0);
	else
		take_effect(self, s, flags & SECCOMP_FILTER_FLAG_TSYNC);
	return ret;
}

/* ------------------------------------------------------------------- exec */

/* The oldest first, as they are to be made again */
static void save(int fd, const struct sandbox *s)
{
	if (s->older)
		save(fd, s->older);
	host_call(__NR_write, fd, s, size_of(s->len), 0, 0, 0);
}

int sandbox_save(void)
{
	struct thread *self = thread_self();
	long fd;

	if (!self || !self->sandbox)
		return 0;
	fd = host_call(__NR_memfd_create, "nuse-sandbox", 0, 0, 0, 0, 0);
	if (fd < 0)
		return fd;
	save(fd, self->sandbox);
	return fd;
}

int sandbox_restore(int fd)
{
	struct thread *self = thread_self();
	struct sandbox head, *s;
	long at = 0;

	while (host_call(__NR_pread64, fd, &head, sizeof(head), at, 0, 0) == sizeof(head)) {
		s = make(head.len);
		if (!s)
			return -ENOMEM;
		host_call(__NR_pread64, fd, s, size_of(head.len), at, 0, 0);
		at += size_of(head.len);
		s->older = self->sandbox;
		take_effect(self, s, false);
	}
	host_call(__NR_close, fd, 0, 0, 0, 0, 0);
	return 0;
}
