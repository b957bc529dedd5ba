/* SPDX-License-Identifier: GPL-2.0 */
#include <asm/unistd_64.h>

#define NR_syscalls (__NR_syscalls)

/* As on the host, the old calls exist too. */
#define __ARCH_WANT_NEW_STAT
#define __ARCH_WANT_SYS_ALARM
#define __ARCH_WANT_SYS_FADVISE64
#define __ARCH_WANT_SYS_GETHOSTNAME
#define __ARCH_WANT_SYS_GETPGRP
#define __ARCH_WANT_SYS_NICE
#define __ARCH_WANT_SYS_PAUSE
#define __ARCH_WANT_SYS_SIGPENDING
#define __ARCH_WANT_SYS_TIME
#define __ARCH_WANT_SYS_UTIME
