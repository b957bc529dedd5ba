// SPDX-License-Identifier: GPL-2.0
/*
 * catch.c - arms the catcher.
 *
 * In this order: the way out (gateway), what a trap does (signal, trap), and only then
 * the traps (filter). Calls are found by trap once and, where it is safe, by a
 * jump in place of their instruction from then on (patch).
 */
#include "inner.h"

int catch_init(void)
{
	int err = gateway_make();

	if (err == -EEXIST)
		return 0;
	if (err)
		return err;
	thread_init();
	patch_init();
	err = signal_arm(&signal_state, false);
	if (err)
		return err;
	signal_start();
	return filter_install();
}
