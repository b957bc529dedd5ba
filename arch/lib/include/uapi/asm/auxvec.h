/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* The host architecture's layout: programs are built for it. */
#include <x86/include/uapi/asm/auxvec.h>
