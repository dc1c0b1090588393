## tls: TLS over a socket. mercury-config and the tests link libtls.a; a worker
## loads mercury-tls.so, which has the same objects, with its first TLS
## listener, and does without OpenSSL before. Hence -fPIC.
noinst_LIBRARIES += libtls.a
TLS_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
libtls_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
libtls_a_CFLAGS = $(TLS_CFLAGS)
libtls_a_SOURCES = \
	src/tls/tls.c src/tls/tls.h \
	src/tls/tls_aead.c src/tls/tls_aead.h \
	src/tls/tls_bio.c src/tls/tls_bio.h \
	src/tls/tls_by_openssl.c src/tls/tls_by_stream.c src/tls/tls_kind.h \
	src/tls/tls_context.c src/tls/tls_context.h \
	src/tls/tls_error.c src/tls/tls_error.h \
	src/tls/tls_facts.c src/tls/tls_facts.h \
	src/tls/tls_material.c src/tls/tls_material.h \
	src/tls/tls_pem.c src/tls/tls_pem.h \
	src/tls/tls_record.c src/tls/tls_record.h \
	src/tls/tls_session.c src/tls/tls_session.h \
	src/tls/tls_settings.c src/tls/tls_settings.h \
	src/tls/tls_stream.c src/tls/tls_stream.h \
	src/tls/tls_takeover.c src/tls/tls_takeover.h \
	src/tls/tls_ticket.c src/tls/tls_ticket.h

# Not a libtool module: nothing but a worker ever opens it. Of libcommon.a it
# has copies of its own, which have no state.
role_PROGRAMS += mercury-tls.so
mercury_tls_so_CFLAGS = $(TLS_CFLAGS)
mercury_tls_so_SOURCES = src/common/err.c src/common/utf8.c
mercury_tls_so_LDFLAGS = $(HARDEN_LDFLAGS) -shared -Wl,-u,mercury_tls
mercury_tls_so_LDADD = libtls.a $(OPENSSL_LIBS)
