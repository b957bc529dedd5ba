// SPDX-License-Identifier: GPL-2.0
/*
 * A network device whose other end is the caller's, or another one like it.
 *
 * Transmit: a packet takes a slot, which describes its pieces where they lie,
 * and goes out in batches, as the stack hands them over. It keeps the slot
 * until the caller is done with it; without a free slot the queue stops. Slots
 * are reused last in, first out, so that a quiet device touches few of them.
 *
 * Receive: packets come in batches as an interrupt, are copied, and go up
 * through NAPI and GRO. Metadata is checked as that of any untrusted device.
 *
 * Two devices of one kernel may be joined: packets then go from one to the
 * other as they do in a veth pair, and the caller sees none of them.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/net_tstamp.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <asm/lib.h>
#include <asm/versions.h>

#define TX_RING_DEFAULT	256
#define TX_RING_MAX	4096
#define TX_BATCH	64
#define RX_QUEUE_MAX	4096
#define RX_PAD		(NET_SKB_PAD + NET_IP_ALIGN)
#define RX_SMALL	256	/* from the cache of small heads */
#define RX_HEADER	256	/* linear part of a packet that comes in fragments */

struct tx_slot {
	struct sk_buff *skb;
	struct tx_slot *next;		/* free one; NULL: never used, the one behind it */
	struct lib_iov iov[LIB_MAX_IOV];
};

struct lib_dev {
	struct net_device *dev;
	struct lib_dev *peer;		/* NULL: the caller */
	struct napi_struct napi;
	u32 id;
	bool rawip;

	struct sk_buff_head rxq;	/* received, to go up */

	struct lib_packet batch[TX_BATCH];
	unsigned int nr_batch;
	u32 nr_slots;
	struct tx_slot *free;		/* a stack */
	struct tx_slot slots[];
};

static DEFINE_XARRAY_ALLOC1(lib_devs);

/* ---------------------------------------------------------------- transmit */

static struct sk_buff *slot_put(struct lib_dev *ld, u64 token)
{
	struct tx_slot *slot = &ld->slots[token];
	struct sk_buff *skb = slot->skb;

	slot->skb = NULL;
	slot->next = ld->free;
	ld->free = slot;
	return skb;
}

static bool has_free(const struct lib_dev *ld)
{
	return ld->free != ld->slots + ld->nr_slots;
}

static unsigned int describe(struct lib_iov *iov, const struct sk_buff *skb)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	unsigned int i, n = 0;

	if (skb_headlen(skb))
		iov[n++] = (struct lib_iov){ skb->data, skb_headlen(skb) };
	for (i = 0; i < info->nr_frags; i++)
		iov[n++] = (struct lib_iov){ skb_frag_address(&info->frags[i]),
					     skb_frag_size(&info->frags[i]) };
	return n;
}

/* The caller is done with packets. */
static void completed(struct lib_dev *ld)
{
	if (netif_queue_stopped(ld->dev) && has_free(ld))
		netif_wake_queue(ld->dev);
}

/* What the caller keeps for a while counts as queued at the device. */
static void tx_flush(struct lib_dev *ld)
{
	unsigned int i, done, kept = 0, nr = ld->nr_batch;

	if (!nr)
		return;
	ld->nr_batch = 0;
	done = min(host_call(netdev_tx, ld->id, ld->batch, nr), nr);
	for (i = 0; i < done; i++)
		dev_consume_skb_any(slot_put(ld, ld->batch[i].token));
	for (; i < nr; i++)
		kept += ld->batch[i].len;
	if (kept)
		netdev_sent_queue(ld->dev, kept);
	completed(ld);
}

static void count_tx(struct net_device *dev, const struct sk_buff *skb)
{
	dev->stats.tx_packets += skb_is_gso(skb) ? skb_shinfo(skb)->gso_segs ?: 1 : 1;
	dev->stats.tx_bytes += skb->len;
}

static netdev_tx_t drop(struct lib_dev *ld, struct sk_buff *skb)
{
	ld->dev->stats.tx_dropped++;
	dev_kfree_skb_any(skb);
	if (!netdev_xmit_more())
		tx_flush(ld);
	return NETDEV_TX_OK;
}

