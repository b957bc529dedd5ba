/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_IRQ_H
#define _ASM_LIB_IRQ_H

/* There is no interrupt line. */
#define NR_IRQS	1

static inline int irq_canonicalize(int irq)
{
	return irq;
}

#endif /* _ASM_LIB_IRQ_H */
