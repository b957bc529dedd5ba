// SPDX-License-Identifier: GPL-2.0
/*
 * No interrupt lines: what interrupts is injected by the caller, see entry.c.
 */
#include <linux/init.h>
#include <linux/irq.h>
#include <linux/irqflags.h>
#include <linux/seq_file.h>

unsigned long lib_irq_flags;

void __init init_IRQ(void)
{
}

void ack_bad_irq(unsigned int irq)
{
}

int arch_show_interrupts(struct seq_file *p, int prec)
{
	return 0;
}
