// SPDX-License-Identifier: GPL-2.0
/*
 * text.c - where code lies, by the host's list of mappings.
 *
 * Only text of a file counts, mapped private, for reading and execution. One
 * reader at a time: the buffer is common.
 */
#include <linux/elf.h>
#include <linux/fcntl.h>
#include "inner.h"

#define LOWEST	0x10000UL		/* below it nothing is mapped */
#define NEAR	0x60000000UL		/* for a near jump, with room for the text */

struct mapping {
	uintptr_t start, end;
	bool text;
	uint64_t inode;
};

static struct {
	long fd;
	size_t at, len;
	char buf[4096];
} maps;

static int next_byte(void)
{
	long got;

	if (maps.at == maps.len) {
		got = host_call(__NR_read, maps.fd, maps.buf, sizeof(maps.buf), 0, 0, 0);
		if (got <= 0)
			return -1;
		maps.at = 0;
		maps.len = got;
	}
	return (unsigned char)maps.buf[maps.at++];
}

/* Returns the byte behind it. */
static int number(uint64_t *value, int base)
{
	int c, digit;

	for (*value = 0; (c = next_byte()) >= 0; *value = *value * base + digit) {
		digit = c >= 'a' ? c - 'a' + 10 : c <= '9' ? c - '0' : base;
		if (digit < 0 || digit >= base)
			break;
	}
	return c;
}

/* start-end rwxp offset major:minor inode path */
static bool next_mapping(struct mapping *m)
{
	uint64_t value;
	int i, c;

	if (number(&m->start, 16) != '-' || number(&m->end, 16) != ' ')
		return false;
	m->text = true;
	for (i = 0; i < 4; i++)
		m->text &= next_byte() == "r-xp"[i];
	next_byte();
	number(&value, 16);
	number(&value, 16);
	number(&value, 16);
	for (c = number(&m->inode, 10); c >= 0 && c != '\n';)
		c = next_byte();
	return true;
}

static bool has_go_note(const char *note, const char *end)
{
	const Elf64_Nhdr *nh;

	for (; note + sizeof(*nh) + 4 <= end; note += sizeof(*nh) + (nh->n_namesz + 3) / 4 * 4 +
						      (nh->n_descsz + 3) / 4 * 4) {
		nh = (void *)note;
		if (nh->n_namesz == 4 && !memcmp(nh + 1, "Go\0", 4))
			return true;
	}
	return false;
}

/* Whether an ELF file, whose start is mapped here, has the note of Go's linker */
static bool is_go(const struct mapping *m)
{
	const Elf64_Ehdr *eh = (void *)m->start;
	const Elf64_Phdr *ph = (void *)(m->start + sizeof(*eh)), *end;
	uintptr_t bias = m->start;
	const char *note, *note_end;

	if (m->end - m->start < PAGE_SIZE || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_phoff != sizeof(*eh) || eh->e_phnum > 50)
		return false;
	end = ph + eh->e_phnum;
	for (const Elf64_Phdr *p = ph; p < end; p++) {
		if (p->p_type == PT_LOAD && !p->p_offset)
			bias = m->start - p->p_vaddr;
	}
	for (; ph < end; ph++) {
		note = (void *)(bias + ph->p_vaddr);
		note_end = note + ph->p_filesz;
		if (ph->p_type == PT_NOTE && (uintptr_t)note >= m->start &&
		    (uintptr_t)note_end <= m->end && has_go_note(note, note_end))
			return true;
	}
	return false;
}

/* Whether @m goes on where @text ends: what was patched is a mapping of its own. */
static bool goes_on(const struct text *text, uint64_t inode, const struct mapping *m)
{
	return m->text && m->inode && m->inode == inode && m->start == text->end;
}

static void find_gap(struct text *text, const struct mapping *m, uintptr_t below,
		     uintptr_t address, size_t gap)
{
	if (m->start <= address && address - m->start < NEAR &&
	    m->start >= below + gap + 2 * PAGE_SIZE)
		text->gap = m->start - gap - PAGE_SIZE;
}

bool text_find(struct text *text, uintptr_t address, size_t gap)
{
	struct mapping m, first = { 0 };
	uintptr_t below = LOWEST;

	maps.fd = host_call(__NR_open, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0, 0, 0, 0);
	if (maps.fd < 0)
		return false;
	maps.at = 0;
	maps.len = 0;
	*text = (struct text) { 0 };
	while (next_mapping(&m)) {
		if (!goes_on(text, first.inode, &m)) {
			if (m.start > address)
				break;
			text->start = m.start;
		}
		find_gap(text, &m, below, address, gap);
		below = m.end;
		text->end = m.text ? m.end : m.start;
		if (m.inode != first.inode)
			first = m;
	}
	host_call(__NR_close, maps.fd, 0, 0, 0, 0, 0);
	if (!first.inode || address < text->start || address >= text->end)
		return false;
	text->go = is_go(&first);
	return true;
}
