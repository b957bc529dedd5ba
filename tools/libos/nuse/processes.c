// SPDX-License-Identifier: GPL-2.0
/*
 * processes.c - see processes.h
 *
 * A process that ends is seen by its pidfd, and what it was in the instance is
 * ended. A child is announced by its parent (SHARE_BIRTH) before it is there; if
 * the parent is killed in between, it may never come.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "loop.h"
#include "processes.h"
#include "share.h"

#define FIRST		2	/* number 1 is the keeper */
#define PATIENCE	2	/* seconds for a birth without a parent */

struct process {
	struct process *next;
	pid_t pid;
	struct source source;	/* its pidfd */
};

static struct process *processes;
static unsigned int births;
static uint8_t orphans[SHARE_PROCESSES];	/* seconds without a parent */
static int last_signal;

static void reap(pid_t pid)
{
	uint32_t i;

	for (i = FIRST; i < share->nr_members; i++)
		if (share->members[i].pid == (uint32_t)pid)
			share_reap(i);
}

static void process_gone(struct source *source)
{
	struct process **at = &processes, *process;

	while (&(*at)->source != source)
		at = &(*at)->next;
	process = *at;
	*at = process->next;
	loop_remove(source);
	reap(process->pid);
	free(process);
}

static bool is_known(pid_t pid)
{
	const struct process *process = processes;

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
	process->next = processes;
	processes = process;
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
			births++;
		else if (pid && processes_add(pid) == -ESRCH)
			reap(pid);
	}
}

void processes_second(void)
{
	uint32_t i, pid;

	for (i = FIRST; i < share->nr_members; i++) {
		pid = share->members[i].pid;
		if (!(pid & SHARE_BIRTH) || is_known(pid & ~SHARE_BIRTH))
			orphans[i] = 0;
		else if (++orphans[i] > PATIENCE)
			share_reap(i);
	}
}

unsigned int processes_count(void)
{
	const struct process *process;
	unsigned int nr = 0;

	for (process = processes; process; process = process->next)
		nr++;
	return nr;
}

unsigned int processes_births(void)
{
	return births;
}

void processes_signal(int sig)
{
	const struct process *process;

	last_signal = sig;
	for (process = processes; process; process = process->next)
		send_signal(process, sig);
}
