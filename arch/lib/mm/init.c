// SPDX-License-Identifier: GPL-2.0
/*
 * The caller's memory is the machine's: one zone, one memory map.
 */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/lib.h>

unsigned long lib_memory;
unsigned long lib_memory_end;
struct page *lib_zero_page;

void lib_memory_init(void *memory, u64 size)
{
	lib_memory = (unsigned long)memory;
	lib_memory_end = lib_memory + round_down(size, PAGE_SIZE);
}

void __init lib_paging_init(void)
{
	unsigned long max_zone_pfn[MAX_NR_ZONES] = { [ZONE_NORMAL] = max_low_pfn };

	high_memory = (void *)lib_memory_end;
	set_max_mapnr(max_low_pfn);
	free_area_init(max_zone_pfn);
}

void __init mem_init(void)
{
	void *zero = memblock_alloc(PAGE_SIZE, PAGE_SIZE);

	lib_zero_page = virt_to_page(zero);
	memblock_free_all();
}

void free_initmem(void)
{
}

void clear_page(void *page)
{
	memset(page, 0, PAGE_SIZE);
}
EXPORT_SYMBOL(clear_page);

void copy_page(void *to, const void *from)
{
	memcpy(to, from, PAGE_SIZE);
}
EXPORT_SYMBOL(copy_page);
