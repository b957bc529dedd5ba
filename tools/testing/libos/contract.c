// SPDX-License-Identifier: GPL-2.0
/*
 * contract.c - lib_init() and the life of an image: what it accepts, what it
 * refuses, how often it can be used.
 */
#include "harness.h"
#include <sys/mman.h>
#include <sys/reboot.h>
#include <linux/reboot.h>
#include "raw.h"

FIXTURE(contract) {
	struct raw r;
};

FIXTURE_SETUP(contract)
{
	ASSERT_EQ(0, raw_load(&self->r, LM_ID_BASE));
	raw_prepare(&self->r, RAW_MEMORY);
}

FIXTURE_TEARDOWN(contract)
{
}

/* A call that needs a healthy kernel */
static bool lives(struct raw *r)
{
	long fd = raw_call(r, SYS_socket, AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && !raw_call(r, SYS_close, fd) && raw_call(r, SYS_getpid) == 1;
}

TEST_F(contract, boots)
{
	struct raw *r = &self->r;

	ASSERT_EQ(0, raw_init(r));
	EXPECT_TRUE(lives(r));
	EXPECT_EQ(LIB_ABI_VERSION, r->ex.version);
	EXPECT_EQ(sizeof(r->ex), r->ex.size);
	EXPECT_EQ('6', r->kernel.release[0]);
	EXPECT_EQ(LIB_RUNNING, *r->kernel.status);
	EXPECT_EQ(NULL, *r->kernel.running);
	EXPECT_EQ(1, r->kernel.boot_task->tid);
	EXPECT_EQ(1, r->kernel.boot_task->process);
	EXPECT_EQ(1, r->kernel.boot_task->done);
	EXPECT_EQ(0, (uintptr_t)r->kernel.image % 4096);
	EXPECT_EQ(0, r->kernel.image_size % 4096);
	EXPECT_LE(r->kernel.image, r->kernel.host_page);
	EXPECT_GT(r->kernel.image + r->kernel.image_size, r->kernel.host_page);
	EXPECT_EQ(0, r->panics);
}

TEST_F(contract, version_data)
{
	const char *version = dlsym(self->r.dl, "lib_version");

	ASSERT_NE(NULL, version);
	ASSERT_EQ(0, raw_init(&self->r));
	EXPECT_NE(NULL, strstr(version, self->r.kernel.release));
}

TEST_F(contract, no_tables)
{
	struct raw *r = &self->r;

	EXPECT_EQ(-EINVAL, r->init(NULL, &r->host, &r->kernel));
	EXPECT_EQ(-EINVAL, r->init(&r->ex, NULL, &r->kernel));
	EXPECT_EQ(-EINVAL, r->init(&r->ex, &r->host, NULL));
}

TEST_F(contract, wrong_version)
{
	struct raw *r = &self->r;

	r->host.version = LIB_ABI_VERSION + 1;
	EXPECT_EQ(-EINVAL, raw_init(r));
	r->host.version = 0;
	EXPECT_EQ(-EINVAL, raw_init(r));
	r->host.version = LIB_ABI_VERSION;
	EXPECT_EQ(0, raw_init(r));
}

TEST_F(contract, wrong_sizes)
{
	struct raw *r = &self->r;
	uint32_t size;

	for (size = 0; size < offsetof(struct lib_host, netdev_tx); size += 8) {
		r->host.size = size;
		EXPECT_EQ(-EINVAL, raw_init(r));
	}
	r->host.size = sizeof(r->host);
	r->ex.size = offsetof(struct lib_exports, syscall);
	EXPECT_EQ(-EINVAL, raw_init(r));
	r->ex.size = 0;
	EXPECT_EQ(-EINVAL, raw_init(r));
	r->ex.size = sizeof(r->ex);
	r->kernel.size = 0;
	EXPECT_EQ(-EINVAL, raw_init(r));
	r->kernel.size = offsetof(struct lib_kernel, boot_task);
	EXPECT_EQ(-EINVAL, raw_init(r));
	r->kernel.size = sizeof(r->kernel);
	EXPECT_EQ(0, raw_init(r));
}

/* A caller that knows only the first functions: the rest of its memory stays. */
TEST_F(contract, older_caller)
{
	struct lib_exports guard;
	struct raw *r = &self->r;

	memset(&r->ex, 0xa5, sizeof(r->ex));
	memset(&guard, 0xa5, sizeof(guard));
	r->ex.size = offsetof(struct lib_exports, netdev_create);
	r->host.size = offsetof(struct lib_host, map_pages);
	ASSERT_EQ(0, raw_init(r));
	EXPECT_EQ(offsetof(struct lib_exports, netdev_create), r->ex.size);
	EXPECT_EQ(0, memcmp(&r->ex.netdev_create, &guard.netdev_create,
			    sizeof(r->ex) - offsetof(struct lib_exports, netdev_create)));
	r->ex.fault = NULL;
	EXPECT_TRUE(lives(r));
}

/* A caller from the future: its tables are larger than the kernel knows. */
TEST_F(contract, newer_caller)
{
	struct { struct lib_exports ex; uint64_t more[8]; } ex = { 0 };
	struct { struct lib_host host; uint64_t more[8]; } host = { 0 };
	struct raw *r = &self->r;

	ex.ex.size = sizeof(ex);
	host.host = r->host;
	host.host.size = sizeof(host);
	memset(host.more, 0xff, sizeof(host.more));
	ASSERT_EQ(0, r->init(&ex.ex, &host.host, &r->kernel));
	EXPECT_EQ(sizeof(ex.ex), ex.ex.size);
	EXPECT_EQ(0, ex.more[0]);
	EXPECT_EQ(1, ex.ex.syscall(r->kernel.boot_task, SYS_getpid, 0, 0, 0, 0, 0, 0));
}

TEST_F(contract, missing_functions)
{
	static const size_t needed[] = {
		offsetof(struct lib_host, clock_ns), offsetof(struct lib_host, realtime_ns),
		offsetof(struct lib_host, timer_arm), offsetof(struct lib_host, idle),
		offsetof(struct lib_host, wake), offsetof(struct lib_host, random),
		offsetof(struct lib_host, netdev_tx),
	};
	struct raw *r = &self->r;
	struct lib_host whole = r->host;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		r->host = whole;
		*(void **)((char *)&r->host + needed[i]) = NULL;
		EXPECT_EQ(-EINVAL, raw_init(r));
	}
	r->host = whole;
	EXPECT_EQ(0, raw_init(r));
}

