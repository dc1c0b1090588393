## Unit tests of src/gateway.
GATEWAY_TEST_LIBS = libgateway.a libjson.a liboption.a libtls.a libcommon.a \
	$(OPENSSL_LIBS) $(EVENT_LIBS) $(JANSSON_LIBS) $(BSD_LIBS) \
	$(CRITERION_LIBS)

UNIT_TESTS += test_gateway_access \
	test_gateway_api_events \
	test_gateway_health_answer \
	test_gateway_http_answer \
	test_gateway_http_body \
	test_gateway_http_request \
	test_gateway_route

test_gateway_access_SOURCES = tests/unit/test_gateway_access.c
test_gateway_access_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_access_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_api_events_SOURCES = tests/unit/test_gateway_api_events.c \
	$(JSON_ROWS)
test_gateway_api_events_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_api_events_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_health_answer_SOURCES = tests/unit/test_gateway_health_answer.c
test_gateway_health_answer_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_health_answer_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_http_answer_SOURCES = tests/unit/test_gateway_http_answer.c
test_gateway_http_answer_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_http_answer_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_http_body_SOURCES = tests/unit/test_gateway_http_body.c
test_gateway_http_body_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_http_body_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_http_request_SOURCES = tests/unit/test_gateway_http_request.c
test_gateway_http_request_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_http_request_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_route_SOURCES = tests/unit/test_gateway_route.c
test_gateway_route_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_route_LDADD = $(GATEWAY_TEST_LIBS)

## Metrics.
UNIT_TESTS += test_gateway_exposition \
	test_gateway_metrics \
	test_gateway_process_meter \
	test_gateway_scrape

test_gateway_exposition_SOURCES = tests/unit/test_gateway_exposition.c
test_gateway_exposition_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_exposition_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_metrics_SOURCES = tests/unit/test_gateway_metrics.c
test_gateway_metrics_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_metrics_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_process_meter_SOURCES = tests/unit/test_gateway_process_meter.c
test_gateway_process_meter_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_process_meter_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_scrape_SOURCES = tests/unit/test_gateway_scrape.c
test_gateway_scrape_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_scrape_LDADD = libgateway.a libjson.a libcommon.a $(EVENT_LIBS) \
	$(BSD_LIBS) $(CRITERION_LIBS)

## Health checks.
UNIT_TESTS += test_gateway_agent_answer test_gateway_questions \
	test_gateway_verdict

test_gateway_agent_answer_SOURCES = tests/unit/test_gateway_agent_answer.c
test_gateway_agent_answer_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_agent_answer_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_questions_SOURCES = tests/unit/test_gateway_questions.c
test_gateway_questions_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_questions_LDADD = $(GATEWAY_TEST_LIBS)

test_gateway_verdict_SOURCES = tests/unit/test_gateway_verdict.c
test_gateway_verdict_CPPFLAGS = $(UNIT_CPPFLAGS)
test_gateway_verdict_LDADD = $(GATEWAY_TEST_LIBS)
