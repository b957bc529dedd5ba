// SPDX-License-Identifier: GPL-2.0
/*
 * thread.c - what the catcher keeps for a thread, found by its fs base, which
 * is each thread's own in every runtime there is. Entries are never removed: a
 * thread at the address of one that ended goes on with its entry. A table that is
 * full around the place where an entry belongs is followed by another.
 *
 * A few have their parent's fs base and memory: birth.c has theirs.
 *
 * Assembly in stub.S calls thread_stack() on what may be little stack.
 */
#include <asm/prctl.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include "inner.h"

#define NR_THREADS	4096		/* in a table; a power of two */
#define MAX_PROBES	64
#define STACK_SIZE	65536
#define HWCAP2_FSGSBASE	2

struct table {
	struct thread threads[NR_THREADS];
	struct table *next;
};

static struct table table;
/* A program's first thread, before it has an fs base: then it is a new one, and its heir. */
static struct thread first;
/* Those that have ever been in use, but for the first */
static struct thread *used;
static bool have_rdfsbase;
/* Filters that all threads were given, those too that had not begun then */
static const struct sandbox *common;

void thread_init(void)
{
	long entry[2], fd = host_call(__NR_open, "/proc/self/auxv", O_RDONLY | O_CLOEXEC,
				      0, 0, 0, 0);

	if (fd < 0)
		return;
	while (host_call(__NR_read, fd, entry, sizeof(entry), 0, 0, 0) == sizeof(entry)) {
		if (entry[0] == AT_HWCAP2)
			have_rdfsbase = entry[1] & HWCAP2_FSGSBASE;
	}
	host_call(__NR_close, fd, 0, 0, 0, 0, 0);
}

static uintptr_t fs_base(void)
{
	uintptr_t fs = 0;

	if (have_rdfsbase)
		asm volatile("rdfsbase %0" : "=r" (fs));
	else
		host_call(__NR_arch_prctl, ARCH_GET_FS, &fs, 0, 0, 0, 0);
	return fs;
}

static void claimed(struct thread *t)
{
	t->blocked = first.blocked;
	t->sandbox = first.sandbox;
	t->next = __atomic_load_n(&used, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&used, &t->next, t, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static struct thread *find_in(struct table *table, uintptr_t key)
{
	size_t slot = (key * 0x9e3779b97f4a7c15UL) >> 52, i;
	uintptr_t seen;

	for (i = 0; i < MAX_PROBES; i++) {
		struct thread *t = &table->threads[(slot + i) % NR_THREADS];

		seen = __atomic_load_n(&t->key, __ATOMIC_RELAXED);
		if (!seen && __atomic_compare_exchange_n(&t->key, &seen, key, false,
							 __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			claimed(t);
			return t;
		}
		if (seen == key)
			return t;
	}
	return NULL;
}

static struct table *next_of(struct table *table)
{
	struct table *next = __atomic_load_n(&table->next, __ATOMIC_ACQUIRE), *made;

	if (next)
		return next;
	made = (void *)host_call(__NR_mmap, 0, sizeof(*made), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if ((long)made < 0 && (long)made > -4096)
		return NULL;
	if (__atomic_compare_exchange_n(&table->next, &next, made, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return made;
	host_call(__NR_munmap, made, sizeof(*made), 0, 0, 0, 0);
	return next;
}

static struct thread *find(uintptr_t key)
{
	struct thread *found = NULL;
	struct table *t;

	for (t = &table; t; t = next_of(t)) {
		found = find_in(t, key);
		if (found)
			break;
	}
	return found;
}

struct thread *thread_self(void)
{
	struct thread *guest = NULL;
	uintptr_t key;

	if (__builtin_expect(__atomic_load_n(&birth_guests, __ATOMIC_RELAXED), 0))
		guest = birth_thread();
	if (guest)
		return guest;
	key = fs_base();
	return key ? find(key) : &first;
}

struct catch_thread *catch_thread(void)
{
	struct thread *self = thread_self();

	return self ? &self->pub : NULL;
}

void thread_begin(struct thread *self, uint64_t blocked, const struct sandbox *sandbox)
{
	self->pub.inside = 0;
	self->pub.signal = 0;
	self->pub.altstack_size = 0;
	self->pub.altstack_off = 0;
	late_forget(self);
	__atomic_store_n(&self->sandbox, sandbox, __ATOMIC_SEQ_CST);
	sandbox = __atomic_load_n(&common, __ATOMIC_SEQ_CST);
	if (!sandbox_has(self->sandbox, sandbox))
		self->sandbox = sandbox;
	self->blocked = blocked;
	self->masked = false;
	self->undecided = false;
	self->busy = false;
}

void thread_sandboxed(const struct sandbox *sandbox)
{
	struct thread *t;

	__atomic_store_n(&common, sandbox, __ATOMIC_SEQ_CST);
	first.sandbox = sandbox;
	for (t = __atomic_load_n(&used, __ATOMIC_ACQUIRE); t; t = t->next)
		t->sandbox = sandbox;
}

void thread_forked(uint64_t core)
{
	struct thread *self = thread_self(), *t;

	for (t = used; t; t = t->next) {
		t->pub.core = 0;
		if (t != self)
			thread_begin(t, 0, NULL);
	}
	if (self)
		self->pub.core = core;
	late_forked(self);
}

static char *make_stack(void)
{
	char *low = (void *)host_call(__NR_mmap, 0, STACK_SIZE + PAGE_SIZE, PROT_NONE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if ((long)low < 0 && (long)low > -4096)
		return NULL;
	if (host_call(__NR_mprotect, low + PAGE_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE, 0, 0, 0))
		return NULL;
	return low + PAGE_SIZE + STACK_SIZE;
}

/*
 * A stack for a call of this thread, with the thread's "busy" in the word below
 * its end; NULL if it has to do with the one it has, since it is in a signal
 * handler that came in the middle of another call.
 */
hidden char *thread_stack(void)
{
	struct thread *self = thread_self();

	if (!self || self->busy)
		return NULL;
	if (!self->stack)
		self->stack = make_stack();
	if (!self->stack)
		return NULL;
	self->busy = true;
	((bool **)self->stack)[-1] = &self->busy;
	return self->stack;
}
