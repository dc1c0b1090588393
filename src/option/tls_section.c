#include "option/tls_section.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "common/proxy_plan.h"
#include "common/tls_words.h"
#include "option/suggest.h"
#include "option/value.h"

#define TEXT_SIZE 2048   /* of a list of ciphers, with its NUL */
#define PROTOCOL_SIZE 64 /* of a name in alpn, with its NUL */
#define PROTOCOLS_MAX 16
#define NAME_SIZE 254  /* of a DNS name, with its NUL */
#define LABEL_SIZE 64  /* of a part of it */
#define WHERE_SIZE 320 /* "tls.sni "NAME": cert" */

enum kind {
	KIND_FLAG,
	KIND_LIST,
	KIND_NAMES, /* a section for each name */
	KIND_PATH,
	KIND_SERVER, /* a DNS name or an address */
	KIND_TEXT,
	KIND_WORD
};

struct key {
	const char *name;
	enum kind kind;
	const char *const *words; /* of KIND_WORD */
	size_t word_count;
};

static const char *const roles[] = {
#define X(NAME, WORD) WORD,
	TLS_ROLES(X)
#undef X
};
static const char *const verifies[] = {
#define X(NAME, WORD) WORD,
	TLS_VERIFIES(X)
#undef X
};
static const char *const versions[] = { "1.2", "1.3" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct key section_keys[] = {
	{ "cert", KIND_PATH, NULL, 0 },
	{ "key", KIND_PATH, NULL, 0 },
	{ "client_ca", KIND_PATH, NULL, 0 },
	{ "crl", KIND_PATH, NULL, 0 },
	{ "verify", KIND_WORD, verifies, COUNT(verifies) },
	{ "min_version", KIND_WORD, versions, COUNT(versions) },
	{ "ciphers", KIND_TEXT, NULL, 0 },
	{ "ciphersuites", KIND_TEXT, NULL, 0 },
	{ "alpn", KIND_LIST, NULL, 0 },
	{ "session_tickets", KIND_FLAG, NULL, 0 },
	{ "role", KIND_WORD, roles, COUNT(roles) },
	{ "sni", KIND_NAMES, NULL, 0 },
};

static const struct key sni_keys[] = {
	{ "cert", KIND_PATH, NULL, 0 },
	{ "key", KIND_PATH, NULL, 0 },
};

/* Of TLS to upstreams, whose certificates the system's authorities sign. */
static const char *const upstream_verifies[] = { "required", "none" };

static const struct key upstream_keys[] = {
	{ "ca", KIND_PATH, NULL, 0 },
	{ "cert", KIND_PATH, NULL, 0 },
	{ "key", KIND_PATH, NULL, 0 },
	{ "crl", KIND_PATH, NULL, 0 },
	{ "verify", KIND_WORD, upstream_verifies, COUNT(upstream_verifies) },
	{ "min_version", KIND_WORD, versions, COUNT(versions) },
	{ "ciphers", KIND_TEXT, NULL, 0 },
	{ "ciphersuites", KIND_TEXT, NULL, 0 },
	{ "alpn", KIND_LIST, NULL, 0 },
	{ "server_name", KIND_SERVER, NULL, 0 },
};

static const struct table {
	const char *name;   /* for a message */
	const char *prefix; /* of a key in one */
	const char *where;  /* as the section of an unknown key */
	const struct key *keys;
	size_t count;
} tables[TLS_SECTION_KINDS] = {
	[TLS_SECTION_LISTENER] = { "the tls section", "tls.", "tls",
	    section_keys, COUNT(section_keys) },
	[TLS_SECTION_SNI] = { "a name of tls.sni", "tls.sni.", "tls", sni_keys,
	    COUNT(sni_keys) },
	[TLS_SECTION_UPSTREAM] = { "the tls section of proxy", "proxy.tls.",
	    "proxy.tls", upstream_keys, COUNT(upstream_keys) },
};

/* Put where it is before the error's text. Returns -1. */
static int
blame(const char *where, struct err *err)
{
	const struct err cause = *err;

	return err_set(err, cause.code, "%s: %s", where, cause.text);
}

static int
unknown_key(const struct table *t, const char *word, struct err *err)
{
	const char *names[COUNT(section_keys)], *near;
	char quoted[VALUE_QUOTE_SIZE], known[256];
	size_t i;

	for (i = 0; i < t->count; i++)
		names[i] = t->keys[i].name;
	value_quote(word, quoted);
	near = suggest(word, names, t->count);
	if (near != NULL)
		return err_set(err, ERR_INVALID,
		    "%s: %s is no option of %s: did you mean \"%s\"?", t->where,
		    quoted, t->name, near);
	value_list(names, t->count, known, sizeof(known));
	return err_set(err, ERR_INVALID,
	    "%s: %s is no option of %s: must be %s", t->where, quoted, t->name,
	    known);
}

static const struct key *
find(const struct table *t, const char *word)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (strcmp(t->keys[i].name, word) == 0)
			return &t->keys[i];
	return NULL;
}

