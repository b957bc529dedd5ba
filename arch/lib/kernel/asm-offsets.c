// SPDX-License-Identifier: GPL-2.0
/* No assembly here looks into a structure; the build wants the file. */
