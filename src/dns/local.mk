## dns: the resolver of names. The tests link libdns.a; a worker loads
## mercury-dns.so, which has the same object, with its first upstream that is a
## name, and does without libevent_extra before. Hence -fPIC.
noinst_LIBRARIES += libdns.a
libdns_a_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
libdns_a_SOURCES = src/dns/dns.c src/dns/dns.h

role_PROGRAMS += mercury-dns.so
mercury_dns_so_SOURCES =
mercury_dns_so_LDFLAGS = $(HARDEN_LDFLAGS) -shared -Wl,-u,mercury_dns
mercury_dns_so_LDADD = libdns.a $(EVENT_DNS_LIBS)
