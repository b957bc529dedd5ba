// SPDX-License-Identifier: GPL-2.0
/*
 * call.c - the table: which function does which system call. What is not in it
 * is the host's, and is not even caught.
 */
#include "core.h"
#include "../vdso.h"

static const call_fn table[] = {
	/* descriptors */
	[__NR_close] = fd_close,
	[__NR_close_range] = fd_close_range,
	[__NR_dup] = fd_dup,
	[__NR_dup2] = fd_dup2,
	[__NR_dup3] = fd_dup2,
	[__NR_fcntl] = fd_fcntl,
	[__NR_ioctl] = fd_ioctl,

	/* memory */
	[__NR_mmap] = memory_mmap,
	[__NR_munmap] = memory_call,
	[__NR_mprotect] = memory_call,
	[__NR_pkey_mprotect] = memory_call,
	[__NR_madvise] = memory_call,
	[__NR_mremap] = memory_call,

	/* what is done with one */
	[__NR_read] = fd_call,
	[__NR_write] = fd_call,
	[__NR_pread64] = fd_call,
	[__NR_pwrite64] = fd_call,
	[__NR_readv] = fd_call,
	[__NR_writev] = fd_call,
	[__NR_preadv] = fd_call,
	[__NR_pwritev] = fd_call,
	[__NR_preadv2] = fd_call,
	[__NR_pwritev2] = fd_call,
	[__NR_lseek] = fd_call,
	[__NR_fstat] = hidden_fstat,
	[__NR_fstatfs] = fd_call,
	[__NR_fchmod] = fd_call,
	[__NR_fchown] = fd_call,
	[__NR_ftruncate] = fd_call,
	[__NR_fsync] = fd_call,
	[__NR_fdatasync] = fd_call,
	[__NR_flock] = fd_call,
	[__NR_fadvise64] = fd_call,
	[__NR_getdents] = hidden_getdents,
	[__NR_getdents64] = hidden_getdents,
	[__NR_fgetxattr] = fd_call,
	[__NR_fsetxattr] = fd_call,
	[__NR_flistxattr] = fd_call,

	/* sockets */
	[__NR_socket] = socket_make,
	[__NR_socketpair] = socket_make,
	[__NR_accept] = socket_accept,
	[__NR_accept4] = socket_accept,
	[__NR_bind] = fd_call,
	[__NR_connect] = fd_call,
	[__NR_listen] = fd_call,
	[__NR_shutdown] = fd_call,
	[__NR_getsockname] = fd_call,
	[__NR_getpeername] = fd_call,
	[__NR_getsockopt] = socket_getsockopt,
	[__NR_setsockopt] = fd_call,
	[__NR_sendto] = netlink_sendto,
	[__NR_recvfrom] = fd_call,
	[__NR_sendmsg] = scm_sendmsg,
	[__NR_recvmsg] = scm_recvmsg,
	[__NR_sendmmsg] = scm_sendmmsg,
	[__NR_recvmmsg] = scm_recvmmsg,
	[__NR_bpf] = cgroup_bpf,

	/* waiting for many */
	[__NR_poll] = poll_poll,
	[__NR_ppoll] = poll_ppoll,
	[__NR_select] = poll_select,
	[__NR_pselect6] = poll_pselect,
	[__NR_epoll_create] = epoll_create_call,
	[__NR_epoll_create1] = epoll_create_call,
	[__NR_epoll_ctl] = epoll_ctl_call,
	[__NR_epoll_wait] = epoll_wait_call,
	[__NR_epoll_pwait] = epoll_pwait_call,
	[__NR_epoll_pwait2] = epoll_pwait2_call,

	/* from one to another */
	[__NR_sendfile] = copy_sendfile,
	[__NR_splice] = copy_splice,
	[__NR_tee] = copy_other,
	[__NR_vmsplice] = copy_other,
	[__NR_copy_file_range] = copy_other,

	/* paths */
	[__NR_open] = path_call,
	[__NR_creat] = path_call,
	[__NR_stat] = path_call,
	[__NR_lstat] = path_call,
	[__NR_statfs] = path_call,
	[__NR_access] = path_call,
	[__NR_readlink] = path_call,
	[__NR_mkdir] = path_call,
	[__NR_rmdir] = path_call,
	[__NR_unlink] = path_call,
	[__NR_chmod] = path_call,
	[__NR_chown] = path_call,
	[__NR_lchown] = path_call,
	[__NR_mknod] = path_call,
	[__NR_getxattr] = path_call,
	[__NR_lgetxattr] = path_call,
	[__NR_listxattr] = path_call,
	[__NR_llistxattr] = path_call,
	[__NR_openat] = path_at_call,
	[__NR_openat2] = path_at_call,
	[__NR_newfstatat] = path_at_call,
	[__NR_statx] = path_at_call,
	[__NR_faccessat] = path_at_call,
	[__NR_faccessat2] = path_at_call,
	[__NR_readlinkat] = path_at_call,
	[__NR_mkdirat] = path_at_call,
	[__NR_unlinkat] = path_at_call,
	[__NR_mknodat] = path_at_call,
	[__NR_fchmodat] = path_at_call,
	[__NR_fchownat] = path_at_call,
	[__NR_utimensat] = path_at_call,
	[__NR_symlink] = path_symlink,
	[__NR_symlinkat] = path_symlinkat,
	[__NR_chdir] = path_chdir,
	[__NR_fchdir] = path_fchdir,
	[__NR_getcwd] = path_getcwd,
	[__NR_mount] = path_mount,
	[__NR_umount2] = path_umount,

	/* processes */
	[__NR_exit_group] = self_exit,
	[__NR_wait4] = wait_wait4,
	[__NR_waitid] = wait_waitid,
	[__NR_kill] = kill_call,
	[__NR_tkill] = kill_call,
	[__NR_tgkill] = kill_call,
	[__NR_rt_sigqueueinfo] = kill_call,
	[__NR_rt_tgsigqueueinfo] = kill_call,
	[__NR_pidfd_send_signal] = kill_call,
	[__NR_unshare] = ids_unshare,
	[__NR_setns] = ids_setns,
	[__NR_setuid] = ids_call,
	[__NR_setgid] = ids_call,
	[__NR_setreuid] = ids_call,
	[__NR_setregid] = ids_call,
	[__NR_setresuid] = ids_call,
	[__NR_setresgid] = ids_call,
	[__NR_setfsuid] = ids_call,
	[__NR_setfsgid] = ids_call,
	[__NR_setgroups] = ids_call,
	[__NR_capset] = ids_capset,
	[__NR_prctl] = ids_prctl,
	[__NR_getrlimit] = limits_get,
	[__NR_setrlimit] = limits_set,
	[__NR_prlimit64] = limits_both,
};

#define NR_TABLE	(long)(sizeof(table) / sizeof(table[0]))

static bool is_known(long nr)
{
	return nr >= 0 && nr < NR_TABLE && table[nr];
}

/* Those on memory of the instance come in any case. */
bool nuse_wants(long nr)
{
	return is_known(nr) && table[nr] != memory_call;
}

long nuse_call(long nr, const long args[6])
{
	return is_known(nr) ? table[nr](nr, args) : host_pass(nr, args);
}

uintptr_t nuse_fault(uintptr_t ip, uintptr_t addr)
{
	return peek_fault(ip) ?: vdso_fault(ip) ?: share->exports.fault(ip, addr);
}
