/* SPDX-License-Identifier: GPL-2.0 */
/* Nothing executes ELF files; this is for <linux/elf.h> to be complete. */
#ifndef _ASM_LIB_ELF_H
#define _ASM_LIB_ELF_H

#include <asm/ptrace.h>

#define ELF_CLASS	ELFCLASS64
typedef struct pt_regs elf_gregset_t;
typedef unsigned long elf_fpregset_t;

#endif /* _ASM_LIB_ELF_H */
