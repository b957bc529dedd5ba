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

#define NR_SIGNALS	64

static inline uint64_t signal_bit(int sig)
{
	return 1UL << (sig - 1);
}

/* At the host, whatever the program believes */
/* Those that stop a process, if it has nothing else in mind; SIGSTOP asks nobody */
#define SIGNALS_STOP	(signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))
#define NEVER_BLOCKED	(signal_bit(SIGSYS) | signal_bit(SIGSEGV) | signal_bit(SIGBUS))

/* si_errno of a trap that our filter made */
#define TRAP_MARK	0x4e55
/* A number that no kernel has; under our filter it fails with PROBE_ERROR. */
#define PROBE_NR	0x4e55
#define PROBE_ERROR	ECANCELED

#define hidden		__attribute__((visibility("hidden")))

struct thread;

/* ------------------------------------------------------------ gateway.c */

/* -EEXIST if this process has one */
hidden int gateway_make(void);
/* host_wait() does not begin to wait, and is not made again. */
hidden void gateway_end_wait(struct sigcontext *regs);

/* ------------------------------------------------------------- filter.c */

/* For all threads, for ever; nothing if the process was born with it. */
hidden int filter_install(void);

/* --------------------------------------------------------------- trap.c */

/* A SIGSYS that our filter has sent: its call is done. Else it is a signal: false. */
hidden bool trap_taken(const siginfo_t *info, struct ucontext *uc);

/* ------------------------------------------------------------ sandbox.c */

struct sandbox;

#define SANDBOX_PASS	1

/* What filters of the program's own have a call that has trapped at @ip fail with */
hidden long sandbox_error(long nr, const long args[6], uintptr_t ip);
/* Whether @s, which may be NULL, is one of these */
hidden bool sandbox_has(const struct sandbox *newest, const struct sandbox *s);
/* SECCOMP_SET_MODE_FILTER with a struct sock_fprog of the program */
hidden long sandbox_add(unsigned int flags, long user);
/* In a new process on a copy of the memory, when the core has begun */
hidden void sandbox_born(void);
/* For the next program: 0 if there are none, a descriptor, or an error */
hidden int sandbox_save(void);
/* In that one, when the core has begun */
hidden int sandbox_restore(int fd);

/* --------------------------------------------------------------- call.c */

/* The program makes it again. */
static inline void call_again(struct sigcontext *regs, long nr)
{
	regs->rax = nr;
	regs->rip -= 2;
}

/* Numbers that the catcher itself has to see, and does not just pass on */
hidden bool call_is_ours(long nr);
/*
 * Does a call of the program. @mask: the saved signal mask that it will get
 * back, or NULL if it runs with the one it has.
 */
hidden long call_do(long nr, const long args[6], uint64_t *mask);

/* ------------------------------------------------------------- signal.c */

/**
 * struct signal_state - what a process believes of its signals
 * @actions:	of its handlers, by number - 1, and those of NEVER_BLOCKED
 * @pending:	of NEVER_BLOCKED: sent while blocked, as the program believes, or
 *		while the thread was inside
 * @infos:	what they carry
 */
struct signal_state {
	struct sigaction actions[NR_SIGNALS];
	uint64_t pending;
	siginfo_t infos[3];
};

extern hidden struct signal_state signal_state;
/* The caller's process's */
hidden struct signal_state *signal_state_now(void);

/* At the host; @cleared: of handlers, but not of SIG_IGN */
hidden int signal_arm(struct signal_state *state, bool cleared);
hidden long signal_action(const long args[6]);
/* The host's action */
hidden void signal_default(int sig);
/* The program's is the default one. */
hidden void signal_reset(int sig);

hidden long signal_mask(const long args[6], uint64_t *mask);
hidden long signal_suspend(const long args[6]);
/* A set of the program without NEVER_BLOCKED, in @set; 0 or -EFAULT */
hidden int signal_set(uint64_t *set, long user);
/* The host's mask */
hidden long signal_real_mask(int how, const uint64_t *set, uint64_t *old);
/* The thread that arms the catcher may have them blocked. */
hidden void signal_start(void);
/* One of NEVER_BLOCKED came while the program blocks it: kept until signal_release(). */
hidden void signal_keep(int sig, const siginfo_t *info);
/* Sends what was pending and is not blocked by now. */
hidden void signal_release(const struct thread *self);
/* Returns from a handler of the program: never returns. */
hidden void signal_return(struct ucontext *uc);

/* ----------------------------------------------- deliver.c, signal-entry.S */

/* The host's handler of all signals */
extern hidden const char signal_entry[];
/* Its last instructions, where there is no handler of the program to go to */
extern hidden const char signal_leave[], signal_left[];
/* To the calling thread, what it carries with it */
hidden void signal_send(struct thread *self, int sig, const siginfo_t *info);

/* --------------------------------------------------------------- late.c */

#define LATE_FIRST	32		/* below those that libc gives to programs */
#define NR_LATE		2

