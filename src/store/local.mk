## mercury-store: the one writer of the database of health events.
noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	src/store/db.c src/store/db.h src/store/env.h \
	src/store/epoch_clock.c src/store/epoch_clock.h \
	src/store/epochs.c src/store/epochs.h \
	src/store/store.c src/store/store.h

role_PROGRAMS += mercury-store
mercury_store_SOURCES = src/store/main.c
mercury_store_LDADD = libstore.a libcommon.a $(EVENT_LIBS) $(SQLITE_LIBS) \
	$(JANSSON_LIBS) $(BSD_LIBS)
