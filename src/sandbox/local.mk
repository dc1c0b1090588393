## sandbox: what a role may ask of the kernel. Each profile is made of a table
## when the programs are built, and linked by its role alone.
noinst_PROGRAMS += src/sandbox/filter_maker
src_sandbox_filter_maker_SOURCES = src/sandbox/filter_maker.c \
	src/sandbox/sandbox.h
src_sandbox_filter_maker_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
src_sandbox_filter_maker_LDADD = $(SECCOMP_LIBS)

SANDBOX_RULES = \
	src/sandbox/attack.rules \
	src/sandbox/config.rules \
	src/sandbox/control.rules \
	src/sandbox/coverage.rules \
	src/sandbox/gateway.rules \
	src/sandbox/loop.rules \
	src/sandbox/pool.rules \
	src/sandbox/programs.rules \
	src/sandbox/sanitizers.rules \
	src/sandbox/store.rules
SANDBOX_PROFILES = \
	src/sandbox/config_profile.c \
	src/sandbox/control_profile.c \
	src/sandbox/gateway_profile.c \
	src/sandbox/pool_profile.c \
	src/sandbox/programs_profile.c \
	src/sandbox/store_profile.c

noinst_LIBRARIES += libsandbox.a
libsandbox_a_SOURCES = src/sandbox/sandbox.c src/sandbox/sandbox.h
nodist_libsandbox_a_SOURCES = $(SANDBOX_PROFILES)
EXTRA_DIST += $(SANDBOX_RULES)
CLEANFILES += $(SANDBOX_PROFILES) $(SANDBOX_PROFILES:=.tmp)

if SANITIZED
SANDBOX_FIRST = sanitizers
endif
if COVERAGE
SANDBOX_FIRST = coverage
endif

$(SANDBOX_PROFILES): $(SANDBOX_RULES) src/sandbox/filter_maker$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) src/sandbox && \
	name=`basename $@ _profile.c` && \
	src/sandbox/filter_maker$(EXEEXT) $$name $(srcdir)/src/sandbox \
		$(SANDBOX_FIRST) > $@.tmp && \
	mv $@.tmp $@
