/* SPDX-License-Identifier: GPL-2.0 */
/*
 * processes.h - the processes that an instance lives for: its members, and
 * commands that are about to become one. The keeper knows them by their pidfd.
 */
#ifndef _NUSE_PROCESSES_H
#define _NUSE_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

/* One that will be a member, or is. Returns 0 or a negative errno. */
int processes_add(pid_t pid);

/* Finds out who has come. */
void processes_look(void);

/* To be called each second while there are births. */
void processes_second(void);

/* How many there are, and members that have not said yet who they are */
unsigned int processes_count(void);
unsigned int processes_births(void);

/* Sends a signal to all, and to those that are found later. */
void processes_signal(int sig);

#endif /* _NUSE_PROCESSES_H */