TEST_F(contract, optional_functions)
{
	struct raw *r = &self->r;

	r->host.signal = NULL;
	r->host.console_write = NULL;
	r->host.panic = NULL;
	r->host.map_pages = NULL;
	r->host.unmap_pages = NULL;
	r->host.reset_image = NULL;
	ASSERT_EQ(0, raw_init(r));
	EXPECT_TRUE(lives(r));
	raw_call(r, SYS_kill, 1, SIGUSR1);
	EXPECT_EQ(-EOWNERDEAD, raw_call(r, SYS_exit_group, 0));
	EXPECT_EQ(LIB_DEAD, *r->kernel.status);
}

TEST_F(contract, strange_memory)
{
	struct raw *r = &self->r;
	void *memory = r->kernel.memory;

	r->kernel.memory = NULL;
	EXPECT_EQ(-EINVAL, raw_init(r));
	r->kernel.memory = memory + 1;
	EXPECT_EQ(-EINVAL, raw_init(r));
	r->kernel.memory = memory + 2048;
	EXPECT_EQ(-EINVAL, raw_init(r));
	r->kernel.memory = memory;
	r->kernel.memory_size = RAW_MEMORY - 4096 + 17;	/* the odd bytes are not used */
	EXPECT_EQ(0, raw_init(r));
	EXPECT_TRUE(lives(r));
}

