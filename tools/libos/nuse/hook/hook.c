// SPDX-License-Identifier: GPL-2.0
/*
 * hook.c - libnuse.so: calls of library descriptors go straight to the core.
 *
 * It is preloaded into programs. Each hook (hooks.txt) has the name of a function
 * of libc: with a library descriptor it is done by the core, else it jumps to
 * libc's function, with registers and stack as they came. What no hook sees is
 * caught at the system-call instruction, so a hook may always leave a call to
 * libc; it is only there for speed.
 *
 * Nothing of libc is needed but dlsym() at the start, and errno. A program
 * without a core, or with a libc that is not glibc, whose functions may do more
 * than the system call, has all its calls left to its libc. So has one on valgrind,
 * which makes them for it, and a function that another library wraps.
 */
#include <dlfcn.h>
#include <link.h>
#include <linux/errno.h>
#include "hook.h"

#define LIBC_SYMBOL		((uintptr_t)gnu_get_libc_version)
#define CANCEL_ASYNCHRONOUS	1

/* Of libc; whichever there is */
#define weak __attribute__((weak, visibility("default")))
extern int *__errno_location(void) weak;
extern __typeof__(dlsym) dlsym weak;
extern __typeof__(dlerror) dlerror weak;
extern __typeof__(dl_iterate_phdr) dl_iterate_phdr weak;
extern const char *gnu_get_libc_version(void) weak;
extern char __libc_single_threaded weak;
extern int pthread_setcanceltype(int type, int *old) weak;

const uint64_t *const hook_no_fds;
static long (*core_call)(long nr, const long args[6]);

static long result(long ret)
{
	if ((unsigned long)ret < -4095UL)
		return ret;
	*__errno_location() = -ret;
	return -1;
}

static long plain_call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long ret;

	asm volatile("syscall" : "=a" (ret)
		     : "0" (nr), "D" (a), "S" (b), "d" (c), "r" (r10), "r" (r8), "r" (r9)
		     : "rcx", "r11", "memory");
	return ret;
}

/*
 * A signal that is held comes here, where the stack can be unwound: the call that is
 * made for that traps, and does nothing.
 */
static long call(long nr, const long args[6])
{
	long ret;

	do {
		ret = core_call(nr, args);
		if (__builtin_expect(__atomic_load_n(NUSE_HEAD->late, __ATOMIC_RELAXED), 0))
			plain_call(__NR_rt_sigprocmask, 0, 0, 0, sizeof(uint64_t), 0, 0);
	} while (ret == -ERESTART);
	return ret;
}

long hook_call(long nr, const long args[6])
{
	return result(call(nr, args));
}

/* A process without threads cannot be cancelled; libc goes by the same byte. */
static bool may_be_cancelled(void)
{
	return pthread_setcanceltype && !(&__libc_single_threaded && __libc_single_threaded);
}

/*
 * As libc does it: while the call waits, the thread may be cancelled at any
 * moment. pthread_cancel() sends it a signal then, and none else; that ends the
 * call, and its handler runs when the core is left, and ends the thread.
 */
long hook_wait(long nr, const long args[6])
{
	long ret;
	int type;

	if (!may_be_cancelled())
		return hook_call(nr, args);
	pthread_setcanceltype(CANCEL_ASYNCHRONOUS, &type);
	ret = call(nr, args);
	pthread_setcanceltype(type, &type);
	return result(ret);
}

long hook_early(long nr, const long a[6])
{
	return result(plain_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]));
}

/* How its programs ask it, request 0x1001: elsewhere these instructions do nothing. */
static bool on_valgrind(void)
{
	const uint64_t request[6] = { 0x1001 };
	uint64_t answer = 0;

	asm volatile("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n"
		     "xchgq %%rbx, %%rbx" : "+d" (answer) : "a" (request) : "memory", "cc");
	return answer;
}

static bool have_gateway(void)
{
	unsigned char in_core;

	return !plain_call(__NR_mincore, NUSE_GATEWAY, 1, (long)&in_core, 0, 0, 0) &&
	       !on_valgrind() && NUSE_HEAD->magic == NUSE_MAGIC;
}

/* ------------------------------------------------------------------ start */

/* Addresses of a file that is loaded */
struct range {
	uintptr_t start, end;
};

static bool has(const struct range *range, uintptr_t address)
{
	return address >= range->start && address < range->end;
}

/* If it is glibc, its code goes to the struct range at @data. */
static int find_libc(struct dl_phdr_info *info, size_t size, void *data)
{
	struct range *libc = data, part;
	int i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		part.start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		part.end = part.start + info->dlpi_phdr[i].p_memsz;
		if (info->dlpi_phdr[i].p_type != PT_LOAD || !has(&part, LIBC_SYMBOL))
			continue;
		*libc = part;
		return 1;
	}
	return 0;
}

/* Who wraps the same function, as other preloaded libraries do, gets all its calls. */
static void connect_all(const uint64_t *const *fds, const struct range *libc)
{
	struct hook *const *h;
	void *next;

	for (h = hooks; *h; h++) {
		next = dlsym(RTLD_NEXT, (*h)->name);
		if (next)
			(*h)->next = next;
		else
			dlerror();	/* the program shall not find it */
		if (has(libc, (uintptr_t)next))
			(*h)->fds = fds;
	}
}

/* Before all other constructors (-z initfirst) */
__attribute__((constructor)) static void start(void)
{
	const uint64_t *const *fds = &hook_no_fds;
	struct range libc = { 0 };

	if (!dlsym || !dlerror)
		return;
	if (gnu_get_libc_version && dl_iterate_phdr && have_gateway()) {
		dl_iterate_phdr(find_libc, &libc);
		core_call = NUSE_HEAD->call;
		fds = NUSE_HEAD->fds;
	}
	connect_all(fds, &libc);
}
