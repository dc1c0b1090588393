## Unit tests of src/option.
OPTION_LIBS = liboption.a libcommon.a $(JANSSON_LIBS) $(BSD_LIBS) \
	$(CRITERION_LIBS)

UNIT_TESTS += test_option_cidrs test_option_option test_option_saved \
	test_option_suggest test_option_value

test_option_cidrs_SOURCES = tests/unit/test_option_cidrs.c
test_option_cidrs_CPPFLAGS = $(UNIT_CPPFLAGS)
test_option_cidrs_LDADD = $(OPTION_LIBS)

test_option_option_SOURCES = tests/unit/test_option_option.c
test_option_option_CPPFLAGS = $(UNIT_CPPFLAGS)
test_option_option_LDADD = $(OPTION_LIBS)

test_option_saved_SOURCES = tests/unit/test_option_saved.c
test_option_saved_CPPFLAGS = $(UNIT_CPPFLAGS)
test_option_saved_LDADD = $(OPTION_LIBS)

test_option_suggest_SOURCES = tests/unit/test_option_suggest.c
test_option_suggest_CPPFLAGS = $(UNIT_CPPFLAGS)
test_option_suggest_LDADD = $(OPTION_LIBS)

test_option_value_SOURCES = tests/unit/test_option_value.c
test_option_value_CPPFLAGS = $(UNIT_CPPFLAGS)
test_option_value_LDADD = $(OPTION_LIBS)

UNIT_TESTS += test_option_tls_section
test_option_tls_section_SOURCES = tests/unit/test_option_tls_section.c
test_option_tls_section_CPPFLAGS = $(UNIT_CPPFLAGS)
test_option_tls_section_LDADD = $(OPTION_LIBS)

UNIT_TESTS += test_option_gateway
test_option_gateway_SOURCES = tests/unit/test_option_gateway.c
test_option_gateway_CPPFLAGS = $(UNIT_CPPFLAGS)
test_option_gateway_LDADD = $(OPTION_LIBS)

UNIT_TESTS += test_option_section
test_option_section_SOURCES = tests/unit/test_option_section.c
test_option_section_CPPFLAGS = $(UNIT_CPPFLAGS)
test_option_section_LDADD = $(OPTION_LIBS)

UNIT_TESTS += test_option_upstream
test_option_upstream_SOURCES = tests/unit/test_option_upstream.c
test_option_upstream_CPPFLAGS = $(UNIT_CPPFLAGS)
test_option_upstream_LDADD = $(OPTION_LIBS)
