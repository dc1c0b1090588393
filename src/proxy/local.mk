## proxy: what a connection of protocol proxy does.
noinst_LIBRARIES += libproxy.a
libproxy_a_SOURCES = \
	src/proxy/balance.c src/proxy/balance.h \
	src/proxy/check.c src/proxy/check.h \
	src/proxy/itself.c src/proxy/itself.h \
	src/proxy/resolve.c src/proxy/resolve.h \
	src/proxy/upstream.c src/proxy/upstream.h \
	src/proxy/upstream_queue.c src/proxy/upstream_queue.h \
	src/proxy/pipes.c src/proxy/pipes.h \
	src/proxy/proxied.c src/proxy/proxied.h \
	src/proxy/proxy.c src/proxy/proxy.h \
	src/proxy/proxy_write.c src/proxy/proxy_write.h \
	src/proxy/relay.c src/proxy/relay.h \
	src/proxy/relay_io.c src/proxy/relay_io.h \
	src/proxy/relays.c src/proxy/relays.h \
	src/proxy/upstream_hello.c src/proxy/upstream_hello.h \
	src/proxy/upstreams.c src/proxy/upstreams.h
