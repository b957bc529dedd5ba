#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Files of an instance where programs look for them: /proc/net, /proc/sys/net,
/sys/class/net, namespaces and /dev/net/tun; and programs that were made in other
ways than those of the distribution: static ones, of Go, testers that are the
network themselves.
"""
import json
import os
import re
import shutil
import subprocess

import ktap
import nuselab
from ktap import test
from nuselab import NUSE, Bench, need, path

SOURCES = f"{ktap.HERE}/nuse"
# A user of the host other than the one who runs this
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")


def on_nuse(script, command=(NUSE,)):
    """What a shell prints on an instance with nothing but its loopback"""
    with Bench() as bench:
        return bench.run(*command, "sh", "-ec", script)


def nuse_as_nobody():
    """The command, as another user runs it"""
    nuselab.need_users()
    need("setpriv")
    folder = path("nobody")
    if not os.path.exists(folder):
        os.mkdir(folder)
        os.chown(folder, 65534, 65534)
    everybody = nuselab.for_everybody()
    return ("env", f"XDG_RUNTIME_DIR={folder}", f"LIBLINUX={everybody}/liblinux.so", *NOBODY,
            f"{everybody}/nuse")


def build(source, *compiler):
    """A program of tools/testing/libos/nuse"""
    need(compiler[0])
    program = path(f"{source}-{os.path.basename(compiler[0])}".replace(".", "-"))
    if not os.path.exists(program):
        subprocess.run([*compiler, "-o", program, f"{SOURCES}/{source}"], check=True,
                       stdin=subprocess.DEVNULL, timeout=120)
    return program


# ------------------------------------------------------------------- files

@test
def listings():
    text = on_nuse("""
        ip link add one type dummy; ip link add two type veth peer name three
        ip link set one mtu 1234 up
        ip -j link
        ls /sys/class/net; echo
        tail -n +3 /proc/net/dev | cut -d: -f1; echo
        ls /proc/sys/net/ipv4/conf; echo
        for dir in /sys/class/net/*/; do echo $(cat $dir/mtu $dir/address); done
        ls -la /sys/class/net/ /sys/class/net/one/ /proc/net/ >/dev/null
    """)
    lines = text.split("\n", 1)
    links = {link["ifname"]: link for link in json.loads(lines[0])}
    classes, devices, confs, details = (part.split("\n") for part in lines[1].split("\n\n"))
    devices = [name.strip() for name in devices]
    classes = [name for name in classes if name != "bonding_masters"]
    assert {"lo", "one", "two", "three"} <= set(links), links
    assert sorted(classes) == sorted(devices) == sorted(links), text
    assert set(confs) == set(links) | {"all", "default"}, confs
    assert details[:-1] == [f"{links[name]['mtu']} {links[name].get('address', '')}".strip()
                            for name in classes], text
    assert links["one"]["mtu"] == 1234


@test
def working_directory():
    text = on_nuse("""
        cd /sys/class/net; ls; /bin/pwd
        cd lo; cat mtu; cd statistics; cat ../mtu
        cd /proc/net; head -1 dev | cut -c1-5
        cd ..; test "$(/bin/pwd)" = /proc; test -e cmdline
        cd /proc/sys/net/ipv4; echo 7 >tcp_retries2; cat tcp_retries2
        (cd /; /bin/pwd); cat tcp_retries2
    """)
    words = [word for word in text.split() if word not in ("bonding_masters", "teql0")]
    assert words == ["lo", "/sys/class/net", "65536", "65536", "Inter", "7", "/", "7"], text


@test
def relative_paths():
    text = on_nuse("""
        ip link add only-here type dummy
        cd /proc; grep -o only-here net/dev
        cd /sys/class; ls net | grep only-here
        cd /; cat proc/sys/net/ipv4/conf/only-here/forwarding
        find /sys/class -path '*/net/only-here' | wc -l
        find /proc/sys/net/ipv4/conf -name only-here | wc -l
        ls -R /sys/class | grep -c only-here
        cd /tmp; ls -d ../proc/net >/dev/null
    """)
    assert text.split() == ["only-here", "only-here", "0", "1", "1", "1"], text


@test
def sysctls():
    with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
        before = file.read()
    text = on_nuse("""
        sysctl -w net.ipv4.ip_forward=1 net.ipv4.tcp_congestion_control=reno
        sysctl -n net.ipv4.ip_forward net.ipv4.conf.lo.forwarding
        cat /proc/sys/net/ipv4/tcp_congestion_control
        ! sysctl net.ipv4.nothing 2>/dev/null
        ! sysctl -w net.ipv4.ip_forward=x 2>/dev/null || true
        sysctl kernel.ostype
        sysctl -a 2>/dev/null | grep -c '^net\\.'
    """).split()
    assert text[6:9] == ["1", "1", "reno"], text
    assert int(text[-1]) > 500, text
    with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
        assert file.read() == before


SOCKET_OF_THE_HOST = """
import fcntl, os, socket
any_one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
net = fcntl.ioctl(any_one, 0x894c)      # SIOCGSKNS
print(socket.if_indextoname(socket.if_nametoindex("one")),
      os.fstat(net).st_ino == os.stat("/proc/self/ns/net").st_ino)
