#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
What can be told of the build without running it: the library stands alone, so do
its headers, the page that a newcomer reads shows the program that is built, and
no kernel file was changed.
"""
import os
import re
import subprocess
import tempfile

from ktap import KERNEL, TOP, Skip, main, output, test

# The headers of callers, and what a program may see of the contract's: libc only
CONTRACT = f"{TOP}/arch/lib/include/uapi/asm/liblinux.h"
LIBRARY = f"{TOP}/tools/libos/lib/libos.h"
COMPILERS = (("gcc", "-std=gnu11", "-x", "c"), ("g++", "-x", "c++"))


def same(got, expected, what):
    if got != expected:
        raise AssertionError(f"{what}: {got!r}, not {expected!r}")


@test
def needs_no_library():
    """No NEEDED entry, and no segment for a dynamic linker or for TLS"""
    same(re.findall(r"\(NEEDED\).*", output("readelf", "-dW", KERNEL)), [], "NEEDED")
    segments = re.findall(r"^  ([A-Z_]+) +0x", output("readelf", "-lW", KERNEL), re.M)
    if "LOAD" not in segments:
        raise AssertionError(f"segments: {segments}")
    same({"TLS", "INTERP"} & set(segments), set(), "segments")


@test
def no_undefined_symbol():
    same(output("nm", "-D", "--undefined-only", KERNEL).split(), [], "undefined")


@test
def exports():
    """lib_init and lib_version, and the name of their version"""
    symbols = re.findall(r" \S (\S+)$", output("nm", "-D", "--defined-only", KERNEL), re.M)
    same({name.partition("@")[0] for name in symbols}, {"LIBLINUX", "lib_init", "lib_version"},
         "exports")


@test
def relocations():
    """Only ones that a loader of a few lines can do"""
    kinds = re.findall(r"\bR_X86_64_\w+", output("readelf", "-rW", KERNEL))
    same(set(kinds), {"R_X86_64_RELATIVE"}, "relocations")


@test
def is_lean():
    """No debug data, and the kernel's types among what all instances share"""
    sections = re.findall(r"^ +\[ *\d+\] (\.\S+)", output("readelf", "-SW", KERNEL), re.M)
    same([name for name in sections if name.startswith(".debug")], [], "debug data")
    if ".BTF" in sections:
        shared = re.search(r"^ +00 +(.*)", output("readelf", "-lW", KERNEL), re.M)[1].split()
        same({".BTF", ".BTF_ids"} - set(shared), set(), "not shared")


@test
def build_id():
    """The linker's, where a loader finds it without sections; of all instances one"""
    notes = output("readelf", "-nW", KERNEL)
    same(len(re.findall(r"Build ID: [0-9a-f]{40}$", notes, re.M)), 1, notes)
    segments = output("readelf", "-lW", KERNEL)
    same(len(re.findall(r"^  NOTE +0x", segments, re.M)), 1, segments)
    if ".notes" not in re.search(r"^ +00 +(.*)", segments, re.M)[1].split():
        raise AssertionError("the notes are not shared")


def compile_alone(header):
    """Warns of nothing; returns the headers that it includes."""
    files = set()
    with tempfile.TemporaryDirectory() as directory:
        os.symlink(CONTRACT, f"{directory}/liblinux.h")
        os.symlink(LIBRARY, f"{directory}/libos.h")
        with open(f"{directory}/alone", "w", encoding="utf-8") as program:
            program.write(f"#include <{header}>\n#include <{header}>\nint nothing;\n")
        for command in COMPILERS:
            flags = ("-Wall", "-Wextra", "-pedantic", "-I", directory, f"{directory}/alone")
            same(output(*command, "-fsyntax-only", *flags), "", f"{header}: {command[0]} says")
            files |= set(output(*command, "-M", *flags).replace("\\\n", " ").split()[1:])
    return files


@test
def contract_header():
    """Compiles alone as C and C++, and reaches no kernel header"""
    kernel = [file for file in compile_alone("liblinux.h")
              if re.search(r"/(linux|asm|asm-generic)/", file)]
    same(kernel, [], "liblinux.h includes")


@test
def library_header():
    """The same; libc's own socket headers may use the kernel's"""
    compile_alone("libos.h")
    with open(LIBRARY, encoding="utf-8") as header:
        included = re.findall(r"#\s*include\s*[<\"](.*)[>\"]", header.read())
    same([name for name in included if re.match(r"(linux|asm|uapi|net)\b", name)], [],
         "libos.h includes")


@test
def readme_shows_the_program():
    """The C program in README.md is tools/libos/demo/hello.c, of as many lines"""
    with open(f"{TOP}/README.md", encoding="utf-8") as file:
        readme = file.read()
    with open(f"{TOP}/tools/libos/demo/hello.c", encoding="utf-8") as file:
        hello = file.read()
    same(re.findall(r"^```c\n(.*?)^```$", readme, re.M | re.S), [hello], "README.md")
    same(re.findall(r"A kernel in (\d+) lines", readme), [str(len(hello.splitlines()))], "lines")


@test
def port_is_small():
    """At most 3,000 lines of code in arch/lib, without comments and empty lines"""
    nr = 0
    for folder, _, files in os.walk(f"{TOP}/arch/lib"):
        for name in set(files) - {"defconfig"}:
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                text = file.read()
            if name.endswith((".c", ".h", ".S")):
                text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
            else:
                text = re.sub(r"^\s*#.*", "", text, flags=re.M)
            nr += sum(bool(line.strip()) for line in text.split("\n"))
    if not 1000 < nr <= 3000:
        raise AssertionError(f"{nr} lines")


def make(target, *variables):
    """Status and text of a make of its own: one that runs the tests may have set ours"""
    kernel = os.environ.get("KERNEL", "6.12")
    if not os.path.isdir(f"{TOP}/build/{kernel}"):
        raise Skip(f"there is no build/{kernel}: the library was built from another tree")
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "KERNEL")}
    done = subprocess.run(("make", "-s", "--no-print-directory", "-C", TOP, target,
                           f"KERNEL={kernel}", *variables), env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200, check=False)
    return done.returncode, done.stdout


@test
def half_a_kernel():
    """What a link leaves that was killed is removed, and the cure named"""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/vmlinux", "wb") as file:
            file.write(b"\x7fELF" + bytes(100))
        status, text = make("library", f"obj={folder}", "kbuild=true")
        same((status, os.listdir(folder)), (2, [".defconfig"]), text)
    if "run make again" not in text:
        raise AssertionError(text)


@test
def no_kernel_file_differs():
    status, text = make("verify-kernel")
    same((status, re.findall(r"^(\d+) files differ", text, re.M)), (0, ["0"]), text)


main()
