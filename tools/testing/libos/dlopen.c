// SPDX-License-Identifier: GPL-2.0
/*
 * dlopen.c - the library needs no loader but the C library's: dlopen() gives
 * one kernel, dlmopen() one for each of glibc's namespaces.
 */
#include "harness.h"
#include <link.h>
#include <sys/utsname.h>
#include "raw.h"

#define NAMESPACES	15	/* glibc has 16, one of them is the program's */

static void answers(struct __test_metadata *_metadata, struct raw *r)
{
	struct utsname uts = { 0 };

	EXPECT_EQ(1, raw_call(r, SYS_getpid));
	EXPECT_EQ(0, raw_call(r, SYS_uname, &uts));
	EXPECT_STREQ("Linux", uts.sysname);
	EXPECT_STREQ(r->kernel.release, uts.release);
}

static void end(struct __test_metadata *_metadata, struct raw *r)
{
	r->ex.exit();
	EXPECT_EQ(LIB_DEAD, *r->kernel.status);
	EXPECT_EQ(0, r->panics);
	raw_free(r);
	EXPECT_EQ(0, dlclose(r->dl));
}

TEST(plain_dlopen)
{
	static struct raw r;

	memset(&r, 0, sizeof(r));
	r.dl = dlopen(liblinux(), RTLD_NOW | RTLD_LOCAL);
	ASSERT_NE(NULL, r.dl);
	r.init = dlsym(r.dl, "lib_init");
	ASSERT_NE(NULL, r.init);
	EXPECT_NE(NULL, dlsym(r.dl, "lib_version"));
	EXPECT_EQ(NULL, dlsym(r.dl, "start_kernel"));
	raw_prepare(&r, RAW_MEMORY);
	ASSERT_EQ(0, raw_init(&r));
	answers(_metadata, &r);
	end(_metadata, &r);
}

/* Lazy or global, the same file: there is nothing to bind and little to see. */
TEST(other_flags_of_dlopen)
{
	static const int flags[] = { RTLD_LAZY, RTLD_NOW | RTLD_GLOBAL };
	static struct raw r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(0, raw_load(&r, LM_ID_BASE));
		EXPECT_EQ(r.dl, dlopen(liblinux(), flags[i]));
		raw_prepare(&r, RAW_MEMORY);
		ASSERT_EQ(0, raw_init(&r));
		answers(_metadata, &r);
		EXPECT_EQ(0, dlclose(r.dl));
		end(_metadata, &r);
	}
}

/* A namespace holds this library alone: it needs no other. */
static int alone(struct raw *r)
{
	struct link_map *map;

	if (dlinfo(r->dl, RTLD_DI_LINKMAP, &map))
		return complain("dlinfo: %s", dlerror());
	for (; map->l_prev; map = map->l_prev)
		;
	for (; map; map = map->l_next)
		if (map->l_ld && !strstr(map->l_name, "liblinux") &&
		    !strstr(map->l_name, "ld-linux"))
			return complain("%s is loaded too", map->l_name);
	return 0;
}

TEST(fifteen_by_dlmopen)
{
	static struct raw r[NAMESPACES];
	const char *why;
	int i, j;

	for (i = 0; i < NAMESPACES; i++) {
		ASSERT_EQ(0, raw_load(&r[i], LM_ID_NEWLM));
		EXPECT_EQ(0, alone(&r[i]));
		raw_prepare(&r[i], RAW_MEMORY);
		ASSERT_EQ(0, raw_init(&r[i]));
		for (j = 0; j < i; j++)
			EXPECT_NE(r[j].kernel.image, r[i].kernel.image);
	}
	EXPECT_EQ(NULL, dlmopen(LM_ID_NEWLM, liblinux(), RTLD_NOW | RTLD_LOCAL));
	why = dlerror();
	ASSERT_NE(NULL, why);
	TH_LOG("the next: %s", why);
	EXPECT_NE(NULL, strstr(why, "namespace"));

	for (i = 0; i < NAMESPACES; i++)
		answers(_metadata, &r[i]);
	/* Backwards, so that those that are left are shown to live on. */
	for (i = NAMESPACES - 1; i >= 0; i--) {
		end(_metadata, &r[i]);
		if (i)
			answers(_metadata, &r[i - 1]);
	}
}

TEST_HARNESS_MAIN
