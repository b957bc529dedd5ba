// SPDX-License-Identifier: GPL-2.0
/*
 * mappings.c - see mappings.h
 *
 * The kernel never uses the addresses that it gives to a program, so there the
 * process may have other protections than the others; they are taken back before
 * the mapping goes, since the address will be used again.
 *
 * An entry is made after the kernel's mapping and removed before it: a process
 * that is killed in between leaves a mapping that nobody uses, until the instance
 * ends.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <sys/mman.h>
#include "catch.h"
#include "share.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif
#define FIXED	(MAP_FIXED | MAP_FIXED_NOREPLACE)
#define RW	(PROT_READ | PROT_WRITE)

/* The first from @m on that is in use; NULL if there is none */
static struct share_mapping *used(struct share_mapping *m)
{
	for (; m < share->mappings + share->nr_mappings; m++)
		if (m->addr)
			return m;
	return NULL;
}

static uint64_t whole_pages(uint64_t len)
{
	return (len + SHARE_PAGE - 1) & -SHARE_PAGE;
}

static bool has(const struct share_mapping *m, uint32_t process)
{
	return m->owners[process / 64] >> (process % 64) & 1;
}

static void give(struct share_mapping *m, uint32_t process)
{
	m->owners[process / 64] |= 1ULL << (process % 64);
}

static void take(struct share_mapping *m, uint32_t process)
{
	m->owners[process / 64] &= ~(1ULL << (process % 64));
}

static bool has_owner(const struct share_mapping *m)
{
	unsigned int i;

	for (i = 0; i < SHARE_PROCESSES / 64; i++)
		if (m->owners[i])
			return true;
	return false;
}

/* The process's own in which the range lies. Nobody else removes its entry. */
static struct share_mapping *find(uint32_t process, uint64_t addr, uint64_t len)
{
	struct share_mapping *m;

	for (m = used(share->mappings); m; m = used(m + 1))
		if (has(m, process) && addr >= m->addr && addr - m->addr < m->len &&
		    len <= m->addr + m->len - addr)
			return m;
	return NULL;
}

static long unmap(struct share_thread *self, uint64_t addr, uint64_t len)
{
	return share_call(self, __NR_munmap, (long[6]) { addr, len }, NULL);
}

static int add(uint32_t process, uint64_t addr, uint64_t len)
{
	struct share_mapping *m = share->mappings, *end = m + SHARE_MAPPINGS;
	int err = share_enter();

	if (err)
		return err;
	while (m < end && m->addr)
		m++;
	if (m < end) {
		if (share->nr_mappings <= m - share->mappings)
			share->nr_mappings++;
		*m = (struct share_mapping) { .addr = addr, .len = len };
		give(m, process);
	}
	share_leave();
	return m < end ? 0 : -ENOMEM;
}

static long protect(uint64_t addr, uint64_t len, long prot)
{
	return host_call(__NR_mprotect, addr, len, prot, 0, 0, 0);
}

/* At an address of the program's choice, too */
static int place(uint64_t to, uint64_t addr, uint64_t len, long flags)
{
	long got = host_call(__NR_mmap, to, len, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (flags & FIXED), -1, 0);

	if (got >= 0 && got != (long)to) {
		host_call(__NR_munmap, got, len, 0, 0, 0, 0);
		got = -EEXIST;
	}
	return got < 0 ? got : share_alias_pages(to, addr, len);
}

long share_mmap(struct share_thread *self, long nr, const long args[6])
{
	uint64_t len = whole_pages(args[1]), to = args[0];
	long prot = args[2], flags = args[3];
	const long wish[6] = { 0, args[1], prot, flags & ~FIXED, args[4], args[5] };
	int err = 0;
	long addr;

	if (flags & FIXED && (to % SHARE_PAGE || share_owns(to, len)))
		return -EINVAL;
	addr = share_call(self, nr, wish, NULL);
	if (addr < 0)
		return addr;
	if (flags & FIXED)
		err = place(to, addr, len, flags);
	else
		to = addr;
	if (!err && prot != RW)
		err = protect(to, len, prot);
	if (!err)
		err = add(self->process, addr, len);
	if (!err)
		return to;
	if (prot != RW)
		protect(addr, len, RW);
	unmap(self, addr, len);
	return err;
}

static long munmap_own(struct share_thread *self, uint64_t addr, uint64_t len)
{
	struct share_mapping *m;
	bool last;
	int err;

	err = share_enter();
	if (err)
		return err;
	m = find(self->process, addr, len);
	if (!m || m->addr != addr || m->len != len) {
		share_leave();
		return -EINVAL;
	}
	protect(addr, len, RW);
	take(m, self->process);
	last = !has_owner(m);
	if (last)
		m->addr = 0;
	share_leave();
	return last ? unmap(self, addr, len) : 0;
}

long share_memory_call(struct share_thread *self, long nr, const long args[6])
{
	uint64_t len = whole_pages(args[1]);
	bool own = find(self->process, args[0], len);

	if (len < (uint64_t)args[1])
		return -EINVAL;
	if (nr == __NR_munmap)
		return munmap_own(self, args[0], len);
	if (nr == __NR_madvise)
		return own ? 0 : -EINVAL;
	if (nr == __NR_mprotect || nr == __NR_pkey_mprotect)
		return own ? host_call(nr, args[0], args[1], args[2], args[3], 0, 0) : -EACCES;
	return -EINVAL;
}

bool share_mappings_any(uint32_t process)
{
	struct share_mapping *m = used(share->mappings);

	while (m && !has(m, process))
		m = used(m + 1);
	return m;
}

void share_mappings_copy(uint32_t to, uint32_t from)
{
	struct share_mapping *m;

	for (m = used(share->mappings); m; m = used(m + 1))
		if (has(m, from))
			give(m, to);
}

void share_mappings_drop(uint32_t process)
{
	struct share_mapping *m;

	for (m = used(share->mappings); m; m = used(m + 1))
		take(m, process);
}

/* Takes out one that nobody has. */
static bool take_unowned(struct share_mapping *out)
{
	struct share_mapping *m;

	if (share_enter())
		return false;
	m = used(share->mappings);
	while (m && has_owner(m))
		m = used(m + 1);
	if (m) {
		*out = *m;
		m->addr = 0;
	}
	share_leave();
	return m;
}

void share_mappings_collect(void)
{
	struct share_mapping m;
	struct share_thread *self;
	int err;

	while (take_unowned(&m)) {
		self = share_self(share_process.number, &err);
		if (self)
			unmap(self, m.addr, m.len);
	}
}