TEST_F(contract, too_little_memory)
{
	static const uint64_t sizes[] = { 0, 1, 4096, 1 << 20, LIB_MIN_MEMORY - 1 };
	struct raw *r = &self->r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		r->kernel.memory_size = sizes[i];
		EXPECT_EQ(-ENOMEM, raw_init(r));
	}
}

/* The promise of LIB_MIN_MEMORY: a kernel with TCP over its loopback */
TEST_F(contract, least_memory)
{
	struct sockaddr_storage addr = address("127.0.0.1", 80);
	struct raw *r = &self->r;
	char buf[4096] = "";
	long s, c, a;

	raw_free(r);
	raw_prepare(r, LIB_MIN_MEMORY);
	ASSERT_EQ(0, raw_init(r));
	ASSERT_EQ(0, raw_up(r, "lo", true));
	s = raw_call(r, SYS_socket, AF_INET, SOCK_STREAM, 0);
	c = raw_call(r, SYS_socket, AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, raw_call(r, SYS_bind, s, &addr, sizeof(struct sockaddr_in)));
	ASSERT_EQ(0, raw_call(r, SYS_listen, s, 1));
	ASSERT_EQ(0, raw_call(r, SYS_connect, c, &addr, sizeof(struct sockaddr_in)));
	a = raw_call(r, SYS_accept, s, 0, 0);
	ASSERT_LE(0, a);
	EXPECT_EQ(4096, raw_call(r, SYS_sendto, c, buf, 4096, 0, 0, 0));
	EXPECT_EQ(4096, raw_call(r, SYS_recvfrom, a, buf, 4096, MSG_WAITALL, 0, 0));
	ASSERT_LT(0, raw_read_file(r, "/proc/meminfo", buf, sizeof(buf)));
	TH_LOG("of %llu KiB: %.*s", LIB_MIN_MEMORY >> 10, 70, strchr(buf, '\n') + 1);
}

/* Without memory calls fail, or the kernel gives up: nothing worse. */
TEST_F(contract, memory_runs_out)
{
	struct raw *r = &self->r;
	long ret = 0, last = 0, i;

	raw_free(r);
	raw_prepare(r, LIB_MIN_MEMORY);
	ASSERT_EQ(0, raw_init(r));
	for (i = 0; i < 100000 && ret >= 0; i++) {
		last = ret;
		ret = raw_call(r, SYS_mmap, 0, 65536, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	EXPECT_GT(0, ret);
	if (ret == -EOWNERDEAD) {
		EXPECT_EQ(1, r->panics);
		return;
	}
	EXPECT_EQ(0, raw_call(r, SYS_munmap, last, 65536));
	EXPECT_TRUE(lives(r));
}

TEST_F(contract, second_init_is_busy)
{
	struct raw *r = &self->r;
	struct raw other;

	ASSERT_EQ(0, raw_init(r));
	ASSERT_EQ(0, raw_load(&other, LM_ID_BASE));
	raw_prepare(&other, RAW_MEMORY);
	EXPECT_EQ(-EBUSY, raw_init(&other));
	EXPECT_TRUE(lives(r));
}

TEST_F(contract, start_again)
{
	struct raw *r = &self->r;
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, raw_init(r));
		EXPECT_TRUE(lives(r));
		EXPECT_EQ(3, raw_call(r, SYS_getppid, 0) + 3);
		r->ex.exit();
		EXPECT_EQ(LIB_DEAD, *r->kernel.status);
		raw_free(r);
		raw_prepare(r, RAW_MEMORY);
	}
}

TEST_F(contract, start_again_after_panic)
{
	struct raw *r = &self->r;

	ASSERT_EQ(0, raw_init(r));
	EXPECT_EQ(-EOWNERDEAD, raw_call(r, SYS_exit_group, 0));
	EXPECT_EQ(1, r->panics);
	raw_free(r);
	raw_prepare(r, RAW_MEMORY);
	ASSERT_EQ(0, raw_init(r));
	EXPECT_TRUE(lives(r));
}

