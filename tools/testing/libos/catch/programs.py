# SPDX-License-Identifier: GPL-2.0
"""
Builds the core for tests (core.c) and programs that it catches. Each runs
dynamic and started by nuse-run, static, and dynamic with the catcher preloaded.
"""
import os
import sys

from ktap import TESTS, TOOLS, TOP, output, test

SOURCE = f"{TOP}/tools/testing/libos/catch"
BUILD = f"{TESTS}/catch-{os.path.basename(sys.argv[0]).split('.')[0]}"
RUN = f"{BUILD}/nuse-run"
PRELOAD = f"{BUILD}/preload.so"
LIMIT = 100		# seconds for a program

CORE_FLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden",
              "-ffreestanding", "-fno-stack-protector", f"-I{TOP}/tools/libos", "-nostdlib")
FLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-D_GNU_SOURCE", "-pthread")


def build_core():
    os.makedirs(BUILD, exist_ok=True)
    core = f"{BUILD}/core.o"
    output("gcc", *CORE_FLAGS, f'-DNUSE_RUN="{RUN}"', f'-DNUSE_PRELOAD="{PRELOAD}"', "-c", "-o",
           core, f"{SOURCE}/core.c")
    output("gcc", "-static-pie", "-nostdlib", "-o", RUN, "-Wl,--whole-archive",
           f"{TOOLS}/nuse-run.a", "-Wl,--no-whole-archive", core, f"{TOOLS}/nuse-catch.a")
    output("gcc", *CORE_FLAGS, "-shared", "-o", PRELOAD, f"{SOURCE}/preload.c", core,
           f"{TOOLS}/nuse-catch.a")


def program(name, *flags):
    """Builds a program; its path"""
    path = f"{BUILD}/{name}{'-static' if '-static' in flags else ''}"
    output("gcc", *FLAGS, *flags, "-o", path, f"{SOURCE}/{name}.c")
    return path


def fine(*command, **options):
    got = output(*command, timeout=LIMIT, **options)
    if not got.endswith("fine\n"):
        raise AssertionError(f"{' '.join(command)}: {got}")


def preloaded():
    return {**os.environ, "LD_PRELOAD": PRELOAD}


def three_ways(name, *args):
    """The tests of a program"""
    def loaded():
        fine(RUN, program(name), *args)

    def static():
        fine(RUN, program(name, "-static"), *args)

    def preload():
        fine(program(name), *args, env=preloaded())

    for function in (loaded, static, preload):
        function.__name__ = f"{name}_{function.__name__}"
        test(function)
