# SPDX-License-Identifier: GPL-2.0
# nuse-run with its core: what starts the programs of nuse

core-obj := $(addprefix $(O)/obj/nuse/core/,call.o self.o fd.o socket.o poll.o epoll.o copy.o \
	path.o tree.o netlink.o ids.o user.o memory.o scm.o hidden.o owner.o wait.o kill.o \
	cgroup.o limits.o)

all: $(O)/nuse-run

# As the catcher, but code that copies may use vector registers of 128 bits.
$(core-obj): private FLAGS += $(filter-out -mgeneral-regs-only,$(CATCH_FLAGS))

$(O)/nuse-run: $(run-obj) $(core-obj) $(free) $(O)/nuse-catch.a
	$(call say,LD)
	$(Q)$(CC) $(RUN_LDFLAGS) -o $@ $^

clean: core-clean
core-clean:
	rm -f $(O)/nuse-run
.PHONY: core-clean

-include $(core-obj:.o=.d)
