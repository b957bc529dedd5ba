// SPDX-License-Identifier: GPL-2.0
/*
 * image.c - loads liblinux.so, any number of times.
 *
 * The dynamic linker loads a file once a namespace and has 15 namespaces. The
 * library needs none of its services: it has no imports, no thread-local
 * storage and relative relocations alone. So: map the segments privately from
 * the file, which shares what is not written, and relocate.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "error.h"
#include "image.h"

#define PAGE		4096UL
#define MAX_PHDRS	32
#define MAX_NOTES	1024

#ifndef LIBOS_LIBDIR
#define LIBOS_LIBDIR	"/usr/local/lib"
#endif

/**
 * struct file - an ELF file while it is being loaded
 * @image:	where to
 * @fd:		its descriptor
 * @ehdr:	its header
 * @phdrs:	its program headers, ehdr.e_phnum of them
 */
struct file {
	struct image *image;
	int fd;
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdrs[MAX_PHDRS];
};

static int bad(const struct file *file, const char *what)
{
	return fail(ENOEXEC, "%s is not a liblinux.so: %s", file->image->path, what);
}

static unsigned long down(unsigned long addr)
{
	return addr & -PAGE;
}

static unsigned long up(unsigned long addr)
{
	return down(addr + PAGE - 1);
}

/* ------------------------------------------------------- what the file says */

static int read_headers(struct file *file, size_t room)
{
	Elf64_Ehdr *e = &file->ehdr;
	ssize_t len = pread(file->fd, e, sizeof(*e), 0);
	unsigned long end = 0;
	int i;

	if (len < 0)
		return fail(errno, "cannot read %s: %s", file->image->path, strerror(errno));
	if (len < (ssize_t)sizeof(*e) || memcmp(e->e_ident, ELFMAG, SELFMAG))
		return bad(file, "no ELF file");
	if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_machine != EM_X86_64 ||
	    e->e_type != ET_DYN)
		return bad(file, "no shared object for x86-64");
	if (e->e_phentsize != sizeof(Elf64_Phdr) || e->e_phnum > MAX_PHDRS)
		return bad(file, "strange program headers");
	len = e->e_phnum * sizeof(Elf64_Phdr);
	if (pread(file->fd, file->phdrs, len, e->e_phoff) != len)
		return bad(file, "the file is truncated");

	for (i = 0; i < e->e_phnum; i++) {
		Elf64_Phdr *p = &file->phdrs[i];

		if (p->p_type == PT_TLS)
			return bad(file, "it has thread-local storage");
		if (p->p_type != PT_LOAD)
			continue;
		if (p->p_filesz > p->p_memsz || p->p_memsz > room || p->p_vaddr > room ||
		    (p->p_vaddr - p->p_offset) % PAGE)
			return bad(file, "strange segments");
		end = end > p->p_vaddr + p->p_memsz ? end : p->p_vaddr + p->p_memsz;
		if (p->p_flags & PF_W && !file->image->data)
			file->image->data = down(p->p_vaddr);
		if (p->p_flags & PF_W)
			file->image->zeros = up(p->p_vaddr + p->p_filesz);
	}
	if (!end || end > room)
		return bad(file, "nothing to load, or too much");
	file->image->size = up(end);
	return 0;
}

static size_t note_align(size_t len)
{
	return (len + 3) & ~3UL;
}

/* Looks among the notes of a segment, in @left bytes. */
static bool find_id(unsigned char *id, const char *note, size_t left)
{
	const Elf64_Nhdr *h = (const Elf64_Nhdr *)note;
	size_t len;

	for (; left >= sizeof(*h); note += len, left -= len, h = (const Elf64_Nhdr *)note) {
		len = sizeof(*h) + note_align(h->n_namesz) + note_align(h->n_descsz);
		if (len > left)
			break;
		if (h->n_type != NT_GNU_BUILD_ID || h->n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp(h + 1, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) ||
		    h->n_descsz > BUILD_ID_SIZE)
			continue;
		memset(id, 0, BUILD_ID_SIZE);
		memcpy(id, note + sizeof(*h) + sizeof(ELF_NOTE_GNU), h->n_descsz);
		return true;
	}
	return false;
}

