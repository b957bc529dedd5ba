/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* A task has no registers that another could look at. */
