/*
 * option_type: what the types in common/option_list.h mean: which JSON values
 * and which text they take, and how they are written down again.
 */
#ifndef MERCURY_OPTION_OPTION_TYPE_H
#define MERCURY_OPTION_OPTION_TYPE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"

/* clang-format off */
#define OPTION_TYPES(X) \
	X(ADDRESS) X(AGENT_WEIGHT) X(BALANCE) X(BOOL) X(CHECK) \
	X(CHECK_TEXT) X(CIDRS) X(COMMAND) X(DIRECTORY) X(DURATION) \
	X(ENVIRONMENT) X(EXEC) X(EXEC_STDERR) X(GROUP) X(KEEPALIVE) \
	X(LOG_FORMAT) X(LOG_LEVEL) X(LOG_TARGET) X(LOGIN) X(MODE) \
	X(MODULE) X(MODULE_OPTIONS) X(NAME) X(NAMES) X(OPTIONAL_PATH) \
	X(OPTIONAL_STRING) X(PATH) X(OVERFLOW) X(PLACE) X(PROTOCOL) \
	X(PROXY) X(PROXY_PROTOCOL) X(RESOLVERS) X(RESTART) X(SECONDS) \
	X(SECRET) X(SEND_PROXY) X(SIZE) X(STRATEGY) X(STRING) X(TLS) \
	X(TRANSPORT) X(UINT16) X(UINT32) X(UPSTREAM_TLS) X(UPSTREAMS) \
	X(USER) X(WORKERS)
/* clang-format on */

enum option_type {
#define X(NAME) OPTION_TYPE_##NAME,
	OPTION_TYPES(X)
#undef X
	    OPTION_TYPE_COUNT
};

/* One row of the option table. */
struct option {
	const char *name;
	enum option_type type;
	size_t offset; /* of its member in the struct that it belongs to */
	size_t size;   /* of that member */
	uint64_t min, max;
	const char *fallback; /* the default as text, or NULL */
};

/* Room for a number of JSON as text. */
#define OPTION_TEXT_SIZE 32

/*
 * A JSON value as the text that the config file would have. Returns the text
 * (in value or in buffer, borrowed), or NULL with *err when JSON values of
 * this kind don't fit the type.
 */
const char *option_type_text(const struct option *, const json_t *value,
    char buffer[static OPTION_TEXT_SIZE], struct err *err);

/*
 * Set member, of the option's size, from text. Users and groups are looked
 * up. Returns 0, or -1 with *err, whose text does not name the option.
 */
int option_type_parse(const struct option *, const char *text, void *member,
    struct err *err);

/* The same without looking anything up, and nothing is set. */
int option_type_check(const struct option *, const char *text, struct err *err);

/* The member as JSON. Gives a new reference; NULL when out of memory. */
json_t *option_type_json(const struct option *, const void *member);

/* Is a value a list, of which the config file may have the parts one by one? */
bool option_type_is_list(enum option_type);

/* What a value of this type must be, such as "true or false"; never NULL. */
const char *option_type_wants(enum option_type);

#endif /* MERCURY_OPTION_OPTION_TYPE_H */
