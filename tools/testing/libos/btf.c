// SPDX-License-Identifier: GPL-2.0
/*
 * btf.c - types: the kernel's own, which programs are relocated by, and those
 * that a program brings.
 */
#include "harness.h"
#include <linux/bpf.h>
#include <linux/btf.h>
#include <pthread.h>
#include "util.h"

FIXTURE(btf) {
	struct libos *l;
	uint8_t *blob;		/* /sys/kernel/btf/vmlinux */
	ssize_t size;
};

static ssize_t read_all(struct libos *l, const char *path, uint8_t **blob)
{
	const size_t room = 16 << 20;
	int fd = libos_open_file(l, path, O_RDONLY, 0);
	ssize_t len = 0, got = 0;

	*blob = malloc(room);
	while (fd >= 0 && (got = libos_read(l, fd, *blob + len, room - len)) > 0)
		len += got;
	return fd < 0 || got < 0 ? -errno : len;
}

FIXTURE_SETUP(btf)
{
	self->l = boot(NULL);
	ASSERT_NE(NULL, self->l);
	self->size = read_all(self->l, "/sys/kernel/btf/vmlinux", &self->blob);
	if (self->size == -ENOENT)
		SKIP(return, "a kernel without DEBUG_INFO_BTF");
	ASSERT_LT((ssize_t)sizeof(struct btf_header), self->size);
}

FIXTURE_TEARDOWN(btf)
{
	free(self->blob);
}

/* ------------------------------------------------------- a reader of types */

static const char *name_of(const void *blob, uint32_t off)
{
	const struct btf_header *head = blob;

	return (const char *)blob + head->hdr_len + head->str_off + off;
}

static const struct btf_type *next_type(const struct btf_type *t)
{
	const uint32_t nr = BTF_INFO_VLEN(t->info);
	const char *end = (const char *)(t + 1);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_ARRAY:
		return (const void *)(end + sizeof(struct btf_array));
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (const void *)(end + nr * sizeof(struct btf_member));
	case BTF_KIND_ENUM:
		return (const void *)(end + nr * sizeof(struct btf_enum));
	case BTF_KIND_ENUM64:
		return (const void *)(end + nr * sizeof(struct btf_enum64));
	case BTF_KIND_FUNC_PROTO:
		return (const void *)(end + nr * sizeof(struct btf_param));
	case BTF_KIND_DATASEC:
		return (const void *)(end + nr * sizeof(struct btf_var_secinfo));
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return (const void *)(end + sizeof(uint32_t));
	default:
		return (const void *)end;
	}
}

/* The number of a type; 0 if there is none */
static int find(const void *blob, unsigned int kind, const char *name, const struct btf_type **type)
{
	const struct btf_header *head = blob;
	const struct btf_type *t = blob + head->hdr_len + head->type_off;
	const void *end = (const char *)t + head->type_len;
	int id;

	for (id = 1; (const void *)t < end; id++, t = next_type(t)) {
		*type = t;
		if (BTF_INFO_KIND(t->info) == kind && !strcmp(name_of(blob, t->name_off), name))
			return id;
	}
	return 0;
}

/* Where in a structure a member lies, in bytes; negative if nowhere */
static int offset_of(const void *blob, const char *structure, const char *member)
{
	const struct btf_type *type;
	const struct btf_member *m;
	unsigned int i;

	if (!find(blob, BTF_KIND_STRUCT, structure, &type))
		return -1;
	m = (const struct btf_member *)(type + 1);
	for (i = 0; i < BTF_INFO_VLEN(type->info); i++)
		if (!strcmp(name_of(blob, m[i].name_off), member))
			return BTF_MEMBER_BIT_OFFSET(m[i].offset) / 8;
	return -1;
}

/* ------------------------------------------------------------------- calls */

static long bpf(struct libos *l, int cmd, union bpf_attr *attr)
{
	return libos_syscall(l, SYS_bpf, (long)cmd, attr, sizeof(*attr));
}

#define INSN(c, d, s, o, i)	{ .code = c, .dst_reg = d, .src_reg = s, .off = o, .imm = i }
#define INSN_SET(d, i)		INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define INSN_EXIT		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static char verifier[1 << 16];

static long load(struct libos *l, const struct bpf_insn *insns, unsigned int nr)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS, .license = (uintptr_t)"GPL",
		.insns = (uintptr_t)insns, .insn_cnt = nr,
		.log_buf = (uintptr_t)verifier, .log_size = sizeof(verifier), .log_level = 1,
	};

	return bpf(l, BPF_PROG_LOAD, &attr);
}

/* What a program returns for a packet with a mark of 42; negative if it did not run */
static long run(struct libos *l, int prog)
{
	static uint8_t packet[64];
	struct __sk_buff skb = { .mark = 42 };
	union bpf_attr attr = { .test = {
		.prog_fd = prog, .data_in = (uintptr_t)packet, .data_size_in = sizeof(packet),
		.ctx_in = (uintptr_t)&skb, .ctx_size_in = sizeof(skb),
	} };

	return bpf(l, BPF_PROG_TEST_RUN, &attr) ?: (long)attr.test.retval;
}

/* ------------------------------------------------------------------- tests */

