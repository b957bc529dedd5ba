// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nusekill.c - processes are killed while others talk.
 *
 *	worker-nusekill idle|busy inside|outside NUMBER SEED
 *
 * Two processes echo over TCP, and NUMBER others that use the same kernel, one after
 * the other, are killed at random moments: by this program, which is inside of the
 * instance, or by one outside, which is asked on the standard output and answers on the
 * standard input. The two go on; or, if one was killed inside the kernel, all calls
 * fail at once: nobody waits for ever. Prints which it was.
 */
#include "nusecalls.h"

#define PATIENCE	10	/* seconds for what takes microseconds: then it hangs */

static int conn[2];

static bool talk(void)
{
	char c = 0;

	return write(conn[0], "x", 1) == 1 && read(conn[0], &c, 1) == 1 && c == 'x';
}

static int echo(void)
{
	char c;

	close(conn[0]);
	while (read(conn[1], &c, 1) == 1)
		if (write(conn[1], &c, 1) != 1)
			return 1;
	return 0;
}

/* Waits, in every way there is. */
static void be_idle(int ready)
{
	int fd[2], ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd fds[2];
	char c;

	if (tcp_pair(fd))
		_exit(1);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev);
	fds[0] = (struct pollfd) { fd[0], POLLIN, 0 };
	fds[1] = (struct pollfd) { eventfd(0, 0), POLLIN, 0 };
	write(ready, "r", 1);
	switch (getpid() % 4) {
	case 0:
		read(fd[0], &c, 1);
		break;
	case 1:
		poll(fds, 2, -1);
		break;
	case 2:
		epoll_wait(ep, &ev, 1, -1);
		break;
	case 3:
		pause();
	}
}

static void be_busy(int ready)
{
	int fd[2], udp[2];
	char buf[3000];

	if (udp_pair(udp))
		_exit(1);
	write(ready, "r", 1);
	while (!tcp_pair(fd)) {
		write(fd[0], buf, sizeof(buf));
		read(fd[1], buf, sizeof(buf));
		write(udp[0], buf, 100);
		read(udp[1], buf, 100);
		close(fd[0]);
		close(fd[1]);
	}
	_exit(1);
}

/* In every way there is. */
static void end_inside(pid_t victim)
{
	switch (victim % 3) {
	case 0:
		kill(victim, SIGKILL);
		break;
	case 1:
		syscall(SYS_tgkill, victim, victim, SIGKILL);
		break;
	case 2:
		syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, victim, 0), SIGKILL, 0, 0);
	}
}

static void end(pid_t victim, bool outside)
{
	char line[8];

	if (!outside) {
		end_inside(victim);
		return;
	}
	printf("kill %d\n", victim);
	if (!fgets(line, sizeof(line), stdin))
		exit(1);
}

static int report(int killed)
{
	int err = errno;

	if (err != EOWNERDEAD) {
		printf("after %d: %s\n", killed, strerror(err));
		return 1;
	}
	printf("dead after %d\n", killed);
	return 0;
}

int main(int argc, char **argv)
{
	int number = argc > 4 ? atoi(argv[3]) : 0, i, status;
	bool busy = number && !strcmp(argv[1], "busy");
	bool outside = number && !strcmp(argv[2], "outside");
	pid_t partner, victim = 0;
	int ready[2];
	char c;

	setlinebuf(stdout);
	if (!number || tcp_pair(conn) || pipe(ready)) {
		printf("usage, or no sockets\n");
		return 2;
	}
	srandom(atoi(argv[4]));
	partner = CHILD(echo());
	close(conn[1]);
	for (i = 0; i < number; i++) {
		alarm(PATIENCE);
		victim = fork();
		if (!victim) {
			busy ? be_busy(ready[1]) : be_idle(ready[1]);
			_exit(0);
		}
		read(ready[0], &c, 1);
		usleep(random() % 4000);
		end(victim, outside);
		if (!talk())
			break;
		status_of(victim);
		if (!talk())
			break;
	}
	if (i < number) {
		status = report(i + 1);
	} else {
		status = 0;
		printf("talks after %d\n", i);
	}
	close(conn[0]);
	if (victim)
		status_of(victim);
	status_of(partner);
	return status;
}
