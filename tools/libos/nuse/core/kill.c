// SPDX-License-Identifier: GPL-2.0
/*
 * kill.c - a process is not killed or stopped while it is inside the kernel, if a
 * program of the instance does it.
 *
 * Who sends SIGKILL, to whomever, or SIGSTOP, to others, does so when nobody is inside.
 * Who stops itself sees to it that none of its threads is. What comes from elsewhere
 * (the host, its lack of memory) comes at any moment.
 */
#include "core.h"
#include <signal.h>
#include <time.h>

#define LOOKS		10000		/* a second */
#define LOOK_NS		100000

static bool kills(long nr, const long args[6])
{
	return (nr == __NR_tgkill || nr == __NR_rt_tgsigqueueinfo ? args[2] : args[1]) == SIGKILL;
}

static int own_pid(void)
{
	return host_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
}

static int own_tid(void)
{
	return host_call(__NR_gettid, 0, 0, 0, 0, 0, 0);
}

static int group_of(int pid)
{
	return host_call(__NR_getpgid, pid, 0, 0, 0, 0, 0);
}

/* As kill(id, SIGSTOP), raise() and tkill() do it */
static bool stops_itself(long nr, const long args[6])
{
	if (nr == __NR_tgkill)
		return args[2] == SIGSTOP && args[0] == own_pid() && args[1] == own_tid();
	return args[1] == SIGSTOP && ((nr == __NR_kill && args[0] == own_pid()) ||
				      (nr == __NR_tkill && args[0] == own_tid()));
}

/* Who stops itself must not keep others out. */
static bool stops_others(long nr, const long args[6])
{
	int id = __builtin_abs((int)args[0]);

	return nr == __NR_kill && args[1] == SIGSTOP && id > 1 && id != own_pid() &&
	       id != group_of(0);
}

/* By a signal to this thread: it does not come back before. */
static long stop_itself(void)
{
	long ret;

	nuse_quiesce();
	ret = host_call(__NR_tgkill, own_pid(), own_tid(), SIGSTOP, 0, 0, 0);
	nuse_go_on();
	return ret;
}

/* Its first thread runs yet: when that is stopped, it has told all others. */
static bool runs(uint32_t pid)
{
	char text[64];
	long fd, len;

	append(append_number(append(text, "/proc/"), pid), "/stat");
	fd = host_call(__NR_open, text, O_RDONLY | O_CLOEXEC, 0, 0, 0, 0);
	if (fd < 0)
		return false;
	len = host_call(__NR_read, fd, text, sizeof(text), 0, 0, 0);
	host_call(__NR_close, fd, 0, 0, 0, 0, 0);
	while (len > 0 && text[len - 1] != ')')
		len--;
	return len > 0 && (text[len + 1] == 'R' || text[len + 1] == 'S' || text[len + 1] == 'D');
}

/*
 * Of several threads one gets the signal, and tells the others when it runs: nobody is
 * let in before.
 */
static void await_stop(int id)
{
	struct timespec ts = { .tv_nsec = LOOK_NS };
	unsigned int looks = LOOKS, i;
	uint32_t pid;

	for (i = 1; i < share->nr_members; i++) {
		pid = share->members[i].pid;
		if (!pid || pid & SHARE_BIRTH || (pid != (uint32_t)id && group_of(pid) != -id))
			continue;
		for (; looks && runs(pid); looks--)
			host_call(__NR_nanosleep, &ts, NULL, 0, 0, 0, 0);
	}
}

static long send(long nr, const long args[6])
{
	bool out = share_keep_out();
	long ret = to_host(nr, args);

	if (out && !ret && args[1] == SIGSTOP && nr == __NR_kill)
		await_stop(args[0]);
	if (out)
		share_let_in();
	return ret;
}

long kill_call(long nr, const long args[6])
{
	struct catch_thread *self = catch_thread();
	long ret;

	if (self && stops_itself(nr, args))
		return stop_itself();
	if (!self || (!kills(nr, args) && !stops_others(nr, args)))
		return host_pass(nr, args);
	catch_enter(self);
	ret = send(nr, args);
	self_leave(self);
	return ret;
}
