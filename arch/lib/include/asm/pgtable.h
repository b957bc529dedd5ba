/* SPDX-License-Identifier: GPL-2.0 */
/* There is no page table: what generic code compiles, and never uses. */
#ifndef _ASM_LIB_PGTABLE_H
#define _ASM_LIB_PGTABLE_H

#include <asm-generic/pgtable-nopud.h>
#include <asm/processor.h>
#include <asm/page.h>

#define pmd_offset(a, b)	((void *)0)
#define PAGE_KERNEL		__pgprot(0)
#define swapper_pg_dir		((pgd_t *)NULL)
#define VMALLOC_START		0UL
#define VMALLOC_END		(~0UL)

extern struct page *lib_zero_page;
#define ZERO_PAGE(vaddr)	lib_zero_page

#endif /* _ASM_LIB_PGTABLE_H */
