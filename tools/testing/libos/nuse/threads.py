# SPDX-License-Identifier: GPL-2.0
"""A thread that enters a named network namespace is there alone, but for its children."""
import ctypes
import os
import subprocess
import sys
import threading

NAMESPACE, DEVICE = sys.argv[1:]
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def mine():
    return os.readlink("/proc/thread-self/ns/net")


def inode(file):
    return f"net:[{os.fstat(file.fileno()).st_ino}]"


def go_there():
    before = mine()
    with open(f"/run/netns/{NAMESPACE}", "rb") as file:
        assert not libc.setns(file.fileno(), CLONE_NEWNET), os.strerror(ctypes.get_errno())
        assert mine() == inode(file) != before
    task = f"/proc/{os.getpid()}/task/{threading.get_native_id()}"
    assert os.readlink(f"{task}/ns/net") == mine()
    with open(f"{task}/net/dev", encoding="ascii") as file:
        assert f"{DEVICE}:" in file.read()
    subprocess.run(["ip", "link", "show", DEVICE], check=True, stdout=subprocess.DEVNULL)


def main():
    before = mine()
    failures = []
    threading.excepthook = failures.append
    thread = threading.Thread(target=go_there)
    thread.start()
    thread.join()
    assert not failures, failures
    assert mine() == before
    assert subprocess.run(["ip", "link", "show", DEVICE], check=False,
                          stderr=subprocess.DEVNULL).returncode
    print("ok")


main()