/* How many threads hold one */
extern hidden uint32_t late_threads;
/* False: it is none of them, or can come now; @uc may then be what it is about to be. */
hidden bool late_hold(struct thread *self, int sig, const siginfo_t *info, struct ucontext *uc);
/* 0 or one that the thread holds */
hidden int late_held(const struct thread *self);
/* What the caller holds comes when it has left the frame, if that leads to the program. */
hidden void late_send(struct ucontext *uc);
/* Another thread has this entry now. */
hidden void late_forget(struct thread *self);
/* No other thread is left. */
hidden void late_forked(const struct thread *self);

/* ----------------------------------------------------------- altstack.c */

/* What a frame tells of the thread's signal stack */
hidden void altstack_note(struct thread *self, const struct ucontext *uc);
/* Whether the frame is on it */
hidden bool altstack_has(const struct ucontext *uc);

/* -------------------------------------------------------------- birth.c */

/* Makes the program go on in the gateway, where its clone, fork or vfork is done. */
hidden void birth_begin(long nr, struct ucontext *uc);
/* NULL, or the caller is a child on its parent's memory (vfork, posix_spawn): its own */
hidden struct signal_state *birth_state(void);
/* Others than 0: somebody may be a child on its parent's memory. */
extern hidden int birth_guests;
/* NULL, or the caller has its parent's fs base and memory: its own */
hidden struct thread *birth_thread(void);
/* Memory that the parent is to unmap, if the caller is a child on its memory. */
hidden void birth_leave(void *memory, size_t size);

/* --------------------------------------------------------------- exec.c */

/* For the core of the next program, in place of nuse_note()'s; or NULL */
extern hidden const char *exec_note;
/*
 * The process whose next program is to be traced by its parent, and how many
 * programs it has had since it asked for that
 */
extern hidden int exec_traced, exec_programs;

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

#define NR_HELD	4

/**
 * struct thread - of the program
 * @pub:	first: see catch.h
 * @key:	fs base; 0: the entry is free
 * @sandbox:	filters of the program's, the newest first
 * @blocked:	of NEVER_BLOCKED, as the program believes
 * @mask:	the program's, while signals are put off: @masked
 * @undecided:	in catch_signals(), no handler has run yet
 * @ran:	what it will return
 * @held:	what signals carry that were put off; si_signo 0: nothing
 * @late:	those that are held until the program goes on; the same
 * @altstack:	to be set again
 * @busy:	@stack is in use
 * @stack:	upper end of a stack for calls
 * @next:	of all that have been in use
 */
struct thread {
	struct catch_thread pub;
	uintptr_t key;
	const struct sandbox *sandbox;
	uint64_t blocked;
	uint64_t mask;
	bool masked;
	bool undecided;
	bool busy;
	enum catch_ran ran;
	siginfo_t held[NR_HELD];
	siginfo_t late[NR_LATE];
	stack_t altstack;
	char *stack;
	struct thread *next;
};

hidden void thread_init(void);
/* NULL if there is no memory for its entry */
hidden struct thread *thread_self(void);
/* The caller begins, with what its parent had; maybe with the entry of one that ended. */
hidden void thread_begin(struct thread *self, uint64_t blocked, const struct sandbox *sandbox);
/* All threads have these filters. */
hidden void thread_sandboxed(const struct sandbox *sandbox);
/* The caller is alone in a copy of the memory; @core: catch_thread::core of its parent */
hidden void thread_forked(uint64_t core);

/* -------------------------------------------------------------- patch.c */

hidden void patch_init(void);
/* The instruction before @ip has trapped with number @nr. */
hidden void patch_site(uintptr_t ip, long nr);
/* From now on all calls trap, those of patched sites too. */
hidden void patch_end(void);
/* In a new process on a copy of the memory, others may have been at it. */
hidden void patch_reset(void);
/* The dynamic linker's code: what traps there is patched when much has. */
hidden void patch_later(uintptr_t start, uintptr_t end);
/* Whether code lies there that was made for patches */
hidden bool patch_has(uintptr_t ip);
/* At the last instructions of such code: where they lead; or back to where it looks (late.c) */
hidden void patch_leave(struct sigcontext *regs);
/* Such code has trapped, where it looks, instead of going on: that is done here. */
hidden bool patch_late(struct sigcontext *regs);

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

/* -------------------------------------------------- user.c, user-copy.S */

/* Copies; -EFAULT where the program's pointer is bad. */
hidden int user_read(void *to, long from, size_t size);
hidden int user_write(long to, const void *from, size_t size);
/* The instruction that may fault, and where it goes on */
extern hidden const char user_copy_at[], user_copy_bad[];
/* Length of a string, which is cut at @size; -ENAMETOOLONG, -EFAULT */
hidden long user_string(char *to, long from, size_t size);

/* ------------------------------------------------------------- string.c */

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);

#endif /* _NUSE_CATCH_INNER_H */
