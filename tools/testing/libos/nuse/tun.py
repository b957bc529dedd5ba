# SPDX-License-Identifier: GPL-2.0
"""Attaches to a TUN interface and tells its name, or why it may not."""
import fcntl
import struct
import sys

TUNSETIFF = 0x400454ca
IFF_TUN_NO_PI = 0x1001
name = sys.argv[1]

with open("/dev/net/tun", "r+b", buffering=0) as tun:
    try:
        got = fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TUN_NO_PI))
        print(got[:16].rstrip(b"\0").decode())
    except OSError as error:
        print(f"{name}: {error.strerror}")
