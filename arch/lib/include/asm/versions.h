/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kernels older than the newest call by another name: the one place where
 * their versions matter.
 */
#ifndef _ASM_LIB_VERSIONS_H
#define _ASM_LIB_VERSIONS_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define kernel_ethtool_ts_info	ethtool_ts_info
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define vm_flags_init(vma, flags)	((vma)->vm_flags = (flags))
/* The idle function returns with interrupts enabled. */
#define lib_idle_irqs()			local_irq_enable()
#else
#define lib_idle_irqs()			do { } while (0)
#endif

#endif /* _ASM_LIB_VERSIONS_H */
