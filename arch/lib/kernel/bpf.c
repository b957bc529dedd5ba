// SPDX-License-Identifier: GPL-2.0
/*
 * BPF runs in the interpreter, and only compiled programs may call functions
 * of the kernel: the sets of those that may be called stay unregistered. The
 * first to be registered would make the kernel read all of its types, in each
 * instance; so the first program that is loaded does.
 */

/* In place of each function that registers such a set: see LDFLAGS_vmlinux. */
int lib_register_no_kfuncs(void);
int lib_register_no_kfuncs(void)
{
	return 0;
}
