## Unit tests of src/common; for example:
## UNIT_TESTS += test_common_x
## test_common_x_SOURCES = tests/unit/test_common_x.c
## test_common_x_CPPFLAGS = $(UNIT_CPPFLAGS)
## test_common_x_LDADD = libcommon.a libcommon.a $(CRITERION_LIBS)
