/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tree.h - which paths are the instance's: its /proc/net, /proc/sys/net,
 * /sys/class/net, network namespaces, library descriptors and /dev/net/tun.
 *
 * All others are the host's; but /etc/resolv.conf is that of the configuration, if
 * it has one.
 */
#ifndef _NUSE_TREE_H
#define _NUSE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#define TREE_HEAD	128			/* no path that matters is decided later */

enum whose {
	OF_HOST,
	OF_INSTANCE,
	MAPPED,		/* the instance's, which has it by another name */
	MAPPED_FILE,	/* share_control::resolv_conf of the host */
	NOBODYS,	/* a hidden descriptor: there is no such file */
};

/*
 * Takes the start of the program's path, which may be relative to @dir, to @head;
 * with MAPPED, that is the path.
 */
enum whose tree_whose(int dir, long path, char head[TREE_HEAD + 1]);

/* The id in the instance of a process that the host knows by @pid; 0: it is none of them */
uint32_t tree_pid(uint32_t pid);

/* Whether a directory of the instance, by its own name, is one that programs see */
bool tree_has(const char *path);

/*
 * Whether a directory at the host is one of descriptors of a process in the instance.
 * The second takes a descriptor.
 */
bool tree_lists_descriptors(const char *path);
bool tree_is_list(int dir);

#endif /* _NUSE_TREE_H */
