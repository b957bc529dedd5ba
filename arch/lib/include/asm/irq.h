/* SPDX-License-Identifier: GPL-2.0 */
/* There is no interrupt line. */
#define NR_IRQS 1
#include <asm-generic/irq.h>
