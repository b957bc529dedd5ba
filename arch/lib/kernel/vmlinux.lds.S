/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two segments: what is never written, shared by all instances, and the state
 * of one instance. Read-only data that carries relocations counts as state.
 */
#define EMITS_PT_NOTE
#include <asm/cache.h>
#include <asm/page.h>
#include <asm/thread_info.h>
#include <asm-generic/vmlinux.lds.h>

VERSION
{
	LIBLINUX { global: lib_init; lib_version; local: *; };
}

PHDRS
{
	text PT_LOAD FILEHDR PHDRS FLAGS(5);
	dynamic PT_DYNAMIC FLAGS(4);
	note PT_NOTE FLAGS(4);		/* the build id: what tells one library from another */
	data PT_LOAD FLAGS(6);
	stack PT_GNU_STACK FLAGS(6);
}

jiffies = jiffies_64;

SECTIONS
{
	. = SIZEOF_HEADERS;

	.gnu.hash : { *(.gnu.hash) } :text
	.dynsym : { *(.dynsym) } :text
	.dynstr : { *(.dynstr) } :text
	.gnu.version : { *(.gnu.version) } :text
	.gnu.version_d : { *(.gnu.version_d) } :text
	/* Before the relocations: sorttable of 6.1 wipes those that come first. */
	EXCEPTION_TABLE(4)
	NOTES
	BTF
/* Here they are shared, in RO_DATA() they would be state. */
#undef NOTES
#define NOTES
#undef BTF
#define BTF
	.rela.dyn : { __rela_start = .; *(.rela.*) } :text
	.dynamic : { __rela_end = .; *(.dynamic) } :text :dynamic

	. = ALIGN(PAGE_SIZE);
	.text : {
		_text = .;
		_stext = .;
		TEXT_TEXT
#ifdef CPUIDLE_TEXT
		CPUIDLE_TEXT
#endif
		SCHED_TEXT
		LOCK_TEXT
		IRQENTRY_TEXT
		SOFTIRQENTRY_TEXT
		_etext = .;
	} :text
	INIT_TEXT_SECTION(PAGE_SIZE) :text
	.eh_frame : { KEEP(*(.eh_frame)) } :text

	. = ALIGN(PAGE_SIZE);
	__lib_image = .;
	.host_page : { *(.data..host_page) } :data
	_sdata = .;
	RO_DATA(PAGE_SIZE)
	.data.rel : { *(.data.rel .data.rel.*) }
	RW_DATA(L1_CACHE_BYTES, PAGE_SIZE, THREAD_SIZE)
	_edata = .;

	. = ALIGN(PAGE_SIZE);
	__init_begin = .;
	INIT_DATA_SECTION(16)
	PERCPU_SECTION(L1_CACHE_BYTES)
	.got : { *(.got) *(.got.plt) *(.igot*) }
	. = ALIGN(PAGE_SIZE);
	__init_end = .;

	BSS_SECTION(0, PAGE_SIZE, PAGE_SIZE)
	. = ALIGN(PAGE_SIZE);
	_end = .;

	DWARF_DEBUG
	ELF_DETAILS

	DISCARDS
}
