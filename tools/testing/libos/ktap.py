# SPDX-License-Identifier: GPL-2.0
"""
KTAP for tests in Python: functions marked with @test run in the order in which
they stand, each with a line of its doc string as description.
"""
import os
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.normpath(f"{HERE}/../../..")
KERNEL = os.environ.get("LIBLINUX", f"{TOP}/liblinux.so")
TESTS = os.environ.get("LIBOS_TESTS", f"{TOP}/build/tests")
TOOLS = os.environ.get("LIBOS_TOOLS", f"{TOP}/build/tools")

_tests = []


class Skip(Exception):
    """Raised with the reason."""


def test(function):
    _tests.append(function)
    return function


def output(*command, check=True, timeout=60, **options):
    """What a command prints, on either stream; it has to succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=timeout, check=False, **options)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def diagnose(text):
    for line in text.splitlines():
        print(f"# {line}")


def main():
    only = sys.argv[1:]
    tests = [t for t in _tests if not only or t.__name__ in only]
    print(f"KTAP version 1\n1..{len(tests)}")
    failed = 0
    for number, function in enumerate(tests, 1):
        verdict, tail = "ok", ""
        try:
            function()
        except Skip as reason:
            tail = f" # SKIP {reason}"
        except Exception:	# whatever it is, it is this test's
            diagnose(traceback.format_exc())
            verdict, failed = "not ok", failed + 1
        print(f"{verdict} {number} {function.__name__}{tail}", flush=True)
    sys.exit(bool(failed))
