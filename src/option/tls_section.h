/*
 * tls_section: the tls section of a listener as JSON: its keys and their
 * values, but not what is in the files that it names. Pure.
 *
 * Every error is one line that starts with the key at fault, as in
 * "tls.min_version: "1.1" is unknown: must be 1.2 or 1.3", or
 * "tls.sni "a.example": key: ...".
 */
#ifndef MERCURY_OPTION_TLS_SECTION_H
#define MERCURY_OPTION_TLS_SECTION_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"

/* Keys of the section whose value is a list, and a section with a title. */
#define TLS_SECTION_LIST "alpn"
#define TLS_SECTION_NAMES "sni"

/* The certificates that upstreams are verified with by default. */
#define TLS_SECTION_SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"

enum tls_section_kind {
	TLS_SECTION_LISTENER,
	TLS_SECTION_SNI, /* of a name within that */
	TLS_SECTION_UPSTREAM,
	TLS_SECTION_KINDS
};

/*
 * The section in its one form, in which equal sections have equal text: lists
 * as arrays, truth as booleans, names in lower case. A value may also be a
 * string, as the config file and key=value have it, and the names of sni may
 * be nested objects: "tls.sni.a.example.cert=..." has made them. Nothing is
 * filled in. Gives a new reference, or NULL with *err.
 */
json_t *tls_section_make(const json_t *section, struct err *err);

/*
 * The same for TLS to upstreams, section tls within proxy: *tls is that of
 * role client which it stands for, a new reference, with what is not given
 * filled in where upstreams have another default. server_name, of
 * UPSTREAM_HOST_SIZE bytes that are 0, gets that of the section, if any.
 */
json_t *tls_section_make_upstream(const json_t *section, json_t **tls,
    char *server_name, struct err *err);

/*
 * Check one value of the config file alone, where its line is known: of a
 * section itself, or of one within sni. Returns 0, or -1 with *err, also for
 * an unknown key (with the nearest known one).
 */
int tls_section_check_value(enum tls_section_kind, const char *key,
    const char *value, struct err *err);

/* The same for the name of a section within sni. */
int tls_section_check_name(const char *name, struct err *err);

/* The names of the keys, one for each index; NULL: there are no more. */
const char *tls_section_key(enum tls_section_kind, size_t index);

#endif /* MERCURY_OPTION_TLS_SECTION_H */
