// SPDX-License-Identifier: GPL-2.0
/*
 * processes.c - see processes.h
 *
 * A process that ends is seen by its pidfd, and what it was in the instance is
 * ended. A child is announced by its parent (SHARE_BIRTH) before it is there; if
 * the parent is killed in between, it may never come.
 *
 * All members are looked through when one has changed, so a process is found by its
 * pid at once. One for whose pidfd there was no room is tried again then.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "loop.h"
#include "processes.h"
#include "inner-share.h"

#define FIRST		2	/* number 1 is the keeper */
#define PATIENCE	2	/* seconds for a birth without a parent */

struct process {
	struct process *next;
	pid_t pid;
	struct source source;	/* its pidfd */
};

#define ROWS		1024

static struct process *rows[ROWS];	/* by the pid */
static unsigned int nr_processes, births;
static uint8_t orphans[SHARE_PROCESSES];	/* seconds without a parent */
static int last_signal;

static struct process **row_of(pid_t pid)
{
	return &rows[pid % ROWS];
}

static void process_gone(struct source *source)
{
	struct process *process = (void *)((char *)source - offsetof(struct process, source));
	struct process **at = row_of(process->pid);

	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	nr_processes--;
	loop_remove(source);
	share_reap(process->pid);
	free(process);
}

static bool is_known(pid_t pid)
{
	const struct process *process = *row_of(pid);

	while (process && process->pid != pid)
		process = process->next;
	return process;
}

static void send_signal(const struct process *process, int sig)
{
	syscall(SYS_pidfd_send_signal, process->source.fd, sig, NULL, 0);
}

int processes_add(pid_t pid)
{
	struct process *process;
	int err;

	if (is_known(pid))
		return 0;
	process = calloc(1, sizeof(*process));
	if (!process)
		return -ENOMEM;
	process->pid = pid;
	process->source.fd = syscall(SYS_pidfd_open, pid, 0);
	process->source.ready = process_gone;
	err = process->source.fd < 0 ? -errno : loop_add(&process->source);
	if (err) {
		close(process->source.fd);
		free(process);
		return err;
	}
	process->next = *row_of(pid);
	*row_of(pid) = process;
	nr_processes++;
	if (last_signal)
		send_signal(process, last_signal);
	return 0;
}

void processes_look(void)
{
	uint32_t i, pid;

	births = 0;
	for (i = FIRST; i < share->nr_members; i++) {
		pid = share->members[i].pid;
		if (pid & SHARE_BIRTH)
			births += pid != SHARE_GOING;
		else if (pid && processes_add(pid) == -ESRCH)
			share_reap(pid);
	}
}

void processes_second(void)
{
	uint32_t i, pid;

	for (i = FIRST; i < share->nr_members; i++) {
		pid = share->members[i].pid;
		if (!(pid & SHARE_BIRTH) || pid == SHARE_GOING ||
		    !share_is_gone(pid & ~SHARE_BIRTH))
			orphans[i] = 0;
		else if (++orphans[i] > PATIENCE)
			share_reap(pid);
	}
}

unsigned int processes_count(void)
{
	return nr_processes;
}

unsigned int processes_births(void)
{
	return births;
}

void processes_signal(int sig)
{
	const struct process *process;
	bool out = share_keep_out();
	unsigned int i;

	last_signal = sig;
	for (i = 0; i < ROWS; i++)
		for (process = rows[i]; process; process = process->next)
			send_signal(process, sig);
	if (out)
		share_let_in();
}
