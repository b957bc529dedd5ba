#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Debuggers on nuse: programs that they start inside and that they attach to.
"""
import os
import re

import ktap
from ktap import test
from nuselab import NUSE, Bench, main, need, path, until

# As the documentation says: each call that traps is a signal.
GDB = ("gdb", "-nx", "-batch", "-iex", "set exec-file-mismatch off",
       "-ex", "handle SIGSYS nostop noprint pass")


def build(*flags):
    need("gcc")
    program = path("-".join(("debugged", *flags)))
    if not os.path.exists(program):
        ktap.output("gcc", "-g", "-O1", "-pthread", *flags, "-o", program,
                    f"{ktap.HERE}/nuse/debugged.c")
    return program


def commands(*words):
    return [part for word in words for part in ("-ex", word)]


def starts(program, *options):
    """From the first instruction to the end, with threads and a child"""
    need("gdb")
    with Bench() as bench:
        text = bench.run(NUSE, *GDB, *commands(*options, "break got", "run", "up", "continue",
                                               "print word", "continue"),
                         "--args", program, "one", "other", timeout=60)
    for expected in (r"hit Breakpoint 1, got \(word=.* \"one\"\)", r"#1 .* in main \(",
                     r"^got one$", r"\(word=.* \"other\"\)", r"^\$1 = 0x\w+ \"other\"",
                     r"^got other$", r"^child$", r"exited with code 07"):
        assert re.search(expected, text, re.M), f"{expected} is not in:\n{text}"


@test
def gdb():
    starts(build())


@test
def gdb_static():
    starts(build("-static"))


@test
def gdb_without_a_shell():
    """It starts the program itself"""
    starts(build(), "set startup-with-shell off")


@test
def gdb_fails():
    """A program that is not there"""
    need("gdb")
    with Bench() as bench:
        text = bench.run(NUSE, *GDB, "-ex", "set exec-wrapper /none/here", "-ex", "run", build(),
                         status=1, timeout=60)
    assert "exited with code 127" in text, text


@test
def gdb_attaches():
    """From outside: it finds the program's symbols and its libraries"""
    need("gdb")
    program = build()
    with Bench() as bench:
        nuse = bench.start(NUSE, program)
        nuse.says("got nothing")
        pid = until(lambda: [pid for pid in os.listdir("/proc") if pid.isdigit() and
                             ktap.output("sh", "-c", f"tr '\\0' ' ' </proc/{pid}/cmdline",
                                         check=False) == f"{program} "], "the program")[0]
        text = bench.run(*GDB, *commands("info address got", "print got", "info sharedlibrary"),
                         program, "-p", pid, timeout=60)
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
            start = int(next(line for line in maps if program in line).split("-")[0], 16)
        got = re.search(r"\{void \(const char \*\)\} (0x\w+) <got>", text)
        assert got and 0 <= int(got[1], 16) - start < 0x10000, text
        assert re.search(r"Yes .*/libc\.so", text), text


@test
def strace():
    need("strace")
    with Bench() as bench:
        text = bench.run(NUSE, "strace", "-f", "-e", "trace=recvfrom,exit_group", build(), "one",
                         status=7, timeout=60)
    assert re.search(r"^got one$", text, re.M) and "exit_group(7)" in text, text


@test
def valgrind():
    need("valgrind")
    with Bench() as bench:
        text = bench.run(NUSE, "valgrind", "--error-exitcode=9", build(), "one", "other",
                         status=7, timeout=60)
    for expected in ("^got one$", "^got other$", "^child$", "ERROR SUMMARY: 0 errors"):
        assert re.search(expected, text, re.M), text


if __name__ == "__main__":
    main()
