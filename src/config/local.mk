## mercury-config: reads and checks the config file, hands over a plan.
noinst_LIBRARIES += libconfig.a
libconfig_a_SOURCES = \
	src/config/config_complete.c src/config/config_complete.h \
	src/config/config_dirs.c src/config/config_dirs.h \
	src/config/config_file.c src/config/config_file.h \
	src/config/config_grammar.c src/config/config_grammar.h \
	src/config/config_load.c src/config/config_load.h \
	src/config/config_scan.c src/config/config_scan.h \
	src/config/config_section.c src/config/config_section.h \
	src/config/conflict.c src/config/conflict.h \
	src/config/gateway_plan.c src/config/gateway_plan.h \
	src/config/groups.c src/config/groups.h \
	src/config/holder.c src/config/holder.h \
	src/config/listener_files.c src/config/listener_files.h \
	src/config/plan.c src/config/plan.h \
	src/config/pool_options.c src/config/pool_options.h \
	src/config/proc.c src/config/proc.h \
	src/config/strays.c src/config/strays.h \
	src/config/tls_files.c src/config/tls_files.h \
	src/config/tls_plan.c src/config/tls_plan.h \
	src/config/tls_wants.c src/config/tls_wants.h
libconfig_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)

role_PROGRAMS += mercury-config
mercury_config_SOURCES = src/config/main.c
mercury_config_LDADD = libconfig.a liboption.a libtls.a libsandbox.a libcommon.a \
	$(OPENSSL_LIBS) $(CONFUSE_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)
