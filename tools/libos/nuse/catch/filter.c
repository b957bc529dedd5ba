// SPDX-License-Identifier: GPL-2.0
/*
 * filter.c - the host's kernel is told which calls are to trap.
 *
 * What decides is the number first, by a search tree, so that for numbers that
 * never trap the kernel finds that out once and then runs no filter at all. For
 * the others only the gateway may pass. A program that is exec'ed inherits the
 * filter, so it is asked for before one is installed: each costs.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include "inner.h"

enum leaf { PASS, TRAP, MAP, MEMORY, KILL, KILL_THREAD, REFUSE, PROBE, NR_LEAVES };

#define MAX_RANGES	250		/* jumps in the tree have 8 bits */
#define MAX_CODE	(2 * MAX_RANGES + 40)

struct range {
	uint32_t first;
	enum leaf leaf;
};

struct program {
	unsigned int nr_ranges, len;
	struct range ranges[MAX_RANGES];
	struct sock_filter code[MAX_CODE];
};

static struct program program;

/* Those that change mappings, whose address comes first */
static bool is_of_memory(long nr)
{
	return nr == __NR_munmap || nr == __NR_mprotect || nr == __NR_pkey_mprotect ||
	       nr == __NR_madvise || nr == __NR_mremap;
}

static enum leaf leaf_of(long nr)
{
	switch (nr) {
	case __NR_io_uring_setup:
	case __NR_io_uring_enter:
	case __NR_io_uring_register:
		return REFUSE;
	}
	if (!call_is_ours(nr) && !nuse_wants(nr))
		return is_of_memory(nr) ? MEMORY : PASS;
	switch (nr) {
	case __NR_mmap:
		return MAP;
	case __NR_kill:
	case __NR_tkill:
	case __NR_rt_sigqueueinfo:
	case __NR_pidfd_send_signal:
		return KILL;
	case __NR_tgkill:
	case __NR_rt_tgsigqueueinfo:
		return KILL_THREAD;
	}
	return TRAP;
}

static int add_range(struct program *p, uint32_t first, enum leaf leaf)
{
	if (p->nr_ranges && p->ranges[p->nr_ranges - 1].leaf == leaf)
		return 0;
	if (p->nr_ranges == MAX_RANGES)
		return -E2BIG;
	p->ranges[p->nr_ranges++] = (struct range) { first, leaf };
	return 0;
}

static int make_ranges(struct program *p)
{
	int err = 0;
	long nr;

	for (nr = 0; nr < NR_CALLS && !err; nr++)
		err = add_range(p, nr, leaf_of(nr));
	if (!err)
		err = add_range(p, NR_CALLS, PASS);
	if (!err)
		err = add_range(p, PROBE_NR, PROBE);
	if (!err)
		err = add_range(p, PROBE_NR + 1, PASS);
	return err ?: add_range(p, 0x40000000, REFUSE);		/* x32 */
}

static void emit(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	p->code[p->len++] = (struct sock_filter) { code, jt, jf, k };
}

/* Jumps carry their leaf until emit_leaves() knows where that is. */
static void emit_tree(struct program *p, const struct range *r, unsigned int n)
{
	unsigned int left = n / 2;

	if (n == 1) {
		emit(p, BPF_JMP | BPF_JA, 0, 0, r->leaf);
		return;
	}
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 2 * left - 1, 0, r[left].first);
	emit_tree(p, r, left);
	emit_tree(p, r + left, n - left);
}

static void load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

#define DATA(field)	offsetof(struct seccomp_data, field)
#define HIGH(field)	(DATA(field) + 4)
#define EQUAL		(BPF_JMP | BPF_JEQ | BPF_K)
#define RETURN		(BPF_RET | BPF_K)

static void emit_leaves(struct program *p)
{
	unsigned int i, at[NR_LEAVES];

	at[KILL] = p->len;		/* of what sends signals, these two alone trap */
	load(p, DATA(args[1]));
	emit(p, EQUAL, 4, 0, SIGKILL);
	emit(p, EQUAL, 3, 4, SIGSTOP);
	at[KILL_THREAD] = p->len;
	load(p, DATA(args[2]));
	emit(p, EQUAL, 1, 0, SIGKILL);
	emit(p, EQUAL, 0, 1, SIGSTOP);
	emit(p, BPF_JMP | BPF_JA, 0, 0, TRAP);
	emit(p, RETURN, 0, 0, SECCOMP_RET_ALLOW);
	at[MEMORY] = p->len;
	load(p, HIGH(args[0]));
	emit(p, EQUAL, 1, 0, NUSE_MEMORY >> 32);
	emit(p, RETURN, 0, 0, SECCOMP_RET_ALLOW);
	at[MAP] = p->len;		/* the gateway's own mapping */
	load(p, DATA(args[0]));
	emit(p, EQUAL, 0, 3, (uint32_t)NUSE_GATEWAY);
	load(p, HIGH(args[0]));
	emit(p, EQUAL, 0, 1, NUSE_GATEWAY >> 32);
	emit(p, RETURN, 0, 0, SECCOMP_RET_ALLOW);
	at[TRAP] = p->len;
	load(p, HIGH(instruction_pointer));
	emit(p, EQUAL, 0, 3, NUSE_GATEWAY >> 32);
	load(p, DATA(instruction_pointer));
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 1, 0, (uint32_t)NUSE_GATEWAY + GATEWAY_SIZE);
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 1, 0, (uint32_t)NUSE_GATEWAY);
	emit(p, RETURN, 0, 0, SECCOMP_RET_TRAP | TRAP_MARK);
	at[PASS] = p->len;
	emit(p, RETURN, 0, 0, SECCOMP_RET_ALLOW);
	at[REFUSE] = p->len;
	emit(p, RETURN, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
	at[PROBE] = p->len;
	emit(p, RETURN, 0, 0, SECCOMP_RET_ERRNO | PROBE_ERROR);
	for (i = 0; i < p->len; i++)
		if (p->code[i].code == (BPF_JMP | BPF_JA))
			p->code[i].k = at[p->code[i].k] - (i + 1);
}

static int make_program(struct program *p)
{
	int err = make_ranges(p);

	if (err)
		return err;
	load(p, DATA(arch));
	emit(p, EQUAL, 1, 0, AUDIT_ARCH_X86_64);
	emit(p, BPF_JMP | BPF_JA, 0, 0, REFUSE);
	load(p, DATA(nr));
	emit_tree(p, p->ranges, p->nr_ranges);
	emit_leaves(p);
	return 0;
}

int filter_install(void)
{
	struct sock_fprog fprog = { .filter = program.code };
	int err;

	if (host_call(PROBE_NR, 0, 0, 0, 0, 0, 0) == -PROBE_ERROR)
		return 0;
	err = make_program(&program);
	if (err)
		return err;
	err = host_call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
	if (err)
		return err;
	fprog.len = program.len;
	err = host_call(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
			SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &fprog, 0, 0, 0);
	return err > 0 ? -EBUSY : err;		/* a thread has another filter */
}
