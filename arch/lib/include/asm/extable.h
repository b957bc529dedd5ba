/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_EXTABLE_H
#define _ASM_LIB_EXTABLE_H

#define ARCH_HAS_RELATIVE_EXTABLE

struct exception_table_entry {
	int insn;
	int fixup;
	int unused;
};

#endif /* _ASM_LIB_EXTABLE_H */
