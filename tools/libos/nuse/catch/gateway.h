/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gateway.h - what lies where in the gateway's page, for C and assembly.
 */
#ifndef _NUSE_GATEWAY_H
#define _NUSE_GATEWAY_H

#define GATEWAY_ADDRESS		0x1ff000000000	/* NUSE_GATEWAY */
#define GATEWAY_SIZE		4096

/* Entries; that of host_call() is at 0. */
#define GATEWAY_CALLED		0x020	/* where host_call() is back */
#define GATEWAY_CLONE		0x040
#define GATEWAY_SIGRETURN	0x100	/* void (void *stack pointer) */
#define GATEWAY_RESTORER	0x120	/* ends a signal handler of ours */
#define GATEWAY_WAIT		0x140	/* host_wait() */
#define GATEWAY_WAIT_CALL	0x168	/* its syscall, after the look */
#define GATEWAY_WAIT_ENDED	0x16c	/* where it returns -ERESTART */
#define GATEWAY_ALTSTACK	0x180	/* void (const stack_t *new) */
#define GATEWAY_HEAD		0xf00	/* struct gateway_head */

/* struct birth, and the memory it lies in */
#define BIRTH_SIZE	32768
#define BIRTH_RIP	0
#define BIRTH_RBX	8
#define BIRTH_R12	16
#define BIRTH_R13	24
#define BIRTH_RDI	32
#define BIRTH_RSI	40
#define BIRTH_RDX	48
#define BIRTH_R10	56
#define BIRTH_R8	64
#define BIRTH_R9	72
#define BIRTH_MASK	80
#define BIRTH_DONE	88
#define BIRTH_USERS	96

#endif /* _NUSE_GATEWAY_H */
