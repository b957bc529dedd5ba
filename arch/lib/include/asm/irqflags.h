/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts come as calls, at the two places where the kernel rests; the flag
 * only tells the generic code what it expects to see.
 */
#ifndef _ASM_LIB_IRQFLAGS_H
#define _ASM_LIB_IRQFLAGS_H

#define ARCH_IRQ_DISABLED	0
#define ARCH_IRQ_ENABLED	1

extern unsigned long lib_irq_flags;

static __always_inline unsigned long arch_local_save_flags(void)
{
	return lib_irq_flags;
}

static __always_inline void arch_local_irq_restore(unsigned long flags)
{
	barrier();
	lib_irq_flags = flags;
}

#include <asm-generic/irqflags.h>

#endif /* _ASM_LIB_IRQFLAGS_H */
