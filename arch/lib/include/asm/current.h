/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_CURRENT_H
#define _ASM_LIB_CURRENT_H

struct task_struct;

extern struct task_struct *lib_current;
#define current lib_current

#endif /* _ASM_LIB_CURRENT_H */
