## option: the option table applied to JSON; config and control link it.
noinst_LIBRARIES += liboption.a
liboption_a_SOURCES = \
	src/option/account.c src/option/account.h \
	src/option/bulk_type.c src/option/bulk_type.h \
	src/option/check_text.c src/option/check_text.h \
	src/option/cidrs.c src/option/cidrs.h \
	src/option/module_options.c src/option/module_options.h \
	src/option/option.c src/option/option.h \
	src/option/option_table.c src/option/option_table.h \
	src/option/option_type.c src/option/option_type.h \
	src/option/saved.c src/option/saved.h \
	src/option/section.c src/option/section.h \
	src/option/section_list.c src/option/section_list.h \
	src/option/suggest.c src/option/suggest.h \
	src/option/tls_section.c src/option/tls_section.h \
	src/option/upstream.c src/option/upstream.h \
	src/option/value.c src/option/value.h
