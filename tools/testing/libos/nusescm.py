#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Library descriptors that programs send each other through sockets of the host, and
packet rings that they map: each test runs its function below in a program of nuse,
those about what is as on the host there, too.
"""
import array
import ctypes
import fcntl
import inspect
import mmap
import os
import socket
import struct
import subprocess
import tempfile

from ktap import KERNEL, TOOLS, main, test

LIMIT = 30		# seconds for a program
SCRATCH = tempfile.TemporaryDirectory(prefix="nusescm-")
MODULES = "import array, ctypes, fcntl, mmap, os, select, signal, socket, struct\n"
NUSE = (f"{TOOLS}/nuse", "--kernel", KERNEL, "--")


def run_in(starter, function):
    program = MODULES + inspect.getsource(rights) + inspect.getsource(function)
    done = subprocess.run([*starter, "python3", "-c", f"{program}\n{function.__name__}()"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=LIMIT,
                          env={**os.environ, "XDG_RUNTIME_DIR": SCRATCH.name})
    if done.returncode:
        raise AssertionError(f"status {done.returncode}\n{done.stdout}")


def rights(sock, flags=0, room=64):
    """The descriptors of the next message, and its flags"""
    _, control, got, _ = sock.recvmsg(16, socket.CMSG_SPACE(room), flags)
    return [fd for _, _, data in control for fd in
            array.array("i", data[:len(data) // 4 * 4])], got


def to_a_child():
    a, b = socket.socketpair()
    server = socket.create_server(("127.0.0.1", 7000))
    client = socket.create_connection(("127.0.0.1", 7000))
    conn, _ = server.accept()
    pid = os.fork()
    if not pid:
        for sock in (a, server, client, conn):
            sock.close()
        fds, _ = rights(b)
        got = socket.socket(fileno=fds[0])
        got.sendall(b"from the child" + os.read(fds[1], 5))
        os._exit(got.recv(16) != b"to the child")
    pipe, end = os.pipe()
    os.write(end, b" pipe")
    socket.send_fds(a, [b"x"], [conn.fileno(), pipe])
    conn.close()
    assert client.recv(64) == b"from the child pipe"
    client.sendall(b"to the child")
    assert os.waitpid(pid, 0)[1] == 0
    assert client.recv(16) == b""


def with_flags():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 7001))
    for flags in (0, socket.MSG_CMSG_CLOEXEC):
        socket.send_fds(a, [b"x"], [udp.fileno()])
        fds, _ = rights(b, flags)
        assert bool(fcntl.fcntl(fds[0], fcntl.F_GETFD)) == bool(flags)
        assert socket.socket(fileno=fds[0]).getsockname() == ("127.0.0.1", 7001)
    # Looked at, then taken: two of the same
    socket.send_fds(a, [b"x"], [udp.fileno()])
    udp.close()
    fds = rights(b, socket.MSG_PEEK)[0] + rights(b)[0]
    assert len(set(fds)) == 2
    for fd in fds:
        assert socket.socket(fileno=fd).getsockname() == ("127.0.0.1", 7001)
    # Several headers, and no room for the last
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    head = (socket.SOL_SOCKET, socket.SCM_RIGHTS)
    number = struct.pack("i", udp.fileno())
    a.sendmsg([b"x"], [(*head, number), (*head, number * 2)])
    fds, got = rights(b, room=8)
    assert len(fds) == 2 and got & socket.MSG_CTRUNC
    for fd in fds:
        assert socket.socket(fileno=fd).family == socket.AF_INET


def an_epoll():
    """Of all kinds, also one in another: it is the same set for both processes"""
    signal.alarm(20)
    a, b = socket.socketpair()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    later = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    later.bind(("127.0.0.1", 0))
    pipe, end = os.pipe()
    inner, outer = select.epoll(), select.epoll()
    inner_number = inner.fileno()
    inner.register(udp.fileno(), select.EPOLLIN)
    outer.register(pipe, select.EPOLLIN | select.EPOLLONESHOT)
    outer.register(inner_number, select.EPOLLIN)
    pid = os.fork()
    if not pid:
        outer.close()
        inner.close()
        got = select.epoll.fromfd(rights(b)[0][0])
        assert got.poll(0) == []
        b.sendall(b"1")
        assert got.poll() == [(pipe, select.EPOLLIN)]
        b.sendall(b"2")
        number = got.poll()[0][0]
        assert number == inner_number, number
        got.register(later.fileno(), select.EPOLLIN)
        b.sendall(b"3")
        os._exit([fd in (later.fileno(), number) for fd, _ in got.poll()] != [True])
    socket.send_fds(a, [b"x"], [outer.fileno()])
    assert a.recv(1) == b"1"
    os.write(end, b"x")
    assert a.recv(1) == b"2"
    udp.sendto(b"x", udp.getsockname())
    assert a.recv(1) == b"3"
    udp.recv(1)
    later.sendto(b"x", later.getsockname())
    assert outer.poll() == [(later.fileno(), select.EPOLLIN)]
    assert os.waitpid(pid, 0)[1] == 0


def epolls_on_their_way():
    """Looked at twice, with other descriptors, closed by who sent them, never taken"""
    signal.alarm(20)
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    before = len(os.listdir("/proc/self/fd"))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.sendto(b"x", udp.getsockname())
    for flags in (0, socket.MSG_CMSG_CLOEXEC):
        poll = select.epoll()
        poll.register(udp.fileno(), select.EPOLLIN)
        socket.send_fds(a, [b"x"], [udp.fileno(), poll.fileno(), a.fileno(), poll.fileno()])
        poll.close()
        fds = rights(b, socket.MSG_PEEK | flags)[0] + rights(b, flags)[0]
        assert len(set(fds)) == 8
        for i in (1, 3, 5, 7):
            assert bool(fcntl.fcntl(fds[i], fcntl.F_GETFD)) == bool(flags)
            with select.epoll.fromfd(fds[i]) as got:
                assert got.poll() == [(udp.fileno(), select.EPOLLIN)]
                assert got.poll(0) == [(udp.fileno(), select.EPOLLIN)]
            os.close(fds[i - 1])
    for _ in range(300):
        with select.epoll() as poll:
            socket.send_fds(a, [b"x"], [poll.fileno()])
            b.recv(1)
    udp.close()
    assert len(os.listdir("/proc/self/fd")) == before


def what_nobody_takes():
    """More than can be on their way at a time"""
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for _ in range(400):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 7002))  # it is free when nothing is left
        socket.send_fds(a, [b"x"], [udp.fileno()])
        udp.close()
        b.recv(16)
        tcp = socket.socket()
        socket.send_fds(a, [b"x"], [a.fileno(), tcp.fileno()])
        for fd in rights(b)[0]:
            os.close(fd)


def ring():
    """A packet ring; memory of the instance cannot be unmapped or protected"""
    libc = ctypes.CDLL(None)
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)
    sock.setsockopt(263, 10, 2)  # TPACKET_V3
    sock.setsockopt(263, 5, struct.pack("7I", 65536, 4, 2048, 128, 20, 0, 0))
    sock.bind(("lo", 0))
    for _ in range(3):
        with mmap.mmap(sock.fileno(), 4 * 65536) as memory:
            assert len(memory) == 4 * 65536
    assert libc.munmap(0x1e0040000000, 4096) == -1
    assert libc.mprotect(0x1e0000000000, 4096, 0) == -1
    assert socket.socket().fileno() > 0


for body in (to_a_child, with_flags, an_epoll, epolls_on_their_way, what_nobody_takes, ring):
    def run(function=body):
        if function in (an_epoll, epolls_on_their_way):
            run_in((), function)
        run_in(NUSE, function)
    run.__name__ = body.__name__
    test(run)

main()
