// SPDX-License-Identifier: GPL-2.0
/*
 * Faults, as the host's signal handler reports them. One in an access to user
 * memory has an entry in the exception table; any other is a bug in the
 * kernel, and the end of this instance alone.
 */
#include <linux/extable.h>
#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <asm/lib.h>
#include <asm/sections.h>

static uintptr_t fault_ip, fault_addr;

/*
 * Where a fault of the kernel's own goes on. The stack pointer may have any
 * alignment there.
 */
asm(".pushsection .text\n"
    "lib_oops_entry:\n"
    "	and $-16, %rsp\n"
    "	call lib_oops\n"
    ".popsection\n");
void lib_oops_entry(void);
void __noreturn lib_oops(void);

void __noreturn lib_oops(void)
{
	panic("fault in %pS at address %#lx", (void *)fault_ip, fault_addr);
}

uintptr_t lib_fault(uintptr_t ip, uintptr_t addr)
{
	const struct exception_table_entry *entry;

	if (ip < (uintptr_t)_text || ip >= (uintptr_t)_etext)
		return 0;
	entry = search_exception_tables(ip);
	if (entry)
		return (uintptr_t)&entry->fixup + entry->fixup;
	fault_ip = ip;
	fault_addr = addr;
	return (uintptr_t)lib_oops_entry;
}
