// SPDX-License-Identifier: GPL-2.0
/*
 * patch.c - an instruction that trapped becomes a jump, where that is safe.
 *
 * Any thread may be at any instruction there, wait in the kernel for its call
 * to return, or be in a signal handler in the middle of one. So the "syscall"
 * itself stays where it is, or a short jump of the same two bytes takes its
 * place: who returns to what follows finds what was there. What is replaced is
 * one instruction of five bytes, in one store that all processors see at once.
 *
 * Which bytes are instructions is known only of exact forms, for an address
 * that a trap has told:
 *
 *   move	an instruction of five bytes, which is mov $nr,%eax with the number
 *		that trapped or a load from the stack; then moves between
 *		registers, from the stack, or of sums of them; then syscall
 *   test	libc's read(): a test whether there are threads, a branch, the
 *		number 0, syscall
 *   padding	any, within a short jump of five bytes int3, which no program
 *		runs into: Go
 *
 * A stub has the replaced instructions, a call of stub.S, and a jump back. It
 * lies within reach of a near jump, below the code, where no heap grows.
 *
 * Only text of files is patched; its protection is changed while that is done. It
 * takes as long as twenty traps, so the dynamic linker, which makes a few calls at
 * each of some places and then no more, has none patched at first.
 */
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <asm/stat.h>
#include "inner.h"
#include "stub.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define AREA_SIZE	65536
#define MAX_AREAS	16
#define MAX_TRIED	4096		/* a power of two */
#define MAX_MOVES	32		/* bytes from the five to the syscall */
#define REACH		0x70000000L
#define LATER		64		/* traps that take as long as some patches */

extern const char stub_enter[] hidden, stub_enter_small[] hidden;
extern const char stub_leave[] hidden, stub_return[] hidden, stub_late[] hidden;
hidden long patch_call(long nr, const long args[6]);

hidden uint8_t patch_numbers[STUB_NUMBERS];

/* Memory with stubs; its first words are where they call. */
struct area {
	uintptr_t start;
	size_t used;
};

static struct {
	uint32_t locked;
	struct area areas[MAX_AREAS];
	uintptr_t tried[MAX_TRIED];
	uintptr_t later_start, later_end;
	unsigned int later_traps;
} patch;

/*
 * What replaces a site
 * @at:		the bytes that become a jump, and @len how many they are
 * @moves, @moves_len: instructions that the stub repeats
 * @is_test:	of that form
 * @hole:	where a short jump at @at leads, or 0
 */
struct site {
	uintptr_t ip, at;
	unsigned int len;
	const uint8_t *moves;
	unsigned int moves_len;
	bool is_test;
	uintptr_t hole;
};

long patch_call(long nr, const long args[6])
{
	return call_do(nr, args, NULL);
}

/* Those that are safe without a frame of a signal, and return */
static bool may_patch(long nr)
{
	switch (nr) {
	case __NR_clone:
	case __NR_clone3:
	case __NR_fork:
	case __NR_vfork:
	case __NR_execve:
	case __NR_execveat:
	case __NR_rt_sigreturn:
	case __NR_exit:
	case __NR_exit_group:
		return false;
	}
	return call_is_ours(nr) || nuse_wants(nr);
}

void patch_init(void)
{
	long nr;

	for (nr = 0; nr < STUB_NUMBERS; nr++)
		patch_numbers[nr] = may_patch(nr);
}

void patch_end(void)
{
	memset(patch_numbers, 0, sizeof(patch_numbers));
}

void patch_reset(void)
{
	patch.locked = 0;
}

void patch_later(uintptr_t start, uintptr_t end)
{
	patch.later_start = start;
	patch.later_end = end;
}

static bool is_early(uintptr_t ip)
{
	return ip >= patch.later_start && ip < patch.later_end && patch.later_traps++ < LATER;
}

/* The entry of @ip, or the free one where it would stand; NULL: there is none */
static uintptr_t *tried_find(uintptr_t ip)
{
	size_t slot = (ip * 0x9e3779b97f4a7c15UL) >> 52, i;

	for (i = 0; i < MAX_TRIED; i++) {
		uintptr_t *entry = &patch.tried[(slot + i) % MAX_TRIED];

		if (*entry == ip || !*entry)
			return entry;
	}
	return NULL;
}

static bool tried_before(uintptr_t ip)
{
	const uintptr_t *entry = tried_find(ip);

	return !entry || *entry;
}

/* ---------------------------------------------------------------- forms */

