// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that kernel and caller share, without a page table.
 *
 * Pages seen a second time, one behind the other, are mapped by the host:
 * vmap() for the kernel (BPF ring buffers, AF_XDP memory), and mmap() for the
 * caller of what mm/nommu.c refuses: sockets (rings of AF_PACKET and AF_XDP)
 * and BPF maps.
 *
 * Pages of the caller's memory that the kernel keeps for long are the instance's
 * own. For those that it uses during a call copies will do, and what is written
 * to them is the caller's when the call is over.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/syscalls.h>
#include <linux/vmalloc.h>
#include <asm/lib.h>
#include <asm/versions.h>

/* In place of the kernel's: see LDFLAGS_vmlinux. */
typeof(vmap) __wrap_vmap;
typeof(vunmap) __wrap_vunmap;
typeof(vm_insert_page) __wrap_vm_insert_page;
typeof(remap_pfn_range) __wrap_remap_pfn_range;
typeof(remap_vmalloc_range) __wrap_remap_vmalloc_range;
typeof(get_user_pages_fast) __wrap_get_user_pages_fast, __real_get_user_pages_fast;
typeof(pin_user_pages_fast) __wrap_pin_user_pages_fast, __real_pin_user_pages_fast;
typeof(long (unsigned long, unsigned long, unsigned int, struct page **, void *))
	__wrap_pin_user_pages, __real_pin_user_pages;	/* the fifth argument is 6.1's */

/* What the table has for mmap and munmap: see syscall.c. */
asmlinkage long lib_sys_mmap(long addr, long len, long prot, long flags, long fd, long off);
asmlinkage long lib_sys_munmap(unsigned long addr, size_t len);

/**
 * struct alias - pages mapped by the host
 * @list: in aliases
 * @vma: for mmap(): the area, as its file sees it
 * @addr: where they are, NULL before they are mapped
 * @nr: how many
 * @offsets: which, from the first byte of the memory
 */
struct alias {
	struct list_head list;
	struct vm_area_struct vma;
	void *addr;
	unsigned long nr;
	u64 offsets[];
};

static LIST_HEAD(aliases);

static struct alias *alias_create(unsigned long max)
{
	struct alias *alias = NULL;

	if (the_host.map_pages)
		alias = kvzalloc(struct_size(alias, offsets, max), GFP_KERNEL | __GFP_NOWARN);
	if (alias)
		list_add(&alias->list, &aliases);
	return alias;
}

static void alias_destroy(struct alias *alias)
{
	struct vm_area_struct *vma = &alias->vma;

	list_del(&alias->list);
	if (alias->addr)
		host_call(unmap_pages, alias->addr, alias->nr);
	if (vma->vm_ops && vma->vm_ops->close)
		vma->vm_ops->close(vma);
	if (vma->vm_file)
		fput(vma->vm_file);
	kvfree(alias);
}

/* All its pages are known: maps them, or destroys it. */
static void *alias_map(struct alias *alias)
{
	void *addr = alias->addr = host_call(map_pages, alias->offsets, alias->nr);

	if (!addr)
		alias_destroy(alias);
	return addr;
}

/* By its address, or its area */
static struct alias *alias_find(const void *key)
{
	struct alias *alias;

	list_for_each_entry(alias, &aliases, list)
		if (key && (alias->addr == key || &alias->vma == key))
			return alias;
	return NULL;
}

void *__wrap_vmap(struct page **pages, unsigned int count, unsigned long flags, pgprot_t prot)
{
	struct alias *alias = alias_create(count);

	if (!alias)
		return NULL;
	while (alias->nr < count)
		alias->offsets[alias->nr++] = (u64)page_to_virt(*pages++) - lib_memory;
	return alias_map(alias);
}

void __wrap_vunmap(const void *addr)
{
	struct alias *alias = alias_find(addr);

	if (alias)
		alias_destroy(alias);
}

/* A file's mmap() names its pages by one of these, in order. */

static int insert(struct vm_area_struct *vma, u64 offset)
{
	struct alias *alias = alias_find(vma);

	if (!alias || alias->nr == vma_pages(vma))
		return -EINVAL;
	alias->offsets[alias->nr++] = offset;
	return 0;
}

int __wrap_vm_insert_page(struct vm_area_struct *vma, unsigned long addr, struct page *page)
{
	return insert(vma, (u64)page_to_virt(page) - lib_memory);
}

int __wrap_remap_vmalloc_range(struct vm_area_struct *vma, void *addr, unsigned long pgoff)
{
	struct alias *from = alias_find(addr);
	unsigned long end = pgoff + vma_pages(vma);
	int err = from && end > from->nr ? -EINVAL : 0;

	for (; !err && pgoff < end; pgoff++)
		err = insert(vma, from ? from->offsets[pgoff] :
				  (u64)addr - lib_memory + (pgoff << PAGE_SHIFT));
	return err;
}

/* AF_XDP of 6.1: one piece of memory */
int __wrap_remap_pfn_range(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn,
			   unsigned long size, pgprot_t prot)
{
	return __wrap_remap_vmalloc_range(vma, pfn_to_kaddr(pfn), 0);
}

