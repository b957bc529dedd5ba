# SPDX-License-Identifier: GPL-2.0
"""Prints the interfaces to which a new socket is bound, of this process and of a child."""
import os
import socket

SO_BINDTODEVICE = 25


def bound():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return sock.getsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, 16).rstrip(b"\0").decode() or "-"


first = bound()
if os.fork() == 0:
    print(first, bound(), flush=True)
    os._exit(0)
os.wait()
