/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory is what the caller gave. Physical addresses count from 1 MiB at its
 * first byte, so that the memory map stays as small as the memory.
 */
#ifndef _ASM_LIB_PAGE_H
#define _ASM_LIB_PAGE_H

#include <linux/const.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(_AC(1, UL) << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))

#ifndef __ASSEMBLY__
#include <linux/pfn.h>

extern unsigned long lib_memory;	/* its first byte */
extern unsigned long lib_memory_end;

#define PAGE_OFFSET	lib_memory
#define PHYS_OFFSET	0x100000UL
#define ARCH_PFN_OFFSET	PFN_DOWN(PHYS_OFFSET)

#define __pa(x)		((unsigned long)(x) - PAGE_OFFSET + PHYS_OFFSET)
#define __va(x)		((void *)((unsigned long)(x) - PHYS_OFFSET + PAGE_OFFSET))

#define virt_to_page(kaddr)	pfn_to_page(PFN_DOWN(__pa(kaddr)))
#define page_to_phys(page)	((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT)
#define pfn_to_kaddr(pfn)	__va((unsigned long)(pfn) << PAGE_SHIFT)
#define virt_addr_valid(kaddr)					\
	((unsigned long)(kaddr) >= lib_memory &&		\
	 (unsigned long)(kaddr) < lib_memory_end)

struct page;

#define HAVE_ARCH_ALLOC_PAGE
void arch_alloc_page(struct page *page, int order);
void clear_page(void *page);
#define clear_user_page(page, vaddr, pg)	clear_page(page)
#define copy_page(to, from)			memcpy(to, from, PAGE_SIZE)
#define copy_user_page(to, from, vaddr, pg)	copy_page(to, from)

typedef struct page *pgtable_t;
typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pmd; } pmd_t;
typedef struct { unsigned long pgd; } pgd_t;
typedef struct { unsigned long pgprot; } pgprot_t;

#define pte_val(x)	((x).pte)
#define pmd_val(x)	((x).pmd)
#define pgd_val(x)	((x).pgd)
#define pgprot_val(x)	((x).pgprot)
#define __pte(x)	((pte_t) { (x) })
#define __pgd(x)	((pgd_t) { (x) })
#define __pgprot(x)	((pgprot_t) { (x) })

extern unsigned long max_mapnr;
#define pfn_valid(pfn)	((pfn) >= ARCH_PFN_OFFSET && (pfn) - ARCH_PFN_OFFSET < max_mapnr)

#include <asm-generic/memory_model.h>
#include <asm-generic/getorder.h>

#endif /* __ASSEMBLY__ */

#endif /* _ASM_LIB_PAGE_H */