"""


@test
def interfaces_by_any_socket():
    """libc's if_nametoindex() asks one of AF_UNIX."""
    text = on_nuse(f"ip link add one type dummy; python3 -c '{SOCKET_OF_THE_HOST}'")
    assert text == "one True\n", text


NEW_NUMBERS = """
import ctypes, fcntl, os, socket, struct

def is_next(fd, last):
    assert fd == last + 1 and os.dup(0) == fd + 1, (fd, last)
    os.close(fd + 1)

tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"", 1))    # TUNSETIFF
net = fcntl.ioctl(tun, 0x54e3)                                  # TUNGETDEVNETNS
assert os.fstat(net).st_ino == os.stat("/proc/self/ns/net").st_ino
is_next(net, tun)

kcm = socket.socket(41, socket.SOCK_SEQPACKET, 0)
clone = fcntl.ioctl(kcm, 0x89e2, bytes(4))                      # SIOCKCMCLONE
is_next(struct.unpack("i", clone)[0], kcm.fileno())

server, *clients = (socket.socket(socket.AF_INET, socket.SOCK_SEQPACKET, 132) for _ in range(3))
server.bind(("127.0.0.1", 0))
server.listen()
for client in clients:
    client.sendto(b"x", server.getsockname())
    server.recv(1)
_, *which = struct.unpack("iii", server.getsockopt(132, 29, 12))    # SCTP_GET_ASSOC_ID_LIST
last = clients[-1].fileno()
for option, arg in (102, (which[0], 0)), (122, (which[1], 0, socket.SOCK_CLOEXEC)):
    arg = (ctypes.c_int * len(arg))(*arg)
    size = ctypes.c_int(ctypes.sizeof(arg))
    fd = ctypes.CDLL(None).getsockopt(server.fileno(), 132, option, arg, ctypes.byref(size))
    assert fd == arg[1]
    is_next(fd, last)
    assert os.get_inheritable(fd) == (option == 102)
    os.close(fd)
"""


@test
def new_numbers():
    """Of descriptors that ioctl() and getsockopt() make"""
    on_nuse(f"ip link set lo up; python3 -c '{NEW_NUMBERS}'")


@test
def processes_and_their_sockets():
    need("ss", "nc")
    text = on_nuse("""
        nc -l 127.0.0.1 5555 >/dev/null & server=$!
        until ss -ltn | grep -q :5555; do sleep 0.02; done
        ss -ltnp
        { echo; sleep 5; } | nc 127.0.0.1 5555 & client=$!
        until ss -tn | grep -q ESTAB; do sleep 0.02; done
        ss -tinp
        cat /proc/net/tcp
        echo servers: $server $(readlink /proc/$server/ns/net /proc/self/ns/net | uniq | wc -l)
        readlink /proc/$server/fd/3
        cut -d: -f2 /proc/$server/net/dev | head -1
        kill $server $client
    """)
    server = re.search(r"servers: (\d+) 1\nsocket:\[(\d+)\]", text)
    assert server, text
    assert re.search(rf'LISTEN.*127\.0\.0\.1:5555 .*users:\(\("nc",pid={server[1]},fd=3\)\)',
                     text), text
    assert len(re.findall(r'ESTAB.*users:\(\("nc",pid=\d+,fd=\d+\)\)', text)) == 2, text
    assert text.count("cubic ") == 2, text
    assert f" {server[2]} " in text, text


@test
def tcpdump():
    need("tcpdump", "ping")
    with Bench() as bench:
        sniffer = bench.start(NUSE, "--name", "dump", "tcpdump", "-n", "-i", "lo", "-c", "4",
                              "icmp")
        sniffer.says("listening on lo")
        bench.run(NUSE, "--join", "dump", "ping", "-q", "-c", "2", "-i", "0.1", "127.0.0.1")
        text = sniffer.result()
        assert text.count("127.0.0.1 > 127.0.0.1: ICMP echo") == 4, text


# -------------------------------------------------------------- namespaces

