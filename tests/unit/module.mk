## Unit tests of src/module.
UNIT_TESTS += test_module_loader
test_module_loader_SOURCES = tests/unit/test_module_loader.c
test_module_loader_CPPFLAGS = $(UNIT_CPPFLAGS)
test_module_loader_LDADD = libmodule.a libcommon.a $(CRITERION_LIBS)
