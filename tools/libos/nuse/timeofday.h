/* SPDX-License-Identifier: GPL-2.0 */
/* timeofday.h - the instance's time of day is the host's, even when that is set. */
#ifndef _NUSE_TIMEOFDAY_H
#define _NUSE_TIMEOFDAY_H

/* From now on, as the loop is served. Returns 0 or a negative errno. */
int timeofday_serve(void);

#endif /* _NUSE_TIMEOFDAY_H */
