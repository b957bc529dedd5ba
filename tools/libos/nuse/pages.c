// SPDX-License-Identifier: GPL-2.0
/*
 * pages.c - see pages.h
 *
 * A process notes of each page of the window what it has mapped there. The note
 * is taken back before a mapping changes and made anew after it, so what fork()
 * copies in between says too little, never too much.
 *
 * mremap() of nothing maps pages of a shared mapping again: that needs no
 * descriptor.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include "catch.h"
#include "share.h"

#define UNKNOWN		(~0U)	/* in a note */
#define WINDOW(at)	(SHARE_WINDOW + (at) * SHARE_PAGE)

uint32_t share_pages_seen;
static uint32_t notes[SHARE_WINDOW_PAGES];
static uint32_t notes_top;	/* all notes from here on are 0 */

/* Maps @nr pages of the memory, counted from 1. */
static int map_run(uint64_t to, uint32_t page, uint32_t nr)
{
	long got = host_call(__NR_mremap, SHARE_MEMORY + (page - 1) * SHARE_PAGE, 0,
			     nr * SHARE_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to, 0);

	return got < 0 ? got : 0;
}

static void note(uint32_t at, uint32_t nr, bool known)
{
	for (; nr--; at++)
		notes[at] = known ? share->pages.page[at] : UNKNOWN;
}

/* How many pages from here on are free, or lie one behind the other */
static uint32_t run_length(const uint32_t *page, uint32_t nr)
{
	uint32_t run = 1;

	while (run < nr && page[run] == (*page ? *page + run : 0))
		run++;
	return run;
}

/* Brings a range of the window to the state of the table. */
static int follow(uint32_t at, uint32_t nr)
{
	const uint32_t *page = share->pages.page;
	uint32_t run;
	int err = 0;

	if (notes_top < at + nr)
		notes_top = at + nr;
	for (; nr && !err; at += run, nr -= run) {
		run = run_length(page + at, nr);
		note(at, run, false);
		if (page[at])
			err = map_run(WINDOW(at), page[at], run);
		else
			err = host_call(__NR_munmap, WINDOW(at), run * SHARE_PAGE, 0, 0, 0, 0);
		if (!err)
			note(at, run, true);
	}
	return err;
}

static bool differs(uint32_t at)
{
	return notes[at] != share->pages.page[at];
}

static int follow_all(void)
{
	uint32_t top = share->pages.top > notes_top ? share->pages.top : notes_top, at, end;
	int err = 0;

	for (at = 0; at < top && !err; at = end) {
		for (end = at + 1; end < top && differs(end) == differs(at); end++)
			;
		if (differs(at))
			err = follow(at, end - at);
	}
	if (!err)
		notes_top = share->pages.top;
	return err;
}

static void give_up(void)
{
	static const char text[] =
		"nuse: cannot map the instance's memory: raise ulimit -v or vm.max_map_count\n";

	share_leave();
	share_keep_out();
	host_call(__NR_write, 2, text, sizeof(text) - 1, 0, 0, 0);
	for (;;)
		host_call(__NR_kill, share_process.pid, SIGKILL, 0, 0, 0, 0);
}

void share_pages_follow(void)
{
	if (follow_all())
		give_up();
	share_pages_seen = share->pages.generation;
}

/* The first free pages of the window that are enough, or the end of all */
static uint32_t find_room(uint32_t nr)
{
	uint32_t at, room = 0;

	for (at = 0; at < share->pages.top && room < nr; at++)
		room = share->pages.page[at] ? 0 : room + 1;
	return at - room;
}

static void changed(void)
{
	share_pages_seen = ++share->pages.generation;
}

static void forget(uint32_t at, uint32_t nr)
{
	uint32_t *top = &share->pages.top;

	while (nr--)
		share->pages.page[at++] = 0;
	while (*top && !share->pages.page[*top - 1])
		--*top;
}

void *share_map_pages(void *ctx, const uint64_t *offsets, unsigned int nr)
{
	uint32_t at = find_room(nr), i;

	(void)ctx;
	if (!nr || nr > SHARE_WINDOW_PAGES - at)
		return NULL;
	for (i = 0; i < nr; i++)
		share->pages.page[at + i] = offsets[i] / SHARE_PAGE + 1;
	if (share->pages.top < at + nr)
		share->pages.top = at + nr;
	changed();
	if (!follow(at, nr))
		return (void *)WINDOW(at);
	forget(at, nr);
	follow(at, nr);
	return NULL;
}

void share_unmap_pages(void *ctx, void *addr, unsigned int nr)
{
	uint32_t at = ((uint64_t)addr - SHARE_WINDOW) / SHARE_PAGE;

	(void)ctx;
	forget(at, nr);
	follow(at, nr);
	changed();
}

int share_alias_pages(uint64_t to, uint64_t addr, uint64_t len)
{
	uint32_t nr = len / SHARE_PAGE, run;
	const uint32_t *page;
	int err = 0;

	if (addr < SHARE_WINDOW)
		return map_run(to, (addr - SHARE_MEMORY) / SHARE_PAGE + 1, nr);
	page = &share->pages.page[(addr - SHARE_WINDOW) / SHARE_PAGE];
	for (; nr && !err; page += run, nr -= run, to += run * SHARE_PAGE) {
		run = run_length(page, nr);
		err = map_run(to, *page, run);
	}
	return err;
}
