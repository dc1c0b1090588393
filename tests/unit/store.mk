## Unit tests of src/store.
UNIT_TESTS += test_store_epochs
test_store_epochs_SOURCES = tests/unit/test_store_epochs.c
test_store_epochs_CPPFLAGS = $(UNIT_CPPFLAGS)
test_store_epochs_LDADD = libstore.a libcommon.a $(CRITERION_LIBS)
