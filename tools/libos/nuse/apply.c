// SPDX-License-Identifier: GPL-2.0
/*
 * apply.c - makes an instance what a configuration says.
 *
 * What can be seen to fail is refused before anything is touched. Devices and
 * captures belong to a struct nuse_net; taking it down takes all addresses and
 * routes along.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "value.h"

#define PREFIX_LEN	(INET6_ADDRSTRLEN + 4)

/* One device, with the capture that is its own */
struct nuse_dev {
	struct nuse_dev *next;
	struct libos_dev *dev;
	struct libos_pcap *pcap;
};

struct nuse_net {
	struct nuse_dev *devs;
	struct libos_pcap *pcap;
};

/* What is done, where to, and where to complain */
struct job {
	const struct nuse_config *config;
	struct libos *l;
	struct nuse_net *net;
	char *error;
};

/* Hands on what the library has said about something of the configuration. */
static int failed(struct job *job, const char *where, int err)
{
	snprintf(job->error, NUSE_LINE, "%s: %s", where, libos_error());
	return err;
}

/* ---------------------------------------------------------------- devices */

/* NETMAP and DPDK take an interface from the host with a driver of their own. */
static const char *expected(enum nuse_kind kind, char list[64])
{
	enum nuse_kind other;
	size_t len = 0;

	if ((kind == NUSE_NETMAP || kind == NUSE_DPDK) && nuse_makers[NUSE_RAW])
		return "RAW, which takes the packets of an interface that the host drives";
	for (other = 0; other < NUSE_NR_KINDS; other++)
		if (nuse_makers[other])
			len += snprintf(list + len, 64 - len, "%s%s", len ? ", " : "",
					nuse_kind_names[other]);
	return list;
}

