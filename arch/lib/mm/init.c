// SPDX-License-Identifier: GPL-2.0
/*
 * The caller's memory is the machine's. It comes zero-filled, and a page that
 * was never in use need not be cleared, nor taken from the host, before it is
 * written: most of a kernel stack is never reached. A bit is set for each page
 * that was in use; early allocations, which come from the end of memory, count
 * as such with a margin for what was freed again below them.
 */
#include <linux/bitmap.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <asm/lib.h>

unsigned long lib_memory;
unsigned long lib_memory_end;
struct page *lib_zero_page;

#define EARLY_MARGIN	PFN_DOWN(SZ_256K)

static unsigned long *used;		/* a bit for each page; NULL before mem_init() */
static void *fresh, *fresh_end;		/* allocated last, and never in use before */

static unsigned long page_bit(const struct page *page)
{
	return page_to_pfn(page) - ARCH_PFN_OFFSET;
}

void arch_alloc_page(struct page *page, int order)
{
	unsigned long first = page_bit(page), end = first + (1UL << order);
	bool was_used;

	fresh = fresh_end = NULL;
	if (!used)
		return;
	/* Some of it may have been in use: from now on all of it was. */
	was_used = find_next_bit(used, end, first) < end;
	bitmap_set(used, first, end - first);
	if (was_used)
		return;
	fresh = page_to_virt(page);
	fresh_end = fresh + (PAGE_SIZE << order);
}

/* The allocator clears right after it allocated. */
void clear_page(void *page)
{
	if (page == fresh && fresh < fresh_end)
		fresh += PAGE_SIZE;
	else
		memset(page, 0, PAGE_SIZE);
}
EXPORT_SYMBOL(clear_page);

void __init mem_init(void)
{
	unsigned long nr = PFN_DOWN(lib_memory_end - lib_memory);
	unsigned long *bits = memblock_alloc(BITS_TO_LONGS(nr) * sizeof(long), sizeof(long));
	void *zero = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
	unsigned long lowest = PFN_DOWN(memblock.reserved.regions[0].base) - ARCH_PFN_OFFSET;

	lib_zero_page = virt_to_page(zero);
	lowest -= min(lowest, EARLY_MARGIN);
	bitmap_set(bits, lowest, nr - lowest);
	memblock_free_all();
	used = bits;
}

void free_initmem(void)
{
}
