## man: the manual. Some pages have tables that are made from the lists of the
## code.
noinst_PROGRAMS += man/option_table
man_option_table_SOURCES = man/option_table.c

dist_man_MANS += man/mercuryctl.1 man/mercury-control.7 man/mercuryd.8

MADE_PAGES = man/mercury.conf.5 man/mercury-gateway.8 man/mercury-store.8 \
	man/mercury-protocol.3
man_MANS += $(MADE_PAGES)
EXTRA_DIST += $(MADE_PAGES:=.in)
CLEANFILES += $(MADE_PAGES) $(MADE_PAGES:=.in.tmp) $(MADE_PAGES:=.tmp)

MAKE_PAGE = $(AM_V_GEN)$(MKDIR_P) man && \
	$(SED) -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		-e 's|@docdir[@]|$(docdir)|g' \
		-e 's|@moduledir[@]|$(moduledir)|g' $(srcdir)/$@.in \
		> $@.in.tmp && \
	man/option_table$(EXEEXT) < $@.in.tmp > $@.tmp && \
	rm $@.in.tmp && mv $@.tmp $@

man/mercury.conf.5: man/mercury.conf.5.in man/option_table$(EXEEXT)
	$(MAKE_PAGE)

man/mercury-protocol.3: man/mercury-protocol.3.in man/option_table$(EXEEXT)
	$(MAKE_PAGE)

man/mercury-store.8: man/mercury-store.8.in man/option_table$(EXEEXT)
	$(MAKE_PAGE)

man/mercury-gateway.8: man/mercury-gateway.8.in man/option_table$(EXEEXT)
	$(MAKE_PAGE)

## The manual as HTML: make html, see html/index.html.
EXTRA_DIST += man/html.sh man/mercury.css
HTML_PAGES = $(dist_man_MANS) $(man_MANS)

html-local: $(HTML_PAGES)
	@test '$(MANDOC)' != no || \
	    { echo 'install the Debian package mandoc' >&2; exit 1; }
	$(AM_V_GEN)pages=; for page in $(HTML_PAGES); do \
		test -f $$page || page=$(srcdir)/$$page; \
		pages="$$pages $$page"; \
	done; \
	$(SHELL) $(srcdir)/man/html.sh '$(MANDOC)' html \
	    $(srcdir)/man/mercury.css $$pages

clean-local: clean-html
clean-html:
	rm -rf html

.PHONY: clean-html
