// SPDX-License-Identifier: GPL-2.0
/*
 * create.c - see create.h
 *
 * The image is loaded as for one process, but its data go to a memory file that
 * takes their place before they are relocated. All files are passed on to the
 * processes that come later.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "../lib/error.h"
#include "../lib/image.h"
#include "create.h"
#include "vdso.h"

#define DEFAULT_MEMORY	(64ULL << 20)

/* A memory file, mapped for all at an address */
static int make_file(const char *name, uint64_t addr, uint64_t size, int place)
{
	int fd = memfd_create(name, 0);

	if (fd < 0 || ftruncate(fd, size) ||
	    mmap((void *)addr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | place,
		 fd, 0) != (void *)addr)
		return fail(errno, "cannot make %llu KiB of memory at %#llx: %s",
			    (unsigned long long)size >> 10, (unsigned long long)addr,
			    strerror(errno));
	return fd;
}

/* Where they are out of the program's way: above what it uses, below what it may have */
#define FD_BASE		4096

/* What an instance consists of, first under any numbers */
static struct {
	int text, data, memory, control;
} files = { -1, -1, -1, -1 };

/* They are written, not touched, and mapped at once: a fault for each page would take longer. */
static int share_data(const struct image *image)
{
	size_t size = image->size - image->data, len = image->zeros - image->data;
	char *data = image->base + image->data;

	files.data = memfd_create("nuse-data", 0);
	if (files.data < 0 || write(files.data, data, len) != (ssize_t)len ||
	    ftruncate(files.data, size) ||
	    mmap(data, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
		 files.data, 0) != data)
		return fail(errno, "cannot make %zu KiB of memory at %p: %s", size >> 10, data,
			    strerror(errno));
	return 0;
}

static int boot(struct image *image, uint64_t memory, const char *cmdline)
{
	struct lib_host host;
	int err;

	share->exports.size = sizeof(share->exports);
	share->kernel = (struct lib_kernel) {
		.size = sizeof(share->kernel),
		.memory = (void *)SHARE_MEMORY,
		.memory_size = memory,
		.cmdline = cmdline,
	};
	share->text_size = image->data;
	share->deadline = LIB_TIME_NEVER;
	share->clock_even = clock_source_is_counter();
	share_process.number = 1;
	share_process.pid = getpid();
	share_host(&host);
	err = image->init(&share->exports, &host, &share->kernel);
	if (err)
		return fail(-err, "lib_init: %s", strerror(-err));
	err = share_map_host_page();
	if (!err)
		err = share->exports.attach(&host);
	return err ? fail(-err, "cannot share the kernel: %s", strerror(-err)) : 0;
}

/* How many descriptors a process may have is the host's to say: it gives the numbers. */
static long allow_descriptors(struct lib_task *task)
{
	struct rlimit all = { SHARE_FDS, SHARE_FDS };

	return share->exports.syscall(task, __NR_setrlimit, RLIMIT_NOFILE, (long)&all, 0, 0, 0, 0);
}

/* The calling thread is process 1. */
static int first_thread(void)
{
	int err;

	share->members[1].pid = getpid();
	share->threads[0] = (struct share_thread) {
		.process = 1,
		.tid = gettid(),
		.key = thread_key(),
		.task = share->kernel.boot_task,
	};
	share->threads[0].task->host[0] = 0;
	share->nr_threads = 1;
	err = allow_descriptors(share->kernel.boot_task) ?:
	      share->exports.task_create(share->kernel.boot_task, &share->members[1].helper, 0,
					 NULL, NULL, 0);
	return err ? fail(-err, "no task: %s", strerror(-err)) : 0;
}

static int put(int fd, unsigned int which)
{
	if (fd < 0 || dup2(fd, own_fd(which)) < 0)
		return -errno;
	close(fd);
	return 0;
}

/* A call of the library's that comes to the host by mistake fails: it does not wait. */
static int placeholder(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	return fd;
}

/* Puts the hidden descriptors where they belong. */
static int put_all(void)
{
	struct rlimit limit, raised;
	int err, i;

	getrlimit(RLIMIT_NOFILE, &limit);
	raised = limit;
	raised.rlim_cur = limit.rlim_max;
	share->fd_base = limit.rlim_max - NR_OWN_FDS > FD_BASE ? FD_BASE :
								 limit.rlim_max - NR_OWN_FDS;
	setrlimit(RLIMIT_NOFILE, &raised);
	err = put(files.text, FD_TEXT) ?: put(files.data, FD_DATA) ?:
	      put(files.memory, FD_MEMORY) ?: put(files.control, FD_CONTROL) ?:
	      put(placeholder(), FD_PLACEHOLDER) ?:
	      put(eventfd(0, EFD_NONBLOCK), FD_KEEPER) ?:
	      put(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), FD_TIMER);
	for (i = 0; i < SHARE_KICKS && !err; i++)
		err = put(eventfd(0, EFD_NONBLOCK), FD_KICK + i);
	setrlimit(RLIMIT_NOFILE, &limit);
	return err ? fail(-err, "cannot have descriptor %u and those behind it: %s",
			  share->fd_base, strerror(-err)) : 0;
}

int share_create(const char *path, uint64_t memory, const char *cmdline)
{
	static struct image image;
	char found[PATH_MAX];
	int err;

	memory = memory ? memory : DEFAULT_MEMORY;
	if (memory > SHARE_WINDOW - SHARE_MEMORY)
		return fail(EINVAL, "%llu MiB of memory are too much: at most %llu MiB",
			    (unsigned long long)memory >> 20, (SHARE_WINDOW - SHARE_MEMORY) >> 20);
	vdso_init();
	err = image_find(path, found);
	if (!err)
		err = image_load(&image, found, (void *)SHARE_BASE, SHARE_CONTROL - SHARE_BASE,
				 share_data);
	if (err)
		return err;
	files.text = open(found, O_RDONLY);
	if (files.text < 0)
		return fail(errno, "cannot open %s: %s", found, strerror(errno));
	files.memory = make_file("nuse-memory", SHARE_MEMORY, memory, MAP_FIXED_NOREPLACE);
	if (files.memory < 0)
		return files.memory;
	files.control = make_file("nuse-control", SHARE_CONTROL, sizeof(struct share_control),
				  MAP_FIXED_NOREPLACE);
	if (files.control < 0)
		return files.control;
	err = put_all() ?: boot(&image, memory, cmdline);
	return err ? err : first_thread();
}
