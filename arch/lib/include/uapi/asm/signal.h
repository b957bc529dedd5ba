/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_ASM_LIB_SIGNAL_H
#define _UAPI_ASM_LIB_SIGNAL_H

/* With the restorer, the generic struct sigaction is the host's. */
#define SA_RESTORER	0x04000000
#define __ARCH_HAS_SA_RESTORER

#include <asm-generic/signal.h>

#endif /* _UAPI_ASM_LIB_SIGNAL_H */
