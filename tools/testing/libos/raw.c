// SPDX-License-Identifier: GPL-2.0
/* raw.c - see raw.h */
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "raw.h"

static struct raw *all[64];
static unsigned int nr_all;

/* ---------------------------------------------------------- the host side */

static void check_stack(struct raw *r)
{
	char *here = __builtin_frame_address(0), *memory = r->kernel.memory;
	char *image = r->kernel.image;

	if (here >= memory && here < memory + r->kernel.memory_size)
		return;
	if (!image || (here >= image && here < image + r->kernel.image_size))
		return;
	r->foreign_stacks++;
}

static uint64_t clock_ns(void *ctx)
{
	struct raw *r = ctx;

	check_stack(r);
	return r->now;
}

static uint64_t realtime_ns(void *ctx)
{
	struct raw *r = ctx;

	return 1735689600 * S + r->now;
}

static void timer_arm(void *ctx, uint64_t deadline)
{
	struct raw *r = ctx;

	check_stack(r);
	r->deadline = deadline;
}

static void fire(struct raw *r)
{
	r->deadline = LIB_TIME_NEVER;
	r->fires++;
	r->ex.timer_fire();
}

static void idle(void *ctx, struct lib_task *task, uint64_t deadline)
{
	struct raw *r = ctx;

	r->idles++;
	if (r->on_idle && r->on_idle(r, task))
		return;
	if (deadline != r->deadline)
		complain("idle: deadline %llu, but timer_arm said %llu",
			 (unsigned long long)deadline, (unsigned long long)r->deadline);
	if (r->deadline == LIB_TIME_NEVER) {
		if (task && r->ex.task_interrupt)
			r->ex.task_interrupt(task);
		else
			abort();
		return;
	}
	r->now = r->now > r->deadline ? r->now : r->deadline;
	if (r->ex.timer_fire)
		fire(r);
}

static void wake(void *ctx, struct lib_task *task)
{
	struct raw *r = ctx;

	r->wakes++;
	r->woken = task;
}

static void got_signal(void *ctx, struct lib_task *task, int sig)
{
	struct raw *r = ctx;

	r->signals++;
	r->signal = sig;
	r->signalled = task;
}

static void console_write(void *ctx, const char *text, size_t len)
{
	struct raw *r = ctx;

	if (r->console_len + len > sizeof(r->console) - 1)
		return;
	memcpy(r->console + r->console_len, text, len);
	r->console_len += len;
}

static void random_bytes(void *ctx, void *buf, size_t len)
{
	struct raw *r = ctx;
	uint8_t *p = buf;

	for (; len--; p++) {
		r->seed = r->seed * 6364136223846793005 + 1442695040888963407;
		*p = r->seed >> 56;
	}
}

static void panicked(void *ctx, const char *reason)
{
	struct raw *r = ctx;

	r->panics++;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
}

