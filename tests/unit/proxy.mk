## Unit tests of src/proxy.
UNIT_TESTS += test_proxy_balance
test_proxy_balance_SOURCES = tests/unit/test_proxy_balance.c
test_proxy_balance_CPPFLAGS = $(UNIT_CPPFLAGS)
test_proxy_balance_LDADD = libproxy.a libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_proxy_upstreams
test_proxy_upstreams_SOURCES = tests/unit/test_proxy_upstreams.c
test_proxy_upstreams_CPPFLAGS = $(UNIT_CPPFLAGS)
test_proxy_upstreams_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=stat \
	-Wl,--wrap=evdns_base_load_hosts
test_proxy_upstreams_LDADD = libproxy.a libpool.a libdns.a libcommon.a \
	$(EVENT_DNS_LIBS) $(EVENT_LIBS) $(BSD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_proxy_pipes
test_proxy_pipes_SOURCES = tests/unit/test_proxy_pipes.c
test_proxy_pipes_CPPFLAGS = $(UNIT_CPPFLAGS)
test_proxy_pipes_LDADD = libproxy.a $(CRITERION_LIBS)

UNIT_TESTS += test_proxy_proxy_write
test_proxy_proxy_write_SOURCES = tests/unit/test_proxy_proxy_write.c
test_proxy_proxy_write_CPPFLAGS = $(UNIT_CPPFLAGS)
test_proxy_proxy_write_LDADD = libproxy.a libpool.a libcommon.a \
	$(CRITERION_LIBS)

UNIT_TESTS += test_proxy_relay
test_proxy_relay_SOURCES = tests/unit/test_proxy_relay.c
test_proxy_relay_CPPFLAGS = $(UNIT_CPPFLAGS)
test_proxy_relay_LDADD = libproxy.a $(EVENT_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_proxy_proxied
test_proxy_proxied_SOURCES = tests/unit/test_proxy_proxied.c
test_proxy_proxied_CPPFLAGS = $(UNIT_CPPFLAGS)
test_proxy_proxied_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=connect
test_proxy_proxied_LDADD = libproxy.a libpool.a libcommon.a $(EVENT_LIBS) \
	$(CRITERION_LIBS)
