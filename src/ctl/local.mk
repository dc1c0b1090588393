## mercuryctl: the operator's command.
bin_PROGRAMS += mercuryctl
mercuryctl_SOURCES = src/ctl/main.c
mercuryctl_LDADD = libcommon.a $(JANSSON_LIBS) $(BSD_LIBS)
