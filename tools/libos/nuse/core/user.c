// SPDX-License-Identifier: GPL-2.0
/*
 * user.c - memory that a program's pointer names, which may be bad: copied by
 * one instruction whose fault is known (nuse_fault()).
 */
#include "core.h"
#include <sys/mman.h>

/* Copies @size bytes, or up to a NUL that is among them if @string; what was left */
size_t peek_copy(void *to, const void *from, size_t size, long string);

extern const char peek_copy_end[], peek_copy_failed[];

asm(	".pushsection .text\n"
	".globl peek_copy, peek_copy_end, peek_copy_failed\n"
	".hidden peek_copy, peek_copy_end, peek_copy_failed\n"
	"peek_copy:\n"
	"	test %rcx, %rcx\n"
	"	mov %rdx, %rcx\n"
	"	jnz 1f\n"
	"	rep movsb\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	"1:	test %rcx, %rcx\n"
	"	jz 2f\n"
	"	lodsb\n"
	"	stosb\n"
	"	dec %rcx\n"
	"	test %al, %al\n"
	"	jnz 1b\n"
	"2:	mov %rcx, %rax\n"
	"	ret\n"
	"peek_copy_end:\n"
	"peek_copy_failed:\n"
	"	mov $-1, %rax\n"
	"	ret\n"
	".popsection\n");

#define FAILED	(~(size_t)0)

uintptr_t peek_fault(uintptr_t ip)
{
	bool ours = ip >= (uintptr_t)peek_copy && ip < (uintptr_t)peek_copy_end;

	return ours ? (uintptr_t)peek_copy_failed : 0;
}

int peek(void *to, long from, size_t size)
{
	return peek_copy(to, (void *)from, size, 0) == FAILED ? -EFAULT : 0;
}

int poke(long to, const void *from, size_t size)
{
	return peek_copy((void *)to, from, size, 0) == FAILED ? -EFAULT : 0;
}

long peek_string(char *to, long from, size_t size)
{
	size_t left = peek_copy(to, (void *)from, size, 1);

	if (left == FAILED)
		return -EFAULT;
	return size && !to[size - left - 1] ? (long)(size - left - 1) : -ENAMETOOLONG;
}

void *scratch_get(size_t size)
{
	long at = host_call(__NR_mmap, 0, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at < 0 && at > -(long)PAGE_SIZE ? NULL : (void *)at;
}

void scratch_put(void *at, size_t size)
{
	host_call(__NR_munmap, at, size, 0, 0, 0, 0);
}
