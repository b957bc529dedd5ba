// SPDX-License-Identifier: GPL-2.0
/*
 * birth.c - clone, clone3, fork, vfork: two threads come out of one call.
 *
 * A child that has its parent's memory must find no signal frame of ours, on
 * its own stack or on one that it has in common with its parent (vfork). So the
 * handler of SIGSYS changes the saved registers only: back from the signal, the
 * program is in the gateway with a struct birth, where it makes the call, and
 * from there both sides go on (gateway-code.S). All signals of the program are
 * blocked in between, but for SIGSYS.
 */
#include <linux/mman.h>
#include <linux/sched.h>
#include "inner.h"

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

/* Up to @users as gateway.h has it; the rest of its memory is a stack. */
struct birth {
	uint64_t rip, rbx, r12, r13, rdi, rsi, rdx, r10, r8, r9;
	uint64_t mask;			/* the program's */
	void (*done)(struct birth *birth, long ret);
	int users;			/* free at 0; the last to leave has it 0 */
	bool sigsys_blocked;
	int child;			/* thread id of one that has our memory only */
	uint64_t flags;
	struct signal_state state;
	void *left;			/* memory that such a child left, to unmap */
	size_t left_size;
	struct birth *next;
};

_Static_assert(offsetof(struct birth, mask) == BIRTH_MASK, "gateway.h");
_Static_assert(offsetof(struct birth, done) == BIRTH_DONE, "gateway.h");
_Static_assert(offsetof(struct birth, users) == BIRTH_USERS, "gateway.h");

static struct birth *births;
/* Parents that wait for a child on their memory */
static int lenders;

static struct birth *find(int users)
{
	struct birth *b;
	int none;

	for (b = __atomic_load_n(&births, __ATOMIC_ACQUIRE); b; b = b->next) {
		none = 0;
		if (__atomic_compare_exchange_n(&b->users, &none, users, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return b;
	}
	return NULL;
}

static struct birth *make(int users)
{
	struct birth *b = (void *)host_call(__NR_mmap, 0, BIRTH_SIZE, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if ((long)b < 0 && (long)b > -4096)
		return NULL;
	b->users = users;
	b->next = __atomic_load_n(&births, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&births, &b->next, b, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	return b;
}

/* A process that shares memory, but not the actions of signals: vfork, posix_spawn */
static bool borrows(uint64_t flags)
{
	return flags & CLONE_VM && !(flags & (CLONE_SIGHAND | CLONE_THREAD));
}

static bool lends(uint64_t flags)
{
	return borrows(flags) && flags & CLONE_VFORK;
}

static void in_child(struct birth *b)
{
	struct thread *self;
	struct birth *other;

	if (b->flags & CLONE_CLEAR_SIGHAND)
		trap_arm(borrows(b->flags) ? &b->state.sigsys : &signal_state.sigsys);
	if (!(b->flags & CLONE_VM)) {
		for (other = births; other; other = other->next)
			other->users = other == b;
		lenders = 0;
		signal_state = b->state;
		patch_reset();
	} else if (borrows(b->flags)) {
		b->child = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
	}
	self = thread_self();
	if (self && b->flags & CLONE_SETTLS) {
		self->sigsys_blocked = b->sigsys_blocked;
		self->busy = false;
	}
	nuse_new_thread(b->flags);
}

static void in_parent(struct birth *b, long ret)
{
	if (ret < 0 && b->flags & CLONE_VM)
		b->users = 1;
	if (lends(b->flags)) {
		struct thread *self = thread_self();

		if (self)
			self->sigsys_blocked = b->sigsys_blocked;
		__atomic_sub_fetch(&lenders, 1, __ATOMIC_RELAXED);
		b->child = 0;
		if (b->left)
			host_call(__NR_munmap, b->left, b->left_size, 0, 0, 0, 0);
		b->left = NULL;
	}
	nuse_clone_end(b->flags, ret);
}

static void done(struct birth *b, long ret)
{
	if (ret)
		in_parent(b, ret);
	else
		in_child(b);
}

static int flags_of(long nr, const struct sigcontext *regs, uint64_t *flags)
{
	switch (nr) {
	case __NR_clone:
		*flags = (uint32_t)regs->rdi & ~CSIGNAL;
		return 0;
	case __NR_clone3:
		return user_read(flags, regs->rdi, sizeof(*flags));
	case __NR_vfork:
		*flags = CLONE_VM | CLONE_VFORK;
		return 0;
	}
	*flags = 0;
	return 0;
}

static void keep(struct birth *b, const struct ucontext *uc)
{
	const struct sigcontext *regs = &uc->uc_mcontext;

	b->rip = regs->rip;
	b->rbx = regs->rbx;
	b->r12 = regs->r12;
	b->r13 = regs->r13;
	b->rdi = regs->rdi;
	b->rsi = regs->rsi;
	b->rdx = regs->rdx;
	b->r10 = regs->r10;
	b->r8 = regs->r8;
	b->r9 = regs->r9;
	b->mask = uc->uc_sigmask;
}

void birth_begin(long nr, struct ucontext *uc)
{
	struct thread *self = thread_self();
	struct birth *b;
	uint64_t flags;
	int users;

	if (flags_of(nr, &uc->uc_mcontext, &flags)) {
		uc->uc_mcontext.rax = -EFAULT;
		return;
	}
	users = flags & CLONE_VM ? 2 : 1;
	b = find(users) ?: make(users);
	if (!b) {
		uc->uc_mcontext.rax = -ENOMEM;
		return;
	}
	keep(b, uc);
	b->done = done;
	b->flags = flags;
	b->sigsys_blocked = self && self->sigsys_blocked;
	b->state = *(birth_state() ?: &signal_state);
	b->child = 0;
	b->left = NULL;
	uc->uc_sigmask = ~SIGSYS_BIT;
	host_call(__NR_rt_sigprocmask, SIG_SETMASK, &uc->uc_sigmask, 0, sizeof(b->mask), 0, 0);
	if (lends(flags))
		__atomic_add_fetch(&lenders, 1, __ATOMIC_RELAXED);
	nuse_clone_begin(flags);
	uc->uc_mcontext.rax = nr;
	uc->uc_mcontext.rbx = (uint64_t)b;
	uc->uc_mcontext.rip = NUSE_GATEWAY + GATEWAY_CLONE;
}

static struct birth *birth_of_borrower(void)
{
	struct birth *b;
	int self;

	if (!__atomic_load_n(&lenders, __ATOMIC_RELAXED))
		return NULL;
	self = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
	for (b = births; b; b = b->next) {
		if (b->users && b->child == self)
			return b;
	}
	return NULL;
}

struct signal_state *birth_state(void)
{
	struct birth *b = birth_of_borrower();

	return b ? &b->state : NULL;
}

void birth_leave(void *memory, size_t size)
{
	struct birth *b = birth_of_borrower();

	if (!b)
		return;
	b->left = memory;
	b->left_size = size;
}
