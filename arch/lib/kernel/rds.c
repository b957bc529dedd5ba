// SPDX-License-Identifier: GPL-2.0
/*
 * RDS over TCP listens in all network namespaces from its initialisation on, at a port
 * that programs may want. So that is left for the first RDS socket, as if it were a
 * module; vmlinux.lds.S keeps its initcall from the others.
 */
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/socket.h>
#include <linux/syscalls.h>

extern initcall_entry_t lib_rds_initcalls[], lib_rds_initcalls_end[];

static void initialise(void)
{
	static DEFINE_MUTEX(mutex);
	static initcall_entry_t *next = lib_rds_initcalls;

	mutex_lock(&mutex);
	for (; next < lib_rds_initcalls_end; next++)
		initcall_from_entry(next)();
	mutex_unlock(&mutex);
}

/* What the table has for socket: see syscall.c. */
asmlinkage long lib_sys_socket(int family, int type, int protocol);
asmlinkage long lib_sys_socket(int family, int type, int protocol)
{
	if (family == AF_RDS)
		initialise();
	return sys_socket(family, type, protocol);
}
