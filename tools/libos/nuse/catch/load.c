// SPDX-License-Identifier: GPL-2.0
/*
 * load.c - maps a program or its dynamic linker.
 *
 * One that can lie anywhere gets a place for all of it first, so that its parts
 * keep their distances; one that cannot is mapped where it says, and nothing
 * else may be there.
 */
#include <linux/mman.h>
#include "load.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static uintptr_t page_down(uintptr_t address)
{
	return address & -PAGE_SIZE;
}

static uintptr_t page_up(uintptr_t address)
{
	return page_down(address + PAGE_SIZE - 1);
}

static long map(uintptr_t at, size_t size, int prot, int flags, int fd, uint64_t offset)
{
	return host_call(__NR_mmap, at, size, prot, MAP_PRIVATE | flags, fd, offset);
}

static bool failed(long address)
{
	return address < 0 && address > -4096;
}

/* Room from the lowest to the highest address, at a multiple of the alignment */
static long reserve(struct image *image)
{
	uintptr_t low = -1UL, high = 0, align = PAGE_SIZE, start;
	const Elf64_Phdr *ph = image->elf.ph, *end = ph + image->elf.eh.e_phnum;
	long got;

	for (; ph < end; ph++) {
		if (ph->p_type != PT_LOAD)
			continue;
		if (ph->p_vaddr < low)
			low = page_down(ph->p_vaddr);
		if (ph->p_vaddr + ph->p_memsz > high)
			high = page_up(ph->p_vaddr + ph->p_memsz);
		if (ph->p_align > align && !(ph->p_align & (ph->p_align - 1)))
			align = ph->p_align;
	}
	if (low >= high)
		return -ENOEXEC;
	image->start = low;
	image->end = high;
	if (image->elf.eh.e_type == ET_EXEC) {
		got = map(low, high - low, PROT_NONE, MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		return failed(got) ? got : got == (long)low ? 0 : -EEXIST;
	}
	got = map(0, high - low + align - PAGE_SIZE, PROT_NONE, MAP_ANONYMOUS, -1, 0);
	if (failed(got))
		return got;
	start = (got + align - 1) & -align;
	if (start > (uintptr_t)got)
		host_call(__NR_munmap, got, start - got, 0, 0, 0, 0);
	if (align > PAGE_SIZE && start < got + align - PAGE_SIZE)
		host_call(__NR_munmap, start + high - low, got + align - PAGE_SIZE - start, 0, 0, 0, 0);
	image->bias = start - low;
	image->start += image->bias;
	image->end += image->bias;
	return 0;
}

static int protection(const Elf64_Phdr *ph)
{
	return (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	       (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

/* From the file, and zeroes behind: to the end of its last page, and in pages more */
static long segment(const struct image *image, const Elf64_Phdr *ph, int fd)
{
	uintptr_t start = page_down(image->bias + ph->p_vaddr);
	uintptr_t file_end = image->bias + ph->p_vaddr + ph->p_filesz;
	uintptr_t end = page_up(image->bias + ph->p_vaddr + ph->p_memsz);
	uintptr_t zero = ph->p_filesz ? page_up(file_end) : start;
	long got = 0;

	if (ph->p_filesz)
		got = map(start, file_end - start, protection(ph), MAP_FIXED, fd,
			  page_down(ph->p_offset));
	if (!failed(got) && zero < end)
		got = map(zero, end - zero, protection(ph), MAP_FIXED | MAP_ANONYMOUS, -1, 0);
	if (failed(got))
		return got;
	if (ph->p_filesz && ph->p_memsz > ph->p_filesz && ph->p_flags & PF_W)
		memset((void *)file_end, 0, zero - file_end);
	return 0;
}

long load(struct image *image, int fd)
{
	const Elf64_Ehdr *eh = &image->elf.eh;
	const Elf64_Phdr *ph = image->elf.ph, *end;
	long err = elf_read(&image->elf, fd);

	image->bias = 0;
	image->phdrs = 0;
	if (!err)
		err = reserve(image);
	for (end = ph + eh->e_phnum; ph < end && !err; ph++) {
		if (ph->p_type != PT_LOAD)
			continue;
		err = segment(image, ph, fd);
		if (eh->e_phoff >= ph->p_offset && eh->e_phoff < ph->p_offset + ph->p_filesz)
			image->phdrs = image->bias + ph->p_vaddr + eh->e_phoff - ph->p_offset;
	}
	image->entry = image->bias + eh->e_entry;
	return err;
}