/* Length of a move into another register than eax or rsp, from one or the stack, or 0 */
static unsigned int move_len(const uint8_t *p)
{
	unsigned int rex = (*p & 0xf0) == 0x40 ? *p++ : 0, opcode = *p++;
	unsigned int mod = *p >> 6, reg = (*p >> 3 & 7) | (rex & 4) << 1;
	unsigned int rm = (*p & 7) | (rex & 1) << 3, len = rex ? 3 : 2;

	if (rex & 2)
		return 0;
	if (mod == 3 && (opcode == 0x89 || opcode == 0x31))	/* mov, xor */
		return rm == 0 || rm == 4 ? 0 : len;
	if ((opcode != 0x8b && opcode != 0x8d) || reg == 0 || reg == 4)
		return 0;
	if (opcode == 0x8d)					/* lea, not of rip */
		return (rm & 7) == 4 ? 0 : mod == 1 ? len + 1 : mod == 2 ? len + 4 : 0;
	if (mod == 3)
		return len;
	if (rm != 4 || p[1] != 0x24)				/* from the stack */
		return 0;
	return mod == 0 ? len + 1 : mod == 1 ? len + 2 : 0;
}

/* Moves, and for number 0 one xor %eax,%eax, up to the syscall */
static bool only_moves(const uint8_t *p, const uint8_t *syscall, long nr)
{
	unsigned int len;

	while (p < syscall) {
		len = move_len(p);
		if (!len && !nr && p[0] == 0x31 && p[1] == 0xc0)
			len = 2;
		if (!len)
			return false;
		p += len;
	}
	return p == syscall;
}

/* What stands before an instruction must not be a prefix, so that it begins here. */
static bool begins(const uint8_t *p)
{
	uint8_t before = p[-1];

	return (before & 0xf0) != 0x40 && before != 0x0f && before != 0x66 && before != 0xf2 &&
	       before != 0xf3 && before != 0xc4 && before != 0xc5 && before != 0x62;
}

static bool is_five(const uint8_t *p, long nr)
{
	uint32_t number;

	memcpy(&number, p + 1, sizeof(number));
	if (p[0] == 0xb8 && number == nr)
		return true;
	return (p[0] == 0x48 || p[0] == 0x4c) && p[1] == 0x8b && move_len(p) == 5;
}

static bool move(struct site *s, const struct text *text, long nr)
{
	const uint8_t *syscall = (void *)(s->ip - 2), *p;

	for (p = syscall - 5; p >= syscall - MAX_MOVES && (uintptr_t)p > text->start; p--) {
		if (!is_five(p, nr) || !begins(p) || !only_moves(p + 5, syscall, nr))
			continue;
		s->at = (uintptr_t)p;
		s->len = 5;
		s->moves = p;
		s->moves_len = syscall - p;
		return true;
	}
	return false;
}

/* cmpb $0,distance(%rip); je; xor %eax,%eax; syscall */
static bool test(struct site *s, const struct text *text, long nr)
{
	const uint8_t *p = (void *)(s->ip - 13);

	if (nr || (uintptr_t)p <= text->start || !begins(p) || p[0] != 0x80 || p[1] != 0x3d ||
	    p[6] != 0 || p[7] != 0x74 || p[9] != 0x31 || p[10] != 0xc0)
		return false;
	s->at = (uintptr_t)p;
	s->len = 5;
	s->is_test = true;
	return true;
}

static bool padding(struct site *s, const struct text *text)
{
	static const uint8_t int3[] = { 0xcc, 0xcc, 0xcc, 0xcc, 0xcc };
	uintptr_t p = s->ip - 120, end = s->ip + 120;

	if (p < text->start)
		p = text->start;
	if (end > text->end - sizeof(int3))
		end = text->end - sizeof(int3);
	for (; p < end; p++) {
		if (memcmp((void *)p, int3, sizeof(int3)))
			continue;
		s->at = s->ip - 2;
		s->len = 2;
		s->hole = p;
		return true;
	}
	return false;
}

static bool site_find(struct site *s, const struct text *text, long nr)
{
	const uint8_t *syscall = (void *)(s->ip - 2);

	if (s->ip - 2 < text->start || syscall[0] != 0x0f || syscall[1] != 0x05)
		return false;
	return move(s, text, nr) || test(s, text, nr) || padding(s, text);
}

/* ---------------------------------------------------------------- stubs */

static bool near(uintptr_t a, uintptr_t b)
{
	return a > b ? a - b < REACH : b - a < REACH;
}

