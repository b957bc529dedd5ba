/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_LIB_PGALLOC_H
#define _ASM_LIB_PGALLOC_H
/* No page tables. */
#endif /* _ASM_LIB_PGALLOC_H */
