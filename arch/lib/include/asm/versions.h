/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kernels older than the newest call by another name: the one place where
 * their versions matter.
 */
#ifndef _ASM_LIB_VERSIONS_H
#define _ASM_LIB_VERSIONS_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define kernel_ethtool_ts_info	ethtool_ts_info
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#include <linux/virtio_net.h>

#define VIRTIO_NET_HDR_GSO_UDP_L4	5

/* Its metadata cannot tell segments of UDP: another kind stands in for them. */
static inline int lib_hdr_to_skb(struct sk_buff *skb, const struct virtio_net_hdr *hdr,
				 bool little_endian)
{
	struct virtio_net_hdr other = *hdr;
	u16 off = __virtio16_to_cpu(little_endian, hdr->csum_offset);
	u32 size = __virtio16_to_cpu(little_endian, hdr->gso_size), len;
	int err;

	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_UDP_L4)
		return virtio_net_hdr_to_skb(skb, hdr, little_endian);
	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || off != offsetof(struct udphdr, check))
		return -EINVAL;
	other.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	err = virtio_net_hdr_to_skb(skb, &other, little_endian);
	if (err)
		return err;
	len = skb->len - skb_transport_offset(skb) - sizeof(struct udphdr);
	if (len > size * UDP_MAX_SEGMENTS)
		return -EINVAL;
	skb_shinfo(skb)->gso_size = len > size ? size : 0;
	skb_shinfo(skb)->gso_type = len > size ? SKB_GSO_UDP_L4 | SKB_GSO_DODGY : 0;
	return 0;
}

static inline int lib_hdr_from_skb(const struct sk_buff *skb, struct virtio_net_hdr *hdr,
				   bool little_endian, bool has_data_valid, int vlan_hlen)
{
	struct skb_shared_info *info = skb_shinfo(skb);
	unsigned int type = info->gso_type;
	int err;

	if (type & SKB_GSO_UDP_L4)
		info->gso_type = SKB_GSO_TCPV4;
	err = virtio_net_hdr_from_skb(skb, hdr, little_endian, has_data_valid, vlan_hlen);
	info->gso_type = type;
	if (!err && skb_is_gso(skb) && type & SKB_GSO_UDP_L4)
		hdr->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	return err;
}

#define virtio_net_hdr_to_skb	lib_hdr_to_skb
#define virtio_net_hdr_from_skb	lib_hdr_from_skb
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define vm_flags_init(vma, flags)	((vma)->vm_flags = (flags))
/* The idle function returns with interrupts enabled. */
#define lib_idle_irqs()			local_irq_enable()
#else
#define lib_idle_irqs()			do { } while (0)
#endif

#endif /* _ASM_LIB_VERSIONS_H */
