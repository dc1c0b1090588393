## protocol: what a connection does with its bytes.
noinst_LIBRARIES += libprotocol.a
libprotocol_a_SOURCES = \
	src/protocol/discard.c \
	src/protocol/echo.c \
	src/protocol/protocol.h
