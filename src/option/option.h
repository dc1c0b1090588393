/*
 * option: the option table (common/option_list.h) applied to JSON, which is
 * what the config file, the control socket and saved listeners all become.
 * Linked by config and control only: the supervisor parses nothing.
 *
 * Every error is one line that starts with the option at fault, says what is
 * wrong and what would be right: "port: 70000 is out of range: 0 to 65535".
 */
#ifndef MERCURY_OPTION_OPTION_H
#define MERCURY_OPTION_OPTION_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"
#include "common/gateway_settings.h"
#include "common/spec.h"
#include "common/wanted.h"

enum option_section {
	OPTION_LISTENER,
	OPTION_DAEMON,
	OPTION_GROUP,
	OPTION_STORE,
	OPTION_GATEWAY,
	OPTION_PROXY, /* these three: within a listener */
	OPTION_EXEC,
	OPTION_MODULE
};

/*
 * Make a spec from a name and a JSON object of options. A value is a JSON
 * value of the option's type or a string with the same meaning ("9100",
 * "true"), as the config file and key=value have it. What is not given gets
 * its default. user and group names are looked up, so this may block.
 *
 * *out, which is written over, gets the options that were given as its set.
 * Returns 0, or -1 with *err; *out is of no use then, and holds nothing.
 */
int option_listener(const char *name, const json_t *options, struct wanted *out,
    struct err *err);

/*
 * The same for an update: port or path, and protocol, may be missing. What is
 * not given has its default in out->spec and is not in out->set.
 */
int option_listener_update(const char *name, const json_t *options,
    struct wanted *out, struct err *err);

/*
 * The daemon section; what is not given gets its default. As root the user
 * must exist; as an ordinary user uid and gid are SPEC_NO_ID: stay who we are.
 */
int option_daemon(const json_t *options, struct daemon_settings *,
    struct err *err);

/*
 * A group, but for its children and their number, which are no values of
 * options; what is not given gets its default.
 */
int option_group(const char *name, const json_t *options, struct group_spec *,
    struct err *err);

/*
 * The store section; what is not given gets its default, the database one in
 * state_dir. Where that has too long a name for it, this is -1 with *err; the
 * settings are then complete but for the database: there is none.
 */
int option_store(const json_t *options, const char *state_dir,
    struct store_settings *, struct err *err);

/*
 * The gateway section, which is there; what is not given gets its default.
 * *out, which is written over, holds its values. Returns 0, or -1 with *err;
 * *out is of no use then, and holds nothing.
 */
int option_gateway(const json_t *options, struct gateway_wanted *out,
    struct err *err);

/*
 * Check one value of the config file alone, where its line is known. Looks
 * up no user or group. Of a list that is one of its values. Returns 0, or -1
 * with *err, also for an unknown key (with the nearest known one).
 */
int option_check_value(enum option_section, const char *key, const char *value,
    struct err *err);

/* May the option have several values? False for an unknown one, too. */
bool option_is_list(enum option_section, const char *key);

/* The value of one option as text, as far as it fits. */
#define OPTION_VALUE_SIZE 80
void option_listener_text(const struct listener_spec *, enum listener_option,
    char out[static OPTION_VALUE_SIZE]);

/*
 * The options of its set as a JSON object that option_listener() takes. Gives
 * a new reference; NULL when out of memory.
 */
json_t *option_listener_json(const struct wanted *);

#endif /* MERCURY_OPTION_OPTION_H */
