/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries of the exception table: relative, and of the size that the build's
 * sorting tool expects of this machine type.
 */
#ifndef _ASM_LIB_EXTABLE_H
#define _ASM_LIB_EXTABLE_H

#define ARCH_HAS_RELATIVE_EXTABLE

struct exception_table_entry {
	int insn, fixup, unused;
};

/* For asm(): a fault at @from goes on at @to, with all registers as they were. */
#define LIB_EXTABLE(from, to)			\
	".pushsection __ex_table, \"a\"\n"	\
	".balign 4\n"				\
	".long " #from " - ., " #to " - ., 0\n"	\
	".popsection\n"

#endif /* _ASM_LIB_EXTABLE_H */