/* The linker's build id: the same for the same contents, wherever the file is. */
static int read_id(struct file *file)
{
	char notes[MAX_NOTES] __attribute__((aligned(4)));
	ssize_t len;
	int i;

	for (i = 0; i < file->ehdr.e_phnum; i++) {
		const Elf64_Phdr *p = &file->phdrs[i];

		if (p->p_type != PT_NOTE)
			continue;
		len = p->p_filesz < sizeof(notes) ? p->p_filesz : sizeof(notes);
		len = pread(file->fd, notes, len, p->p_offset);
		if (len > 0 && find_id(file->image->id, notes, len))
			return 0;
	}
	return bad(file, "it has no build id");
}

static int file_open(struct file *file, struct image *image, const char *path, void *base,
		     size_t room)
{
	int err;

	file->image = image;
	snprintf(image->path, sizeof(image->path), "%s", path);
	image->base = base;
	image->data = 0;
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return fail(errno, "cannot open %s: %s", path, strerror(errno));
	err = read_headers(file, room);
	err = err ?: read_id(file);
	if (err)
		close(file->fd);
	return err;
}

/* ----------------------------------------------------------------- mapping */

static int map_segment(const struct file *file, const Elf64_Phdr *p)
{
	char *start = file->image->base + down(p->p_vaddr);
	char *file_end = file->image->base + p->p_vaddr + p->p_filesz;
	char *file_top = file->image->base + up(p->p_vaddr + p->p_filesz);
	char *top = file->image->base + up(p->p_vaddr + p->p_memsz);
	int prot = (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
		   (p->p_flags & PF_X ? PROT_EXEC : 0);

	if (p->p_filesz &&
	    mmap(start, file_end - start, prot, MAP_PRIVATE | MAP_FIXED, file->fd,
		 down(p->p_offset)) == MAP_FAILED)
		goto error;
	if (top > file_top &&
	    mmap(file_top, top - file_top, prot,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		goto error;
	if (p->p_flags & PF_W && p->p_memsz > p->p_filesz && file_top > file_end)
		memset(file_end, 0, file_top - file_end);
	return 0;
error:
	return fail(errno, "cannot map %s: %s", file->image->path, strerror(errno));
}

static int map_segments(const struct file *file, bool text_only)
{
	struct stat st;
	int i, err;

	if (fstat(file->fd, &st))
		return fail(errno, "cannot read %s: %s", file->image->path, strerror(errno));
	for (i = 0; i < file->ehdr.e_phnum; i++) {
		const Elf64_Phdr *p = &file->phdrs[i];

		if (p->p_type != PT_LOAD || (text_only && p->p_flags & PF_W))
			continue;
		if (p->p_offset + p->p_filesz > (unsigned long)st.st_size)
			return bad(file, "the file is truncated");
		err = map_segment(file, p);
		if (err)
			return err;
	}
	return 0;
}

/* -------------------------------------------------------------- relocation */

static bool inside(const struct image *image, unsigned long offset, unsigned long len)
{
	return offset < image->size && len <= image->size - offset;
}

static const Elf64_Dyn *dynamic(const struct file *file)
{
	int i;

	for (i = 0; i < file->ehdr.e_phnum; i++)
		if (file->phdrs[i].p_type == PT_DYNAMIC &&
		    inside(file->image, file->phdrs[i].p_vaddr, file->phdrs[i].p_filesz))
			return (Elf64_Dyn *)(file->image->base + file->phdrs[i].p_vaddr);
	return NULL;
}

/* Whether 8 bytes are in a segment that can be written. */
static bool writable(const struct file *file, unsigned long offset)
{
	const Elf64_Phdr *p = file->phdrs, *last = NULL;

	for (; p < file->phdrs + file->ehdr.e_phnum; p++)
		if (p->p_type == PT_LOAD && p->p_flags & PF_W && offset >= p->p_vaddr)
			last = p;
	return last && offset - last->p_vaddr + sizeof(uint64_t) <= last->p_memsz;
}

static int relocate(const struct file *file)
{
	const struct image *image = file->image;
	unsigned long rela = 0, size = 0, i;
	const Elf64_Dyn *d = dynamic(file);
	const Elf64_Rela *r;

	if (!d)
		return bad(file, "no dynamic section");
	for (; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_NEEDED)
			return bad(file, "it needs other libraries");
		if (d->d_tag == DT_JMPREL || d->d_tag == DT_REL)
			return bad(file, "it has relocations other than relative ones");
		if (d->d_tag == DT_RELA)
			rela = d->d_un.d_ptr;
		if (d->d_tag == DT_RELASZ)
			size = d->d_un.d_val;
	}
	if (!inside(image, rela, size))
		return bad(file, "strange relocations");
	r = (Elf64_Rela *)(image->base + rela);
	for (i = 0; i < size / sizeof(*r); i++, r++) {
		if (ELF64_R_TYPE(r->r_info) == R_X86_64_NONE)
			continue;
		if (ELF64_R_TYPE(r->r_info) != R_X86_64_RELATIVE ||
		    !writable(file, r->r_offset))
			return bad(file, "it has relocations other than relative ones");
		*(uint64_t *)(image->base + r->r_offset) = (uint64_t)image->base + r->r_addend;
	}
	return 0;
}

/* ----------------------------------------------------------------- symbols */

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

/* The hash table: header, Bloom filter, buckets, then chains whose last has bit 0. */
static void *hash_lookup(const struct image *image, const uint32_t *table,
			 const Elf64_Sym *syms, const char *strings, const char *name)
{
	uint32_t nr_buckets = table[0], first = table[1], hash = gnu_hash(name), i;
	const uint32_t *buckets = table + 4 + 2 * table[2];
	const uint32_t *chain = buckets + nr_buckets - first;

	if (!nr_buckets)
		return NULL;
	for (i = buckets[hash % nr_buckets]; i >= first; i++) {
		if ((chain[i] | 1) == (hash | 1) && syms[i].st_shndx != SHN_UNDEF &&
		    !strcmp(strings + syms[i].st_name, name))
			return image->base + syms[i].st_value;
		if (chain[i] & 1)
			break;
	}
	return NULL;
}

static void *symbol(const struct file *file, const char *name)
{
	const struct image *image = file->image;
	const char *strings = NULL;
	const uint32_t *hash = NULL;
	const Elf64_Sym *syms = NULL;
	const Elf64_Dyn *d;

	for (d = dynamic(file); d->d_tag != DT_NULL; d++) {
		if (!inside(image, d->d_un.d_ptr, PAGE))
			continue;
		if (d->d_tag == DT_STRTAB)
			strings = image->base + d->d_un.d_ptr;
		if (d->d_tag == DT_SYMTAB)
			syms = (Elf64_Sym *)(image->base + d->d_un.d_ptr);
		if (d->d_tag == DT_GNU_HASH)
			hash = (uint32_t *)(image->base + d->d_un.d_ptr);
	}
	return strings && syms && hash ? hash_lookup(image, hash, syms, strings, name) : NULL;
}

int image_load(struct image *image, const char *path, void *base, size_t room,
	       int (*place)(const struct image *image))
{
	struct file file;
	int err = file_open(&file, image, path, base, room);

	if (err)
		return err;
	err = map_segments(&file, false);
	if (!err && place)
		err = place(image);
	if (!err)
		err = relocate(&file);
	close(file.fd);
	if (err)
		return err;
	image->init = symbol(&file, "lib_init");
	return image->init ? 0 : bad(&file, "it has no lib_init()");
}

int image_load_text(struct image *image, const char *path, void *base, size_t room)
{
	unsigned char id[BUILD_ID_SIZE];
	struct file file;
	int err;

	memcpy(id, image->id, sizeof(id));
	err = file_open(&file, image, path, base, room);
	if (err)
		return err;
	if (memcmp(id, image->id, sizeof(id)))
		err = fail(ESTALE, "%s is not the library that the snapshot was made with", path);
	else
		err = map_segments(&file, true);
	close(file.fd);
	return err;
}

/* ------------------------------------------------------------------ finding */

static bool try_path(char *found, const char *dir, const char *file)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", dir, file) < (int)sizeof(path) &&
	       realpath(path, found) && !access(found, R_OK);
}

int image_find(const char *path, char *found)
{
	char exe[PATH_MAX];
	ssize_t len;

	if (!path)
		path = getenv("LIBLINUX");
	if (path && *path) {
		if (!realpath(path, found))
			return fail(errno, "cannot open %s: %s", path, strerror(errno));
		return 0;
	}
	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (len > 0) {
		exe[len] = 0;
		*strrchr(exe, '/') = 0;
		if (try_path(found, exe, "liblinux.so") ||
		    try_path(found, exe, "../lib/liblinux.so"))
			return 0;
	}
	if (try_path(found, LIBOS_LIBDIR, "liblinux.so") || try_path(found, ".", "liblinux.so"))
		return 0;
	return fail(ENOENT, "no liblinux.so beside the program, in " LIBOS_LIBDIR
		    " or in the current directory: set LIBLINUX to its path");
}
