## What strangers compile against.
mercuryincludedir = $(includedir)/mercury
mercuryinclude_HEADERS = include/mercury/protocol.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = include/mercury-protocol.pc
