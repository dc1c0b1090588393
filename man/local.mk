## man: the manual. Some pages have tables that are made from the lists of the
## code.
noinst_PROGRAMS += man/option_table
man_option_table_SOURCES = man/option_table.c

dist_man_MANS += man/mercuryctl.1 man/mercury-control.7 man/mercuryd.8

MADE_PAGES = man/mercury.conf.5 man/mercury-gateway.8 man/mercury-store.8
man_MANS += $(MADE_PAGES)
EXTRA_DIST += $(MADE_PAGES:=.in)
CLEANFILES += $(MADE_PAGES) $(MADE_PAGES:=.in.tmp) $(MADE_PAGES:=.tmp)

MAKE_PAGE = $(AM_V_GEN)$(MKDIR_P) man && \
	$(SED) -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		-e 's|@docdir[@]|$(docdir)|g' $(srcdir)/$@.in \
		> $@.in.tmp && \
	man/option_table$(EXEEXT) < $@.in.tmp > $@.tmp && \
	rm $@.in.tmp && mv $@.tmp $@

man/mercury.conf.5: man/mercury.conf.5.in man/option_table$(EXEEXT)
	$(MAKE_PAGE)

man/mercury-store.8: man/mercury-store.8.in man/option_table$(EXEEXT)
	$(MAKE_PAGE)

man/mercury-gateway.8: man/mercury-gateway.8.in man/option_table$(EXEEXT)
	$(MAKE_PAGE)
