/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* With the restorer, the generic struct sigaction is the host's. */
#define SA_RESTORER	0x04000000
#include <asm-generic/signal.h>
