// SPDX-License-Identifier: GPL-2.0
/*
 * vdso.c - see vdso.h. The host maps a shared object into each process; its
 * address is in the auxiliary vector.
 */
#include <asm/prctl.h>
#include <asm/unistd.h>
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <time.h>
#include "catch.h"
#include "vdso.h"

#define HWCAP2_FSGSBASE	(1 << 1)

static int (*clock_gettime_vdso)(int id, struct timespec *ts);
static bool fsgsbase;

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* The number of symbols is that of the chains of the old hash table. */
static void *find(const char *base, const char *name)
{
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)base;
	const Elf64_Phdr *p = (const Elf64_Phdr *)(base + ehdr->e_phoff), *end = p + ehdr->e_phnum;
	const Elf64_Sym *syms = NULL;
	const Elf64_Dyn *dyn = NULL;
	const char *strings = NULL;
	const uint32_t *hash = NULL;
	uint32_t i;

	for (; p < end; p++)
		if (p->p_type == PT_DYNAMIC)
			dyn = (const Elf64_Dyn *)(base + p->p_offset);
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			syms = (const Elf64_Sym *)(base + dyn->d_un.d_ptr);
		if (dyn->d_tag == DT_STRTAB)
			strings = base + dyn->d_un.d_ptr;
		if (dyn->d_tag == DT_HASH)
			hash = (const uint32_t *)(base + dyn->d_un.d_ptr);
	}
	for (i = 0; syms && strings && hash && i < hash[1]; i++)
		if (same(strings + syms[i].st_name, name))
			return (void *)(base + syms[i].st_value);
	return NULL;
}

void vdso_init(void)
{
	long fd = host_call(__NR_open, "/proc/self/auxv", O_RDONLY | O_CLOEXEC, 0, 0, 0, 0), len;
	Elf64_auxv_t auxv[64], *a;

	if (fd < 0)
		return;
	len = host_call(__NR_read, fd, auxv, sizeof(auxv), 0, 0, 0);
	host_call(__NR_close, fd, 0, 0, 0, 0, 0);
	for (a = auxv; len > 0 && a < auxv + len / sizeof(*a); a++) {
		if (a->a_type == AT_SYSINFO_EHDR)
			clock_gettime_vdso = find((const char *)a->a_un.a_val,
						  "__vdso_clock_gettime");
		if (a->a_type == AT_HWCAP2)
			fsgsbase = a->a_un.a_val & HWCAP2_FSGSBASE;
	}
}

static int none(int id, struct timespec *ts)
{
	(void)id;
	(void)ts;
	return -1;
}

uintptr_t vdso_fault(uintptr_t ip)
{
	if (!clock_gettime_vdso || ip != (uintptr_t)clock_gettime_vdso)
		return 0;
	clock_gettime_vdso = none;
	return (uintptr_t)none;
}

uint64_t vdso_clock(int id)
{
	struct timespec ts;

	if (!clock_gettime_vdso || clock_gettime_vdso(id, &ts))
		host_call(__NR_clock_gettime, id, &ts, 0, 0, 0, 0);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t thread_key(void)
{
	uint64_t key;

	if (fsgsbase)
		asm volatile("rdfsbase %0" : "=r" (key));
	else
		host_call(__NR_arch_prctl, ARCH_GET_FS, &key, 0, 0, 0, 0);
	return key;
}
