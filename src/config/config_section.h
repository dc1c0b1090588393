/*
 * config_section: one section of a config file while it is being parsed: the
 * options that it has, as JSON, and their lines. The sections within a
 * listener become objects in its options.
 */
#ifndef MERCURY_CONFIG_CONFIG_SECTION_H
#define MERCURY_CONFIG_CONFIG_SECTION_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"

/* Room for "tls.sni "NAME": cert". */
#define CONFIG_LABEL_SIZE 320

/* All NULL: nothing has come yet. */
struct config_section {
	json_t *options;        /* those whose value is right */
	json_t *lines;          /* of all options that it has */
	json_t *children;       /* of a group: their names */
	json_t *children_lines; /* and their lines */
	bool wrong;             /* has an error already */
};

/* Where an option stands: its section, or the one within that. Borrowed. */
struct config_place {
	/* "listener", "tls", "sni", "proxy", "exec", "module", "proxy.tls" */
	const char *section;
	const char *title; /* NULL: it has none */
};

/* Its table, an enum option_section; -1: it is in none of them. */
int config_section_table(const struct config_place *);

/* Is it a tls section, or one within that? */
bool config_section_is_tls(const struct config_place *);

/*
 * Check one value by itself. Returns 0, or -1 with *err, also for an unknown
 * key. The place is one with options.
 */
int config_section_check(const struct config_place *, const char *key,
    const char *value, struct err *err);

/* How a message calls an option there. */
void config_section_label(const struct config_place *, const char *key,
    char out[static CONFIG_LABEL_SIZE]);

/*
 * Note the line of an option. Returns 0, or the line where it was before,
 * which stays.
 */
unsigned int config_section_take_line(struct config_section *,
    const char *label, unsigned int line);

/* The line of the option that an error is about; 0: it is not there. */
unsigned int config_section_line_of(const struct config_section *,
    const struct err *);

/*
 * Keep a value that is right; of a list, one more. Returns 0, or -1 if it is
 * no UTF-8.
 */
int config_section_keep(struct config_section *, const struct config_place *,
    const char *key, const char *value);
int config_section_keep_item(struct config_section *,
    const struct config_place *, const char *key, const char *value,
    unsigned int line);

/* The object of the options of a place, made if it is new; NULL: no UTF-8. */
json_t *config_section_options(struct config_section *,
    const struct config_place *);

/* Forget all. */
void config_section_clear(struct config_section *);

#endif /* MERCURY_CONFIG_CONFIG_SECTION_H */
