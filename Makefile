# SPDX-License-Identifier: GPL-2.0
#
# Builds Linux as a library, from this overlay and a kernel tree that it never
# writes to: "make help".
#
# Everything made lies in build/. build/<kernel>/ is a tree of links that joins
# arch/lib with the kernel's directories (scripts/kernel-tree), and obj/ in it
# is kbuild's output directory. As obj/ is below the links, kbuild names every
# source relatively, so that ccache knows the objects again in other clones.

ARCH	?= lib
KERNEL	?= 6.12
PREFIX	?= /usr/local

ifneq ($(ARCH),lib)
$(error ARCH=$(ARCH): this tree builds the library architecture only, ARCH=lib)
endif
ifneq ($(words $(CURDIR)),1)
$(error $(CURDIR): kbuild cannot work in a directory with a space in its name)
endif

ifneq ($(wildcard $(KERNEL)/arch/Kconfig),)
tree	:= $(realpath $(KERNEL))
kernel	:= $(notdir $(tree))-$(firstword $(shell echo $(tree) | cksum))
else ifeq ($(shell expr "$(KERNEL)" : '[0-9]*\.[0-9]*$$'),0)
$(error KERNEL=$(KERNEL): neither a release of Debian's linux-source package, as 6.12, nor a directory with a kernel tree)
else
tree	:= $(CURDIR)/build/linux-source-$(KERNEL)
tarball	:= /usr/src/linux-source-$(KERNEL).tar.xz
package	:= linux-source-$(KERNEL)
kernel	:= $(KERNEL)
endif

farm	:= $(CURDIR)/build/$(kernel)
obj	:= $(farm)/obj
Q	:= $(if $(filter 1,$(V)),,@)

export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
ccache	= $(if $(shell command -v ccache),ccache )

# One build at a time in a directory. The same sources make the same bytes: who
# built where and when is left out.
lock	= flock $(farm).lock
kbuild	= $(lock) $(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) \
	  --no-print-directory -C $(farm) O=obj ARCH=lib LOCALVERSION= \
	  KBUILD_KCONFIG=$(CURDIR)/Kconfig CC="$(ccache)gcc" HOSTCC="$(ccache)gcc" \
	  KBUILD_BUILD_USER=libos KBUILD_BUILD_HOST=library KBUILD_BUILD_VERSION=1 \
	  KBUILD_BUILD_TIMESTAMP="$$(LC_ALL=C date -u -r $(or $(tarball),$(tree)/Makefile))"
release	= $$(cat $(obj)/include/config/kernel.release)
so	= liblinux-$(release).so

.PHONY: all help prepare defconfig menuconfig savedefconfig library tools verify-kernel
.PHONY: install demo test bench clean distclean

all: library tools

# ---------------------------------------------------------------- kernel tree

prepare:
	$(Q)scripts/packages build $(package)
	$(Q)mkdir -p build
	$(Q)$(lock) scripts/kernel-tree prepare $(tree) $(farm) $(addprefix --tarball=,$(tarball))

verify-kernel: prepare
	$(Q)scripts/kernel-tree verify $(tree) $(farm) $(addprefix --tarball=,$(tarball))

# -------------------------------------------------------------- configuration

# What is newer is taken up by itself; menuconfig's choices outlive a new defconfig.
own	:= $(obj)/.config.own
pages	:= $(CURDIR)/defconfig Kconfig arch/lib/Kconfig arch/lib/Kconfig.debug $(tree)/Makefile

$(tree)/Makefile: | prepare ;

$(obj)/.defconfig: $(pages) | prepare
	$(Q)mkdir -p $(obj)
	+$(Q)$(kbuild) $$([ -e $(own) ] && echo olddefconfig || echo defconfig)
	$(Q)touch $@

defconfig: prepare
	$(Q)mkdir -p $(obj)
	$(Q)rm -f $(own)
	+$(Q)$(kbuild) defconfig
	$(Q)touch $(obj)/.defconfig

menuconfig: $(obj)/.defconfig
	$(Q)scripts/packages libncurses-dev
	+$(Q)$(kbuild) menuconfig
	$(Q)touch $(own)

savedefconfig: $(obj)/.defconfig
	+$(Q)$(kbuild) savedefconfig
	$(Q)scripts/merge-defconfig $(obj)/defconfig defconfig
	$(Q)touch $(obj)/.defconfig

# ---------------------------------------------------------------------- build

# kbuild decides what is out of date; the library is its vmlinux less debug data.
library: $(obj)/.defconfig
	$(Q)[ -e $(obj)/vmlinux ] || echo "  KERNEL  $(KERNEL): about 6 minutes on 2 processors, seconds from then on"
	+$(Q)$(kbuild) vmlinux
	$(Q)[ $(obj)/liblinux.so -nt $(obj)/vmlinux ] || { \
		objcopy --strip-debug $(obj)/vmlinux $(obj)/liblinux.tmp && \
		mv $(obj)/liblinux.tmp $(obj)/liblinux.so; } || { rm -f $(obj)/vmlinux; \
		echo "the kernel was not linked to its end and is removed: run make again"; exit 1; }
	$(Q)cmp -s $(obj)/liblinux.so $(so) || { echo "  LIBRARY $(so)" && \
		cp $(obj)/liblinux.so $(obj)/$(so) && mv $(obj)/$(so) $(so); }
	$(Q)ln -sfn $(so) liblinux.so

tools: prepare
	$(Q)$(MAKE) --no-print-directory -C tools/libos all

# ------------------------------------------------------------------------ use

demo: library tools
	$(Q)scripts/packages test
	$(Q)tools/libos/demo/demo.py

test: library tools
	$(Q)scripts/packages test
	$(Q)tools/testing/libos/run.py

bench: library tools
	$(Q)scripts/packages test bench
	$(Q)tools/libos/bench/bench.py

install: library tools
	$(Q)echo "  INSTALL $(DESTDIR)$(PREFIX)"
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	$(Q)install -m 644 $(so) $(DESTDIR)$(PREFIX)/lib
	$(Q)ln -sfn $(so) $(DESTDIR)$(PREFIX)/lib/liblinux.so
	$(Q)install -m 644 arch/lib/include/uapi/asm/liblinux.h $(DESTDIR)$(PREFIX)/include
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' \
		'Name: liblinux' 'Description: Linux as a library' "Version: $(release)" \
		'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -llinux' \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/liblinux.pc
	$(Q)$(MAKE) --no-print-directory -C tools/libos install

clean:
	+$(Q)if [ -e $(obj)/Makefile ]; then $(kbuild) clean; fi
	$(Q)if [ -e tools/libos/Makefile ]; then $(MAKE) --no-print-directory -C tools/libos clean; fi
	$(Q)rm -rf liblinux*.so build/tests build/bench build/demo

distclean: clean
	$(Q)rm -rf build

help:
	@printf '%s\n' \
	"Linux as a library. Everything that is made lies in build/, but for liblinux.so." "" \
	"Start here" \
	"  demo            set up, build and show what it does" \
	"  test            set up, build and run all tests" \
	"  bench           set up, build, measure; a table and bench.json" "" \
	"Build" \
	"  library         liblinux-<version>.so and its link liblinux.so" \
	"  tools           the host library and the commands, tools/libos" \
	"  install         to DESTDIR and PREFIX (/usr/local): library, header, liblinux.pc, commands" \
	"  verify-kernel   count the kernel's files that differ from what was published: 0" \
	"  clean           remove what was compiled; distclean: all that was made" "" \
	"Configure" \
	"  defconfig       take the configuration from ./defconfig (the first build does it by itself)" \
	"  menuconfig      change it" \
	"  savedefconfig   write what was changed back to ./defconfig" "" \
	"Choices" \
	"  KERNEL=6.12     release of Debian's linux-source package, or the path of a kernel tree," \
	"                  which is never written to; each has its own build/<kernel>" \
	"  ARCH=lib        the only one" \
	"  -j4             processes at once; all processors if not given" \
	"  V=1             show the commands" "" \
	"Missing Debian packages are installed by root; anybody else gets a line to paste."
