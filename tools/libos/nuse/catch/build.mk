# SPDX-License-Identifier: GPL-2.0
# The catcher of system calls: nuse-catch.a for whoever has a core, nuse-run.a
# for the loader, nuse-bare: a nuse-run without a core.

catch-dir := $(here)nuse/catch/
catch-obj := $(addprefix $(O)/obj/nuse/catch/,gateway.o gateway-code.o filter.o catch.o trap.o \
	sandbox.o call.o signal.o signal-entry.o deliver.o late.o altstack.o birth.o exec.o elf.o self.o thread.o \
	patch.o stub.o text.o user.o user-copy.o string.o)
run-obj	:= $(addprefix $(O)/obj/nuse/catch/,start.o run.o load.o)
bare-obj := $(O)/obj/nuse/catch/bare.o

# No libc, no vector registers, no function that the compiler makes up
CATCH_FLAGS := -ffreestanding -fno-stack-protector -fcf-protection=none -mgeneral-regs-only \
	-fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables -U_FORTIFY_SOURCE
RUN_LDFLAGS := -static-pie -nostdlib -Wl,-z,now -Wl,-z,noexecstack

all: $(O)/nuse-catch.a $(O)/nuse-run.a $(O)/nuse-bare

$(catch-obj) $(run-obj) $(bare-obj): private FLAGS += $(CATCH_FLAGS)

$(O)/obj/nuse/catch/%.o: $(catch-dir)%.S $(O)/obj/flags
	@mkdir -p $(@D)
	$(call say,AS)
	$(Q)$(CC) -MMD -MP -c -o $@ $<

$(O)/nuse-catch.a: $(catch-obj)
$(O)/nuse-run.a: $(run-obj)
$(O)/nuse-catch.a $(O)/nuse-run.a:
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(O)/nuse-bare: $(run-obj) $(bare-obj) $(O)/nuse-catch.a
	$(call say,LD)
	$(Q)$(CC) $(RUN_LDFLAGS) -o $@ $^

clean: catch-clean
catch-clean:
	rm -f $(O)/nuse-catch.a $(O)/nuse-run.a $(O)/nuse-bare
.PHONY: catch-clean

-include $(catch-obj:.o=.d) $(run-obj:.o=.d) $(bare-obj:.o=.d)
