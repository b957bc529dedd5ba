/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries of the exception table: relative, and of the size that the build's
 * sorting tool expects of this machine type.
 */
#ifndef _ASM_LIB_ASM_EXTABLE_H
#define _ASM_LIB_ASM_EXTABLE_H

#ifdef __ASSEMBLY__
.macro lib_extable from, to
	.pushsection __ex_table, "a"
	.balign 4
	.long \from - ., \to - ., 0
	.popsection
.endm
#else
#define LIB_EXTABLE(from, to)				\
	".pushsection __ex_table,\"a\"\n"		\
	".balign 4\n"					\
	".long " #from " - ., " #to " - ., 0\n"		\
	".popsection\n"
#endif

#endif /* _ASM_LIB_ASM_EXTABLE_H */
