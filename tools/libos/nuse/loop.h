/* SPDX-License-Identifier: GPL-2.0 */
/* loop.h - what the keeper waits for besides the instance */
#ifndef _NUSE_LOOP_H
#define _NUSE_LOOP_H

/**
 * struct source - a descriptor, and what is done when it is readable
 * @ready:	may remove and free its source, and no other
 */
struct source {
	int fd;
	void (*ready)(struct source *source);
};

/* The descriptor that is readable when one of them is, or a negative errno */
int loop_open(void);

int loop_add(struct source *source);
/* Closes its descriptor, too. */
void loop_remove(struct source *source);

/* Serves all that are ready; does not wait. */
void loop_serve(void);

#endif /* _NUSE_LOOP_H */
