## mercury-store: the one writer of the database of health events.
noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	src/store/ballast.c src/store/ballast.h \
	src/store/cleanup.c src/store/cleanup.h \
	src/store/db.c src/store/db.h \
	src/store/env.h \
	src/store/epoch_clock.c src/store/epoch_clock.h \
	src/store/epoch_store.c src/store/epoch_store.h \
	src/store/epochs.c src/store/epochs.h \
	src/store/event_log.c src/store/event_log.h \
	src/store/link.c src/store/link.h \
	src/store/lock.c src/store/lock.h \
	src/store/prune.c src/store/prune.h \
	src/store/query.c src/store/query.h \
	src/store/query_sql.c src/store/query_sql.h \
	src/store/queue.c src/store/queue.h \
	src/store/recovery.c src/store/recovery.h \
	src/store/schema.c src/store/schema.h \
	src/store/source.c src/store/source.h \
	src/store/store.c src/store/store.h \
	src/store/trouble.c src/store/trouble.h \
	src/store/writer.c src/store/writer.h

role_PROGRAMS += mercury-store
mercury_store_SOURCES = src/store/main.c
mercury_store_LDADD = libstore.a libsandbox.a libcommon.a $(EVENT_LIBS) \
	$(SQLITE_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)