const char *
tls_section_key(enum tls_section_kind kind, size_t index)
{
	const struct table *t = &tables[kind];

	return index < t->count ? t->keys[index].name : NULL;
}

/* --- names --- */

/* Letters, digits and hyphens, not too many. */
static bool
is_label(const char *label, size_t len)
{
	size_t i;

	if (len == 0 || len >= LABEL_SIZE)
		return false;
	for (i = 0; i < len; i++)
		if (!(label[i] >= 'a' && label[i] <= 'z') &&
		    !(label[i] >= 'A' && label[i] <= 'Z') &&
		    !(label[i] >= '0' && label[i] <= '9') &&
		    strchr("-_", label[i]) == NULL)
			return false;
	return true;
}

static bool
are_labels(const char *name)
{
	size_t len;

	for (;; name += len + 1) {
		len = strcspn(name, ".");
		if (!is_label(name, len))
			return false;
		if (name[len] == '\0')
			return true;
	}
}

int
tls_section_check_name(const char *name, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];

	if (strlen(name) < NAME_SIZE &&
	    are_labels(strncmp(name, "*.", 2) == 0 ? name + 2 : name))
		return 0;
	value_quote(name, quoted);
	return err_set(err, ERR_INVALID,
	    "tls.sni: %s is no server name: must be like a.example or "
	    "*.example",
	    quoted);
}

/* What a certificate can be for. */
static int
check_server(const char *name, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];
	union addr a;

	if (addr_parse(name, 0, &a) != 0 ||
	    (strlen(name) < NAME_SIZE && are_labels(name)))
		return 0;
	value_quote(name, quoted);
	return err_set(err, ERR_INVALID,
	    "%s is no server name: must be like a.example or 10.0.0.5", quoted);
}

/* --- one value --- */

/* A name of alpn, and there is room for it. */
static json_t *
make_protocol(const char *text, size_t len, struct err *err)
{
	char protocol[PROTOCOL_SIZE];

	(void)snprintf(protocol, sizeof(protocol), "%.*s", (int)len, text);
	if (len >= sizeof(protocol)) {
		(void)err_set(err, ERR_INVALID,
		    "\"%s...\" is too long: must have at most %d bytes",
		    protocol, PROTOCOL_SIZE - 1);
		return NULL;
	}
	if (value_check_string(protocol, sizeof(protocol), err) == -1)
		return NULL;
	return json_string(protocol);
}

static json_t *
check_list(json_t *list, struct err *err)
{
	const size_t size = json_array_size(list);

	if (list == NULL || (size >= 1 && size <= PROTOCOLS_MAX))
		return list;
	json_decref(list);
	(void)err_set(err, ERR_INVALID, "must be a list of 1 to %d names",
	    PROTOCOLS_MAX);
	return NULL;
}

/* "a,b" as an array. */
static json_t *
split_list(const char *text, struct err *err)
{
	json_t *list = json_array(), *item;
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		item = make_protocol(text, len, err);
		if (item == NULL || json_array_append_new(list, item) == -1) {
			json_decref(list);
			return NULL;
		}
		if (text[len] == '\0')
			return check_list(list, err);
	}
}

