/* SPDX-License-Identifier: GPL-2.0 */
/* error.h - the text behind a negative errno */
#ifndef _LIBOS_ERROR_H
#define _LIBOS_ERROR_H

/* Keeps the text for libos_error() and returns -err. */
int fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif /* _LIBOS_ERROR_H */
