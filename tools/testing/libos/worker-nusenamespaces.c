// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nusenamespaces.c - network namespaces and users of threads: each has its
 * own, which it has from its creator as that was then. See nusecalls.h.
 */
#include <linux/sockios.h>
#include <sched.h>
#include "nusecalls.h"

static ino_t inode_of(int fd)
{
	struct stat st = { 0 };

	fstat(fd, &st);
	return st.st_ino;
}

/* The namespace of the thread that asks: that of its sockets */
static ino_t here(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), net = ioctl(fd, SIOCGSKNS);
	ino_t ino = inode_of(net);

	close(net);
	close(fd);
	return ino;
}

static int net_of_process(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static ino_t of_process(void)
{
	int net = net_of_process();
	ino_t ino = inode_of(net);

	close(net);
	return ino;
}

static void *look(void *arg)
{
	(void)arg;
	return (void *)here();
}

static void *look_when_told(void *told)
{
	char c;

	return read(*(int *)told, &c, 1) == 1 ? (void *)here() : NULL;
}

static ino_t joined(pthread_t thread)
{
	void *ret;

	pthread_join(thread, &ret);
	return (ino_t)ret;
}

/* Of a thread that is made here */
static ino_t of_a_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, look, NULL) ? 0 : joined(thread);
}

static bool goes_away(void)
{
	return !unshare(CLONE_NEWNET);
}

/* Threads make their first call long after they were made, when their creator is elsewhere. */
TEST(a_thread_is_where_its_creator_was)
{
	int told[2], home = net_of_process();
	ino_t at_home = here(), away;
	pthread_t thread[3];

	ASSERT_EQ(0, pipe(told));
	ASSERT_EQ(0, pthread_create(&thread[0], NULL, look_when_told, &told[0]));
	ASSERT_TRUE(goes_away());
	away = here();
	ASSERT_NE(at_home, away);
	ASSERT_EQ(0, pthread_create(&thread[1], NULL, look_when_told, &told[0]));
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	ASSERT_EQ(0, pthread_create(&thread[2], NULL, look_when_told, &told[0]));
	ASSERT_EQ(at_home, here());
	ASSERT_EQ(3, write(told[1], "abc", 3));
	EXPECT_EQ(at_home, joined(thread[0]));
	EXPECT_EQ(away, joined(thread[1]));
	EXPECT_EQ(at_home, joined(thread[2]));
}

static void *go_away_and_look(void *arg)
{
	ino_t *seen = arg;

	if (!goes_away())
		return NULL;
	seen[0] = here();
	seen[1] = of_a_thread();
	seen[2] = of_process();
	return NULL;
}

/* The process stays where its first thread is, and so do the others. */
TEST(a_thread_that_leaves_is_alone)
{
	ino_t at_home = here(), seen[3] = { 0 };
	pthread_t thread;
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, go_away_and_look, seen));
	pthread_join(thread, NULL);
	EXPECT_NE(0, seen[0]);
	EXPECT_NE(at_home, seen[0]);
	EXPECT_EQ(seen[0], seen[1]);
	EXPECT_EQ(at_home, seen[2]);
	EXPECT_EQ(at_home, here());
	EXPECT_EQ(at_home, of_process());
	for (i = 0; i < 5; i++)
		EXPECT_EQ(at_home, of_a_thread());
	EXPECT_EQ(0, status_of(CHILD(here() == at_home && of_a_thread() == at_home ? 0 : 1)));
}

static void *go_away_and_fork(void *arg)
{
	ino_t away;

	(void)arg;
	if (!goes_away())
		return (void *)1L;
	away = here();
	return (void *)(long)status_of(CHILD(here() == away && of_process() == away &&
					     of_a_thread() == away ? 0 : 1));
}

TEST(a_child_is_where_the_thread_was)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, go_away_and_fork, NULL));
	EXPECT_EQ(0, joined(thread));
}

static void *go_away_and_exec(void *arg)
{
	char seen[32];

	(void)arg;
	if (!goes_away())
		_exit(2);
	snprintf(seen, sizeof(seen), "net:[%lu]", (unsigned long)here());
	execl("/bin/sh", "sh", "-c",
	      "test $(readlink /proc/self/ns/net) = $0 && test $(readlink /proc/$$/ns/net) = $0",
	      seen, NULL);
	_exit(3);
}

TEST(a_program_is_where_the_thread_was)
{
	pthread_t thread;

	EXPECT_EQ(0, status_of(CHILD(({
		of_a_thread();
		pthread_create(&thread, NULL, go_away_and_exec, NULL);
		pause();
		4;
	}))));
}

static void *leave_often(void *arg)
{
	int home = *(int *)arg, i;

	for (i = 0; i < 50; i++)
		if (!goes_away() || setns(home, CLONE_NEWNET))
			return (void *)1L;
	return NULL;
}

TEST(threads_are_made_while_others_leave)
{
	int home = net_of_process(), i;
	ino_t at_home = here();
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, leave_often, &home));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(at_home, of_a_thread());
	EXPECT_EQ(0, joined(thread));
	EXPECT_EQ(at_home, here());
}

/* ----------------------------------------------------------------- users */

static void *may_listen_to_all(void *arg)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	(void)arg;
	close(fd);
	return (void *)(long)(fd >= 0);
}

static bool a_thread_may(void)
{
	pthread_t thread;

	return !pthread_create(&thread, NULL, may_listen_to_all, NULL) && joined(thread);
}

/* libc would have all threads become another user. */
static void *become_nobody(void *skip)
{
	if (syscall(SYS_setresuid, 65534, 65534, 65534)) {
		*(bool *)skip = true;
		return NULL;
	}
	return (void *)(long)(may_listen_to_all(NULL) || a_thread_may());
}

TEST(a_thread_is_who_its_creator_was)
{
	bool skip = false;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, become_nobody, &skip));
	EXPECT_EQ(0, joined(thread));
	if (skip)
		SKIP(return, "there is no other user");
	EXPECT_TRUE(may_listen_to_all(NULL));
	EXPECT_TRUE(a_thread_may());
}

TEST_HARNESS_MAIN