static long map_file(struct file *file, unsigned long len, unsigned long prot,
		     unsigned long off)
{
	struct socket *sock = sock_from_file(file);
	struct vm_area_struct *vma;
	struct alias *alias;
	int err;

	if (!file->f_op->mmap || (sock && !sock->ops->mmap))
		return -ENODEV;
	alias = alias_create(PFN_UP(len));
	if (!alias)
		return -ENOMEM;
	vma = &alias->vma;
	vma_init(vma, current->mm);
	vma->vm_end = PAGE_ALIGN(len);
	vma->vm_pgoff = off >> PAGE_SHIFT;
	vma->vm_file = get_file(file);
	vm_flags_init(vma, calc_vm_prot_bits(prot, 0) | VM_SHARED | VM_MAYSHARE);
	err = call_mmap(file, vma);
	if (!err && alias->nr == vma_pages(vma))
		return (long)alias_map(alias) ?: -ENOMEM;
	if (err)
		vma->vm_ops = NULL;	/* not open, not to be closed */
	alias_destroy(alias);
	return err ?: -ENODEV;
}

/* Does mm/nommu.c refuse it: a socket, or a file of no type? */
static bool is_refused(struct file *file)
{
	umode_t type = file_inode(file)->i_mode & S_IFMT;

	return (type == S_IFSOCK || !type) && !file->f_op->mmap_capabilities;
}

asmlinkage long lib_sys_mmap(long addr, long len, long prot, long flags, long fd, long off)
{
	struct file *file = flags & MAP_ANONYMOUS ? NULL : fget(fd);
	long ret;

	if (offset_in_page(off) || !len)
		ret = -EINVAL;
	else if (!file || !is_refused(file))
		ret = ksys_mmap_pgoff(addr, len, prot, flags, fd, (u64)off >> PAGE_SHIFT);
	else
		ret = map_file(file, len, prot, off);
	if (file)
		fput(file);
	return ret;
}

asmlinkage long lib_sys_munmap(unsigned long addr, size_t len)
{
	struct alias *alias = alias_find((void *)addr);

	if (!alias || !alias->vma.vm_file || alias->nr != PFN_UP(len))
		return vm_munmap(addr, len);
	alias_destroy(alias);
	return 0;
}

/**
 * struct lib_copy - a copy of a page of the caller's, to be written to
 * @next: another one of the same call
 * @user: the page
 * @page: the copy; holds a reference
 * @was: what it held at first
 */
struct lib_copy {
	struct lib_copy *next;
	char __user *user;
	struct page *page;
	char was[PAGE_SIZE];
};

static int copy_page_of(char __user *user, bool write, struct page **page)
{
	struct lib_copy *copy = write ? kmalloc(sizeof(*copy), GFP_KERNEL) : NULL;
	char *to = (char *)__get_free_page(GFP_KERNEL);
	struct lib_call *call = current->thread.call;
	int err = !to || (write && !copy) ? -ENOMEM : 0;

	if (!err && copy_from_user(to, user, PAGE_SIZE))
		err = -EFAULT;
	if (err) {
		free_page((unsigned long)to);
		kfree(copy);
		return err;
	}
	*page = virt_to_page(to);
	if (copy) {
		get_page(*page);
		copy->next = call->copies;
		copy->user = user;
		copy->page = *page;
		memcpy(copy->was, to, PAGE_SIZE);
		call->copies = copy;
	}
	return 0;
}

/* The call is over: its caller gets what was written, and nothing beside it. */
int lib_write_copies(struct lib_call *call)
{
	struct lib_copy *copy;
	int i, err = 0;

	while ((copy = call->copies)) {
		const char *now = page_to_virt(copy->page);

		for (i = 0; i < PAGE_SIZE; i++)
			if (unlikely(now[i] != copy->was[i]))
				err = put_user(now[i], copy->user + i) ?: err;
		call->copies = copy->next;
		put_page(copy->page);
		kfree(copy);
	}
	return err;
}

/* Memory that is not the instance's has no pages. */
static int or_copies(int got, unsigned long start, int nr, unsigned int flags,
		     struct page **pages)
{
	int i;

	if (got != -EFAULT || flags & FOLL_LONGTERM || !current->thread.call)
		return got;
	start &= PAGE_MASK;
	for (i = 0, got = 0; i < nr && !got; i += !got, start += PAGE_SIZE)
		got = copy_page_of((char __user *)start, flags & FOLL_WRITE, &pages[i]);
	return i ?: got;
}

int __wrap_get_user_pages_fast(unsigned long start, int nr, unsigned int flags,
			       struct page **pages)
{
	return or_copies(__real_get_user_pages_fast(start, nr, flags, pages), start, nr, flags,
			 pages);
}

/* Without an MMU mm/gup.c pins a page by one reference, but unpins it by many. */
static long pinned(struct page **pages, long nr)
{
	long i;

	for (i = 0; i < nr; i++)
		if (!PageCompound(pages[i]))
			page_ref_add(pages[i], GUP_PIN_COUNTING_BIAS - 1);
	return nr;
}

int __wrap_pin_user_pages_fast(unsigned long start, int nr, unsigned int flags,
			       struct page **pages)
{
	return pinned(pages, or_copies(__real_pin_user_pages_fast(start, nr, flags, pages),
				       start, nr, flags, pages));
}

long __wrap_pin_user_pages(unsigned long start, unsigned long nr, unsigned int flags,
			   struct page **pages, void *vmas)
{
	return pinned(pages, __real_pin_user_pages(start, nr, flags, pages, vmas));
}
