// SPDX-License-Identifier: GPL-2.0
/*
 * BPF runs in the interpreter, and only compiled programs may call functions
 * of the kernel: the sets of those that may be called stay unregistered. The
 * first to be registered would make the kernel read all of its types, in each
 * instance; so the first program that is loaded does.
 */
#include <linux/btf.h>

int __wrap_register_btf_kfunc_id_set(enum bpf_prog_type type, const struct btf_kfunc_id_set *set);
int __wrap_register_btf_kfunc_id_set(enum bpf_prog_type type, const struct btf_kfunc_id_set *set)
{
	return 0;
}

int __wrap_register_btf_fmodret_id_set(const struct btf_kfunc_id_set *set);
int __wrap_register_btf_fmodret_id_set(const struct btf_kfunc_id_set *set)
{
	return 0;
}

int __wrap_register_btf_id_dtor_kfuncs(const struct btf_id_dtor_kfunc *dtors, u32 nr,
				       struct module *owner);
int __wrap_register_btf_id_dtor_kfuncs(const struct btf_id_dtor_kfunc *dtors, u32 nr,
				       struct module *owner)
{
	return 0;
}
