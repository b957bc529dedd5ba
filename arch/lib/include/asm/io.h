/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_IO_H
#define _ASM_LIB_IO_H

#include <asm/page.h>

#define PCI_IOBASE	((void __iomem *)0)
#define virt_to_phys(x)	__pa((unsigned long)(x))
#define phys_to_virt(x)	__va(x)
#include <asm-generic/io.h>

#endif /* _ASM_LIB_IO_H */