NETNS = """
    test -z "$(ip netns list)"
    ip netns add red; ip netns add blue
    test "$(ip netns list | cut -d' ' -f1 | sort | xargs)" = "blue red"
    ip link add r0 netns red type veth peer name b0 netns blue
    ip -n red address add 10.1.0.1/24 dev r0; ip -n red link set r0 up
    ip -n blue address add 10.1.0.2/24 dev b0; ip -n blue link set b0 up
    ip netns exec red ping -q -c 2 -i 0.1 -w 10 10.1.0.2
    ! ping -c 1 -W 0.2 10.1.0.2 >/dev/null 2>&1
    ip netns exec red sh -ec '
        test "$(ip netns identify)" = red
        test -e /sys/class/net/r0; ! test -e /sys/class/net/b0
        grep -q r0: /proc/net/dev
        sysctl -qw net.ipv4.ip_forward=1'
    test "$(ip netns exec red cat /proc/sys/net/ipv4/ip_forward)" = 1
    test "$(cat /proc/sys/net/ipv4/ip_forward)" = 0
    ip netns exec blue sleep 60 & sleeper=$!
    until test "$(ip netns pids blue)" = $sleeper; do sleep 0.02; done
    test "$(ip netns identify $sleeper)" = blue
    ip netns attach green $sleeper
    ip -n green -br link | grep -q b0
    kill $sleeper
    ip -all netns exec true
    for name in red blue green; do ip netns del $name; done
    test -z "$(ls /run/netns)"
"""


@test
def netns():
    need("ping")
    with Bench() as bench:
        before = bench.run("ip", "netns", "list")
    on_nuse(NETNS)
    with Bench() as bench:
        assert bench.run("ip", "netns", "list") == before


@test
def netns_of_nobody():
    need("ping")
    on_nuse(NETNS, nuse_as_nobody())


@test
def unshare():
    need("unshare", "nsenter")
    text = on_nuse("""
        ip link add outside type dummy
        unshare -n sh -ec 'ip link add inside type dummy; exec sleep 60' & child=$!
        until grep -q inside: /proc/$child/net/dev; do sleep 0.02; done
        ! grep -q outside: /proc/$child/net/dev
        ! test -e /sys/class/net/inside
        test $(readlink /proc/$child/ns/net) != $(readlink /proc/self/ns/net)
        ip link add moved type dummy; ip link set moved netns $child
        ip link add name left type veth peer name right netns $child
        ! ip link set left netns 1 2>/dev/null
        nsenter -n -t $child ip -br link
        nsenter --net=/proc/$child/task/$child/ns/net cut -d: -f1 /proc/net/dev
        mkdir -p /run/netns; ln -s /proc/$child/ns/net /run/netns/linked
        ip -n linked -br link show inside
        touch /run/netns/mounted; mount --bind /proc/$child/ns/net /run/netns/mounted
        kill $child
        ip -n mounted -br link show inside
        umount /run/netns/mounted; rm /run/netns/mounted /run/netns/linked
    """)
    assert text.count("inside") == 4 and "outside" not in text, text
    assert text.count("moved") == 2 and "right@" in text and "left@" not in text, text


@test
def unshare_of_users():
    need("unshare")
    text = on_nuse("unshare -Urn sh -ec 'ip link set lo up; ip -br address; id -u'")
    assert "127.0.0.1/8" in text and text.endswith("\n0\n"), text


@test
def threads_in_namespaces():
    text = on_nuse(f"""
        ip netns add red; ip -n red link add only-red type dummy
        python3 {SOURCES}/threads.py red only-red
        ip netns del red
    """)
    assert text == "ok\n", text


@test
def files_of_bpf():
    text = on_nuse("""
        head -c 2 /sys/kernel/btf/vmlinux | od -An -tx1
        mount -t bpf bpf /sys/fs/bpf; mkdir /sys/fs/bpf/nuse-test
        stat -f -c %T /sys/fs/bpf; ls /sys/fs/bpf
    """)
    assert text.split() == ["9f", "eb", "bpf_fs", "nuse-test"], text
    assert not os.path.exists("/sys/fs/bpf/nuse-test")


@test
def simulated_devices():
    text = on_nuse("""
        test -w /sys/bus/netdevsim/new_device || exit 0
        echo 7 2 >/sys/bus/netdevsim/new_device
        for dev in $(ls /sys/bus/netdevsim/devices/netdevsim7/net); do ip -br link show $dev; done
        ls /sys/kernel/debug/netdevsim/netdevsim7/ports
        echo 7 >/sys/bus/netdevsim/del_device; ls /sys/bus/netdevsim/devices
    """)
    if not text:
        raise ktap.Skip("this kernel has no netdevsim")
    assert len(text.splitlines()) == 4 and text.split()[-2:] == ["0", "1"], text


