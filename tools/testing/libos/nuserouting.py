#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Programs that configure a stack, and routers: netfilter's, ethtool, WireGuard
between two instances, and the daemons of BIRD and FRR, which tell each other of
networks behind them.
"""
import contextlib
import json
import os
import re
import time

import nuselab
from ktap import test
from nuselab import NUSE, Bench, need, path, until

PATIENCE = 40			# seconds for routers to learn of each other

os.environ["XTABLES_LOCKFILE"] = "/dev/null"	# that in /run is root's


def on_nuse(script):
    """What a shell prints on an instance with nothing but its loopback"""
    with Bench() as bench:
        return bench.run(NUSE, "sh", "-ec", script)


class Node:
    """An instance that is kept, at one end of a wire"""

    def __init__(self, bench, name, address):
        self.bench, self.name = bench, name
        bench.run(NUSE, "--name", name, "--keep", "--net",
                  f"wire:{path('wire')},address={address}/24")

    def start(self, *command):
        return self.bench.start(NUSE, "--join", self.name, *command)

    def run(self, *command, status=0):
        return self.bench.run(NUSE, "--join", self.name, *command, status=status)

    def sh(self, script):
        return self.run("sh", "-ec", script)


@contextlib.contextmanager
def pair():
    """Two of them, 10.1.0.1 and 10.1.0.2, each with a network behind it: 10.11/16, 10.22/16"""
    with Bench() as bench:
        nodes = []
        try:
            for n in (1, 2):
                nodes.append(Node(bench, f"node{n}", f"10.1.0.{n}"))
                nodes[-1].sh("ip link add behind type dummy; ip link set behind up;"
                             f"ip address add 10.{n}{n}.0.1/16 dev behind")
            yield nodes
        finally:
            for program in bench.programs:
                program.kill()
            for node in nodes:
                bench.run(NUSE, "rm", node.name)


def routes(node):
    """{destination: who made the route}"""
    return {r["dst"]: r.get("protocol") for r in json.loads(node.run("ip", "-j", "route"))}


def learned(nodes, network, protocol):
    """Daemons take some seconds by themselves."""
    end = time.monotonic() + PATIENCE
    while routes(nodes[0]).get(network) != protocol:
        assert time.monotonic() < end, f"no route to {network} by {protocol}"
        time.sleep(0.1)


@test
def nft():
    need("nft", "ping")
    rules = path("rules.nft", """
        table inet filter {
            set quiet { type ipv4_addr; flags interval; elements = { 127.0.0.0/28 }; }
            chain input {
                type filter hook input priority filter; policy accept;
                ip saddr @quiet icmp type echo-request counter drop
            }
        }
        table ip nat {
            chain output {
                type nat hook output priority -100;
                ip daddr 192.0.2.1 dnat to 127.0.1.1
            }
        }
    """)
    text = on_nuse(f"""
        nft -f {rules}
        ! ping -c 1 -W 0.2 127.0.0.1 >/dev/null 2>&1
        ping -c 1 -W 5 -I 127.0.1.2 127.0.1.1 >/dev/null 2>&1
        ip route add 192.0.2.0/24 dev lo
        ping -c 1 -W 5 -I 127.0.1.2 192.0.2.1 >/dev/null 2>&1
        nft -j list ruleset
        nft delete element inet filter quiet '{{ 127.0.0.0/28 }}'
        ping -c 1 -W 5 127.0.0.1 >/dev/null 2>&1
        nft flush ruleset
        test -z "$(nft list ruleset)"
    """)
    assert text.count("\n") == 1, text
    rule = next(r["rule"] for r in json.loads(text)["nftables"] if "rule" in r)
    counter = next(e["counter"] for e in rule["expr"] if "counter" in e)
    assert counter["packets"] == 1, text


def filter_by(iptables):
    need(iptables, f"{iptables}-save", f"{iptables}-restore", "ping")
    text = on_nuse(f"""
        {iptables} -A INPUT -p icmp -s 127.0.0.1 -m comment --comment quiet -j DROP
        {iptables} -t nat -A OUTPUT -d 192.0.2.1 -j DNAT --to-destination 127.0.1.1
        {iptables} -C INPUT -p icmp -s 127.0.0.1 -m comment --comment quiet -j DROP
        ! ping -c 1 -W 0.2 127.0.0.1 >/dev/null
        ip route add 192.0.2.0/24 dev lo
        ping -c 1 -W 5 -I 127.0.1.2 192.0.2.1 >/dev/null
        {iptables} -L INPUT -nvx
        {iptables}-save >saved
        {iptables} -F
        ping -c 1 -W 5 127.0.0.1 >/dev/null
        {iptables}-restore <saved
        ! ping -c 1 -W 0.2 127.0.0.1 >/dev/null
        {iptables} -t nat -S OUTPUT
    """)
    assert re.search(r"^ +1 +84 DROP .*/\* quiet \*/", text, re.M), text
    assert "-A OUTPUT -d 192.0.2.1/32 -j DNAT --to-destination 127.0.1.1" in text, text


@test
def iptables_nft():
    filter_by("iptables-nft")


@test
def iptables_legacy():
    filter_by("iptables-legacy")


@test
def ip6tables():
    need("ip6tables", "ping")
    on_nuse("""
        ip6tables -A INPUT -p icmpv6 --icmpv6-type echo-request -j REJECT
        ! ping -c 1 -W 0.2 ::1 >/dev/null
        ip6tables -D INPUT 1
        ping -c 1 -W 5 ::1 >/dev/null
    """)


@test
def ethtool():
    need("ethtool")
    text = on_nuse("""
        ip link add v0 type veth peer name v1
        ethtool -i v0
        ethtool v0 | grep 'Link detected: no'
        ip link set v0 up; ip link set v1 up
        ethtool v0 | grep 'Link detected: yes'
        ethtool -k v0 | grep '^tcp-segmentation-offload: on'
        ethtool -K v0 tso off
        ethtool -k v0 | grep '^tcp-segmentation-offload: off'
        ethtool -S v0 | grep peer_ifindex
        ethtool -P v0
    """)
    assert "driver: veth" in text, text


@test
def wireguard():
    need("wg", "ping")
    with pair() as nodes:
        secrets = [nodes[0].run("wg", "genkey").strip() for _ in nodes]
        keys = [nodes[0].sh(f"echo {secret} | wg pubkey").strip() for secret in secrets]
        for n, node in enumerate(nodes, 1):
            other = 3 - n
            secret = path(f"secret{n}", secrets[n - 1])
            node.sh(f"""
                ip link add wg0 type wireguard
                wg set wg0 private-key {secret} listen-port 51820 peer {keys[other - 1]} \\
                    allowed-ips 10.7.0.{other}/32,fd07::{other}/128 endpoint 10.1.0.{other}:51820
                ip address add 10.7.0.{n}/24 dev wg0
                ip address add fd07::{n}/64 dev wg0
                ip link set wg0 up
            """)
        nodes[0].run("ping", "-q", "-c", "3", "-i", "0.1", "-w", "10", "10.7.0.2")
        nodes[1].run("ping", "-q", "-c", "3", "-i", "0.1", "-w", "10", "-s", "5000", "fd07::1")
        key, when = nodes[0].run("wg", "show", "wg0", "latest-handshakes").split()
        assert key == keys[1] and int(when), when
        moved = nodes[0].run("wg", "show", "wg0", "transfer").split()
        assert int(moved[1]) > 5000 and int(moved[2]) > 5000, moved


def reach_behind(nodes):
    nodes[0].run("ping", "-q", "-c", "1", "-w", "10", "-I", "10.11.0.1", "10.22.0.1")


BIRD = """
    router id 10.1.0.{n};
    protocol device {{ scan time 1; }}
    protocol kernel {{ ipv4 {{ export all; }}; scan time 2; }}
    protocol ospf v2 {{
        ipv4 {{ import all; export none; }};
        area 0 {{
            interface "eth0" {{ hello 1; dead count 4; type pointopoint; }};
            interface "behind" {{ stub; }};
        }};
    }}