TEST_F(contract, no_start_again_without_reset)
{
	struct raw *r = &self->r;

	ASSERT_EQ(0, raw_init(r));
	r->ex.exit();
	r->host.reset_image = NULL;
	EXPECT_EQ(-EBUSY, raw_init(r));
}

static int never(void *arg, const char *path, unsigned int mode)
{
	(void)path;
	(void)mode;
	++*(int *)arg;
	return 0;
}

static void dead_to_all(struct __test_metadata *_metadata, struct raw *r, uint32_t dev)
{
	struct lib_netdev netdev = { .size = sizeof(netdev) };
	struct lib_task *boot = r->kernel.boot_task, *task;
	struct lib_iov iov = { "", 0 };
	struct lib_packet pkt = { .iov = &iov, .nr_iov = 1 };
	uint64_t token = 0;
	char buf[64];
	int calls = 0;

	EXPECT_EQ(-EOWNERDEAD, raw_call(r, SYS_getpid));
	EXPECT_EQ(-EOWNERDEAD, r->ex.task_create(boot, &task, 0, NULL, NULL, 0));
	EXPECT_EQ(-EOWNERDEAD, r->ex.task_interrupt(boot));
	EXPECT_EQ(LIB_TIME_NEVER, r->ex.run());
	r->ex.timer_fire();
	EXPECT_EQ(-EOWNERDEAD, r->ex.netdev_create(boot, &netdev));
	EXPECT_EQ(-EOWNERDEAD, r->ex.netdev_destroy(boot, dev));
	EXPECT_EQ(-EOWNERDEAD, r->ex.netdev_rx(dev, &pkt, 1));
	EXPECT_EQ(-EOWNERDEAD, r->ex.netdev_tx_done(dev, &token, 1, 0));
	EXPECT_EQ(-EOWNERDEAD, r->ex.netdev_carrier(dev, 1));
	EXPECT_EQ(-EOWNERDEAD, r->ex.sysctl_get(boot, "kernel.ostype", buf, sizeof(buf)));
	EXPECT_EQ(-EOWNERDEAD, r->ex.sysctl_set(boot, "kernel.hostname", "x"));
	EXPECT_EQ(-EOWNERDEAD, r->ex.sysctl_iterate(boot, never, &calls));
	EXPECT_EQ(0, calls);
	EXPECT_EQ(-EOWNERDEAD, r->ex.freeze());
	EXPECT_EQ(-EOWNERDEAD, r->ex.thaw());
	r->ex.exit();
}

TEST_F(contract, nothing_works_after_exit)
{
	struct lib_netdev how = { 0 };
	struct raw *r = &self->r;
	int dev;

	ASSERT_EQ(0, raw_init(r));
	dev = raw_device(r, &how, NULL);
	ASSERT_LT(0, dev);
	r->ex.exit();
	dead_to_all(_metadata, r, dev);
	EXPECT_EQ(0, r->panics);
}

TEST_F(contract, nothing_works_after_panic)
{
	struct lib_netdev how = { 0 };
	struct raw *r = &self->r;
	int dev;

	ASSERT_EQ(0, raw_init(r));
	dev = raw_device(r, &how, NULL);
	ASSERT_LT(0, dev);
	EXPECT_EQ(-EOWNERDEAD, raw_call(r, SYS_exit_group, 0));
	EXPECT_EQ(LIB_DEAD, *r->kernel.status);
	EXPECT_NE(NULL, strstr(r->reason, "init"));
	dead_to_all(_metadata, r, dev);
	EXPECT_EQ(1, r->panics);
}