static void keep(struct raw *r, uint32_t dev, const struct lib_packet *pkt, bool held)
{
	struct raw_sent *sent;
	uint32_t i, at = 0;

	if (r->nr_sent == RAW_SENT)
		return;
	sent = &r->sent[r->nr_sent++];
	*sent = (struct raw_sent) {
		.dev = dev, .len = pkt->len, .nr_iov = pkt->nr_iov, .vnet = pkt->vnet,
		.token = pkt->token, .held = held,
		.data = mmap(NULL, LIB_MAX_PACKET, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	};
	for (i = 0; i < pkt->nr_iov && at + pkt->iov[i].len <= LIB_MAX_PACKET; i++) {
		memcpy(sent->data + at, pkt->iov[i].base, pkt->iov[i].len);
		at += pkt->iov[i].len;
	}
	if (at != pkt->len)
		sent->len = -1;
}

static unsigned int netdev_tx(void *ctx, uint32_t dev, const struct lib_packet *pkts,
			      unsigned int nr)
{
	struct raw *r = ctx;
	unsigned int take = nr > r->hold ? nr - r->hold : 0, i;

	check_stack(r);
	r->batches++;
	if (nr > r->largest_batch)
		r->largest_batch = nr;
	for (i = 0; i < nr; i++)
		keep(r, dev, &pkts[i], i >= take);
	return take;
}

static void *map_pages(void *ctx, const uint64_t *offsets, unsigned int nr)
{
	struct raw *r = ctx;
	char *to = mmap(NULL, nr * 4096UL, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (mremap(r->kernel.memory + offsets[i], 0, 4096,
			   MREMAP_MAYMOVE | MREMAP_FIXED, to + i * 4096UL) == MAP_FAILED)
			return NULL;
	r->maps++;
	return to;
}

static void unmap_pages(void *ctx, void *addr, unsigned int nr)
{
	struct raw *r = ctx;

	munmap(addr, nr * 4096UL);
	r->unmaps++;
}

static int reset_image(void *ctx, void *start, size_t len)
{
	(void)ctx;
	return madvise(start, len, MADV_DONTNEED) ? -errno : 0;
}

/* ----------------------------------------------------------------- faults */

static void handler(int sig, siginfo_t *info, void *context)
{
	greg_t *ip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	uintptr_t to = 0;
	unsigned int i;

	for (i = 0; i < nr_all && !to; i++)
		if (all[i]->ex.fault)
			to = all[i]->ex.fault(*ip, (uintptr_t)info->si_addr);
	if (to)
		*ip = to;
	else
		signal(sig, SIG_DFL);
}

static void catch_faults(void)
{
	struct sigaction sa = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

/* ------------------------------------------------------------------- life */

int raw_load(struct raw *r, long namespace)
{
	memset(r, 0, sizeof(*r));
	r->dl = dlmopen(namespace, liblinux(), RTLD_NOW | RTLD_LOCAL);
	if (!r->dl)
		return complain("%s", dlerror());
	r->init = dlsym(r->dl, "lib_init");
	return r->init ? 0 : complain("%s", dlerror());
}

void raw_prepare(struct raw *r, size_t memory)
{
	r->deadline = LIB_TIME_NEVER;
	r->seed = 1;
	r->now = S;
	memset(&r->ex, 0, sizeof(r->ex));
	r->ex.size = sizeof(r->ex);
	r->host = (struct lib_host) {
		.size = sizeof(r->host), .version = LIB_ABI_VERSION, .process = 1, .ctx = r,
		.clock_ns = clock_ns, .realtime_ns = realtime_ns, .timer_arm = timer_arm,
		.idle = idle, .wake = wake, .signal = got_signal,
		.console_write = console_write, .random = random_bytes, .panic = panicked,
		.netdev_tx = netdev_tx, .map_pages = map_pages, .unmap_pages = unmap_pages,
		.reset_image = reset_image,
	};
	r->kernel = (struct lib_kernel) { .size = sizeof(r->kernel), .memory_size = memory };
	r->kernel.memory = mmap(NULL, memory, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int raw_init(struct raw *r)
{
	if (nr_all < ARRAY_SIZE(all)) {
		catch_faults();
		all[nr_all++] = r;
	}
	return r->init(&r->ex, &r->host, &r->kernel);
}

int raw_boot(struct raw *r)
{
	if (raw_load(r, LM_ID_BASE))
		return -1;
	raw_prepare(r, RAW_MEMORY);
	return raw_init(r);
}

void raw_free(struct raw *r)
{
	munmap(r->kernel.memory, r->kernel.memory_size);
}

void raw_sleep(struct raw *r, uint64_t ns)
{
	uint64_t end = r->now + ns;

	r->ex.run();
	while (r->deadline <= end) {
		r->now = r->now > r->deadline ? r->now : r->deadline;
		fire(r);
		r->ex.run();
	}
	r->now = end;
}

/* ---------------------------------------------------------------- devices */

static int with_ifreq(struct raw *r, const char *dev, unsigned long request, struct ifreq *ifr)
{
	long fd = raw_call(r, SYS_socket, AF_INET, SOCK_DGRAM, 0), ret;

	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", dev);
	ret = raw_call(r, SYS_ioctl, fd, request, ifr);
	raw_call(r, SYS_close, fd);
	return ret;
}

int raw_up(struct raw *r, const char *dev, bool up)
{
	struct ifreq ifr = { 0 };
	int ret = with_ifreq(r, dev, SIOCGIFFLAGS, &ifr);

	if (up)
		ifr.ifr_flags |= IFF_UP;
	else
		ifr.ifr_flags &= ~IFF_UP;
	return ret ? ret : with_ifreq(r, dev, SIOCSIFFLAGS, &ifr);
}

int raw_addr(struct raw *r, const char *dev, const char *addr)
{
	struct sockaddr_storage ss = address(addr, 0);
	struct ifreq ifr = { 0 };

	memcpy(&ifr.ifr_addr, &ss, sizeof(ifr.ifr_addr));
	return with_ifreq(r, dev, SIOCSIFADDR, &ifr);
}

int raw_device(struct raw *r, const struct lib_netdev *how, const char *addr)
{
	struct lib_netdev dev = *how;
	int ret;

	dev.size = sizeof(dev);
	ret = r->ex.netdev_create(r->kernel.boot_task, &dev);
	if (!ret)
		ret = raw_up(r, dev.name, true);
	if (!ret && addr)
		ret = raw_addr(r, dev.name, addr);
	return ret ? ret : (int)dev.id;
}

int raw_read_file(struct raw *r, const char *path, char *buf, size_t len)
{
	long fd = raw_call(r, SYS_open, path, O_RDONLY), n;

	if (fd < 0)
		return fd;
	n = raw_call(r, SYS_read, fd, buf, len - 1);
	if (n >= 0)
		buf[n] = 0;
	raw_call(r, SYS_close, fd);
	return n;
}

long raw_dev_counter(struct raw *r, const char *dev, const char *name)
{
	char path[128], buf[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", dev, name);
	return raw_read_file(r, path, buf, sizeof(buf)) < 0 ? -1 : atol(buf);
}

int raw_receive(struct raw *r, uint32_t dev, const void *data, size_t len,
		const struct lib_vnet *vnet)
{
	struct lib_iov iov = { (void *)data, len };
	struct lib_packet pkt = { .iov = &iov, .nr_iov = 1, .len = len };
	int taken;

	if (vnet)
		pkt.vnet = *vnet;
	taken = r->ex.netdev_rx(dev, &pkt, 1);
	r->ex.run();
	return taken;
}

void raw_forget(struct raw *r)
{
	while (r->nr_sent)
		munmap(r->sent[--r->nr_sent].data, LIB_MAX_PACKET);
}

int raw_done(struct raw *r, uint64_t tstamp)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < r->nr_sent && !err; i++) {
		if (!r->sent[i].held)
			continue;
		r->sent[i].held = false;
		err = r->ex.netdev_tx_done(r->sent[i].dev, &r->sent[i].token, 1, tstamp);
	}
	r->ex.run();
	return err;
}
