#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
generate.py HOOKS.TXT - prints the hooks of libnuse.so in C.

Every function of libc has its arguments in registers but the seventh, and no
floating point: so they are longs here, and what a hook passes on is a jump.
"""
import re
import sys
from collections import namedtuple

Hook = namedtuple("Hook", "symbol call arguments descriptor condition point")

HEAD = """\
/* Made by generate.py from hooks.txt. */
#include "hook.h"
"""

TEMPLATE = """
static long early_{symbol}({parameters})
{{
	return hook_early(__NR_{call}, (long[6]){{ {arguments} }});
}}

static struct hook hook_{symbol} = {{ "{symbol}", early_{symbol}, &hook_no_fds }};

visible long {symbol}({parameters})
{{
	if ({ours})
		return {how}(__NR_{call}, (long[6]){{ {arguments} }});
	return ((long (*)({parameters}))hook_{symbol}.next)({names});
}}
"""


def die(text):
    sys.exit(f"generate.py: {text}")


def read(path):
    """The lines of the table; one that is not as hooks.txt says ends it all."""
    hooks = []
    with open(path, encoding="utf-8") as table:
        for number, line in enumerate(table, 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != len(Hook._fields):
                die(f"{path}:{number}: {len(words)} words; expected {' '.join(Hook._fields)}")
            hook = Hook(*words)
            for word, form in ((hook.arguments, "[a-g0]{1,6}"), (hook.descriptor, "[a-g]+|-"),
                               (hook.point, "cancel|-")):
                if not re.fullmatch(form, word):
                    die(f"{path}:{number}: \"{word}\" is not {form}")
            hooks.append(hook)
    return hooks


def function(hook):
    last = max(hook.arguments + "".join(re.findall(r"\b[a-g]\b", hook.condition)))
    names = "abcdefg"[:ord(last) - ord("a") + 1]
    ours = " || ".join(f"hook_has(&hook_{hook.symbol}, {name})" for name in hook.descriptor)
    if hook.descriptor == "-":
        ours = f"hook_has_any(&hook_{hook.symbol})"
    if hook.condition != "-":
        ours = f"({ours}) && {hook.condition}"
    return TEMPLATE.format(symbol=hook.symbol, call=hook.call, ours=ours,
                           parameters=", ".join(f"unsigned long {name}" for name in names),
                           names=", ".join(names), arguments=", ".join(hook.arguments),
                           how="hook_wait" if hook.point == "cancel" else "hook_call")


def main():
    if len(sys.argv) != 2:
        die("usage: generate.py HOOKS.TXT")
    hooks = read(sys.argv[1])
    print(HEAD, *(function(hook) for hook in hooks), sep="", end="")
    print("\nstruct hook *const hooks[] = {")
    for hook in hooks:
        print(f"\t&hook_{hook.symbol},")
    print("\t0\n};")


if __name__ == "__main__":
    main()
