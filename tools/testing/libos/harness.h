/* SPDX-License-Identifier: GPL-2.0 */
/* harness.h - the kernel's own test harness, with room for slow machines */
#ifndef _TESTS_HARNESS_H
#define _TESTS_HARNESS_H

#include <kselftest_harness.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	60

/* 0, or why the library says it failed */
#define ASSERT_OK(expr)	do {							\
	long __ret = (expr);							\
	if (__ret < 0)								\
		TH_LOG("%s: %s", #expr, libos_error());				\
	ASSERT_LE(0, __ret);							\
} while (0)

#endif /* _TESTS_HARNESS_H */