"""


@test
def bird():
    need("bird", "birdc")
    with pair() as nodes:
        daemons = [node.start("bird", "-f", "-c", path(f"bird{n}.conf", BIRD.format(n=n)),
                              "-s", path(f"bird{n}.ctl"), "-P", path(f"bird{n}.pid"))
                   for n, node in enumerate(nodes, 1)]
        learned(nodes, "10.22.0.0/16", "bird")
        learned(nodes[::-1], "10.11.0.0/16", "bird")
        reach_behind(nodes)
        text = nodes[0].run("birdc", "-s", path("bird1.ctl"), "show", "ospf", "neighbors")
        assert re.search(r"^10\.1\.0\.2\s.*Full/PtP.*eth0", text, re.M), text
        nodes[1].run("birdc", "-s", path("bird2.ctl"), "down")
        daemons[1].wait()
        until(lambda: "10.22.0.0/16" not in routes(nodes[0]), "the route to be withdrawn")
        daemons[0].end()


FRR = "/usr/lib/frr"
FRR_CONF = {
    "zebra": "hostname node{n}\n",
    "ospfd": """
        interface eth0
         ip ospf network point-to-point
         ip ospf hello-interval 1
         ip ospf dead-interval 4
        router ospf
         ospf router-id 10.1.0.{n}
         timers throttle spf 10 50 100
         network 10.0.0.0/8 area 0
    """,
    "bgpd": """
        router bgp 6500{n}
         bgp router-id 10.1.0.{n}
         no bgp ebgp-requires-policy
         timers bgp 1 3
         neighbor 10.1.0.{other} remote-as 6500{other}
         neighbor 10.1.0.{other} timers connect 1
         address-family ipv4 unicast
          network 172.16.{n}.0/24
         exit-address-family
    """,
}


def start_frr(node, n):
    """The three daemons of a router, which become user "frr" and keep capabilities"""
    folder = path(f"frr{n}")
    os.mkdir(folder)
    daemons = []
    for name, text in FRR_CONF.items():
        conf = path(f"frr{n}/{name}.conf", text.format(n=n, other=3 - n).replace("        ", ""))
        daemons.append(node.start(f"{FRR}/{name}", "-f", conf, "-u", "frr", "-g", "frr",
                                  "-i", f"{folder}/{name}.pid", "-z", f"{folder}/zserv.api",
                                  "--vty_socket", folder, "-P", "0", "--log", "stdout"))
        node.bench.run("chown", "-R", "frr:frr", folder)
        if name == "zebra":
            until(lambda: os.path.exists(f"{folder}/zserv.api"), "zebra's socket")
    return daemons


@test
def frr():
    need(*(f"{FRR}/{name}" for name in FRR_CONF), "vtysh")
    nuselab.need_users()
    with pair() as nodes:
        daemons = []
        for n, node in enumerate(nodes, 1):
            node.run("ip", "address", "add", f"172.16.{n}.1/24", "dev", "behind")
            daemons += start_frr(node, n)
        learned(nodes, "10.22.0.0/16", "ospf")
        learned(nodes, "172.16.2.0/24", "bgp")
        learned(nodes[::-1], "10.11.0.0/16", "ospf")
        reach_behind(nodes)
        text = nodes[0].run("vtysh", "--vty_socket", path("frr1"), "-c", "show ip ospf neighbor",
                            "-c", "show bgp summary")
        assert re.search(r"10\.1\.0\.2 .*Full", text), text
        assert re.search(r"10\.1\.0\.2 +4 +65002", text), text
        for daemon in reversed(daemons):
            daemon.end()
        assert "10.22.0.0/16" not in routes(nodes[0])


if __name__ == "__main__":
    nuselab.main()
