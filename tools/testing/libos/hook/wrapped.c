// SPDX-License-Identifier: GPL-2.0
/* wrapped.c - with wrapper.c preloaded, whose calls are libc's, not a hook's */
#include <sys/mman.h>
#include <sys/socket.h>
#include "../catch/check.h"
#include "core.h"

int main(void)
{
	char byte;

	if (mmap(RECORD, sizeof(*RECORD), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != RECORD)
		return 1;
	EQUAL(connect(FD_SEEN, NULL, 0), -1);
	EQUAL(errno, EPROTO);
	EQUAL(write(FD_SEEN, "", 1), SEEN);
	EQUAL(read(FD_LAST + 1, &byte, 1), -1);
	EQUAL(errno, EBADF);
	printf("fine\n");
	return 0;
}
