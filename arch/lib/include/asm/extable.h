/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries of the exception table: relative, and of the size that the build's
 * sorting tool expects of this machine type.
 */
#ifndef _ASM_LIB_EXTABLE_H
#define _ASM_LIB_EXTABLE_H

#define ARCH_HAS_RELATIVE_EXTABLE

/* For assembly; __stringify()ed for C */
#define LIB_EXTABLE(from, to)			\
	.pushsection __ex_table, "a";		\
	.balign 4;				\
	.long from - ., to - ., 0;		\
	.popsection

#ifndef __ASSEMBLY__
struct exception_table_entry {
	int insn, fixup, unused;
};
#endif

#endif /* _ASM_LIB_EXTABLE_H */
