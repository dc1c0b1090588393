## Unit tests of src/supervisor; for example:
## UNIT_TESTS += test_supervisor_x
## test_supervisor_x_SOURCES = tests/unit/test_supervisor_x.c
## test_supervisor_x_CPPFLAGS = $(UNIT_CPPFLAGS)
## test_supervisor_x_LDADD = libsupervisor.a libcommon.a $(CRITERION_LIBS)
