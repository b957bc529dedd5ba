/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stub.h - what stub.S and patch.c agree on.
 */
#ifndef _NUSE_STUB_H
#define _NUSE_STUB_H

#define STUB_NUMBERS	512	/* entries of patch_numbers[] */
#define STUB_NATIVE	13	/* from a stub's call to its own instruction */

#endif /* _NUSE_STUB_H */