/* A value from text; NULL with *err, whose text does not name the key. */
static json_t *
make_from_text(const struct key *k, const char *text, struct err *err)
{
	unsigned int word;
	bool flag;

	switch (k->kind) {
	case KIND_PATH:
		if (value_check_path(text, PATH_MAX, err) == -1)
			return NULL;
		return json_string(text);
	case KIND_SERVER:
		if (check_server(text, err) == -1)
			return NULL;
		return json_string(text);
	case KIND_TEXT:
		if (value_check_string(text, TEXT_SIZE, err) == -1)
			return NULL;
		return json_string(text);
	case KIND_WORD:
		if (value_word(text, k->words, k->word_count, &word, err) == -1)
			return NULL;
		return json_string(k->words[word]);
	case KIND_FLAG:
		if (value_bool(text, &flag, err) == -1)
			return NULL;
		return json_boolean(flag);
	case KIND_LIST:
		return split_list(text, err);
	case KIND_NAMES:
		break;
	}
	(void)err_set(err, ERR_INVALID,
	    "must be a section: sni \"a.example\" { cert = ... key = ... }");
	return NULL;
}

static int
append_protocol(json_t *list, const json_t *item, struct err *err)
{
	json_t *protocol;

	if (!json_is_string(item))
		return err_set(err, ERR_INVALID,
		    "must be a list of names, as strings");
	protocol = make_protocol(json_string_value(item),
	    json_string_length(item), err);
	if (protocol == NULL)
		return -1;
	if (json_array_append_new(list, protocol) == -1)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	return 0;
}

static json_t *
make_list(const json_t *value, struct err *err)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < json_array_size(value); i++)
		if (append_protocol(list, json_array_get(value, i), err) ==
		    -1) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* What a value of this kind must be, for a message. */
static const char *
wants(enum kind kind)
{
	switch (kind) {
	case KIND_FLAG:
		return "true or false";
	case KIND_LIST:
		return "a list of names, as strings";
	case KIND_PATH:
		return "an absolute path in a string";
	default:
		return "a string";
	}
}

static json_t *
make_value(const struct key *k, const json_t *value, struct err *err)
{
	if (k->kind == KIND_FLAG && json_is_boolean(value))
		return json_boolean(json_is_true(value));
	if (k->kind == KIND_LIST && json_is_array(value))
		return check_list(make_list(value, err), err);
	if (json_is_string(value))
		return make_from_text(k, json_string_value(value), err);
	(void)err_set(err, ERR_INVALID, "must be %s", wants(k->kind));
	return NULL;
}

/* Put the value of key in to. where is what a message calls the key. */
static int
put_value(json_t *to, const struct key *k, const json_t *value,
    const char *where, struct err *err)
{
	json_t *made = make_value(k, value, err);

	if (made == NULL)
		return blame(where, err);
	if (json_object_set_new(to, k->name, made) == -1)
		return err_set(err, ERR_UNAVAILABLE, "%s: out of memory",
		    where);
	return 0;
}

/* --- names --- */

/* The name of one level more: "a" within "example" is "example.a" */
static int
extend_name(const char *name, const char *label, char out[static NAME_SIZE],
    struct err *err)
{
	const int n = snprintf(out, NAME_SIZE, "%s%s%s", name,
	    name[0] == '\0' ? "" : ".", label);

	if (n < 0 || (size_t)n >= NAME_SIZE)
		return err_set(err, ERR_INVALID,
		    "tls.sni: \"%.40s...\" is no server name: is too long",
		    label);
	return 0;
}

static void
lower(char *name)
{
	for (; *name != '\0'; name++)
		if (*name >= 'A' && *name <= 'Z')
			*name = (char)(*name - 'A' + 'a');
}