static netdev_tx_t xmit_to_peer(struct lib_dev *ld, struct sk_buff *skb)
{
	struct net_device *to = ld->peer->dev;
	unsigned int len = skb->len;

	skb_tx_timestamp(skb);
	count_tx(ld->dev, skb);
	if (dev_forward_skb(to, skb) == NET_RX_SUCCESS) {
		to->stats.rx_packets++;
		to->stats.rx_bytes += len;
	} else {
		ld->dev->stats.tx_dropped++;
	}
	return NETDEV_TX_OK;
}

static netdev_tx_t lib_dev_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct lib_dev *ld = netdev_priv(dev);
	struct lib_packet *pkt = &ld->batch[ld->nr_batch];
	struct tx_slot *slot = ld->free;

	BUILD_BUG_ON(sizeof(struct lib_vnet) != sizeof(struct virtio_net_hdr));
	BUILD_BUG_ON(LIB_MAX_IOV < MAX_SKB_FRAGS + 1);

	if (ld->peer)
		return xmit_to_peer(ld, skb);
	*pkt = (struct lib_packet){ .len = skb->len };
	if (unlikely(skb_has_frag_list(skb) && skb_linearize(skb)) ||
	    virtio_net_hdr_from_skb(skb, (struct virtio_net_hdr *)&pkt->vnet, true, false, 0))
		return drop(ld, skb);

	skb_tx_timestamp(skb);
	count_tx(dev, skb);
	ld->free = slot->next ?: slot + 1;
	slot->skb = skb;
	pkt->token = slot - ld->slots;
	pkt->nr_iov = describe(slot->iov, skb);
	pkt->iov = slot->iov;
	ld->nr_batch++;

	if (!has_free(ld))
		netif_stop_queue(dev);
	if (!netdev_xmit_more() || !has_free(ld) || ld->nr_batch == TX_BATCH)
		tx_flush(ld);
	return NETDEV_TX_OK;
}

/* What the caller brings, for the function that runs as an interrupt */
struct delivery {
	struct lib_dev *ld;
	const void *what;
	unsigned int nr;
	u64 arg;
	int ret;
};

static __always_inline int deliver(u32 id, void (*fn)(void *delivery), const void *what,
				   unsigned int nr, u64 arg)
{
	struct delivery d = {
		.ld = xa_load(&lib_devs, id), .what = what, .nr = nr, .arg = arg,
	};

	if (!d.ld)
		return -ENODEV;
	return lib_inject(fn, &d) ?: d.ret;
}

static void tx_done(void *delivery)
{
	struct delivery *d = delivery;
	struct skb_shared_hwtstamps stamp = { .hwtstamp = ns_to_ktime(d->arg) };
	unsigned int i, packets = 0, bytes = 0;
	const u64 *tokens = d->what;
	struct lib_dev *ld = d->ld;
	struct sk_buff *skb;

	for (i = 0; i < d->nr; i++) {
		if (tokens[i] >= ld->nr_slots || !ld->slots[tokens[i]].skb) {
			d->ret = -EINVAL;
			continue;
		}
		skb = slot_put(ld, tokens[i]);
		if (d->arg && skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP)
			skb_tstamp_tx(skb, &stamp);
		packets++;
		bytes += skb->len;
		dev_consume_skb_any(skb);
	}
	netdev_completed_queue(ld->dev, packets, bytes);
	completed(ld);
}

int lib_netdev_tx_done(u32 id, const u64 *tokens, unsigned int nr, u64 tstamp)
{
	return deliver(id, tx_done, tokens, nr, tstamp);
}

/* ----------------------------------------------------------------- receive */

static struct sk_buff *rx_alloc(struct lib_dev *ld, unsigned int len)
{
	unsigned int head = len <= SKB_MAX_HEAD(RX_PAD) ? len : RX_HEADER;
	struct sk_buff *skb;
	int err;