/* What the kernel trusts the caller with: a wild pointer kills the instance alone. */
TEST_F(contract, wild_pointer_kills_the_instance_alone)
{
	struct raw *r = &self->r;
	struct lib_netdev how = { .name = "wild0" };
	int dev;

	ASSERT_EQ(0, raw_init(r));
	dev = raw_device(r, &how, NULL);
	ASSERT_LT(0, dev);
	EXPECT_EQ(-EOWNERDEAD, r->ex.netdev_rx(dev, (void *)8, 1));
	EXPECT_EQ(LIB_DEAD, *r->kernel.status);
	EXPECT_EQ(1, r->panics);
	TH_LOG("it says: %s", r->reason);
}

/* Calls check theirs, as system calls do. */
TEST_F(contract, wild_pointers_of_control_calls)
{
	static const char name[] = "kernel.domainname";
	static const struct lib_netdev constant = { .size = sizeof(constant) };
	struct lib_netdev how = constant;
	struct raw *r = &self->r;
	struct lib_task *boot;
	char buf[8];
	int i;

	ASSERT_EQ(0, raw_init(r));
	boot = r->kernel.boot_task;
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EFAULT, r->ex.netdev_create(boot, (void *)8));
		EXPECT_EQ(-EFAULT, r->ex.netdev_create(boot, (void *)&constant));
		EXPECT_EQ(-EFAULT, r->ex.sysctl_get(boot, (void *)8, buf, sizeof(buf)));
		EXPECT_EQ(-EFAULT, r->ex.sysctl_get(boot, name, (void *)8, 8));
		EXPECT_EQ(-EFAULT, r->ex.sysctl_set(boot, name, (void *)8));
		EXPECT_EQ(6, r->ex.sysctl_get(boot, name, buf, sizeof(buf)));
	}
	/* none of the devices is left */
	EXPECT_EQ(0, r->ex.netdev_create(boot, &how));
	EXPECT_STREQ("eth0", how.name);
}

TEST_F(contract, halt_ends_the_instance)
{
	struct raw *r = &self->r;

	ASSERT_EQ(0, raw_init(r));
	EXPECT_EQ(-EOWNERDEAD, raw_call(r, SYS_reboot, LINUX_REBOOT_MAGIC1,
					LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0));
	EXPECT_EQ(LIB_DEAD, *r->kernel.status);
}

TEST_F(contract, panic_while_booting)
{
	struct raw *r = &self->r;

	r->kernel.cmdline = "init=/nowhere rdinit=/nowhere";
	EXPECT_EQ(-EOWNERDEAD, raw_init(r));
	EXPECT_EQ(1, r->panics);
	EXPECT_LT(0, strlen(r->reason));
}

TEST_F(contract, command_line)
{
	struct raw *r = &self->r;
	char buf[4096];

	r->kernel.cmdline = "loglevel=7 tcp_no_such=1 libos.test=17";
	ASSERT_EQ(0, raw_init(r));
	ASSERT_LT(0, raw_read_file(r, "/proc/cmdline", buf, sizeof(buf)));
	EXPECT_NE(NULL, strstr(buf, "libos.test=17"));
}

TEST_F(contract, long_command_line)
{
	struct raw *r = &self->r;
	char line[20000];

	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = 0;
	r->kernel.cmdline = line;
	ASSERT_EQ(0, raw_init(r));
	EXPECT_TRUE(lives(r));
}

TEST_F(contract, console)
{
	struct raw *r = &self->r;

	r->kernel.cmdline = "loglevel=7";
	ASSERT_EQ(0, raw_init(r));
	EXPECT_NE(NULL, strstr(r->console, "Linux version"));
	EXPECT_EQ(NULL, strstr(r->console, "Call trace"));
	EXPECT_EQ(NULL, strstr(r->console, "WARNING"));
}

static uint64_t random_of(struct raw *r)
{
	uint64_t value = 0;

	raw_call(r, SYS_getrandom, &value, sizeof(value), 0);
	return value;
}

