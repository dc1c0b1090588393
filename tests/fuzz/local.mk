## Fuzz targets: libFuzzer on what reads the bytes of others, for which
## ./configure --enable-fuzzers && make fuzz FUZZ_SECONDS=300 FUZZ_JOBS=4
##
## To add fuzz_NAME: write fuzz_NAME.c beside this (fuzz.h says what it has),
## put at least one small input into seeds/NAME/, and add two lines below.
## Where it finds something, mend that, and keep the input as a seed: seeds
## are run first.
FUZZ_TARGETS =

FUZZ_TARGETS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_LDADD = $(FUZZ_LIBS) libconfig.a liboption.a \
	libtls.a libcommon.a $(OPENSSL_LIBS) $(CONFUSE_LIBS) $(JANSSON_LIBS) \
	$(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_control_request
tests_fuzz_fuzz_control_request_LDADD = $(FUZZ_LIBS) libcontrol.a libjson.a liboption.a \
	libcommon.a $(EVENT_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_event_wire
tests_fuzz_fuzz_event_wire_LDADD = $(FUZZ_LIBS) libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_LDADD = $(FUZZ_LIBS) libgateway.a libjson.a liboption.a \
	libcommon.a $(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_ipc
tests_fuzz_fuzz_ipc_LDADD = $(FUZZ_LIBS) libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_option
tests_fuzz_fuzz_option_LDADD = $(FUZZ_LIBS) liboption.a libcommon.a \
	$(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_proxy_header
tests_fuzz_fuzz_proxy_header_LDADD = $(FUZZ_LIBS) libpool.a libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_snapshot
tests_fuzz_fuzz_snapshot_LDADD = $(FUZZ_LIBS) libcontrol.a libjson.a libcommon.a \
	$(JANSSON_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_tls_material
tests_fuzz_fuzz_tls_material_LDADD = $(FUZZ_LIBS) libtls.a libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_tls_record
tests_fuzz_fuzz_tls_record_LDADD = $(FUZZ_LIBS) libtls.a libcommon.a \
	$(OPENSSL_LIBS)

EXTRA_DIST += tests/fuzz/fuzz.h tests/fuzz/run.sh tests/fuzz/seeds

## Seconds for each, and how many run at a time.
FUZZ_SECONDS = 30
FUZZ_JOBS = 2

if FUZZERS
noinst_PROGRAMS += $(FUZZ_TARGETS)

fuzz-targets: $(FUZZ_TARGETS)

fuzz: fuzz-targets
	$(SHELL) $(srcdir)/tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ_JOBS) \
		$(FUZZ_TARGETS)
else
fuzz fuzz-targets:
	@echo "make fuzz: configure with --enable-fuzzers first" >&2; exit 1
endif
.PHONY: fuzz fuzz-targets

clean-local:
	rm -rf fuzz-work