TEST_F(btf, of_the_kernel)
{
	const struct btf_header *head = (void *)self->blob;
	const struct btf_type *type;

	EXPECT_EQ(BTF_MAGIC, head->magic);
	EXPECT_EQ(self->size, head->hdr_len + head->str_off + head->str_len);
	EXPECT_LT(0, find(self->blob, BTF_KIND_STRUCT, "sk_buff", &type));
	EXPECT_LT(0, find(self->blob, BTF_KIND_FUNC, "tcp_sendmsg", &type));
	EXPECT_EQ(0, find(self->blob, BTF_KIND_STRUCT, "no such structure", &type));
	EXPECT_EQ(0, offset_of(self->blob, "tcp_sock", "inet_conn"));
}

TEST_F(btf, by_descriptor)
{
	struct bpf_btf_info info = { };
	union bpf_attr attr = { };
	char name[16] = "";
	long fd;

	/* The kernel's types are read by the first program. */
	fd = load(self->l, (struct bpf_insn[]){ INSN_SET(0, 7), INSN_EXIT }, 2);
	ASSERT_LE(0, fd);
	EXPECT_EQ(7, run(self->l, fd));

	ASSERT_EQ(0, bpf(self->l, BPF_BTF_GET_NEXT_ID, &attr));
	attr = (union bpf_attr){ .btf_id = attr.next_id };
	fd = bpf(self->l, BPF_BTF_GET_FD_BY_ID, &attr);
	ASSERT_LE(0, fd);
	info.name = (uintptr_t)name;
	info.name_len = sizeof(name);
	attr = (union bpf_attr){ .info = { .bpf_fd = fd, .info_len = sizeof(info),
					   .info = (uintptr_t)&info } };
	ASSERT_EQ(0, bpf(self->l, BPF_OBJ_GET_INFO_BY_FD, &attr));
	EXPECT_STREQ("vmlinux", name);
	EXPECT_EQ(1, info.kernel_btf);
	EXPECT_EQ(self->size, info.btf_size);
}

/* As a loader does it: the program gets the place of the member from the types. */
TEST_F(btf, program_is_relocated)
{
	struct bpf_insn insns[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, 0, 1, offset_of(self->blob, "__sk_buff", "mark"), 0),
		INSN_EXIT,
	};
	long prog = load(self->l, insns, ARRAY_SIZE(insns));

	ASSERT_LE(0, prog);
	EXPECT_EQ(42, run(self->l, prog));
}

static void *load_many(void *l)
{
	const struct bpf_insn insns[] = { INSN_SET(0, 7), INSN_EXIT };
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS, .license = (uintptr_t)"GPL",
		.insns = (uintptr_t)insns, .insn_cnt = ARRAY_SIZE(insns),
	};
	long prog, i;

	for (i = 0; i < 100; i++) {
		prog = bpf(l, BPF_PROG_LOAD, &attr);
		if (prog < 0)
			return (void *)prog;
		libos_close_fd(l, prog);
	}
	return NULL;
}

/*
 * What reading the types leaves behind is in pages that were in use before, and
 * in pages next to them that were not: who gets those has to find them zero.
 */
TEST_F(btf, read_while_others_load)
{
	pthread_t threads[8];
	unsigned int i;
	void *err;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, load_many, self->l));
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &err));
		EXPECT_EQ(NULL, err);
	}
}

TEST_F(btf, of_the_program)
{
	struct {
		struct btf_header head;
		struct btf_type number;
		uint32_t bits;
		char names[5];
	} __attribute__((packed)) blob = {
		.head = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(blob.head),
			  .type_len = sizeof(blob.number) + 4, .str_off = sizeof(blob.number) + 4,
			  .str_len = sizeof(blob.names) },
		.number = { .name_off = 1, .info = BTF_KIND_INT << 24, .size = 4 },
		.bits = 32, .names = "\0int",
	};
	union bpf_attr attr = { .btf = (uintptr_t)&blob, .btf_size = sizeof(blob) };
	long fd = bpf(self->l, BPF_BTF_LOAD, &attr);

	ASSERT_LE(0, fd);
	attr = (union bpf_attr){ .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
				 .max_entries = 1, .btf_fd = fd, .btf_key_type_id = 1,
				 .btf_value_type_id = 1 };
	EXPECT_LE(0, bpf(self->l, BPF_MAP_CREATE, &attr));
	attr.btf_value_type_id = 2;
	EXPECT_EQ(-EINVAL, bpf(self->l, BPF_MAP_CREATE, &attr));
	blob.number.info = 0xffffffff;
	attr = (union bpf_attr){ .btf = (uintptr_t)&blob, .btf_size = sizeof(blob) };
	EXPECT_EQ(-EINVAL, bpf(self->l, BPF_BTF_LOAD, &attr));
}

/* Functions of the kernel are for compiled programs: refused with the reason. */
TEST_F(btf, functions_are_not_called)
{
	const struct btf_type *type;
	int id = find(self->blob, BTF_KIND_FUNC, "bpf_rcu_read_lock", &type);
	struct bpf_insn insns[] = {
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, id),
		INSN_SET(0, 0), INSN_EXIT,
	};

	EXPECT_GT(0, load(self->l, insns, ARRAY_SIZE(insns)));
	EXPECT_NE(NULL, strstr(verifier, "JIT is required"));
}

TEST_HARNESS_MAIN