/* Numbers of another table, the caller's */
TEST_F(contract, wished_descriptors)
{
	struct raw *r = &self->r;
	struct lib_task *task;

	ASSERT_EQ(0, raw_boot(r));
	task = r->kernel.boot_task;
	task->fd_wish = 41 + 1;
	EXPECT_EQ(41, raw_call(r, SYS_socket, AF_INET, SOCK_STREAM));
	EXPECT_EQ(0, task->fd_wish);
	task->fd_wish = 41 + 1;
	EXPECT_EQ(42, raw_call(r, SYS_dup, 41));
	task->fd_wish = 0 + 1;
	EXPECT_LE(0, raw_call(r, SYS_epoll_create1, 0));
	EXPECT_EQ(0, raw_call(r, SYS_close, 41));
	task->fd_wish = 30 + 1;
	EXPECT_EQ(-EBADF, raw_call(r, SYS_dup, 41));
	EXPECT_EQ(0, task->fd_wish);
}

/* The clock of virtual time is not stopped more often than there is work. */
TEST_F(contract, idle_is_quiet)
{
	struct raw *r = &self->r;
	unsigned int fires;

	ASSERT_EQ(0, raw_boot(r));
	raw_sleep(r, 10 * S);
	fires = r->fires;
	raw_sleep(r, 100 * S);
	EXPECT_GE(200, r->fires - fires);
}

/* The caller's random numbers are all there is: equal ones, equal kernels. */
TEST_F(contract, randomness_is_the_callers)
{
	struct raw *r = &self->r;
	uint64_t value[3];
	int i;

	for (i = 0; i < 3; i++) {
		r->seed = i == 2 ? 99 : 1;
		ASSERT_EQ(0, raw_init(r));
		value[i] = random_of(r);
		r->ex.exit();
		raw_free(r);
		raw_prepare(r, RAW_MEMORY);
	}
	EXPECT_EQ(value[0], value[1]);
	EXPECT_NE(value[0], value[2]);
}

/* Kernel code that calls the host runs on stacks in the instance's memory. */
TEST_F(contract, callbacks_run_on_stacks_of_the_instance)
{
	struct lib_netdev how = { 0 };
	struct raw *r = &self->r;

	ASSERT_EQ(0, raw_init(r));
	ASSERT_LT(0, raw_device(r, &how, "10.0.0.1"));
	raw_sleep(r, 10 * S);
	EXPECT_LT(0, r->batches);
	EXPECT_EQ(0, r->foreign_stacks);
}

/*
 * All of an instance is its image and its memory, and the only host pointers in
 * it are on the page of the host table: what sharing and snapshots stand on.
 */
TEST_F(contract, no_host_pointer_in_memory)
{
	struct raw *r = &self->r;
	struct lib_host *host = &r->host;
	void *const pointers[] = {
		r, host->clock_ns, host->realtime_ns, host->timer_arm, host->idle,
		host->wake, host->signal, host->console_write, host->random, host->panic,
		host->netdev_tx, host->map_pages, host->unmap_pages,
	};
	struct lib_netdev how = { 0 };
	uint64_t *word, *page, *end;
	int where;
	size_t i;

	ASSERT_EQ(0, raw_init(r));
	ASSERT_LT(0, raw_device(r, &how, "10.0.0.1"));
	raw_sleep(r, S);
	for (where = 0; where < 2; where++) {
		word = where ? r->kernel.memory : r->kernel.image;
		end = (void *)word + (where ? r->kernel.memory_size : r->kernel.image_size);
		page = where ? end : r->kernel.host_page;
		for (; word < end; word++) {
			if (word >= page && word < page + 512)
				continue;
			for (i = 0; i < ARRAY_SIZE(pointers); i++)
				if (*word == (uintptr_t)pointers[i])
					TH_LOG("pointer %zu at %p of the %s", i, word,
					       where ? "memory" : "image");
			for (i = 0; i < ARRAY_SIZE(pointers); i++)
				EXPECT_NE(*word, (uintptr_t)pointers[i]);
		}
	}
}

TEST_HARNESS_MAIN
