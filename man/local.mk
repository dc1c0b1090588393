## man: the manual. mercury.conf(5) has tables that are made from the option
## table of the code.
noinst_PROGRAMS += man/option_table
man_option_table_SOURCES = man/option_table.c

dist_man_MANS += man/mercuryctl.1 man/mercury-control.7 man/mercuryd.8

man_MANS += man/mercury.conf.5
EXTRA_DIST += man/mercury.conf.5.in
CLEANFILES += man/mercury.conf.5 man/mercury.conf.5.in.tmp \
	man/mercury.conf.5.tmp

man/mercury.conf.5: man/mercury.conf.5.in man/option_table$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && \
	$(SED) -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		$(srcdir)/man/mercury.conf.5.in > $@.in.tmp && \
	man/option_table$(EXEEXT) < $@.in.tmp > $@.tmp && \
	rm $@.in.tmp && mv $@.tmp $@