static int check_kinds(struct job *job)
{
	const struct nuse_interface *i;
	char list[64];

	for (i = job->config->interfaces; i; i = i->next) {
		if (nuse_makers[i->kind])
			continue;
		snprintf(job->error, NUSE_LINE,
			 "%s: %s is of viftype %s, which is not supported; expected %s", i->where,
			 i->name, nuse_kind_names[i->kind], expected(i->kind, list));
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Its own capture, or that of all */
static int capture(struct job *job, const struct nuse_interface *i, struct nuse_dev *dev)
{
	struct libos_pcap *pcap = job->net->pcap;
	int err;

	if (i->pcap) {
		err = libos_pcap_open(i->pcap, &dev->pcap);
		if (err)
			return err;
		pcap = dev->pcap;
	}
	return pcap ? libos_pcap_add(pcap, dev->dev) : 0;
}

static int make_device(struct job *job, const struct nuse_interface *i)
{
	struct libos_port port = { .libos = job->l, .name = i->name, .mtu = i->mtu };
	struct nuse_dev *dev = calloc(1, sizeof(*dev)), **last = &job->net->devs;
	int err;

	if (!dev) {
		snprintf(job->error, NUSE_LINE, "%s: out of memory", i->where);
		return -ENOMEM;
	}
	memcpy(port.mac, i->mac, sizeof(port.mac));
	err = nuse_makers[i->kind](i, &port, &dev->dev);
	if (err) {
		free(dev);
		return failed(job, i->where, err);
	}
	while (*last)
		last = &(*last)->next;
	*last = dev;
	err = capture(job, i, dev);
	return err ? failed(job, i->where, err) : 0;
}

static int make_devices(struct job *job)
{
	const struct nuse_config *config = job->config;
	const struct nuse_interface *i;
	int err = 0;

	if (config->pcap)
		err = libos_pcap_open(config->pcap, &job->net->pcap);
	if (err)
		return failed(job, "pcap", err);
	for (i = config->interfaces; i && !err; i = i->next)
		err = make_device(job, i);
	return err;
}

/* -------------------------------------------------- addresses and routes */

static const char *prefix_of(const struct nuse_address *address, char text[PREFIX_LEN])
{
	snprintf(text, PREFIX_LEN, "%s/%u", address->text, address->len);
	return text;
}

static int add_addresses(struct job *job, const struct nuse_interface *i)
{
	const struct nuse_address *address;
	char text[PREFIX_LEN];
	int err = 0;

	for (address = i->addresses; address && !err; address = address->next)
		err = libos_addr_add(job->l, i->name, prefix_of(address, text));
	return err;
}

static int add_neighs(struct job *job, const struct nuse_interface *i)
{
	const struct nuse_neigh *neigh;
	int err = 0;

	for (neigh = i->neighs; neigh && !err; neigh = neigh->next)
		err = libos_neigh_add(job->l, i->name, neigh->address, neigh->mac);
	return err;
}

/* Tables 2 n and 2 n + 1 belong to interface number n, as LKL has them. */
static int add_source_routes(struct job *job, const struct nuse_interface *i,
			     unsigned int ifindex)
{
	const struct nuse_address *address;
	char text[PREFIX_LEN];
	int err = 0, v6;

	for (address = i->addresses; address && !err; address = address->next) {
		v6 = value_is_v6(address->text);
		if (*i->source_gateway[v6])
			err = libos_source_route(job->l, prefix_of(address, text),
						 i->source_gateway[v6], i->name,
						 2 * ifindex + v6);
	}
	return err;
}

static int add_gateways(struct job *job, const struct nuse_interface *i)
{
	int err = 0;

	if (*i->gateway[0])
		err = libos_route_add(job->l, "default", i->gateway[0], i->name);
	if (!err && *i->gateway[1])
		err = libos_route_add(job->l, "default6", i->gateway[1], i->name);
	return err;
}

static int set_up(struct job *job, const struct nuse_interface *i, unsigned int ifindex)
{
	int err = *i->qdisc ? libos_qdisc_set(job->l, i->name, i->qdisc) : 0;

	err = err ?: add_addresses(job, i) ?: libos_link_up(job->l, i->name);
	err = err ?: add_neighs(job, i) ?: add_source_routes(job, i, ifindex);
	err = err ?: add_gateways(job, i);
	return err ? failed(job, i->where, err) : 0;
}

static int set_all_up(struct job *job)
{
	const struct nuse_interface *i;
	const struct nuse_dev *dev = job->net->devs;
	int err = 0;

	for (i = job->config->interfaces; i && !err; i = i->next, dev = dev->next)
		err = set_up(job, i, libos_dev_ifindex(dev->dev));
	return err;
}

static int add_routes(struct job *job)
{
	const struct nuse_route *r;
	char text[PREFIX_LEN];

	for (r = job->config->routes; r; r = r->next) {
		int err = libos_route_add(job->l, prefix_of(&r->network, text),
					  *r->gateway ? r->gateway : NULL,
					  *r->dev ? r->dev : NULL);

		if (err)
			return failed(job, r->where, err);
	}
	return 0;
}

/* ---------------------------------------------------------------- sysctls */

/* One of an interface that is configured has to wait for it. */
static bool is_of_interface(const struct nuse_config *config, const char *sysctl)
{
	const struct nuse_interface *i;
	char dots[IFNAMSIZ + 2], slashes[IFNAMSIZ + 2];

	for (i = config->interfaces; i; i = i->next) {
		snprintf(dots, sizeof(dots), ".%s.", i->name);
		snprintf(slashes, sizeof(slashes), "/%s/", i->name);
		if (strstr(sysctl, dots) || strstr(sysctl, slashes))
			return true;
	}
	return false;
}

static int set_sysctls(struct job *job, bool of_interfaces)
{
	const struct nuse_sysctl *s;
	int err;

	for (s = job->config->sysctls; s; s = s->next) {
		if (is_of_interface(job->config, s->name) != of_interfaces)
			continue;
		err = libos_sysctl_set(job->l, s->name, s->value);
		if (err)
			return failed(job, s->where, err);
	}
	return 0;
}

/* -------------------------------------------------------------- the whole */

static int loopback_up(struct job *job)
{
	int err = libos_link_up(job->l, "lo");

	return err ? failed(job, "lo", err) : 0;
}

int nuse_apply(const struct nuse_config *config, struct libos *l, struct nuse_net **net,
	       char *error)
{
	struct job job = { .config = config, .l = l, .error = error };
	int err = check_kinds(&job);

	if (err)
		return err;
	job.net = calloc(1, sizeof(*job.net));
	if (!job.net) {
		snprintf(error, NUSE_LINE, "out of memory");
		return -ENOMEM;
	}
	err = loopback_up(&job) ?: set_sysctls(&job, false) ?: make_devices(&job) ?:
	      set_sysctls(&job, true) ?: set_all_up(&job) ?: add_routes(&job);
	if (err)
		nuse_net_close(job.net);
	else
		*net = job.net;
	return err;
}

int nuse_net_close(struct nuse_net *net)
{
	struct nuse_dev *dev, *next;
	int err = 0, ret;

	for (dev = net->devs; dev; dev = next) {
		next = dev->next;
		libos_dev_close(dev->dev);
		ret = dev->pcap ? libos_pcap_close(dev->pcap) : 0;
		err = err ?: ret;
		free(dev);
	}
	ret = net->pcap ? libos_pcap_close(net->pcap) : 0;
	free(net);
	return err ?: ret;
}

struct libos_config nuse_libos_config(const struct nuse_config *config)
{
	return (struct libos_config) {
		.size = sizeof(struct libos_config),
		.flags = config->verbose ? LIBOS_VERBOSE : 0,
		.kernel = config->kernel,
		.name = config->name,
		.cmdline = config->cmdline,
		.memory = config->memory,
	};
}

char *nuse_resolv_conf(const struct nuse_config *config)
{
	const struct nuse_string *string;
	char *text = NULL;
	size_t len;
	FILE *file;

	if (!config->nameservers && !config->search)
		return NULL;
	file = open_memstream(&text, &len);
	if (!file)
		return NULL;
	for (string = config->nameservers; string; string = string->next)
		fprintf(file, "nameserver %s\n", string->text);
	if (config->search)
		fputs("search", file);
	for (string = config->search; string; string = string->next)
		fprintf(file, " %s", string->text);
	if (config->search)
		fputs("\n", file);
	fclose(file);
	return text;
}
