// SPDX-License-Identifier: GPL-2.0
/*
 * birth.c - clone, clone3, fork, vfork: two threads come out of one call.
 *
 * A child that has its parent's memory must find no signal frame of ours, on
 * its own stack or on one that it has in common with its parent (vfork). So the
 * handler of SIGSYS changes the saved registers only: back from the signal, the
 * program is in the gateway with a struct birth, where it makes the call, and
 * from there both sides go on (gateway-code.S). All signals of the program are
 * blocked in between, but for those that never are.
 *
 * A guest is a child in its parent's memory that has not a thread pointer of its
 * own, or is a process of its own. Its struct birth stays for as long as it does:
 * it is found there by its thread id.
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
	int child;			/* thread id of a guest */
	uint64_t flags;
	long word;			/* the core's: nuse_clone_begin() */
	uint64_t core, blocked;		/* of the parent: struct thread */
	const struct sandbox *sandbox;	/* the same */
	struct thread thread;		/* of a guest without a thread pointer */
	struct signal_state state;	/* of a guest that is a process, and of a fork */
	void *left;			/* memory that such a child left, to unmap */
	size_t left_size;
	struct birth *next;
};

_Static_assert(offsetof(struct birth, mask) == BIRTH_MASK, "gateway.h");
_Static_assert(offsetof(struct birth, done) == BIRTH_DONE, "gateway.h");
_Static_assert(offsetof(struct birth, users) == BIRTH_USERS, "gateway.h");

static struct birth *births;

int birth_guests;

/* A process that shares memory, but not the actions of signals: vfork, posix_spawn */
static bool borrows(uint64_t flags)
{
	return flags & CLONE_VM && !(flags & (CLONE_SIGHAND | CLONE_THREAD));
}

static bool is_guest(uint64_t flags)
{
	return flags & CLONE_VM && (!(flags & CLONE_SETTLS) || borrows(flags));
}

/* One for whom its parent does not wait */
static bool stays(uint64_t flags)
{
	return is_guest(flags) && !(flags & CLONE_VFORK);
}

static void free_left(struct birth *b)
{
	if (b->left)
		host_call(__NR_munmap, b->left, b->left_size, 0, 0, 0, 0);
	b->left = NULL;
}

static void forget_if_gone(struct birth *b)
{
	int one = 1;

	if (!b->child || !stays(b->flags) || __atomic_load_n(&b->users, __ATOMIC_RELAXED) != 1 ||
	    host_call(__NR_tkill, b->child, 0, 0, 0, 0, 0) != -ESRCH ||
	    !__atomic_compare_exchange_n(&b->users, &one, 2, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	free_left(b);
	b->child = 0;
	__atomic_sub_fetch(&birth_guests, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&b->users, 0, __ATOMIC_RELEASE);
}

static struct birth *find(int users)
{
	struct birth *b;
	int none;

	for (b = __atomic_load_n(&births, __ATOMIC_ACQUIRE); b; b = b->next) {
		forget_if_gone(b);
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

static void in_copy(struct birth *b)
{
	struct birth *other;

	for (other = births; other; other = other->next)
		other->users = other == b;
	birth_guests = 0;
	signal_state = b->state;
	thread_forked(b->core);
	patch_reset();
}

static void in_child(struct birth *b)
{
	struct thread *self;

	if (is_guest(b->flags))
		b->child = host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
	if (b->flags & CLONE_CLEAR_SIGHAND)
		signal_arm(&b->state, true);
	if (!(b->flags & CLONE_VM))
		in_copy(b);
	self = thread_self();
	if (self && b->flags & CLONE_SETTLS)
		thread_begin(self, b->blocked, b->sandbox);
	else if (self)
		self->blocked = b->blocked;
	nuse_new_thread(b->flags, b->word);
	if (!(b->flags & CLONE_VM))
		sandbox_born();
}

static void in_parent(struct birth *b, long ret)
{
	if (ret < 0 && b->flags & CLONE_VM)
		b->users = 1;
	if (is_guest(b->flags) && (ret < 0 || !stays(b->flags))) {
		__atomic_sub_fetch(&birth_guests, 1, __ATOMIC_RELAXED);
		b->child = 0;
		free_left(b);
	}
	nuse_clone_end(b->flags, b->word, ret);
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

/* What the child has of its parent, who may be changed by it, or before it begins */
static void inherit(struct birth *b)
{
	struct thread *self = thread_self();

	b->blocked = self ? self->blocked : 0;
	b->sandbox = self ? self->sandbox : NULL;
	b->state = *signal_state_now();
	b->state.pending = 0;
	b->thread = (struct thread) { .sandbox = b->sandbox };
	if (self && b->flags & CLONE_VFORK) {
		b->thread.pub.altstack = self->pub.altstack;
		b->thread.pub.altstack_size = self->pub.altstack_size;
	}
	b->child = 0;
	b->left = NULL;
}

/* The core has refused it. */
static void give_up(struct birth *b, struct ucontext *uc)
{
	if (is_guest(b->flags))
		__atomic_sub_fetch(&birth_guests, 1, __ATOMIC_RELAXED);
	uc->uc_sigmask = b->mask;
	__atomic_store_n(&b->users, 0, __ATOMIC_RELEASE);
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
	users = stays(flags) ? 3 : flags & CLONE_VM ? 2 : 1;
	b = find(users) ?: make(users);
	if (!b) {
		uc->uc_mcontext.rax = -ENOMEM;
		return;
	}
	keep(b, uc);
	b->done = done;
	b->flags = flags;
	inherit(b);
	uc->uc_sigmask = ~NEVER_BLOCKED;
	host_call(__NR_rt_sigprocmask, SIG_SETMASK, &uc->uc_sigmask, 0, sizeof(b->mask), 0, 0);
	if (is_guest(flags))
		__atomic_add_fetch(&birth_guests, 1, __ATOMIC_RELAXED);
	b->word = nuse_clone_begin(flags);
	if (b->word < 0) {
		uc->uc_mcontext.rax = b->word;
		give_up(b, uc);
		return;
	}
	b->core = self ? self->pub.core : 0;	/* which may be of just now */
	uc->uc_mcontext.rax = nr;
	uc->uc_mcontext.rbx = (uint64_t)b;
	uc->uc_mcontext.rip = NUSE_GATEWAY + GATEWAY_CLONE;
}

static struct birth *birth_of_guest(void)
{
	struct birth *b;
	int self;

	if (!__atomic_load_n(&birth_guests, __ATOMIC_RELAXED))
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
	struct birth *b = birth_of_guest();

	return b && borrows(b->flags) ? &b->state : NULL;
}

struct thread *birth_thread(void)
{
	struct birth *b = birth_of_guest();

	return b && !(b->flags & CLONE_SETTLS) ? &b->thread : NULL;
}

void birth_leave(void *memory, size_t size)
{
	struct birth *b = birth_of_guest();

	if (!b)
		return;
	b->left = memory;
	b->left_size = size;
}
