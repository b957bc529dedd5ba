/* SPDX-License-Identifier: GPL-2.0 */
/*
 * keeper.h - the process that makes an instance and looks after it: its timers
 * and devices while no program does, its members, and whoever asks about it.
 */
#ifndef _NUSE_KEEPER_H
#define _NUSE_KEEPER_H

#include "config.h"

/**
 * keeper_start - makes an instance in a process of its own
 * @config:	what it is like
 * @program:	the program that is to run on it, or NULL; gives it a name
 *
 * Returns the connection on which the keeper sends a struct control_answer with
 * the descriptors of the instance, or a negative errno, with its text. The
 * calling process counts as one of the instance's from the beginning. It has raised
 * its limit of descriptors, which the keeper inherits.
 */
int keeper_start(const struct nuse_config *config, const char *program);

#endif /* _NUSE_KEEPER_H */