/* A name has all its keys: put it into names. */
static int
put_name(json_t *names, char *name, json_t *identity, struct err *err)
{
	if (tls_section_check_name(name, err) == -1)
		return -1;
	lower(name);
	if (json_object_get(names, name) != NULL)
		return err_set(err, ERR_INVALID,
		    "tls.sni \"%s\": is given twice", name);
	if (json_object_get(identity, "cert") == NULL)
		return err_set(err, ERR_INVALID,
		    "tls.sni \"%s\": cert: is missing: must be the file of a "
		    "certificate",
		    name);
	if (json_object_size(names) == TLS_NAMES_MAX)
		return err_set(err, ERR_INVALID,
		    "tls.sni: must have at most %d names", TLS_NAMES_MAX);
	if (json_object_set(names, name, identity) == -1)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	return 0;
}

static int
put_name_key(json_t *identity, const char *name, const char *word,
    const json_t *value, struct err *err)
{
	const struct key *k = find(&tables[TLS_SECTION_SNI], word);
	char where[WHERE_SIZE];

	if (name[0] == '\0')
		return err_set(err, ERR_INVALID,
		    "tls.sni: must have a section for each name");
	if (k == NULL)
		return unknown_key(&tables[TLS_SECTION_SNI], word, err);
	(void)snprintf(where, sizeof(where), "tls.sni \"%s\": %s", name, word);
	return put_value(identity, k, value, where, err);
}

/*
 * What is an object within the object of a name is a longer name; the rest
 * are its keys.
 */
static int
put_names(json_t *names, char name[static NAME_SIZE], const json_t *object,
    struct err *err)
{
	json_t *identity = json_object(), *value;
	char longer[NAME_SIZE];
	const char *word;
	int result = 0;

	json_object_foreach ((json_t *)(uintptr_t)object, word, value) {
		if (!json_is_object(value))
			result = put_name_key(identity, name, word, value, err);
		else if ((result = extend_name(name, word, longer, err)) == 0)
			result = put_names(names, longer, value, err);
		if (result == -1)
			break;
	}
	if (result == 0 && name[0] != '\0' &&
	    (json_object_size(identity) > 0 || json_object_size(object) == 0))
		result = put_name(names, name, identity, err);
	json_decref(identity);
	return result;
}

static int
put_sni(json_t *to, const json_t *value, struct err *err)
{
	json_t *names = json_object();
	char name[NAME_SIZE] = "";
	int result;

	if (!json_is_object(value))
		result = err_set(err, ERR_INVALID,
		    "tls.sni: must be an object with an object for each name");
	else
		result = put_names(names, name, value, err);
	if (result == 0 && json_object_size(names) > 0 &&
	    json_object_set(to, TLS_SECTION_NAMES, names) == -1)
		result = err_set(err, ERR_UNAVAILABLE, "out of memory");
	json_decref(names);
	return result;
}

/* --- the section --- */

static int
put_key(const struct table *t, json_t *to, const char *word,
    const json_t *value, struct err *err)
{
	const struct key *k = find(t, word);
	char where[WHERE_SIZE];

	if (k == NULL)
		return unknown_key(t, word, err);
	if (k->kind == KIND_NAMES)
		return put_sni(to, value, err);
	(void)snprintf(where, sizeof(where), "%s%s", t->prefix, word);
	return put_value(to, k, value, where, err);
}

static bool
has(const json_t *section, const char *word)
{
	return json_object_get(section, word) != NULL;
}

static bool
has_word(const json_t *section, const char *word, const char *value)
{
	const char *text = json_string_value(json_object_get(section, word));

	return text != NULL && strcmp(text, value) == 0;
}

/* What only one of the roles has. */
static int
check_role(const json_t *s, struct err *err)
{
	if (!has_word(s, "role", "client")) {
		if (has(s, "cert"))
			return 0;
		return err_set(err, ERR_INVALID,
		    "tls.cert: is missing: must be the file of a certificate");
	}
	if (has(s, "sni") || has(s, "session_tickets"))
		return err_set(err, ERR_INVALID,
		    "tls.%s: does not go with role \"client\"",
		    has(s, "sni") ? "sni" : "session_tickets");
	if (has_word(s, "verify", "optional"))
		return err_set(err, ERR_INVALID,
		    "tls.verify: \"optional\" does not go with role "
		    "\"client\": a server always shows a certificate");
	return 0;
}

