## mercury-gateway: health checks, agent-check, metrics, dashboard.
noinst_LIBRARIES += libgateway.a
libgateway_a_SOURCES = \
	src/gateway/access.c src/gateway/access.h \
	src/gateway/agent.c src/gateway/agent.h \
	src/gateway/agent_answer.c src/gateway/agent_answer.h \
	src/gateway/api.c src/gateway/api.h \
	src/gateway/api_events.c src/gateway/api_events.h \
	src/gateway/door.c src/gateway/door.h \
	src/gateway/endings.c src/gateway/endings.h \
	src/gateway/gateway.c src/gateway/gateway.h \
	src/gateway/health_answer.c src/gateway/health_answer.h \
	src/gateway/http.c src/gateway/http.h \
	src/gateway/http_answer.c src/gateway/http_answer.h \
	src/gateway/http_body.c src/gateway/http_body.h \
	src/gateway/http_conn.c src/gateway/http_conn.h \
	src/gateway/http_io.c src/gateway/http_io.h \
	src/gateway/http_request.c src/gateway/http_request.h \
	src/gateway/http_text.c src/gateway/http_text.h \
	src/gateway/questions.c src/gateway/questions.h \
	src/gateway/route.c src/gateway/route.h \
	src/gateway/site.c src/gateway/site.h \
	src/gateway/tcp_check.c src/gateway/tcp_check.h \
	src/gateway/verdict.c src/gateway/verdict.h

role_PROGRAMS += mercury-gateway
mercury_gateway_SOURCES = src/gateway/main.c
mercury_gateway_LDADD = libgateway.a libjson.a liboption.a libtls.a \
	libsandbox.a libcommon.a $(OPENSSL_LIBS) $(EVENT_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)

## Metrics.
libgateway_a_SOURCES += \
	src/gateway/exposition.c src/gateway/exposition.h \
	src/gateway/metric_values.c src/gateway/metric_values.h \
	src/gateway/metrics.c src/gateway/metrics.h \
	src/gateway/process_meter.c src/gateway/process_meter.h \
	src/gateway/scrape.c src/gateway/scrape.h

## The dashboard: a page that is made into C when the program is built.
noinst_PROGRAMS += src/gateway/page_maker
src_gateway_page_maker_SOURCES = src/gateway/page_maker.c
src_gateway_page_maker_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
src_gateway_page_maker_LDADD = $(OPENSSL_LIBS)

libgateway_a_SOURCES += src/gateway/page.h
nodist_libgateway_a_SOURCES = src/gateway/page.c
EXTRA_DIST += src/gateway/dashboard.html
CLEANFILES += src/gateway/page.c src/gateway/page.c.tmp

src/gateway/page.c: src/gateway/dashboard.html src/gateway/page_maker$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) src/gateway && \
	src/gateway/page_maker$(EXEEXT) \
		< $(srcdir)/src/gateway/dashboard.html > $@.tmp && \
	mv $@.tmp $@
