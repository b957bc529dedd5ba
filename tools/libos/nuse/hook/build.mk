# SPDX-License-Identifier: GPL-2.0
# libnuse.so, the catcher of libc's symbols: needs no library, not even libc.

hook-dir := $(here)nuse/hook/
hook-obj := $(addprefix $(O)/obj/nuse/hook/,hook.o hooks.o)

HOOK_FLAGS := -ffreestanding -fno-stack-protector -fcf-protection=none -mgeneral-regs-only \
	-U_FORTIFY_SOURCE -foptimize-sibling-calls -fno-plt
HOOK_LDFLAGS := -shared -nostdlib -Wl,-soname,libnuse.so -Wl,-z,initfirst -Wl,-z,now \
	-Wl,-z,noexecstack

all: $(O)/libnuse.so

$(hook-obj): private FLAGS += $(HOOK_FLAGS) -I$(hook-dir)
$(O)/obj/nuse/hook/hooks.o: private FLAGS += -Wno-unused-parameter

$(O)/obj/nuse/hook/hooks.c: $(hook-dir)hooks.txt $(hook-dir)generate.py
	@mkdir -p $(@D)
	$(call say,GEN)
	$(Q)python3 $(hook-dir)generate.py $< > $@.new
	$(Q)mv $@.new $@

$(O)/obj/nuse/hook/hooks.o: $(O)/obj/nuse/hook/hooks.c $(O)/obj/flags
	$(call say,CC)
	$(Q)$(CC) $(FLAGS) $(CFLAGS) -c -o $@ $<

$(O)/libnuse.so: $(hook-obj)
	$(call say,LD)
	$(Q)$(CC) $(HOOK_LDFLAGS) -o $@ $^

install: hook-install
hook-install: $(O)/libnuse.so
	install -d $(DESTDIR)$(LIBDIR)/libos
	install -m 755 $(O)/libnuse.so $(DESTDIR)$(LIBDIR)/libos

clean: hook-clean
hook-clean:
	rm -f $(O)/libnuse.so
.PHONY: hook-install hook-clean

-include $(hook-obj:.o=.d)
