#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
check.py [LIBC.SO.6] - whether hooks.txt has all names of a libc that it should.

Looks into the code of every function that the libc exports. One that makes a
system call of the table, or ends in a jump to one that is hooked, has to be
hooked too, or to be left out for a reason that stands below.
"""
import bisect
import os
import re
import subprocess
import sys
from collections import defaultdict

import generate

HERE = os.path.dirname(os.path.abspath(__file__))
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
UNSEEN = "calls of unknown number"

LEFT = {name: reason for names, reason in (
    ("_IO_file_close _IO_file_read",
     "is for stdio, which calls it by a table of its own"),
    ("closedir",
     "is for directories, which are the host's"),
    ("mq_close tcdrain tcflow tcflush tcgetattr tcsendbreak tcsetattr",
     "is for message queues and terminals, which are the host's"),
    ("preadv2 preadv64v2 pwritev2 pwritev64v2",
     "has a position, which sockets have not"),
    ("herror",
     "prints a message to standard error, once"),
    ("syscall",
     "makes calls of any number, from an instruction that is caught"),
) for name in names.split()}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"check.py: {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def numbers():
    """{number: name} of the system calls"""
    macros = run("cc", "-E", "-dM", "-include", "asm/unistd.h", "-xc", "/dev/null")
    return {int(number): name for name, number in re.findall(r"__NR_(\w+) (\d+)\n", macros)}


class Function:
    """What a libc exports at an address: its names, the calls and jumps in it"""
    def __init__(self):
        self.names, self.calls, self.jumps = set(), set(), set()


def functions(libc):
    """{(address, size): Function}"""
    found = defaultdict(Function)
    for line in run("nm", "-D", "-S", "--defined-only", libc).splitlines():
        match = re.match(r"(\w+) (\w+) [TWi] (\w+)@", line)
        if match:
            found[int(match[1], 16), int(match[2], 16)].names.add(match[3])
    return found


REGISTER = {f"%{name}": base for base in ("ax", "bx", "cx", "dx", "si", "di", "bp")
            for name in (f"e{base}", f"r{base}")}
REGISTER |= {f"%r{n}{half}": f"r{n}" for n in range(8, 16) for half in ("", "d")}


def constants(known, operation, operands):
    """Follows numbers from register to register; @known is what they hold."""
    *sources, target = re.split(r",(?![^(]*\))", operands)
    register = REGISTER.get(target)
    if not register or operation.startswith(("cmp", "test", "push", "j")):
        return
    value = None
    if operation == "mov" and len(sources) == 1:
        if sources[0].startswith("$"):
            value = int(sources[0][1:], 16)
        else:
            value = known.get(REGISTER.get(sources[0]))
    elif operation == "xor" and sources == [target]:
        value = 0
    known[register] = value


def read_code(libc, found, names):
    code = []
    for line in run("objdump", "-d", "--no-show-raw-insn", libc).splitlines():
        match = re.match(r"\s+([0-9a-f]+):\s+(\w+)\s*([^#<]*)", line)
        if match:
            code.append((int(match[1], 16), match[2], match[3].strip()))
    addresses = [address for address, _, _ in code]
    for (start, size), function in found.items():
        known = {}
        for _, operation, operands in code[bisect.bisect_left(addresses, start):
                                           bisect.bisect_left(addresses, start + size)]:
            if operation == "syscall":
                number = known.get("ax")
                function.calls.add(names.get(number, UNSEEN))
                known.pop("ax", None)
            elif operation == "jmp" and re.fullmatch("[0-9a-f]+", operands):
                function.jumps.add(int(operands, 16))
            elif operands:
                constants(known, operation, operands)


def faults(hooks, found):
    """One line for each"""
    hooked = {hook.symbol: hook.call for hook in hooks}
    at = {start: function for (start, _), function in found.items()
          if hooked.keys() & function.names}
    where = defaultdict(set)
    for (start, _), function in found.items():
        jumps = [at[jump] for jump in function.jumps - {start} if jump in at]
        calls = function.calls.union(*(jump.calls for jump in jumps))
        makes = calls & {UNSEEN, *hooked.values()}
        for name in function.names:
            where[name].add(start)
            if name in hooked and hooked[name] not in calls:
                yield f"{name} does not make {hooked[name]}, but {sorted(calls)}"
            elif name not in hooked and name not in LEFT and makes:
                yield f"{name} makes {', '.join(sorted(makes))}, and is not in hooks.txt"
    for name in sorted(hooked.keys() & where.keys()):
        if len(where[name]) > 1:
            yield f"{name} has several versions: the hook would be all of them"


def main():
    libc = sys.argv[1] if len(sys.argv) > 1 else LIBC
    hooks = generate.read(f"{HERE}/hooks.txt")
    found = functions(libc)
    read_code(libc, found, numbers())
    lines = list(faults(hooks, found))
    there = {name for function in found.values() for name in function.names}
    if not there & {hook.symbol for hook in hooks}:
        lines.append("has none of them: is it a libc?")
    for line in lines:
        print(f"{libc}: {line}")
    if not lines:
        print(f"{libc}: {len(there & {hook.symbol for hook in hooks})} functions are hooked")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
