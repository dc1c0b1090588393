## Unit tests of contrib/modules, as far as it knows of no connection.
CONTRIB_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/contrib/modules

UNIT_TESTS += test_contrib_iso8583
test_contrib_iso8583_SOURCES = tests/unit/test_contrib_iso8583.c \
	contrib/modules/iso8583-echo/iso8583.c \
	contrib/modules/iso8583-echo/iso8583.h
test_contrib_iso8583_CPPFLAGS = $(CONTRIB_CPPFLAGS)
test_contrib_iso8583_LDADD = $(CRITERION_LIBS)

UNIT_TESTS += test_contrib_modbus
test_contrib_modbus_SOURCES = tests/unit/test_contrib_modbus.c \
	contrib/modules/modbus-sim/modbus.c contrib/modules/modbus-sim/modbus.h
test_contrib_modbus_CPPFLAGS = $(CONTRIB_CPPFLAGS)
test_contrib_modbus_LDADD = $(CRITERION_LIBS)
