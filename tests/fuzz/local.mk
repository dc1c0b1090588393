## Fuzz targets: libFuzzer on what reads the bytes of others. Each has a corpus,
## seeds/NAME, and maybe a dictionary, dict/NAME.
##
##     ./configure --enable-fuzzers
##     make fuzz FUZZ_SECONDS=300 FUZZ_JOBS=4      all of them
##     make fuzz FUZZ_TARGETS=tests/fuzz/fuzz_http one
##     tests/fuzz/fuzz_http FILE                   one input again
##
## In every other build a target has a main() of ours (replay.c), which runs
## its corpus: "make check" does that, so nothing that was found comes back.
##
## To add fuzz_NAME: write fuzz_NAME.c beside this (fuzz.h says what it has),
## put at least one small input into seeds/NAME/, and add two lines below.
## Where it finds something, mend that, and keep the input there.
##
## After long runs, "sh tests/fuzz/merge.sh" takes what they have found into
## the corpora.
FUZZ_TARGETS =

FUZZ_TARGETS += tests/fuzz/fuzz_certificate
tests_fuzz_fuzz_certificate_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_fuzz_fuzz_certificate_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=SSL_get0_peer_certificate \
	-Wl,--wrap=SSL_get_verify_result
tests_fuzz_fuzz_certificate_LDADD = $(FUZZ_MAIN) libexec_programs.a libtls.a \
	libcommon.a $(OPENSSL_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_LDADD = $(FUZZ_MAIN) libconfig.a liboption.a \
	libtls.a libcommon.a $(OPENSSL_LIBS) $(CONFUSE_LIBS) $(JANSSON_LIBS) \
	$(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_control_request
tests_fuzz_fuzz_control_request_LDADD = $(FUZZ_MAIN) libcontrol.a libjson.a \
	liboption.a libcommon.a $(EVENT_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_ctl
tests_fuzz_fuzz_ctl_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=connect \
	-Wl,--wrap=look_at -Wl,--wrap=waiting_begin
tests_fuzz_fuzz_ctl_LDADD = $(FUZZ_MAIN) libctl.a liboption.a libcommon.a \
	$(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_event_wire
tests_fuzz_fuzz_event_wire_LDADD = $(FUZZ_MAIN) libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_LDADD = $(FUZZ_MAIN) libgateway.a libjson.a liboption.a \
	libcommon.a $(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_ipc
tests_fuzz_fuzz_ipc_LDADD = $(FUZZ_MAIN) libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_option
tests_fuzz_fuzz_option_LDADD = $(FUZZ_MAIN) liboption.a libcommon.a \
	$(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_protocol_plan
tests_fuzz_fuzz_protocol_plan_LDADD = $(FUZZ_MAIN) libexec_programs.a \
	libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_proxy_header
tests_fuzz_fuzz_proxy_header_LDADD = $(FUZZ_MAIN) libpool.a libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_proxy_write
tests_fuzz_fuzz_proxy_write_LDADD = $(FUZZ_MAIN) libproxy.a libpool.a \
	libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_saved
tests_fuzz_fuzz_saved_LDADD = $(FUZZ_MAIN) liboption.a libcommon.a \
	$(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_snapshot
tests_fuzz_fuzz_snapshot_LDADD = $(FUZZ_MAIN) libcontrol.a libjson.a \
	libcommon.a $(JANSSON_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_store
tests_fuzz_fuzz_store_LDADD = $(FUZZ_MAIN) libstore.a libjson.a libcommon.a \
	$(EVENT_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)

## The supervisor's own variables lie between the two marks, see state.h.
FUZZ_STATE = libfuzz_begin.a libfuzz_end.a
libfuzz_begin_a_SOURCES = tests/fuzz/state_begin.c
libfuzz_begin_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
libfuzz_end_a_SOURCES = tests/fuzz/state_end.c
libfuzz_end_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests

FUZZ_TARGETS += tests/fuzz/fuzz_supervisor
tests_fuzz_fuzz_supervisor_SOURCES = tests/fuzz/fuzz_supervisor.c \
	tests/fuzz/state.c tests/fuzz/state.h \
	tests/fuzz/world.c tests/fuzz/world.h
tests_fuzz_fuzz_supervisor_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_fuzz_fuzz_supervisor_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=arc4random \
	-Wl,--wrap=log_write -Wl,--wrap=loop_new -Wl,--wrap=pidfd_send_signal \
	-Wl,--wrap=waitid
tests_fuzz_fuzz_supervisor_LDADD = $(FUZZ_MAIN) libfuzz_begin.a \
	libsupervisor.a libfuzz_end.a liboption.a libcommon.a \
	$(EVENT_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_tls_material
tests_fuzz_fuzz_tls_material_LDADD = $(FUZZ_MAIN) libtls.a libcommon.a

FUZZ_TARGETS += tests/fuzz/fuzz_tls_record
tests_fuzz_fuzz_tls_record_LDADD = $(FUZZ_MAIN) libtls.a libcommon.a \
	$(OPENSSL_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_trace
tests_fuzz_fuzz_trace_LDADD = $(FUZZ_MAIN) libcontrol.a libctl.a libjson.a \
	liboption.a libcommon.a $(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_upstream
tests_fuzz_fuzz_upstream_LDADD = $(FUZZ_MAIN) liboption.a libcommon.a \
	$(JANSSON_LIBS) $(BSD_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_workers
tests_fuzz_fuzz_workers_LDADD = $(FUZZ_MAIN) libcontrol.a libjson.a liboption.a \
	libcommon.a $(EVENT_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)

EXTRA_DIST += tests/fuzz/fuzz.h tests/fuzz/run.sh tests/fuzz/merge.sh \
	tests/fuzz/seeds tests/fuzz/dict

## Seconds for each, and how many run at a time.
FUZZ_SECONDS = 30
FUZZ_JOBS = 2

if FUZZERS
FUZZ_MAIN = $(FUZZ_LIBS)
noinst_LIBRARIES += $(FUZZ_STATE)
noinst_PROGRAMS += $(FUZZ_TARGETS)

fuzz-targets: $(FUZZ_TARGETS)

fuzz: fuzz-targets
	$(SHELL) $(srcdir)/tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ_JOBS) \
		$(FUZZ_TARGETS)
else
FUZZ_MAIN = libreplay.a
check_LIBRARIES = libreplay.a $(FUZZ_STATE)
libreplay_a_SOURCES = tests/fuzz/replay.c
check_PROGRAMS += $(FUZZ_TARGETS)
REPLAY_TESTS = $(FUZZ_TARGETS)
TESTS += $(REPLAY_TESTS)

fuzz fuzz-targets:
	@echo "make fuzz: configure with --enable-fuzzers first" >&2; exit 1
endif
.PHONY: fuzz fuzz-targets

clean-local:
	rm -rf fuzz-work
