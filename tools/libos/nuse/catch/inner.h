/* SPDX-License-Identifier: GPL-2.0 */
/*
 * inner.h - what the files of the catcher know of each other.
 *
 * All of it runs in the program's process, in signal handlers and on the
 * program's stacks, which may be small: no function here takes more than a few
 * hundred bytes of stack unless it says so, and none waits for a lock.
 */
#ifndef _NUSE_CATCH_INNER_H
#define _NUSE_CATCH_INNER_H

#include <stddef.h>
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include "../catch.h"
#include "gateway.h"

#define NR_CALLS	512		/* no number is higher */
#define PAGE_SIZE	4096UL
#define PATH_MAX	4096
#define ELF_MAX_PHDRS	64

#define SIGSYS_BIT	(1UL << (SIGSYS - 1))

/* si_errno of a trap that our filter made */
#define TRAP_MARK	0x4e55
/* A number that no kernel has; under our filter it fails with PROBE_ERROR. */
#define PROBE_NR	0x4e55
#define PROBE_ERROR	ECANCELED

#define hidden		__attribute__((visibility("hidden")))

/* ------------------------------------------------------------ gateway.c */

/* -EEXIST if this process has one */
hidden int gateway_make(void);

/* ------------------------------------------------------------- filter.c */

/* For all threads, for ever; nothing if the process was born with it. */
hidden int filter_install(void);

/* --------------------------------------------------------------- trap.c */

/* The handler of SIGSYS for this process; @old: what was there, which is the program's */
hidden int trap_arm(struct sigaction *old);

/* --------------------------------------------------------------- call.c */

/* Numbers that the catcher itself has to see, and does not just pass on */
hidden bool call_is_ours(long nr);
/*
 * Does a call of the program. @mask: the saved signal mask that it will get
 * back, or NULL if it runs with the one it has.
 */
hidden long call_do(long nr, const long args[6], uint64_t *mask);

/* ------------------------------------------------------------- signal.c */

hidden long signal_action(const long args[6]);
hidden long signal_mask(const long args[6], uint64_t *mask);
hidden long signal_suspend(const long args[6]);
/* A set of the program without SIGSYS, in @set; 0 or -EFAULT */
hidden int signal_set(uint64_t *set, long user);
/* The thread that arms the catcher may have it blocked. */
hidden void signal_start(void);
/* SIGSYS that no filter of ours sent: it is for the program. */
hidden void signal_sigsys(siginfo_t *info, struct ucontext *uc);
/* Returns from a handler of the program: never returns. */
hidden void signal_return(struct ucontext *uc);

/* What a process believes of SIGSYS */
struct signal_state {
	struct sigaction sigsys;	/* its action */
	uint64_t masks;			/* signals whose sa_mask has SIGSYS */
	bool pending;
};

extern hidden struct signal_state signal_state;

/* -------------------------------------------------------------- birth.c */

/* Makes the program go on in the gateway, where its clone, fork or vfork is done. */
hidden void birth_begin(long nr, struct ucontext *uc);
/* NULL, or the caller is a child on its parent's memory (vfork, posix_spawn): its own */
hidden struct signal_state *birth_state(void);
/* Memory that the parent is to unmap, if the caller is a child on its memory. */
hidden void birth_leave(void *memory, size_t size);

/* --------------------------------------------------------------- exec.c */

/* For the core of the next program, in place of nuse_note()'s; or NULL */
extern hidden const char *exec_note;

/* Takes some 5 KiB of stack. */
hidden long exec_path(int dir, long path, long argv, long envp, int flags);

/* ---------------------------------------------------------------- elf.c */

/**
 * struct elf - what is to be known of a program before it is started
 * @interp:	its dynamic linker; "" if it is static
 */
struct elf {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[ELF_MAX_PHDRS];
	char interp[256];
};

/* -ENOEXEC: no ELF file; -ELIBBAD: one that does not run here */
hidden int elf_read(struct elf *elf, int fd);

/* --------------------------------------------------------------- self.c */

/* The program that nuse-run started; "" without nuse-run */
extern hidden char self_exe[PATH_MAX];
/* Whether a path names it as "/proc/self/exe" does */
hidden bool self_is_exe(const char *path);
hidden long self_readlink(long nr, const long args[6]);

/* ------------------------------------------------------------- thread.c */

struct thread {
	struct catch_thread pub;
	uintptr_t key;			/* fs base */
	bool sigsys_blocked;
	bool busy;			/* @stack is in use */
	char *stack;			/* its upper end */
};

hidden void thread_init(void);
/* NULL if there are too many */
hidden struct thread *thread_self(void);

/* -------------------------------------------------------------- patch.c */

hidden void patch_init(void);
/* The instruction before @ip has trapped with number @nr. */
hidden void patch_site(uintptr_t ip, long nr);
/* In a new process on a copy of the memory, others may have been at it. */
hidden void patch_reset(void);

/* --------------------------------------------------------------- text.c */

/**
 * struct text - code of a file, and where stubs for it can lie
 * @start, @end: the mapping
 * @gap:	unused memory below it and near it
 * @go:		made by the Go compiler: its stacks are small
 */
struct text {
	uintptr_t start, end;
	uintptr_t gap;
	bool go;
};

/* False if @address is not in code of a file. Not reentrant. */
hidden bool text_find(struct text *text, uintptr_t address, size_t gap);

/* --------------------------------------------------------------- user.c */

/* Copies; -EFAULT where the program's pointer is bad. */
hidden int user_read(void *to, long from, size_t size);
hidden int user_write(long to, const void *from, size_t size);
/* Length of a string, which is cut at @size; -ENAMETOOLONG, -EFAULT */
hidden long user_string(char *to, long from, size_t size);

/* ------------------------------------------------------------- string.c */

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);

#endif /* _NUSE_CATCH_INNER_H */