static long protect(uintptr_t from, size_t len, int prot)
{
	uintptr_t page = from & -PAGE_SIZE;

	return host_call(__NR_mprotect, page, from + len - page, prot, 0, 0, 0);
}

static struct area *area_make(struct area *a, uintptr_t gap)
{
	uintptr_t *slots;
	long got;

	if (!gap)
		return NULL;
	got = host_call(__NR_mmap, gap, AREA_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (got != (long)gap) {
		if (got > 0)		/* a kernel that does not know the flag */
			host_call(__NR_munmap, got, AREA_SIZE, 0, 0, 0, 0);
		return NULL;
	}
	slots = (void *)gap;
	slots[0] = (uintptr_t)stub_enter;
	slots[1] = (uintptr_t)stub_enter_small;
	a->start = gap;
	a->used = 2 * sizeof(*slots);
	return a;
}

static struct area *area_find(uintptr_t ip, uintptr_t gap, size_t room)
{
	struct area *a = patch.areas, *end = a + MAX_AREAS;

	for (; a < end && a->start; a++) {
		if (near(a->start, ip) && a->used + room <= AREA_SIZE)
			return a;
	}
	return a < end ? area_make(a, gap) : NULL;
}

static uint8_t *put(uint8_t *to, const void *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}

/* An instruction that ends with the distance to @target */
static uint8_t *put_near(uint8_t *to, const char *opcode, size_t len, uintptr_t target)
{
	int32_t distance;

	to = put(to, opcode, len);
	distance = target - ((uintptr_t)to + sizeof(distance));
	return put(to, &distance, sizeof(distance));
}

static uint8_t *put_jump(uint8_t *to, uintptr_t target)
{
	return put_near(to, "\xe9", 1, target);
}

#define PUT(to, bytes) put(to, bytes, sizeof(bytes) - 1)
#define LEAVE_RED_ZONE	"\x48\x8d\x64\x24\x80"			/* lea -128(%rsp),%rsp */
#define BACK_TO_RED_ZONE "\x48\x8d\xa4\x24\x80\x00\x00\x00"	/* lea 128(%rsp),%rsp */

/* The test form's instructions, with distances from here; its condition is near. */
static uint8_t *put_test(uint8_t *p, const uint8_t *site)
{
	int32_t distance;

	memcpy(&distance, site + 2, sizeof(distance));
	distance += site - p;
	p = PUT(p, "\x80\x3d");
	p = put(p, &distance, sizeof(distance));
	p = PUT(p, "\x00");
	p = put_near(p, "\x0f\x84", 2, (uintptr_t)site + 9 + (int8_t)site[8]);
	return PUT(p, "\x31\xc0");
}

static uint8_t *stub_write(uint8_t *p, const struct site *s, uintptr_t slot)
{
	p = s->is_test ? put_test(p, (void *)s->at) : put(p, s->moves, s->moves_len);
	p = PUT(p, LEAVE_RED_ZONE);
	p = put_near(p, "\xff\x15", 2, slot);			/* call *slot(%rip) */
	p = PUT(p, BACK_TO_RED_ZONE);
	p = put_jump(p, s->ip);
	p = PUT(p, BACK_TO_RED_ZONE);				/* STUB_NATIVE after the call */
	p = PUT(p, "\x0f\x05");
	return put_jump(p, s->ip);
}

static uintptr_t stub_make(const struct site *s, const struct text *text)
{
	size_t room = MAX_MOVES + 48;
	struct area *a = area_find(s->ip, text->gap, room);
	uintptr_t stub, slot;

	if (!a || protect(a->start, AREA_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC))
		return 0;
	stub = a->start + a->used;
	slot = a->start + (text->go ? sizeof(uintptr_t) : 0);
	a->used = (uintptr_t)stub_write((void *)stub, s, slot) - a->start;
	if (protect(a->start, AREA_SIZE, PROT_READ | PROT_EXEC))
		return 0;
	return stub;
}

/* ------------------------------------------------------- out of a stub */

bool patch_has(uintptr_t ip)
{
	const struct area *a = patch.areas, *end = a + MAX_AREAS;

	for (; a < end && a->start; a++) {
		if (ip - a->start < AREA_SIZE)
			return true;
	}
	return false;
}

static uintptr_t jump_target(const uint8_t *jump)
{
	int32_t distance;

	memcpy(&distance, jump + 1, sizeof(distance));
	return (uintptr_t)jump + 5 + distance;
}

/* What follows the call in stub_write(): the same is done here. */
static void finish(struct sigcontext *regs)
{
	const uint8_t *p = (void *)regs->rip;

	if (!memcmp(p, BACK_TO_RED_ZONE, sizeof(BACK_TO_RED_ZONE) - 1)) {
		p += sizeof(BACK_TO_RED_ZONE) - 1;
		regs->rsp += 128;
		regs->rip = (uintptr_t)p;
	}
	if (p[0] == 0x0f && p[1] == 0x05)
		regs->rip = jump_target(p + 2) - 2;
	else if (p[0] == 0xe9)
		regs->rip = jump_target(p);
}

static void pop(struct sigcontext *regs, __u64 *to)
{
	*to = *(uint64_t *)regs->rsp;
	regs->rsp += sizeof(uint64_t);
}

void patch_leave(struct sigcontext *regs)
{
	if (regs->rip >= (uintptr_t)stub_leave && regs->rip < (uintptr_t)stub_return)
		regs->rip = (uintptr_t)stub_leave;
	else if (regs->rip == (uintptr_t)stub_return)
		pop(regs, &regs->rip);
	if (patch_has(regs->rip))
		finish(regs);
}

bool patch_late(struct sigcontext *regs)
{
	const long *frame = (void *)regs->rbp;
	long nr = frame[-1];

	if (regs->rip != (uintptr_t)stub_late)
		return false;
	regs->rax = frame[-2];
	regs->rsp = regs->rbp;
	pop(regs, &regs->rbp);
	pop(regs, &regs->rip);
	finish(regs);
	if ((long)regs->rax == -ERESTART)
		call_again(regs, nr);
	return true;
}

/* ---------------------------------------------------------------- sites */

static bool one_thread(void)
{
	struct stat st;

	return !birth_state() &&
	       !host_call(__NR_stat, "/proc/self/task", &st, 0, 0, 0, 0) && st.st_nlink == 3;
}

/* Up to eight bytes of the sixteen at @at in one store, if nobody changed them */
static void store(uintptr_t at, const void *bytes, size_t len)
{
	unsigned __int128 *line = (void *)(at & -16UL), old = *line, new = old;
	uint64_t high = old >> 64, low = old;

	memcpy((char *)&new + (at & 15), bytes, len);
	asm volatile("lock cmpxchg16b %0" : "+m" (*line), "+a" (low), "+d" (high)
		     : "b" ((uint64_t)new), "c" ((uint64_t)(new >> 64)) : "memory");
}

static void write_site(const struct site *s, uintptr_t stub)
{
	uint8_t jump[8];

	if (s->hole) {
		put_jump((void *)s->hole, stub);
		jump[0] = 0xeb;
		jump[1] = s->hole - s->ip;
	} else {
		jump[0] = 0xe9;
		*(int32_t *)(jump + 1) = stub - (s->at + 5);
	}
	if (s->at % 16 + s->len > 16)
		memcpy((void *)s->at, jump, s->len);
	else
		store(s->at, jump, s->len);
}

static void site_patch(uintptr_t ip, long nr)
{
	struct site site = { .ip = ip };
	uintptr_t stub, from, to;
	struct text text;

	if (!text_find(&text, ip - 2, AREA_SIZE) || !site_find(&site, &text, nr))
		return;
	if (site.at % 16 + site.len > 16 && !one_thread())
		return;
	stub = stub_make(&site, &text);
	if (!stub)
		return;
	from = site.hole && site.hole < site.at ? site.hole : site.at;
	to = site.hole > site.at ? site.hole + 5 : site.at + site.len;
	if (protect(from, to - from, PROT_READ | PROT_WRITE | PROT_EXEC))
		return;
	write_site(&site, stub);
	protect(from, to - from, PROT_READ | PROT_EXEC);
}

static void set_mask(const uint64_t *mask, uint64_t *old)
{
	host_call(__NR_rt_sigprocmask, SIG_SETMASK, mask, old, sizeof(*mask), 0, 0);
}

/* No handler may leave by a jump while it is locked. */
void patch_site(uintptr_t ip, long nr)
{
	const uint64_t all = ~NEVER_BLOCKED;
	uint64_t mask;

	if (!patch_numbers[nr] || is_early(ip) || tried_before(ip))
		return;
	set_mask(&all, &mask);
	if (!__atomic_exchange_n(&patch.locked, 1, __ATOMIC_ACQUIRE)) {
		if (!tried_before(ip)) {
			*tried_find(ip) = ip;
			site_patch(ip, nr);
		}
		__atomic_store_n(&patch.locked, 0, __ATOMIC_RELEASE);
	}
	set_mask(&mask, NULL);
}
