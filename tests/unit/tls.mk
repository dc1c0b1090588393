## Unit tests of src/tls.
TLS_HARNESS = $(TLS_CERTS) tests/unit/tls_peer.c tests/unit/tls_peer.h
TLS_TEST_CPPFLAGS = $(UNIT_CPPFLAGS) $(OPENSSL_CFLAGS)
TLS_TEST_LIBS = libtls.a libcommon.a $(OPENSSL_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_tls_handshake test_tls_material test_tls_record \
	test_tls_session test_tls_stream test_tls_takeover test_tls_ticket

test_tls_handshake_SOURCES = tests/unit/test_tls_handshake.c $(TLS_HARNESS)
test_tls_handshake_CPPFLAGS = $(TLS_TEST_CPPFLAGS)
test_tls_handshake_LDADD = $(TLS_TEST_LIBS)

test_tls_material_SOURCES = tests/unit/test_tls_material.c
test_tls_material_CPPFLAGS = $(UNIT_CPPFLAGS)
test_tls_material_LDADD = $(TLS_TEST_LIBS)

test_tls_session_SOURCES = tests/unit/test_tls_session.c $(TLS_HARNESS)
test_tls_session_CPPFLAGS = $(TLS_TEST_CPPFLAGS)
test_tls_session_LDADD = $(TLS_TEST_LIBS)

test_tls_ticket_SOURCES = tests/unit/test_tls_ticket.c $(TLS_HARNESS)
test_tls_ticket_CPPFLAGS = $(TLS_TEST_CPPFLAGS)
test_tls_ticket_LDADD = $(TLS_TEST_LIBS)

test_tls_record_SOURCES = tests/unit/test_tls_record.c
test_tls_record_CPPFLAGS = $(TLS_TEST_CPPFLAGS)
test_tls_record_LDADD = $(TLS_TEST_LIBS)

test_tls_stream_SOURCES = tests/unit/test_tls_stream.c
test_tls_stream_CPPFLAGS = $(TLS_TEST_CPPFLAGS)
test_tls_stream_LDADD = $(TLS_TEST_LIBS)

test_tls_takeover_SOURCES = tests/unit/test_tls_takeover.c $(TLS_HARNESS)
test_tls_takeover_CPPFLAGS = $(TLS_TEST_CPPFLAGS)
test_tls_takeover_LDADD = $(TLS_TEST_LIBS)
