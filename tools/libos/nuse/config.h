/* SPDX-License-Identifier: GPL-2.0 */
/*
 * config.h - what an instance for a program is to be like.
 *
 * A struct nuse_config is filled from a file (nuse.conf, or JSON with the keys
 * of LKL) and from command line options, and applied to an instance. It holds
 * only values that were checked, each complete: where a source is faulty, the
 * configuration stays what it was, and one line says where the fault is, what
 * it is and what was expected.
 *
 * Functions return 0 or a negative errno; @error then has that line.
 */
#ifndef _NUSE_CONFIG_H
#define _NUSE_CONFIG_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <libos.h>

#define NUSE_LINE	640	/* bytes of the line at @error */

/* What a device is joined to at the host; see nuse_kind_names[] */
enum nuse_kind {
	NUSE_RAW,
	NUSE_TAP,
	NUSE_NETMAP,
	NUSE_DPDK,
	NUSE_PIPE,
	NUSE_WIRE,
	NUSE_NR_KINDS
};

extern const char *const nuse_kind_names[NUSE_NR_KINDS];

/**
 * struct nuse_address - an address or a network
 * @text:	"10.0.0.2" or "fc00::2", as inet_ntop() writes it; "" is none
 * @len:	prefix length
 */
struct nuse_address {
	struct nuse_address *next;
	char text[INET6_ADDRSTRLEN];
	unsigned int len;
};

/* A neighbour whose address is never asked for */
struct nuse_neigh {
	struct nuse_neigh *next;
	char address[INET6_ADDRSTRLEN];
	uint8_t mac[6];
};

/**
 * struct nuse_interface - an interface of the instance
 * @where:	where it is described: "nuse.conf:3"
 * @host:	what it is joined to: a device of the host, or a path
 * @mac:	all zero is a random one
 * @mtu:	0 is the default
 * @gateway:	default gateways, IPv4 and IPv6; "" is none
 * @source_gateway: ... for what is sent from its addresses only
 * @qdisc:	root queueing discipline; "" is the default
 * @pcap:	capture file of its own, or NULL
 */
struct nuse_interface {
	struct nuse_interface *next;
	const char *where;
	char name[IFNAMSIZ];
	enum nuse_kind kind;
	const char *host;
	uint8_t mac[6];
	uint32_t mtu;
	struct nuse_address *addresses;
	char gateway[2][INET6_ADDRSTRLEN];
	char source_gateway[2][INET6_ADDRSTRLEN];
	struct nuse_neigh *neighs;
	char qdisc[IFNAMSIZ];
	const char *pcap;
};

/* A route; without a gateway ("") it goes to an interface, or the other way */
struct nuse_route {
	struct nuse_route *next;
	const char *where;
	struct nuse_address network;
	char gateway[INET6_ADDRSTRLEN];
	char dev[IFNAMSIZ];
};

struct nuse_sysctl {
	struct nuse_sysctl *next;
	const char *where;
	const char *name;
	const char *value;
};

struct nuse_string {
	struct nuse_string *next;
	const char *text;
};

/**
 * struct nuse_config - all of it; all zero is the default
 * @nameservers: their addresses
 * @search:	domains
 * @name:	the instance's name, or NULL
 * @kernel:	path of liblinux.so, or NULL
 * @cmdline:	kernel command line, or NULL
 * @pcap:	capture file of all interfaces without one of their own, or NULL
 * @memory:	bytes; 0 is the default
 * @verbose:	the kernel's console goes to stderr
 * @keep:	the instance outlives its last process
 * @warning:	one line on what was ignored; "" if nothing was
 * @chunks:	the memory of all this
 */
struct nuse_config {
	struct nuse_interface *interfaces;
	struct nuse_route *routes;
	struct nuse_sysctl *sysctls;
	struct nuse_string *nameservers;
	struct nuse_string *search;
	const char *name;
	const char *kernel;
	const char *cmdline;
	const char *pcap;
	uint64_t memory;
	bool verbose;
	bool keep;
	char warning[NUSE_LINE];
	struct nuse_chunk *chunks;
};

/**
 * nuse_config_parse - fills a configuration from text
 * @config:	an empty one
 * @name:	the text's name in messages
 * @text:	nuse.conf, or JSON if it begins with "{"
 * @len:	its bytes
 * @error:	NUSE_LINE bytes
 */
int nuse_config_parse(struct nuse_config *config, const char *name, const char *text,
		      size_t len, char *error);

/* The same from a file */
int nuse_config_load(struct nuse_config *config, const char *path, char *error);

/**
 * nuse_config_args - fills a configuration from a command line
 * @config:	an empty one
 * @argc, @argv: as of main(). "-c FILE", else $NUSECONF, names a file, which the
 *		other options change or add to
 * @error:	NUSE_LINE bytes
 *
 * Returns the index of the first argument that is no option.
 */
int nuse_config_args(struct nuse_config *config, int argc, char **argv, char *error);

/* Frees what it holds; it is empty then. */
void nuse_config_free(struct nuse_config *config);

/* What it says that libos_open() needs; the strings stay the configuration's. */
struct libos_config nuse_libos_config(const struct nuse_config *config);

/**
 * nuse_makers - the kinds of devices that can be made, or NULL
 *
 * A program whose instances are not the host library's has a table of its own,
 * and functions in the place of those that apply.c calls.
 */
typedef int (*nuse_maker)(const struct nuse_interface *i, const struct libos_port *port,
			  struct libos_dev **dev);
extern const nuse_maker nuse_makers[NUSE_NR_KINDS];

struct nuse_net;	/* the devices and captures of a configuration */

/**
 * nuse_apply - gives an instance its interfaces, routes and sysctls
 * @config:	the configuration; not needed after the call
 * @libos:	the instance, as it was booted
 * @net:	its devices and captures
 * @error:	NUSE_LINE bytes
 *
 * In this order: loopback up; sysctls; devices, their sysctls, addresses and
 * neighbours; routes. If anything fails, no device is left, and so no address
 * and no route; sysctls stay.
 */
int nuse_apply(const struct nuse_config *config, struct libos *libos, struct nuse_net **net,
	       char *error);

/* Removes the devices and ends the captures; why a capture failed, or 0. */
int nuse_net_close(struct nuse_net *net);

/* What /etc/resolv.conf is to say, to be freed; NULL if the configuration has
 * nothing on names, or without memory.
 */
char *nuse_resolv_conf(const struct nuse_config *config);

#endif /* _NUSE_CONFIG_H */
