#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
A short run of the host library under valgrind: it loses no memory and touches
none that it should not.

What happens in the kernel is not looked at: its memory is no heap that valgrind
knows. Its stacks are far from the thread's own, but some only pages from each
other: a step of the stack pointer that is larger than a stack frame of ours is
a switch (--max-stackframe), or valgrind would take all between for a stack.
"""
import re
import shutil
import tempfile

import ktap
from ktap import test

WORKER = f"{ktap.TESTS}/worker-short"
ADDRESSES = [f"Addr{size}" for size in (1, 2, 4, 8, 16, 32)]
VALUES = ["Cond", "Jump"] + [f"Value{size}" for size in (1, 2, 4, 8, 16, 32)]


def suppressions():
    """Text that silences what code of the kernel itself does."""
    return "".join(f"{{\n kernel\n Memcheck:{kind}\n obj:*liblinux*\n}}\n"
                   for kind in ADDRESSES + VALUES)


def valgrind(*arguments, check=True):
    """The report of valgrind on a run of the worker."""
    tool = shutil.which("valgrind")
    if not tool:
        raise ktap.Skip("valgrind is not installed: apt-get install valgrind")
    with tempfile.NamedTemporaryFile("w", suffix=".supp") as file:
        file.write(suppressions())
        file.flush()
        return ktap.output(tool, "--leak-check=full", "--show-leak-kinds=definite",
                           "--errors-for-leak-kinds=definite", "--error-exitcode=99",
                           "--max-stackframe=8192", "--error-limit=no",
                           f"--suppressions={file.name}", *arguments, check=check, timeout=200)


def require():
    """Skips, with valgrind's own words, where it cannot even run "true"."""
    report = valgrind("true", check=False)
    if "ERROR SUMMARY: 0 errors" not in report:
        raise ktap.Skip(" ".join(report.split())[-200:])


@test
def nothing_found():
    """Boot, datagrams, a bad pointer, close: no error and nothing lost"""
    require()
    report = valgrind(WORKER)
    if "ERROR SUMMARY: 0 errors" not in report:
        raise AssertionError(report)
    if not re.search(r"definitely lost: 0 bytes|no leaks are possible", report):
        raise AssertionError(report)


@test
def lost_memory_is_found():
    """The test can fail: memory that the program loses"""
    require()
    report = valgrind(WORKER, "lose", check=False)
    if "definitely lost: 4,321 bytes" not in report:
        raise AssertionError(report)


@test
def overrun_is_found():
    """The test can fail: a read behind the end of a block"""
    require()
    report = valgrind(WORKER, "overrun", check=False)
    if "Invalid read of size 1" not in report:
        raise AssertionError(report)


if __name__ == "__main__":
    ktap.main()
