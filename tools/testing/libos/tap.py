#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
A TAP of the host: the host's ping and curl reach an instance behind it, all in
a user and network namespace of their own, which ends with this process.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

import ktap
from ktap import test

INSIDE = "LIBOS_TAP_TEST"		# set within the namespaces, to the program
ADDRESS = "10.0.0.2"


class Server:
    """The web server of the demo, and the host's side of its TAP"""

    def __init__(self, name):
        self.name = name
        self.process = subprocess.Popen([os.environ[INSIDE], name, f"{ADDRESS}/24"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)
        line = self.process.stdout.readline()
        assert line.startswith("http://"), line
        ktap.output("ip", "address", "add", "10.0.0.1/24", "dev", name)
        ktap.output("ip", "link", "set", name, "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def refused(*command):
    """What the program says when it cannot start: one line"""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode, done.stdout
    assert len(lines) == 1, done.stdout
    return lines[0]


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise ktap.Skip(f"there is no {tool}")


@test
def ping():
    need("ping")
    with Server("tap0"):
        text = ktap.output("ping", "-c", "3", "-i", "0.2", "-w", "30", ADDRESS)
        assert " 0% packet loss" in text, text


@test
def ping_in_fragments():
    need("ping")
    with Server("tap0"):
        text = ktap.output("ping", "-c", "3", "-i", "0.2", "-s", "20000", "-w", "30", ADDRESS)
        assert " 0% packet loss" in text, text


@test
def curl():
    need("curl")
    with Server("tap0"):
        for visit in range(1, 21):
            page = ktap.output("curl", "-sS", "--noproxy", "*", "--max-time", "30",
                               f"http://{ADDRESS}/")
            assert f"visitor {visit}." in page and "Linux 6." in page, page


@test
def interface_goes_with_the_program():
    with Server("gone0"):
        assert os.path.exists("/proc/sys/net/ipv4/conf/gone0")
    for _ in range(100):
        if "gone0" not in ktap.output("ip", "-o", "link"):
            return
        time.sleep(0.1)
    raise AssertionError("gone0 is still there")


@test
def interface_that_exists():
    ktap.output("ip", "tuntap", "add", "mine0", "mode", "tap")
    with Server("mine0"):
        need("ping")
        ktap.output("ping", "-c", "1", "-w", "30", ADDRESS)
    ktap.output("ip", "link", "del", "mine0")


@test
def name_in_use():
    with Server("tap0"):
        line = refused(os.environ[INSIDE], "tap0")
        assert '"tap0" is in use' in line, line


@test
def no_permission():
    # A user namespace that does not own the network namespace
    line = refused("unshare", "-Ur", os.environ[INSIDE], "tap0")
    assert 'no permission for TAP interface "tap0"' in line, line


@test
def no_tap_interface():
    line = refused(os.environ[INSIDE], "lo")
    assert '"lo"' in line, line


@test
def long_name():
    line = refused(os.environ[INSIDE], "sixteen-letters-")
    assert "too long" in line, line


def skip_all(reason):
    print(f"KTAP version 1\n1..0 # SKIP {reason}")
    sys.exit(0)


def outside():
    """Builds the program and goes on in new namespaces."""
    if not os.path.exists("/dev/net/tun"):
        skip_all("there is no /dev/net/tun")
    if subprocess.run(["unshare", "-Urn", "true"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        skip_all("user namespaces are not allowed")
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/httpd"
        ktap.output("cc", "-O2", "-D_GNU_SOURCE", f"-I{ktap.TOOLS}/include", "-o", program,
                    f"{ktap.TOP}/tools/libos/demo/httpd.c", f"{ktap.TOOLS}/libos.a",
                    "-pthread", "-ldl")
        environment = dict(os.environ, **{INSIDE: program, "LIBLINUX": ktap.KERNEL})
        return subprocess.run(["unshare", "-Urn", sys.executable, *sys.argv], check=False,
                              env=environment).returncode


if __name__ == "__main__":
    if INSIDE not in os.environ:
        sys.exit(outside())
    ktap.main()