	if (len <= RX_SMALL)
		skb = __alloc_skb(RX_PAD + len, GFP_ATOMIC, SKB_ALLOC_NAPI, NUMA_NO_NODE);
	else if (len == head)
		skb = napi_alloc_skb(&ld->napi, len);
	else
		skb = alloc_skb_with_frags(RX_PAD + head, len - head, PAGE_ALLOC_COSTLY_ORDER,
					   &err, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb->dev = ld->dev;
	skb_reserve(skb, RX_PAD - skb_headroom(skb));	/* NAPI's has it already */
	__skb_put(skb, head);
	skb->data_len = len - head;
	skb->len = len;
	return skb;
}

static bool rx_valid(const struct lib_dev *ld, const struct lib_packet *pkt)
{
	size_t len = 0;
	unsigned int i;

	if (pkt->nr_iov > LIB_MAX_IOV || pkt->len > LIB_MAX_PACKET ||
	    pkt->len < (ld->rawip ? 1 : ETH_HLEN))
		return false;
	for (i = 0; i < pkt->nr_iov; i++)
		len += min_t(size_t, pkt->iov[i].len, LIB_MAX_PACKET + 1);
	return len == pkt->len;
}

/* Metadata refers to the packet as it is on the line. */
static bool rx_parse(struct lib_dev *ld, struct sk_buff *skb, const struct lib_vnet *vnet)
{
	if (vnet->flags & LIB_VNET_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb_reset_mac_header(skb);
	if (ld->rawip) {
		skb->protocol = skb->data[0] >> 4 == 6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
		skb_reset_network_header(skb);
	}
	if (virtio_net_hdr_to_skb(skb, (const struct virtio_net_hdr *)vnet, true))
		return false;
	if (!ld->rawip)
		skb->protocol = eth_type_trans(skb, ld->dev);
	return true;
}

/* Takes the packet, or counts it. */
static bool rx_one(struct lib_dev *ld, const struct lib_packet *pkt)
{
	struct net_device_stats *stats = &ld->dev->stats;
	unsigned int i, off = 0;
	struct sk_buff *skb = NULL;

	if (unlikely(!rx_valid(ld, pkt))) {
		stats->rx_length_errors++;
		stats->rx_errors++;
		return false;
	}
	if (ld->dev->flags & IFF_UP && skb_queue_len(&ld->rxq) < RX_QUEUE_MAX)
		skb = rx_alloc(ld, pkt->len);
	if (unlikely(!skb)) {
		stats->rx_dropped++;
		return false;
	}
	for (i = 0; i < pkt->nr_iov; off += pkt->iov[i++].len)
		skb_store_bits(skb, off, pkt->iov[i].base, pkt->iov[i].len);
	if (unlikely(!rx_parse(ld, skb, &pkt->vnet))) {
		stats->rx_frame_errors++;
		stats->rx_errors++;
		kfree_skb(skb);
		return false;
	}
	if (pkt->tstamp)
		skb_hwtstamps(skb)->hwtstamp = ns_to_ktime(pkt->tstamp);
	stats->rx_packets++;
	stats->rx_bytes += pkt->len;
	__skb_queue_tail(&ld->rxq, skb);
	return true;
}

static void rx(void *delivery)
{
	struct delivery *d = delivery;
	const struct lib_packet *pkts = d->what;
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		d->ret += rx_one(d->ld, &pkts[i]);
	napi_schedule_irqoff(&d->ld->napi);
}

int lib_netdev_rx(u32 id, const struct lib_packet *pkts, unsigned int nr)
{
	return deliver(id, rx, pkts, nr, 0);
}

static int lib_dev_poll(struct napi_struct *napi, int budget)
{
	struct lib_dev *ld = container_of(napi, struct lib_dev, napi);
	bool alone = skb_queue_len(&ld->rxq) == 1 && !(ld->dev->features & NETIF_F_GRO);
	struct sk_buff *skb;
	int work;

	for (work = 0; work < budget && (skb = __skb_dequeue(&ld->rxq)); work++) {
		if (alone)
			netif_receive_skb(skb);
		else
			napi_gro_receive(napi, skb);
	}
	if (work < budget)
		napi_complete_done(napi, work);
	return work;
}

/* --------------------------------------------------------------- the device */

static int lib_dev_open(struct net_device *dev)
{
	struct lib_dev *ld = netdev_priv(dev);

	napi_enable(&ld->napi);
	netif_start_queue(dev);
	return 0;
}

static int lib_dev_stop(struct net_device *dev)
{
	struct lib_dev *ld = netdev_priv(dev);

	netif_stop_queue(dev);
	napi_disable(&ld->napi);
	skb_queue_purge(&ld->rxq);
	return 0;
}

static void unjoin(struct lib_dev *ld)
{
	if (ld->peer)
		ld->peer->peer = NULL;
	ld->peer = NULL;
}

static int lib_dev_init(struct net_device *dev)
{
	struct lib_dev *ld = netdev_priv(dev);

	return xa_alloc(&lib_devs, &ld->id, ld, xa_limit_31b, GFP_KERNEL);
}

static void lib_dev_uninit(struct net_device *dev)
{
	struct lib_dev *ld = netdev_priv(dev);
	u32 i;

	xa_erase(&lib_devs, ld->id);
	unjoin(ld);
	for (i = 0; i < ld->nr_slots; i++)
		if (ld->slots[i].skb)
			kfree_skb(slot_put(ld, i));
}

static int lib_dev_ts_info(struct net_device *dev, struct kernel_ethtool_ts_info *info)
{
	info->so_timestamping = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
				SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_TX_HARDWARE |
				SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE;
	info->phc_index = -1;
	return 0;
}

static const struct net_device_ops lib_dev_ops = {
	.ndo_open		= lib_dev_open,
	.ndo_stop		= lib_dev_stop,
	.ndo_init		= lib_dev_init,
	.ndo_uninit		= lib_dev_uninit,
	.ndo_start_xmit		= lib_dev_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
};

static const struct ethtool_ops lib_ethtool_ops = {
	.get_link	= ethtool_op_get_link,
	.get_ts_info	= lib_dev_ts_info,
};

static void lib_dev_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &lib_dev_ops;
	dev->ethtool_ops = &lib_ethtool_ops;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->max_mtu = ETH_MAX_MTU;
}

/* All have multicast. */
static void set_kind(struct net_device *dev, u32 flags)
{
	if (flags & LIB_NETDEV_RAWIP) {
		dev->header_ops = NULL;
		dev->type = ARPHRD_NONE;
		dev->hard_header_len = 0;
		dev->addr_len = 0;
		dev->flags = IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	}
	if (flags & LIB_NETDEV_NOARP)
		dev->flags |= IFF_NOARP;
	if (flags & LIB_NETDEV_POINTTOPOINT)
		dev->flags = (dev->flags | IFF_POINTOPOINT) & ~IFF_BROADCAST;
	if (flags & LIB_NETDEV_BROADCAST)
		dev->flags |= IFF_BROADCAST;
	if (flags & LIB_NETDEV_NOCARRIER)
		netif_carrier_off(dev);
}

static void set_features(struct net_device *dev, u32 features)
{
	dev->hw_features = NETIF_F_SG | NETIF_F_HIGHDMA;
	if (features & LIB_NETDEV_F_CSUM)
		dev->hw_features |= NETIF_F_HW_CSUM;
	if (features & LIB_NETDEV_F_CSUM && features & LIB_NETDEV_F_TSO)
		dev->hw_features |= NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN;
	if (features & LIB_NETDEV_F_CSUM && features & LIB_NETDEV_F_USO)
		dev->hw_features |= NETIF_F_GSO_UDP_L4;
	dev->features |= dev->hw_features;
	dev->vlan_features = dev->hw_enc_features = dev->features;
}

/* A large packet may be out before the limit of bytes has adapted to the caller. */
static void set_queue_limit(struct net_device *dev)
{
#ifdef CONFIG_BQL
	struct dql *dql = &netdev_get_tx_queue(dev, 0)->dql;

	dql->min_limit = dql->limit = dql->adj_limit = GSO_LEGACY_MAX_SIZE;
#endif
}

static struct net_device *alloc_device(const struct lib_netdev *params)
{
	u32 nr = params->tx_ring ?: TX_RING_DEFAULT;
	struct lib_dev *ld;
	struct net_device *dev;

