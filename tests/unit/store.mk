## Unit tests of src/store.
UNIT_TESTS += test_store_epochs
test_store_epochs_SOURCES = tests/unit/test_store_epochs.c
test_store_epochs_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_epochs_LDADD = libstore.a libcommon.a $(CRITERION_LIBS)

STORE_ROWS = tests/unit/store_rows.c tests/unit/store_rows.h $(SCRATCH)
STORE_TEST_LIBS = libstore.a libcommon.a $(EVENT_LIBS) $(SQLITE_LIBS) \
	$(JANSSON_LIBS) $(BSD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_store_query
test_store_query_SOURCES = tests/unit/test_store_query.c $(STORE_ROWS)
test_store_query_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_query_LDADD = $(STORE_TEST_LIBS)

UNIT_TESTS += test_store_prune
test_store_prune_SOURCES = tests/unit/test_store_prune.c $(STORE_ROWS)
test_store_prune_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_prune_LDADD = $(STORE_TEST_LIBS)

UNIT_TESTS += test_store_cleanup
test_store_cleanup_SOURCES = tests/unit/test_store_cleanup.c $(STORE_ROWS)
test_store_cleanup_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_cleanup_LDADD = $(STORE_TEST_LIBS)

UNIT_TESTS += test_store_link
test_store_link_SOURCES = tests/unit/test_store_link.c $(STORE_ROWS)
test_store_link_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_link_LDADD = $(STORE_TEST_LIBS)

UNIT_TESTS += test_store_db
test_store_db_SOURCES = tests/unit/test_store_db.c $(SCRATCH)
test_store_db_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_db_LDADD = $(STORE_TEST_LIBS)

UNIT_TESTS += test_store_event_log
test_store_event_log_SOURCES = tests/unit/test_store_event_log.c
test_store_event_log_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_event_log_LDADD = $(STORE_TEST_LIBS)

UNIT_TESTS += test_store_queue
test_store_queue_SOURCES = tests/unit/test_store_queue.c
test_store_queue_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_queue_LDADD = $(STORE_TEST_LIBS)

UNIT_TESTS += test_store_trouble
test_store_trouble_SOURCES = tests/unit/test_store_trouble.c
test_store_trouble_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_trouble_LDADD = $(STORE_TEST_LIBS)
