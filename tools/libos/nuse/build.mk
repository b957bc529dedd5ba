# SPDX-License-Identifier: GPL-2.0
# The command nuse, and the keeper that it starts

nuse-obj := $(patsubst %,$(O)/obj/nuse/%.o,nuse keeper processes requests control unix loop \
	inventory shared linger devices wire pipe timeofday) \
	$(patsubst %,$(O)/obj/%.o,lib/netcfg lib/sysctl lib/posix lib/error dev/tap-host dev/packet-host) \
	$(O)/obj/nuse/catch/gateway.o $(O)/obj/nuse/catch/gateway-code.o

all: $(O)/nuse

# Shared libraries would take a millisecond of each start.
$(O)/nuse: $(nuse-obj) $(O)/nuse-config.a $(O)/nuse-share.a
	$(call say,LD)
	$(Q)$(CC) -static -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ -ljson-c

install: nuse-install
nuse-install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/libos \
		$(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(O)/nuse $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(O)/nuse-run $(DESTDIR)$(LIBDIR)/libos
	install -m 644 $(here)../../Documentation/virt/libos/nuse.1 \
		$(DESTDIR)$(PREFIX)/share/man/man1

clean: nuse-clean
nuse-clean:
	rm -f $(O)/nuse
.PHONY: nuse-install nuse-clean

-include $(nuse-obj:.o=.d)