	dev = alloc_netdev(struct_size(ld, slots, nr), params->name[0] ? params->name : "eth%d",
			   NET_NAME_ENUM, lib_dev_setup);
	if (!dev)
		return NULL;
	ld = netdev_priv(dev);
	ld->dev = dev;
	ld->rawip = params->flags & LIB_NETDEV_RAWIP;
	ld->nr_slots = nr;
	ld->free = ld->slots;
	skb_queue_head_init(&ld->rxq);
	set_kind(dev, params->flags);
	set_features(dev, params->features);
	set_queue_limit(dev);
	if (!is_zero_ether_addr(params->addr))
		eth_hw_addr_set(dev, params->addr);
	else if (dev->addr_len)
		eth_hw_addr_random(dev);
	dev->mtu = params->mtu ?: ETH_DATA_LEN;
	dev_net_set(dev, current->nsproxy->net_ns);
	netif_napi_add(dev, &ld->napi, lib_dev_poll);
	return dev;
}

/*
 * Who takes large segments also gives what came as such: packets that come
 * small stay small, unless GRO is switched on.
 */
static int register_device(struct net_device *dev, u32 features)
{
	int err;

	rtnl_lock();
	err = register_netdevice(dev);
	if (!err && features & LIB_NETDEV_F_TSO) {
		dev->wanted_features &= ~NETIF_F_GRO;
		netdev_update_features(dev);
	}
	dev->needs_free_netdev = !err;
	rtnl_unlock();
	return err;
}

static long do_create(struct lib_call *call)
{
	struct lib_netdev __user *user = (struct lib_netdev __user *)call->args.a[0];
	struct lib_netdev params;
	struct net_device *dev;
	int err;

	if (copy_from_user(&params, user, sizeof(params)))
		return -EFAULT;
	if (params.size < sizeof(params) || params.tx_ring > TX_RING_MAX ||
	    (params.mtu && (params.mtu < ETH_MIN_MTU || params.mtu > ETH_MAX_MTU)) ||
	    (!is_zero_ether_addr(params.addr) && !is_valid_ether_addr(params.addr)))
		return -EINVAL;
	if (strnlen(params.name, IFNAMSIZ) == IFNAMSIZ)
		return -ENAMETOOLONG;
	dev = alloc_device(&params);
	if (!dev)
		return -ENOMEM;
	err = register_device(dev, params.features);
	if (err) {
		free_netdev(dev);
		return err;
	}
	params.id = ((struct lib_dev *)netdev_priv(dev))->id;
	params.ifindex = dev->ifindex;
	strscpy(params.name, dev->name, IFNAMSIZ);
	if (dev->addr_len)
		ether_addr_copy(params.addr, dev->dev_addr);
	if (!copy_to_user(user, &params, sizeof(params)))
		return 0;
	unregister_netdev(dev);
	return -EFAULT;
}

int lib_netdev_create(struct lib_task *task, struct lib_netdev *params)
{
	return lib_call(task, do_create, (long)params);
}

static long do_destroy(struct lib_call *call)
{
	struct lib_dev *ld;

	rtnl_lock();
	ld = xa_load(&lib_devs, call->args.a[0]);
	if (ld)
		unregister_netdevice(ld->dev);
	rtnl_unlock();
	return ld ? 0 : -ENODEV;
}

int lib_netdev_destroy(struct lib_task *task, u32 id)
{
	return lib_call(task, do_destroy, id);
}

static void join(void *delivery)
{
	struct delivery *d = delivery;
	struct lib_dev *peer = xa_load(&lib_devs, d->arg);

	d->ret = !peer && d->arg ? -ENODEV : 0;
	if (!d->ret && peer && (peer == d->ld || peer->rawip || d->ld->rawip))
		d->ret = -EINVAL;
	if (d->ret)
		return;
	unjoin(d->ld);
	if (!peer)
		return;
	unjoin(peer);
	peer->peer = d->ld;
	d->ld->peer = peer;
}

int lib_netdev_join(u32 id, u32 peer)
{
	return deliver(id, join, NULL, 0, peer);
}

static void set_carrier(void *delivery)
{
	struct delivery *d = delivery;

	if (d->arg)
		netif_carrier_on(d->ld->dev);
	else
		netif_carrier_off(d->ld->dev);
}

int lib_netdev_carrier(u32 id, int up)
{
	return deliver(id, set_carrier, NULL, 0, up);
}
