// SPDX-License-Identifier: GPL-2.0
/*
 * lib_init(), and the table it fills in.
 */
#include <linux/elf.h>
#include <linux/mm.h>
#include <linux/start_kernel.h>
#include <linux/utsname.h>
#include <generated/utsrelease.h>
#include <asm/lib.h>
#include <asm/sections.h>
#include <asm/setup.h>

/* Up to and with its last function that is not optional, a table must reach. */
#define HOST_SIZE_MIN	offsetofend(struct lib_host, netdev_tx)
#define KERNEL_SIZE_MIN	offsetofend(struct lib_kernel, running)
#define EXPORTS_SIZE_MIN offsetofend(struct lib_exports, syscall)

/*
 * No device but lo that nobody asked for, and tables as small as an instance;
 * to track connections, which Open vSwitch makes 6.1 do, eight a hash bucket and
 * not one. What the caller says comes later and wins.
 */
#define DEFAULT_CMDLINE							\
	"fb_tunnels=none dummy.numdummies=0 ifb.numifbs=0 bonding.max_bonds=0 "	\
	"slub_max_order=0 dhash_entries=512 ihash_entries=512 tcpmhash_entries=256 "	\
	"dccp.thash_entries=64 nf_conntrack.hashsize=1024"

extern char __lib_image[], __ehdr_start[];
extern const Elf64_Rela __rela_start[], __rela_end[];

static size_t image_size(void)
{
	return PAGE_ALIGN((unsigned long)_end) - (unsigned long)__lib_image;
}

void lib_timer_fire(void)
{
	lib_inject(lib_timer_interrupt, NULL);
}

static int check_host(const struct lib_host *host)
{
	if (host->size < HOST_SIZE_MIN || host->version != LIB_ABI_VERSION ||
	    !host->clock_ns || !host->realtime_ns || !host->timer_arm || !host->idle ||
	    !host->wake || !host->random || !host->netdev_tx)
		return -EINVAL;
	return 0;
}

static void install_host(const struct lib_host *host)
{
	memset(&lib_host_page, 0, sizeof(lib_host_page));
	memcpy(&the_host, host, min_t(size_t, host->size, sizeof(the_host)));
}

int lib_attach(const struct lib_host *host)
{
	int err = check_host(host);

	if (!err)
		install_host(host);
	return err;
}

/* After this no entry finds anything to enter. */
void lib_exit(void)
{
	lib_status = LIB_DEAD;
}

#define ENTRY(fn)	.fn = lib_##fn,
static const struct lib_exports lib_exports = {
	.size = sizeof(struct lib_exports),
	.version = LIB_ABI_VERSION,
	LIB_EXPORTS(ENTRY)
};

/*
 * Makes a used image new: its file's data again, relocated as the loader did.
 * No variable is good before the end.
 */
static int reset_image(const struct lib_host *host)
{
	const Elf64_Rela *rela;
	int err;

	if (host->size < offsetofend(struct lib_host, reset_image) || !host->reset_image)
		return -EBUSY;
	err = host->reset_image(host->ctx, __lib_image, image_size());
	if (err)
		return err;
	for (rela = __rela_start; rela < __rela_end; rela++)
		*(u64 *)(__ehdr_start + rela->r_offset) =
			(u64)__ehdr_start + rela->r_addend;
	return 0;
}

int __ref lib_init(struct lib_exports *exports, const struct lib_host *host,
	     struct lib_kernel *kernel)
{
	u32 size;
	int err;

	if (!exports || !host || !kernel || exports->size < EXPORTS_SIZE_MIN ||
	    kernel->size < KERNEL_SIZE_MIN || !PAGE_ALIGNED(kernel->memory) ||
	    !kernel->memory)
		return -EINVAL;
	if (kernel->memory_size < LIB_MIN_MEMORY)
		return -ENOMEM;
	if (lib_status == LIB_RUNNING)
		return -EBUSY;
	err = check_host(host);
	if (!err && lib_status == LIB_DEAD)
		err = reset_image(host);
	if (err)
		return err;
	install_host(host);

	lib_memory = (unsigned long)kernel->memory;
	lib_memory_end = lib_memory + round_down(kernel->memory_size, PAGE_SIZE);
	snprintf(boot_command_line, COMMAND_LINE_SIZE, "%s %s", DEFAULT_CMDLINE,
		 kernel->cmdline ?: "");
	err = lib_boot(start_kernel);
	if (err)
		return err;

	size = min_t(u32, exports->size, sizeof(lib_exports));
	memcpy(exports, &lib_exports, size);
	exports->size = size;
	kernel->boot_task = &lib_boot_call.task;
	strscpy(kernel->release, init_utsname()->release, sizeof(kernel->release));
	kernel->image = __lib_image;
	kernel->image_size = image_size();
	kernel->host_page = &lib_host_page;
	kernel->status = &lib_status;
	kernel->running = &lib_running;
	return 0;
}

__visible const char lib_version[] __attribute__((visibility("default"))) =
	"liblinux " UTS_RELEASE;
