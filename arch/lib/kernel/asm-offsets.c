// SPDX-License-Identifier: GPL-2.0
/* No assembly here looks into a structure; the build wants the file. */
#include <linux/kbuild.h>

int main(void)
{
	return 0;
}
