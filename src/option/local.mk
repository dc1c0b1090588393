## option: the option table applied to JSON; config and control link it.
noinst_LIBRARIES += liboption.a
liboption_a_SOURCES = \
	src/option/account.c src/option/account.h \
	src/option/bulk_type.c src/option/bulk_type.h \
	src/option/cidrs.c src/option/cidrs.h \
	src/option/option.c src/option/option.h \
	src/option/option_type.c src/option/option_type.h \
	src/option/saved.c src/option/saved.h \
	src/option/suggest.c src/option/suggest.h \
	src/option/tls_section.c src/option/tls_section.h \
	src/option/value.c src/option/value.h
