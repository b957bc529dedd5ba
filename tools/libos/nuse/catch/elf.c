// SPDX-License-Identifier: GPL-2.0
/*
 * elf.c - reads and checks the headers of a program or its dynamic linker.
 */
#include "inner.h"

static bool read_at(int fd, void *to, size_t size, uint64_t offset)
{
	return host_call(__NR_pread64, fd, to, size, offset, 0, 0) == (long)size;
}

static bool runs_here(const Elf64_Ehdr *eh)
{
	return eh->e_ident[EI_CLASS] == ELFCLASS64 && eh->e_ident[EI_DATA] == ELFDATA2LSB &&
	       eh->e_machine == EM_X86_64 && (eh->e_type == ET_EXEC || eh->e_type == ET_DYN) &&
	       eh->e_phentsize == sizeof(Elf64_Phdr) && eh->e_phnum &&
	       eh->e_phnum <= ELF_MAX_PHDRS;
}

int elf_read(struct elf *elf, int fd)
{
	const Elf64_Phdr *ph;

	memset(elf, 0, sizeof(*elf));
	if (!read_at(fd, elf->eh.e_ident, EI_NIDENT, 0) || memcmp(elf->eh.e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	if (!read_at(fd, &elf->eh, sizeof(elf->eh), 0) || !runs_here(&elf->eh) ||
	    !read_at(fd, elf->ph, elf->eh.e_phnum * sizeof(*ph), elf->eh.e_phoff))
		return -ELIBBAD;
	for (ph = elf->ph; ph < elf->ph + elf->eh.e_phnum; ph++) {
		if (ph->p_type != PT_INTERP)
			continue;
		if (ph->p_filesz < 2 || ph->p_filesz > sizeof(elf->interp) ||
		    !read_at(fd, elf->interp, ph->p_filesz, ph->p_offset) ||
		    elf->interp[ph->p_filesz - 1])
			return -ELIBBAD;
	}
	return 0;
}
