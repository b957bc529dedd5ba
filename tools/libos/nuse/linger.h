/* SPDX-License-Identifier: GPL-2.0 */
/*
 * linger.h - what programs have sent arrives, even if they end at once, as it does on
 * any machine.
 */
#ifndef _NUSE_LINGER_H
#define _NUSE_LINGER_H

#include <stdbool.h>
#include <libos.h>

/* Makes the loop look now and then while something lingers. Returns 0 or a negative errno. */
int linger_serve(void);

/*
 * Whether packets wait for room, or closed connections for their last bytes to
 * arrive, and get on with it: a network that has been silent for long will not say more.
 */
bool linger(struct libos *l);

#endif /* _NUSE_LINGER_H */
