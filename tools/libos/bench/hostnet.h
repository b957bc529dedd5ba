/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hostnet.h - networks of the host's own kernel, to compare with: namespaces
 * without a name, which end with the process that made them.
 */
#ifndef _HOSTNET_H
#define _HOSTNET_H

/* Makes a network namespace with its loopback up; returns its descriptor. */
int hostnet_new(void);

/* The calling thread and its children are in it from now on. */
void hostnet_enter(int netns);

/* Runs "ip <arguments>" in a namespace. */
void __attribute__((format(printf, 2, 3))) hostnet_ip(int netns, const char *format, ...);

/* Joins two with a veth pair; the interfaces get names and addresses and are up. */
void hostnet_join(int a, const char *a_name, const char *a_addr,
		  int b, const char *b_name, const char *b_addr);

#endif /* _HOSTNET_H */
