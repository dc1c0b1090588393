## mercury-gateway: health checks, agent-check, metrics, dashboard.
noinst_LIBRARIES += libgateway.a
libgateway_a_SOURCES = \
	src/gateway/gateway.c src/gateway/gateway.h \
	src/gateway/questions.c src/gateway/questions.h

role_PROGRAMS += mercury-gateway
mercury_gateway_SOURCES = src/gateway/main.c
mercury_gateway_LDADD = libgateway.a libjson.a liboption.a libcommon.a \
	$(EVENT_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)
