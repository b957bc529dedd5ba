// SPDX-License-Identifier: GPL-2.0
/*
 * The console: text for the caller.
 */
#include <linux/console.h>
#include <linux/init.h>
#include <asm/lib.h>

static void console_text(struct console *con, const char *text, unsigned int len)
{
	if (the_host.console_write)
		host_call(console_write, text, len);
}

static struct console lib_console = {
	.name	= "lib",
	.write	= console_text,
	.flags	= CON_PRINTBUFFER | CON_ENABLED,
	.index	= -1,
};

static int __init console_init_lib(void)
{
	register_console(&lib_console);
	return 0;
}
early_initcall(console_init_lib);
