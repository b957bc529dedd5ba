// SPDX-License-Identifier: GPL-2.0
/*
 * Pages seen a second time, one behind the other: the host maps them, since
 * there is no page table here. vmap() for the kernel (BPF ring buffers, AF_XDP
 * memory), and mmap() of a socket for the caller (packet rings).
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/net.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/syscalls.h>
#include <linux/vmalloc.h>
#include <asm/lib.h>
#include <asm/versions.h>

/**
 * struct alias - pages mapped by the host
 * @list: in aliases
 * @addr: where
 * @nr: how many
 * @vma: for a caller's mapping: what the driver was told
 * @owner: whose it is, for a caller's
 */
struct alias {
	struct list_head list;
	void *addr;
	unsigned int nr;
	struct vm_area_struct *vma;
	struct mm_struct *owner;
};

static LIST_HEAD(aliases);

static struct alias *alias_create(struct page **pages, unsigned int nr)
{
	struct alias *alias;
	u64 *offsets;
	unsigned int i;

	if (!the_host.map_pages || !nr)
		return NULL;
	alias = kzalloc(sizeof(*alias), GFP_KERNEL);
	offsets = kvmalloc_array(nr, sizeof(*offsets), GFP_KERNEL);
	if (alias && offsets) {
		for (i = 0; i < nr; i++)
			offsets[i] = (unsigned long)page_to_virt(pages[i]) - lib_memory;
		alias->nr = nr;
		alias->addr = host_call(map_pages, offsets, nr);
	}
	kvfree(offsets);
	if (!alias || !alias->addr) {
		kfree(alias);
		return NULL;
	}
	list_add(&alias->list, &aliases);
	return alias;
}

static struct alias *alias_find(const void *addr)
{
	struct alias *alias;

	list_for_each_entry(alias, &aliases, list)
		if (alias->addr == addr)
			return alias;
	return NULL;
}

static void alias_destroy(struct alias *alias)
{
	list_del(&alias->list);
	host_call(unmap_pages, alias->addr, alias->nr);
	kfree(alias);
}

void *__wrap_vmap(struct page **pages, unsigned int count, unsigned long flags, pgprot_t prot)
{
	struct alias *alias = alias_create(pages, count);

	return alias ? alias->addr : NULL;
}

void __wrap_vunmap(const void *addr)
{
	struct alias *alias = addr ? alias_find(addr) : NULL;

	if (alias)
		alias_destroy(alias);
}

/*
 * A socket's mmap() inserts the pages it wants mapped one by one, in order:
 * they are collected here. There is one task at a time that maps.
 */
static struct page **inserting;
static unsigned int inserted, insert_max;

int __wrap_vm_insert_page(struct vm_area_struct *vma, unsigned long addr, struct page *page)
{
	if (!inserting || inserted == insert_max)
		return -EINVAL;
	inserting[inserted++] = page;
	return 0;
}

static long finish_mapping(struct vm_area_struct *vma)
{
	struct alias *alias;

	/* One piece of memory that the driver placed itself (AF_XDP rings). */
	if (!inserted)
		return vma->vm_start;
	alias = alias_create(inserting, inserted);
	if (!alias)
		return -ENOMEM;
	alias->vma = vma;
	alias->owner = current->mm;
	return (long)alias->addr;
}

static long map_socket(struct file *file, unsigned long len, unsigned long pgoff)
{
	unsigned int pages = PAGE_ALIGN(len) >> PAGE_SHIFT;
	struct socket *sock = sock_from_file(file);
	struct vm_area_struct *vma;
	long addr = -ENOMEM;

	if (!sock || !sock->ops->mmap)
		return -ENODEV;
	if (!len || len > lib_memory_end - lib_memory)
		return -EINVAL;
	vma = vm_area_alloc(current->mm);
	if (!vma)
		return addr;
	vma->vm_end = PAGE_ALIGN(len);
	vma->vm_pgoff = pgoff;
	vma->vm_file = get_file(file);
	vm_flags_init(vma, VM_READ | VM_WRITE | VM_SHARED | VM_MAYSHARE | VM_USERMAP);
	if (!inserting) {
		inserting = kvmalloc_array(pages, sizeof(*inserting), GFP_KERNEL);
		inserted = 0;
		insert_max = pages;
		if (inserting)
			addr = call_mmap(file, vma);
		if (!addr) {
			addr = finish_mapping(vma);
			if (IS_ERR_VALUE(addr) && vma->vm_ops && vma->vm_ops->close)
				vma->vm_ops->close(vma);
		}
		kvfree(inserting);
		inserting = NULL;
	}
	if (IS_ERR_VALUE(addr)) {
		fput(file);
		vm_area_free(vma);
	}
	return addr;
}

/* What the table has for mmap and munmap: see syscall.c. */
asmlinkage long lib_sys_mmap(unsigned long addr, unsigned long len, unsigned long prot,
			     unsigned long flags, unsigned long fd, unsigned long off);
asmlinkage long lib_sys_munmap(unsigned long addr, size_t len);

asmlinkage long lib_sys_mmap(unsigned long addr, unsigned long len, unsigned long prot,
			     unsigned long flags, unsigned long fd, unsigned long off)
{
	struct file *file;
	long ret;

	if (offset_in_page(off))
		return -EINVAL;
	file = flags & MAP_ANONYMOUS ? NULL : fget(fd);
	if (file && S_ISSOCK(file_inode(file)->i_mode))
		ret = map_socket(file, len, off >> PAGE_SHIFT);
	else
		ret = ksys_mmap_pgoff(addr, len, prot, flags, fd, off >> PAGE_SHIFT);
	if (file)
		fput(file);
	return ret;
}

asmlinkage long lib_sys_munmap(unsigned long addr, size_t len)
{
	struct alias *alias = alias_find((void *)addr);
	struct vm_area_struct *vma = alias ? alias->vma : NULL;

	if (!vma || alias->owner != current->mm)
		return vm_munmap(addr, len);
	if (vma->vm_ops && vma->vm_ops->close)
		vma->vm_ops->close(vma);
	fput(vma->vm_file);
	vm_area_free(vma);
	alias_destroy(alias);
	return 0;
}