/* Do the keys fit each other? */
static int
check_whole(const json_t *s, struct err *err)
{
	if (has(s, "key") && !has(s, "cert"))
		return err_set(err, ERR_INVALID,
		    "tls.key: goes with cert only");
	if (has(s, "crl") && !has(s, "client_ca"))
		return err_set(err, ERR_INVALID,
		    "tls.crl: goes with client_ca only");
	if (!has(s, "client_ca") && has(s, "verify") &&
	    !has_word(s, "verify", "none"))
		return err_set(err, ERR_INVALID,
		    "tls.client_ca: is missing: verify needs the certificates "
		    "of those who may sign");
	return check_role(s, err);
}

/* The keys of a section in their one form, or NULL with *err. */
static json_t *
make_keys(enum tls_section_kind kind, const json_t *section, struct err *err)
{
	const struct table *t = &tables[kind];
	json_t *made = json_object(), *value;
	const char *word;
	int result = 0;

	if (!json_is_object(section))
		result = err_set(err, ERR_INVALID,
		    "%s: must be an object: a section with cert, key and so "
		    "on",
		    t->where);
	/* jansson iterates over an object that it takes for writable. */
	json_object_foreach ((json_t *)(uintptr_t)section, word, value) {
		result = put_key(t, made, word, value, err);
		if (result == -1)
			break;
	}
	if (result == 0)
		return made;
	json_decref(made);
	return NULL;
}

json_t *
tls_section_make(const json_t *section, struct err *err)
{
	json_t *made = make_keys(TLS_SECTION_LISTENER, section, err);

	if (made != NULL && check_whole(made, err) == 0)
		return made;
	json_decref(made);
	return NULL;
}

/* --- upstreams --- */

/* The section of role client that s stands for; NULL: out of memory. */
static json_t *
as_client(const json_t *s)
{
	json_t *tls = json_copy((json_t *)(uintptr_t)s);
	const json_t *ca = json_object_get(s, "ca");
	int failed;

	failed = json_object_set_new(tls, "role", json_string("client"));
	if (!has(s, "verify"))
		failed |=
		    json_object_set_new(tls, "verify", json_string("required"));
	if (ca != NULL)
		failed |=
		    json_object_set(tls, "client_ca", (json_t *)(uintptr_t)ca);
	else if (!has_word(s, "verify", "none"))
		failed |= json_object_set_new(tls, "client_ca",
		    json_string(TLS_SECTION_SYSTEM_CA));
	(void)json_object_del(tls, "ca");
	(void)json_object_del(tls, "server_name");
	if (failed == 0)
		return tls;
	json_decref(tls);
	return NULL;
}

static int
check_upstream(const json_t *s, struct err *err)
{
	if (has(s, "key") && !has(s, "cert"))
		return err_set(err, ERR_INVALID,
		    "proxy.tls.key: goes with cert only");
	if (has(s, "crl") && !has(s, "ca"))
		return err_set(err, ERR_INVALID,
		    "proxy.tls.crl: goes with ca only");
	return 0;
}

json_t *
tls_section_make_upstream(const json_t *section, json_t **tls,
    char *server_name, struct err *err)
{
	json_t *made = make_keys(TLS_SECTION_UPSTREAM, section, err);
	const char *name;

	if (made == NULL)
		return NULL;
	name = json_string_value(json_object_get(made, "server_name"));
	*tls = check_upstream(made, err) == -1 ? NULL : as_client(made);
	if (*tls == NULL) {
		json_decref(made);
		return NULL;
	}
	if (name != NULL)
		(void)strlcpy(server_name, name, UPSTREAM_HOST_SIZE);
	return made;
}

int
tls_section_check_value(enum tls_section_kind kind, const char *key,
    const char *value, struct err *err)
{
	const struct table *t = &tables[kind];
	const struct key *k = find(t, key);
	char where[WHERE_SIZE];
	json_t *made;

	if (k == NULL)
		return unknown_key(t, key, err);
	made = make_from_text(k, value, err);
	if (made == NULL) {
		(void)snprintf(where, sizeof(where), "%s%s", t->prefix, key);
		return blame(where, err);
	}
	json_decref(made);
	return 0;
}
