## etc: the config file. It is the operator's once it is installed: a later
## install leaves it alone, and uninstall removes it only if it was not changed.
dist_doc_DATA = etc/mercury.conf

configdir = $(sysconfdir)/mercury

install-data-local: install-config
install-config:
	$(MKDIR_P) "$(DESTDIR)$(configdir)"
	test -e "$(DESTDIR)$(configdir)/mercury.conf" || \
	    $(INSTALL_DATA) "$(srcdir)/etc/mercury.conf" \
		"$(DESTDIR)$(configdir)/mercury.conf"

uninstall-local: uninstall-config
uninstall-config:
	if cmp -s "$(srcdir)/etc/mercury.conf" \
	    "$(DESTDIR)$(configdir)/mercury.conf"; then \
		rm -f "$(DESTDIR)$(configdir)/mercury.conf"; \
	fi
	rmdir "$(DESTDIR)$(configdir)" 2>/dev/null || :

.PHONY: install-config uninstall-config
