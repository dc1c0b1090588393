## Unit tests of src/config.
CONFIG_TEST_LIBS = libconfig.a liboption.a libtls.a libcommon.a \
	$(OPENSSL_LIBS) $(CONFUSE_LIBS) $(JANSSON_LIBS) $(BSD_LIBS) \
	$(CRITERION_LIBS)

TLS_CERTS = tests/unit/tls_certs.c tests/unit/tls_certs.h
CONFIG_HARNESS = tests/unit/config_harness.c tests/unit/config_harness.h

UNIT_TESTS += test_config_complete test_config_conflict test_config_file \
	test_config_holder test_config_main test_config_scan

test_config_complete_SOURCES = tests/unit/test_config_complete.c \
	$(CONFIG_HARNESS)
test_config_complete_CPPFLAGS = $(UNIT_CPPFLAGS)
test_config_complete_LDADD = $(CONFIG_TEST_LIBS)

test_config_conflict_SOURCES = tests/unit/test_config_conflict.c
test_config_conflict_CPPFLAGS = $(UNIT_CPPFLAGS)
test_config_conflict_LDADD = $(CONFIG_TEST_LIBS)

UNIT_TESTS += test_config_sections
test_config_sections_SOURCES = tests/unit/test_config_sections.c \
	$(CONFIG_HARNESS) $(TLS_CERTS)
test_config_sections_CPPFLAGS = $(UNIT_CPPFLAGS) $(OPENSSL_CFLAGS)
test_config_sections_LDADD = $(CONFIG_TEST_LIBS)

test_config_file_SOURCES = tests/unit/test_config_file.c $(CONFIG_HARNESS) \
	$(TLS_CERTS)
test_config_file_CPPFLAGS = $(UNIT_CPPFLAGS) $(OPENSSL_CFLAGS) \
	-DTOP_SRCDIR='"$(abs_top_srcdir)"'
test_config_file_LDADD = $(CONFIG_TEST_LIBS)

test_config_holder_SOURCES = tests/unit/test_config_holder.c
test_config_holder_CPPFLAGS = $(UNIT_CPPFLAGS)
test_config_holder_LDADD = $(CONFIG_TEST_LIBS)

test_config_scan_SOURCES = tests/unit/test_config_scan.c
test_config_scan_CPPFLAGS = $(UNIT_CPPFLAGS)
test_config_scan_LDADD = $(CONFIG_TEST_LIBS)

test_config_main_SOURCES = tests/unit/test_config_main.c
test_config_main_CPPFLAGS = $(UNIT_CPPFLAGS)
test_config_main_LDADD = libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_config_tls_wants
test_config_tls_wants_SOURCES = tests/unit/test_config_tls_wants.c \
	$(TLS_CERTS) $(SCRATCH)
test_config_tls_wants_CPPFLAGS = $(UNIT_CPPFLAGS) $(OPENSSL_CFLAGS)
test_config_tls_wants_LDADD = $(CONFIG_TEST_LIBS) $(BSD_LIBS)
