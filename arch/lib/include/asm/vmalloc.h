/* SPDX-License-Identifier: GPL-2.0 */
/* Nothing to say: there are no page tables. */
