// SPDX-License-Identifier: GPL-2.0
/*
 * core.c - a core for tests of the catcher, which shows that a call was caught:
 * getppid is 4242; descriptors from 500 on have made-up bytes, 777 none ever;
 * getpgid(4242) tells how many calls came here, 4243 of births, 4244 how many
 * threads exited; exit_group(4242) exits with 42. Call 500 works inside, on a
 * stack of its own: see inside.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <nuse/catch.h>
#include "inside.h"

#define hidden __attribute__((visibility("hidden")))

hidden const uint64_t *nuse_fds;

static long calls, births, children, exits;

#define STACK_SIZE 16384

static long made_up(char *to, long size)
{
	long i;

	for (i = 0; i < size; i++)
		to[i] = 'a' + i % 26;
	return size;
}

/* ------------------------------------------------------------ the inside */

struct work {
	struct catch_thread *self;
	const long *a;
};

/* Faults at work_touch go on at work_touched. */
asm(".globl work_touch, work_touched, work_crash\n"
    ".hidden work_touch, work_touched, work_crash\n"
    "work_touch: mov (%rdi), %eax\n"
    "	xor %eax, %eax\n"
    "	ret\n"
    "work_touched: mov $-14, %rax\n"
    "	ret\n"
    "work_crash: mov (%rdi), %eax\n"
    "	ret\n");
extern const char work_touch[] hidden, work_touched[] hidden, work_crash[] hidden;

static long spin(long times)
{
	while (times--)
		asm volatile("pause");
	return 0;
}

static long spin_until(const volatile int *flag)
{
	while (!*flag)
		asm volatile("pause");
	return 0;
}

__attribute__((used)) static long work(const struct work *w)
{
	struct catch_thread *self = w->self;
	const long *a = w->a;

	switch (a[0]) {
	case INSIDE_SPIN:
		return spin(a[1]);
	case INSIDE_SPIN_UNTIL:
		return spin_until((int *)a[1]);
	case INSIDE_POLL:
		return host_wait(&self->signal, __NR_ppoll, a[1], a[2], a[3], a[4], 8, 0);
	case INSIDE_FUTEX:
		return host_wait(&self->signal, __NR_futex, a[1], 0 /* FUTEX_WAIT */, a[2], a[3],
				 0, 0);
	case INSIDE_TOUCH:
		return ((long (*)(long))(long)work_touch)(a[1]);
	case INSIDE_CRASH:
		return ((long (*)(long))(long)work_crash)(a[1]);
	case INSIDE_JUMP:
		return ((long (*)(void))a[1])();
	}
	return -ENOSYS;
}

/* long on_stack(const struct work *w, uint64_t end of stack) */
asm("on_stack: push %rbp\n"
    "	mov %rsp, %rbp\n"
    "	mov %rsi, %rsp\n"
    "	call work\n"
    "	leave\n"
    "	ret\n");
long on_stack(const struct work *w, uint64_t end) hidden;

static uint64_t make_stack(void)
{
	long low = host_call(__NR_mmap, 0, STACK_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return low + STACK_SIZE;
}

/* As the host makes a call that waits */
static long inside(const long a[6])
{
	struct catch_thread *self = catch_thread();
	struct work w = { self, a };
	enum catch_ran ran;
	long ret;

	if (a[0] == INSIDE_WHERE)
		return (long)&self->inside;
	if (a[0] == INSIDE_CORE)
		return self->core;
	if (!self->core)
		self->core = make_stack();
	do {
		catch_enter(self);
		ret = on_stack(&w, self->core);
		catch_leave(self);
		ran = SIGNALS_NONE;
		if (self->signal)
			ran = catch_signals(self, a[0] == INSIDE_POLL ? (void *)a[4] : NULL);
	} while ((ret == -EINTR || ret == -ERESTART) &&
		 (ran == SIGNALS_NONE || (ran == SIGNALS_RESTART && a[0] != INSIDE_POLL)));
	return ret == -ERESTART && ran != SIGNALS_LATE ? -EINTR : ret;
}

hidden uintptr_t nuse_fault(uintptr_t ip, uintptr_t addr)
{
	if (ip == addr && catch_thread()->inside && addr == INSIDE_NOWHERE)
		return (uintptr_t)work_touched;
	return ip == (uintptr_t)work_touch ? (uintptr_t)work_touched : 0;
}

/* -------------------------------------------------------------- the core */

hidden bool nuse_wants(long nr)
{
	switch (nr) {
	case __NR_getppid:
	case __NR_read:
	case __NR_recvfrom:
	case __NR_openat:
	case __NR_poll:
	case __NR_getpgid:
	case __NR_mmap:
	case __NR_exit:
	case __NR_exit_group:
	case INSIDE_NR:
		return true;
	}
	return false;
}

hidden long nuse_call(long nr, const long a[6])
{
	calls++;
	switch (nr) {
	case __NR_getppid:
		return 4242;
	case __NR_getpgid:
		if (a[0] == 4242)
			return calls;
		if (a[0] == 4243)
			return births * 1000 + children;
		if (a[0] == 4244)
			return exits;
		break;
	case __NR_exit:
		__atomic_add_fetch(&exits, 1, __ATOMIC_RELAXED);
		break;
	case __NR_exit_group:
		return host_call(nr, a[0] == 4242 ? 42 : a[0], 0, 0, 0, 0, 0);
	case INSIDE_NR:
		return inside(a);
	case __NR_read:
	case __NR_recvfrom:
		if ((int)a[0] == 777)
			return host_pass(__NR_futex, (long[6]) { (long)&(int){ 0 } });
		if ((int)a[0] >= 500)
			return made_up((char *)a[1], a[2]);
		break;
	}
	return host_pass(nr, a);
}

hidden long nuse_clone_begin(uint64_t flags)
{
	(void)flags;
	__atomic_add_fetch(&births, 1, __ATOMIC_RELAXED);
	return 0;
}

hidden void nuse_clone_end(uint64_t flags, long word, long ret)
{
	(void)flags;
	(void)word;
	if (ret < 0)
		__atomic_sub_fetch(&births, 1, __ATOMIC_RELAXED);
}

hidden void nuse_new_thread(uint64_t flags, long word)
{
	(void)word;
	if (!(flags & CLONE_VM))
		catch_thread()->core = 0;
	__atomic_add_fetch(&children, 1, __ATOMIC_RELAXED);
}

hidden void nuse_go_on(void)
{
}

hidden void nuse_quiesce(void)
{
}

hidden const char *nuse_run_path(void)
{
	return NUSE_RUN;
}

hidden const char *nuse_preload_path(void)
{
	return NUSE_PRELOAD;
}

hidden size_t nuse_note(char *note, size_t size)
{
	(void)size;
	*note = 'x';
	return 1;
}

hidden int nuse_start(const char *note)
{
	return *note != 'x';
}
