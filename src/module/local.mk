## module: protocol modules, loaded into a worker.
noinst_LIBRARIES += libmodule.a
libmodule_a_SOURCES = \
	src/module/check_state.c src/module/check_state.h \
	src/module/loader.c src/module/loader.h \
	src/module/module.c src/module/module.h
