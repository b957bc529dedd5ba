/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bare.h - the least that a caller of liblinux.h can be: one kernel by dlopen(),
 * on a clock that the program sets, without a device and without libos.
 */
#ifndef _BARE_H
#define _BARE_H

#include <liblinux.h>

extern uint64_t bare_now;		/* nanoseconds */
extern uint64_t bare_deadline;		/* of the kernel's next timer */
extern struct lib_exports bare;
extern struct lib_kernel bare_kernel;

void bare_boot(void);		/* $LIBLINUX */

#endif /* _BARE_H */
