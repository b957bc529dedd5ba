/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shared.h - the shared instance of this process, as the host library has
 * instances: what configures those (lib/netcfg.c, lib/sysctl.c, apply.c) works on
 * it, too, with the functions here in the place of the library's own.
 */
#ifndef _NUSE_SHARED_H
#define _NUSE_SHARED_H

#include <libos.h>

/* The instance that share_create() has made; @name is for messages. */
struct libos *shared_instance(const char *name);

/* Gives files of the instance the modes that they have in a distribution. */
void shared_set_modes(struct libos *l);

/* The gateway's page, before share_create(). Returns 0 or a negative errno. */
int shared_gateway(void);

/* Writes what the kernel's console has said; behind it why it is dead, if so. */
size_t shared_console(char *text, size_t size);

#endif /* _NUSE_SHARED_H */
