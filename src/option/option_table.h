/* option_table: a list of options by name, and what messages say of it. */
#ifndef MERCURY_OPTION_OPTION_TABLE_H
#define MERCURY_OPTION_OPTION_TABLE_H

#include <stddef.h>

#include "common/err.h"
#include "option/option_type.h"

#define OPTION_TABLE_MAX 64

/* The options of a section. */
struct option_table {
	const char *name; /* as a message calls the section */
	const struct option *options;
	size_t count; /* at most OPTION_TABLE_MAX */
};

/* The index of the option called key, or count when there is none. */
size_t option_table_find(const struct option_table *, const char *key);

/* There is no option called key: *err says which was meant. Returns -1. */
int option_table_unknown(const struct option_table *, const char *key,
    struct err *err);

/* Put the name of an option before the error's text. Returns -1. */
int option_blame(const char *option, struct err *err);

#endif /* MERCURY_OPTION_OPTION_TABLE_H */
