/*
 * section: the section of a protocol (proxy, exec, module) from JSON to the
 * plan that its workers get. Pure: no file is looked at, no name resolved.
 *
 * Every error is one line that starts with the key at fault, as in
 * "proxy.check_interval: "5" is no duration: ...".
 */
#ifndef MERCURY_OPTION_SECTION_H
#define MERCURY_OPTION_SECTION_H

#include <jansson.h>
#include <stdbool.h>

#include "common/bulk.h"
#include "common/err.h"
#include "option/option_table.h"

/* What a section becomes, in the order of their bulk_id. */
enum section_part {
	SECTION_JSON, /* in its one form: only what was given */
	SECTION_PLAN, /* the struct of common/proxy_plan.h and so on */
	SECTION_TLS,  /* of proxy: a tls section for upstreams; or NULL */
	SECTION_PARTS
};

/*
 * The options of a section of type OPTION_TYPE_PROXY, _EXEC or _MODULE; its
 * name is that of the section.
 */
const struct option_table *section_table(enum option_type);

/*
 * Make the parts of such a section, each held by the caller, or NULL. Returns
 * 0, or -1 with *err.
 */
int section_make(const struct option *, const json_t *value,
    struct bulk *parts[static SECTION_PARTS], struct err *err);

/*
 * Check one value of the config file alone, where its line is known; of a
 * list one entry. Returns 0, or -1 with *err, also for an unknown key (with
 * the nearest known one).
 */
int section_check_value(enum option_type, const char *key, const char *value,
    struct err *err);

#endif /* MERCURY_OPTION_SECTION_H */
