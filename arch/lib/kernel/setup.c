// SPDX-License-Identifier: GPL-2.0
/*
 * The machine as the kernel finds it: the caller's memory and command line.
 */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <asm/archrandom.h>
#include <asm/lib.h>
#include <asm/sections.h>

struct task_struct *lib_current = &init_task;
unsigned long lib_irq_flags;
unsigned long lib_cycles;

/* Memory is one zone. */
void __init setup_arch(char **cmdline_p)
{
	unsigned long max_zone_pfn[MAX_NR_ZONES] = { };

	*cmdline_p = boot_command_line;
	setup_initial_init_mm(_stext, _etext, _edata, _end);
	parse_early_param();
	min_low_pfn = PFN_UP(__pa(lib_memory));
	max_low_pfn = PFN_DOWN(__pa(lib_memory_end));
	max_pfn = max_low_pfn;
	max_zone_pfn[ZONE_NORMAL] = max_pfn;
	high_memory = (void *)lib_memory_end;
	set_max_mapnr(max_pfn);
	memblock_add(__pa(lib_memory), lib_memory_end - lib_memory);
	free_area_init(max_zone_pfn);
}

/* No interrupt lines: what interrupts is injected by the caller, see entry.c. */
void __init init_IRQ(void)
{
}

void calibrate_delay(void)
{
}

size_t arch_get_random_seed_longs(unsigned long *v, size_t max_longs)
{
	host_call(random, v, max_longs * sizeof(*v));
	return max_longs;
}

/* The jitter of a clock that somebody makes up is no randomness: not compliant. */
int __wrap_jent_entropy_init(void);
int __wrap_jent_entropy_init(void)
{
	return -1;
}

/* There is nothing to tell about the processor: /proc/cpuinfo is empty. */
static void *cpuinfo_start(struct seq_file *m, loff_t *pos)
{
	return NULL;
}

static void cpuinfo_stop(struct seq_file *m, void *v)
{
}

const struct seq_operations cpuinfo_op = {
	.start	= cpuinfo_start,
	.stop	= cpuinfo_stop,
};
