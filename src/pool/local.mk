## mercury-pool: an acceptor-pool worker.
noinst_LIBRARIES += libpool.a
libpool_a_SOURCES = \
	src/pool/accept_error.c src/pool/accept_error.h \
	src/pool/access.c src/pool/access.h \
	src/pool/acceptor.c src/pool/acceptor.h \
	src/pool/conn.c src/pool/conn.h \
	src/pool/conn_ids.h \
	src/pool/conn_peer.c src/pool/conn_peer.h \
	src/pool/conn_record.c src/pool/conn_record.h \
	src/pool/conn_origin.c src/pool/conn_origin.h \
	src/pool/conn_list.c src/pool/conn_list.h \
	src/pool/conn_tls.c src/pool/conn_tls.h \
	src/pool/crc32c.c src/pool/crc32c.h \
	src/pool/dns_module.c src/pool/dns_module.h \
	src/pool/endpoint.c src/pool/endpoint.h \
	src/pool/folds.c src/pool/folds.h \
	src/pool/handshake.c src/pool/handshake.h \
	src/pool/handshake_state.h \
	src/pool/handshakes.c src/pool/handshakes.h \
	src/pool/limits.c src/pool/limits.h \
	src/pool/loaded.c src/pool/loaded.h \
	src/pool/pool.c src/pool/pool.h \
	src/pool/inspect.c src/pool/inspect.h \
	src/pool/host.c \
	src/pool/packed.h \
	src/pool/printable.c src/pool/printable.h \
	src/pool/probe.c src/pool/probe.h \
	src/pool/protocol.c src/pool/protocol.h \
	src/pool/proxy_header.c src/pool/proxy_header.h \
	src/pool/proxy_tlv.c src/pool/proxy_tlv.h \
	src/pool/rules.c src/pool/rules.h \
	src/pool/slab.c src/pool/slab.h \
	src/pool/stream.c src/pool/stream.h \
	src/pool/tls_module.c src/pool/tls_module.h \
	src/pool/timeouts.c src/pool/timeouts.h \
	src/pool/trace.c src/pool/trace.h \
	src/pool/trace_sink.c src/pool/trace_sink.h \
	src/pool/transport.h src/pool/transport_socket.c \
	src/pool/transport_tls.c \
	src/pool/wheel.c src/pool/wheel.h \
	src/pool/worker.h \
	src/protocol/builtin.h \
	src/protocol/discard.c \
	src/protocol/echo.c \
	include/mercury/protocol.h

role_PROGRAMS += mercury-pool
mercury_pool_SOURCES = src/pool/main.c
# Not libbsd: each library more is memory in each of many workers.
mercury_pool_LDADD = libexec_programs.a libmodule.a libproxy.a libpool.a \
	libsandbox.a libcommon.a $(EVENT_LIBS)
# What modules may call, and nothing else of us.
mercury_pool_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--dynamic-list=$(srcdir)/src/pool/exports.list
EXTRA_mercury_pool_DEPENDENCIES = src/pool/exports.list
EXTRA_DIST += src/pool/exports.list