def own_cgroup():
    """The directory of this process's"""
    with open("/proc/mounts", encoding="utf-8") as file:
        mounts = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        names = [line[3:].strip() for line in file if line.startswith("0::")]
    if not mounts or not names or not os.access(mounts[0] + names[0], os.W_OK):
        raise ktap.Skip("there is no cgroup2 that may be written to")
    return mounts[0] + names[0].rstrip("/")


@test
def programs_of_cgroups():
    """Sockets of who is in the cgroup of a VRF are in the VRF: a BPF program does that."""
    name = f"vrf{os.getpid()}"
    folders = [f"{own_cgroup()}/vrf", f"{own_cgroup()}/vrf/{name}"]
    made = [folder for folder in folders if not os.path.exists(folder)]
    try:
        text = on_nuse(f"""
            ip link add {name} type vrf table 10; ip link set {name} up
            python3 {SOURCES}/bound.py
            ip vrf exec {name} python3 {SOURCES}/bound.py
            ip vrf exec {name} ip vrf exec default python3 {SOURCES}/bound.py
        """)
    finally:
        for folder in reversed(made):
            if os.path.exists(folder):
                os.rmdir(folder)
    assert text == f"- -\n{name} {name}\n- -\n", text


# ---------------------------------------------------------- other programs

@test
def tester_with_a_tun():
    need("tc", "sysctl")
    program = build("tun.c", "cc", "-O2", "-D_GNU_SOURCE")
    with Bench() as bench:
        for _ in range(3):
            assert bench.run(NUSE, program) == "ok\n"
        assert "tun0" not in bench.run("ip", "-br", "link")


@test
def tester_of_nobody():
    need("tc", "sysctl")
    program = build("tun.c", "cc", "-O2", "-D_GNU_SOURCE")
    with Bench() as bench:
        assert bench.run(*nuse_as_nobody(), program) == "ok\n"


@test
def device_of_a_macvtap():
    text = on_nuse("""
        sysctl -qw net.ipv6.conf.default.disable_ipv6=1
        ip link add one type dummy; ip link set one up
        ip link add link one name two type macvtap; ip link set two up
        exec 3<>/dev/tap$(cat /sys/class/net/two/ifindex)
        head -c 100 /dev/zero >&3
        cat /sys/class/net/one/statistics/tx_packets
    """)
    assert text == "1\n", text


@test
def tun_of_a_user():
    nuselab.need_users()
    need("setpriv")
    shutil.copy(f"{SOURCES}/tun.py", nuselab.for_everybody())
    text = on_nuse(f"""
        ip tuntap add dev tun0 mode tun user 65534
        ip tuntap add dev tun1 mode tun user 1
        for dev in tun0 tun1 tun2; do
            {' '.join(NOBODY)} python3 {nuselab.for_everybody()}/tun.py $dev
        done
    """)
    assert text == "tun0\ntun1: Operation not permitted\ntun2: Operation not permitted\n", text


def interfaces_of_nuse(text):
    words = text.split()
    assert words[0] == "lo" and "tap0" not in words and words[-1] == "ok", text


def static(*compiler):
    program = build("static.c", *compiler, "-O2", "-D_GNU_SOURCE", "-static", "-pthread")
    with Bench() as bench:
        for _ in range(3):
            interfaces_of_nuse(bench.run(NUSE, program))


@test
def static_glibc():
    static("cc")


@test
def static_musl():
    static("musl-gcc")


@test
def go():
    if not shutil.which("go"):
        raise ktap.Skip("there is no go")
    os.environ.update({"CGO_ENABLED": "0", "GO111MODULE": "off", "GOCACHE": f"{ktap.TESTS}/gocache"})
    program = build("web.go", "go", "build")
    with Bench() as bench:
        for _ in range(3):
            interfaces_of_nuse(bench.run(NUSE, program))
        net = f"wire:{path('wire')}"
        bench.start(NUSE, "--name", "server", "--net", f"{net},address=10.1.0.1/24",
                    program, "serve", "10.1.0.1:80")
        text = bench.run(NUSE, "--net", f"{net},address=10.1.0.2/24", "sh", "-c",
                         f"sleep 1; {program} get http://10.1.0.1")
        assert text == "ok\n", text


@test
def script_of_2015():
    if not os.access("/dev/net/tun", os.W_OK):
        raise ktap.Skip("/dev/net/tun is root's")
    need("dig", "host", "nslookup", "wget", "iperf", "dnsmasq", "ping")
    with Bench() as bench:
        text = bench.run(f"{ktap.HERE}/nuse-test.sh", "--extended", timeout=60)
        assert "FAIL" not in text and text.endswith("all passed\n"), text


if __name__ == "__main__":
    nuselab.main()
