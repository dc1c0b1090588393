#include "option/option_type.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "common/exec_plan.h"
#include "common/gateway_settings.h"
#include "common/log.h"
#include "common/proxy_plan.h"
#include "common/spec.h"
#include "option/account.h"
#include "option/check_text.h"
#include "option/cidrs.h"
#include "option/section_list.h"
#include "option/value.h"

static const char *const log_target_words[LOG_TARGET_COUNT] = {
	[LOG_TARGET_STDERR] = "stderr",
	[LOG_TARGET_SYSLOG] = "syslog",
};

static const char *const log_format_words[LOG_FORMAT_COUNT] = {
	[LOG_FORMAT_TEXT] = "text",
	[LOG_FORMAT_JSON] = "json",
};

static const char *const log_level_words[LOG_LEVEL_COUNT] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* JSON values that a type takes besides strings. */
enum json_also { ALSO_NOTHING, ALSO_INTEGER, ALSO_BOOLEAN };

struct type {
	const char *wants;
	enum json_also also;
	int (*parse)(const struct option *, const char *text, void *member,
	    struct err *err);
	json_t *(*json)(const struct option *, const void *member);
	/* Of a closed set; else NULL. */
	const char *const *words;
	size_t word_count;
};

static const struct type types[OPTION_TYPE_COUNT];

/* --- numbers --- */

static int
parse_uint16(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint16_t value;
	uint64_t n;

	if (value_uint(text, o->min, o->max, &n, err) == -1)
		return -1;
	value = (uint16_t)n;
	memcpy(member, &value, sizeof(value));
	return 0;
}

static json_t *
json_uint16(const struct option *o, const void *member)
{
	uint16_t value;

	(void)o;
	memcpy(&value, member, sizeof(value));
	return json_integer(value);
}

static int
parse_uint32(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint32_t value;
	uint64_t n;

	if (value_uint(text, o->min, o->max, &n, err) == -1)
		return -1;
	value = (uint32_t)n;
	memcpy(member, &value, sizeof(value));
	return 0;
}

static uint32_t
get_uint32(const void *member)
{
	uint32_t value;

	memcpy(&value, member, sizeof(value));
	return value;
}

static json_t *
json_uint32(const struct option *o, const void *member)
{
	(void)o;
	return json_integer(get_uint32(member));
}

static int
parse_workers(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint32_t value;

	if (value_workers(text, o->min, o->max, &value, err) == -1)
		return -1;
	memcpy(member, &value, sizeof(value));
	return 0;
}

static json_t *
json_workers(const struct option *o, const void *member)
{
	(void)o;
	if (get_uint32(member) == SPEC_WORKERS_AUTO)
		return json_string("auto");
	return json_integer(get_uint32(member));
}

static int
parse_duration(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint32_t value;
	uint64_t ms;

	if (value_duration(text, o->min, o->max, &ms, err) == -1)
		return -1;
	value = (uint32_t)ms;
	if (o->size == sizeof(ms))
		memcpy(member, &ms, sizeof(ms));
	else
		memcpy(member, &value, sizeof(value));
	return 0;
}

static json_t *
json_duration(const struct option *o, const void *member)
{
	char text[VALUE_TEXT_SIZE];
	uint64_t ms;

	if (o->size == sizeof(ms))
		memcpy(&ms, member, sizeof(ms));
	else
		ms = get_uint32(member);
	value_format_duration(ms, text);
	return json_string(text);
}

static int
parse_mode(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint32_t value;

	(void)o;
	if (value_mode(text, &value, err) == -1)
		return -1;
	memcpy(member, &value, sizeof(value));
	return 0;
}

static json_t *
json_mode(const struct option *o, const void *member)
{
	char text[VALUE_TEXT_SIZE];

	(void)o;
	(void)snprintf(text, sizeof(text), "%04" PRIo32, get_uint32(member));
	return json_string(text);
}

static int
parse_bool(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint8_t value;
	bool yes;

	(void)o;
	if (value_bool(text, &yes, err) == -1)
		return -1;
	value = yes;
	memcpy(member, &value, sizeof(value));
	return 0;
}

static json_t *
json_bool(const struct option *o, const void *member)
{
	(void)o;
	return json_boolean(*(const uint8_t *)member);
}

static int
parse_keepalive(const struct option *o, const char *text, void *member,
    struct err *err)
{
	struct keepalive value;

	(void)o;
	if (value_keepalive(text, &value, err) == -1)
		return -1;
	memcpy(member, &value, sizeof(value));
	return 0;
}

static json_t *
json_keepalive(const struct option *o, const void *member)
{
	char text[VALUE_TEXT_SIZE];
	struct keepalive value;

	(void)o;
	memcpy(&value, member, sizeof(value));
	value_format_keepalive(&value, text);
	return json_string(text);
}

/* --- words of a closed set --- */

static int
parse_word(const struct option *o, const char *text, void *member,
    struct err *err)
{
	const struct type *t = &types[o->type];
	unsigned int index;
	uint8_t value;

	if (value_word(text, t->words, t->word_count, &index, err) == -1)
		return -1;
	value = (uint8_t)index;
	memcpy(member, &value, sizeof(value));
	return 0;
}

static json_t *
json_word(const struct option *o, const void *member)
{
	const struct type *t = &types[o->type];
	const size_t index = *(const uint8_t *)member;

	return index < t->word_count ? json_string(t->words[index]) : NULL;
}

/* --- strings --- */

/* The bytes after the text are zeroed, so that memory can be compared. */
static int
set_string(const struct option *o, const char *text, void *member)
{
	memset(member, 0, o->size);
	memcpy(member, text, strnlen(text, o->size - 1));
	return 0;
}

static int
parse_address(const struct option *o, const char *text, void *member,
    struct err *err)
{
	if (value_check_address(text, o->size, err) == -1)
		return -1;
	return set_string(o, text, member);
}

static int
parse_path(const struct option *o, const char *text, void *member,
    struct err *err)
{
	const size_t size = o->max == 0 ? o->size : (size_t)o->max + 1;

	if (value_check_path(text, size, err) == -1)
		return -1;
	return set_string(o, text, member);
}

static int
parse_optional_path(const struct option *o, const char *text, void *member,
    struct err *err)
{
	if (text[0] == '\0')
		return set_string(o, text, member);
	return parse_path(o, text, member, err);
}

/* Where to listen: "127.0.0.1:9180" or "[::]:9180"; empty: nowhere. */
static int
parse_place(const struct option *o, const char *text, void *member,
    struct err *err)
{
	struct gateway_place place = { 0 };

	(void)o;
	if (text[0] != '\0' &&
	    value_place(text, place.address, &place.port, err) == -1)
		return -1;
	memcpy(member, &place, sizeof(place));
	return 0;
}

static json_t *
json_place(const struct option *o, const void *member)
{
	struct gateway_place place;
	char text[ADDR_TEXT_SIZE] = "";

	(void)o;
	memcpy(&place, member, sizeof(place));
	if (place.address[0] != '\0')
		addr_join(place.address, place.port, text);
	return json_string(text);
}

static int
parse_name(const struct option *o, const char *text, void *member,
    struct err *err)
{
	if (spec_check_name("name", text, err) == -1)
		return -1;
	return set_string(o, text, member);
}

/* One name of a list; who reads the list keeps them. */
static int
parse_names(const struct option *o, const char *text, void *member,
    struct err *err)
{
	(void)o;
	(void)member;
	return spec_check_name("name", text, err);
}

static json_t *
json_names(const struct option *o, const void *member)
{
	(void)o;
	(void)member;
	return NULL;
}

static int
parse_string(const struct option *o, const char *text, void *member,
    struct err *err)
{
	if (value_check_string(text, o->size, err) == -1)
		return -1;
	return set_string(o, text, member);
}

static int
parse_optional_string(const struct option *o, const char *text, void *member,
    struct err *err)
{
	if (text[0] == '\0')
		return set_string(o, text, member);
	return parse_string(o, text, member, err);
}

/* Empty: none. What is wrong with it is said without it: that is logged. */
static int
parse_secret(const struct option *o, const char *text, void *member,
    struct err *err)
{
	const size_t len = strlen(text);
	struct err ignored;

	/* In a header nobody could tell spaces at its ends. */
	if (len > 0 &&
	    (text[0] == ' ' || text[len - 1] == ' ' ||
		value_check_string(text, o->size, &ignored) == -1))
		return err_set(err, ERR_INVALID,
		    "must have at most %zu bytes, no control characters, and "
		    "no space at either end",
		    o->size - 1);
	return set_string(o, text, member);
}

static json_t *
json_text(const struct option *o, const void *member)
{
	return json_stringn(member, strnlen(member, o->size));
}

/*
 * Networks; bytes that no struct has room for, so they are only checked here:
 * who keeps them reads them with cidrs_parse().
 */
static int
parse_cidrs(const struct option *o, const char *text, void *member,
    struct err *err)
{
	(void)member;
	return cidrs_check(text, (size_t)o->max, err);
}

static json_t *
json_cidrs(const struct option *o, const void *member)
{
	(void)o;
	(void)member;
	return NULL;
}

/* --- what only the section of a protocol has --- */

/* Whole seconds. */
static int
parse_seconds(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint64_t ms;

	if (value_duration(text, o->min, o->max, &ms, err) == -1)
		return -1;
	if (ms % 1000 != 0)
		return err_set(err, ERR_INVALID, "%.40s: must be whole seconds",
		    text);
	ms /= 1000;
	memcpy(member, &ms, sizeof(ms));
	return 0;
}

static json_t *
json_seconds(const struct option *o, const void *member)
{
	char text[VALUE_TEXT_SIZE];
	uint64_t s;

	(void)o;
	memcpy(&s, member, sizeof(s));
	value_format_duration(s * 1000, text);
	return json_string(text);
}

static int
parse_size(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint64_t bytes;

	if (value_size(text, o->min, o->max, &bytes, err) == -1)
		return -1;
	memcpy(member, &bytes, sizeof(bytes));
	return 0;
}

static json_t *
json_size(const struct option *o, const void *member)
{
	char text[VALUE_TEXT_SIZE];
	uint64_t bytes;

	(void)o;
	memcpy(&bytes, member, sizeof(bytes));
	value_format_size(bytes, text);
	return json_string(text);
}

static int
parse_check_text(const struct option *o, const char *text, void *member,
    struct err *err)
{
	(void)o;
	return check_text_parse(text, member, err);
}

static json_t *
json_check_text(const struct option *o, const void *member)
{
	char text[CHECK_TEXT_WRITTEN];

	(void)o;
	check_text_format(member, text);
	return json_string(text);
}

/* The root directory is one, too. */
static int
parse_directory(const struct option *o, const char *text, void *member,
    struct err *err)
{
	if (strcmp(text, "/") != 0)
		return parse_path(o, text, member, err);
	return set_string(o, text, member);
}

/* One entry of a list, which is kept by who reads the list. */
static int
parse_entry(const struct option *o, const char *text, void *member,
    struct err *err)
{
	(void)member;
	return section_list_check(o, text, err);
}

/* --- sections --- */

static int
parse_section(const struct option *o, const char *text, void *member,
    struct err *err)
{
	(void)text;
	(void)member;
	return err_set(err, ERR_INVALID, "must be a section: %s { ... }",
	    o->name);
}

/* --- users and groups --- */

/* Empty text: nobody. */
static int
parse_user(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint32_t id = SPEC_NO_ID;

	(void)o;
	if (text[0] != '\0' && account_user(text, &id, err) == -1)
		return -1;
	memcpy(member, &id, sizeof(id));
	return 0;
}

static int
parse_group(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint32_t id = SPEC_NO_ID;

	(void)o;
	if (text[0] != '\0' && account_group(text, &id, err) == -1)
		return -1;
	memcpy(member, &id, sizeof(id));
	return 0;
}

/* A user that exists, and the group of its login; empty text: nobody. */
static int
parse_login(const struct option *o, const char *text, void *member,
    struct err *err)
{
	uint32_t ids[2] = { SPEC_NO_ID, SPEC_NO_ID };

	(void)o;
	if (text[0] != '\0' && account_login(text, &ids[0], &ids[1], err) == -1)
		return -1;
	if (ids[0] == 0)
		return err_set(err, ERR_INVALID,
		    "\"%s\" is root, and workers may not be: name an "
		    "ordinary user",
		    text);
	memcpy(member, ids, sizeof(ids));
	return 0;
}

static json_t *
json_id(const struct option *o, const void *member)
{
	(void)o;
	if (get_uint32(member) == SPEC_NO_ID)
		return json_string("");
	return json_integer(get_uint32(member));
}

/* --- the table --- */

#define WORDS(LIST) \
	parse_word, json_word, LIST, sizeof(LIST) / sizeof((LIST)[0])

/* clang-format off */
static const struct type types[OPTION_TYPE_COUNT] = {
	[OPTION_TYPE_ADDRESS] = { "a numeric address in a string",
	    ALSO_NOTHING, parse_address, json_text, NULL, 0 },
	[OPTION_TYPE_AGENT_WEIGHT] = { "a word in a string",
	    ALSO_NOTHING, WORDS(agent_weight_words) },
	[OPTION_TYPE_BALANCE] = { "a word in a string",
	    ALSO_NOTHING, WORDS(balance_words) },
	[OPTION_TYPE_BOOL] = { "true or false",
	    ALSO_BOOLEAN, parse_bool, json_bool, NULL, 0 },
	[OPTION_TYPE_CHECK] = { "a word in a string",
	    ALSO_NOTHING, WORDS(check_words) },
	[OPTION_TYPE_CHECK_TEXT] = { "a string",
	    ALSO_NOTHING, parse_check_text, json_check_text, NULL, 0 },
	[OPTION_TYPE_CIDRS] = { "an array of networks in strings",
	    ALSO_NOTHING, parse_cidrs, json_cidrs, NULL, 0 },
	[OPTION_TYPE_COMMAND] = { "an array of strings, the words of a command",
	    ALSO_NOTHING, parse_entry, NULL, NULL, 0 },
	[OPTION_TYPE_DIRECTORY] = { "an absolute path in a string",
	    ALSO_NOTHING, parse_directory, json_text, NULL, 0 },
	[OPTION_TYPE_DURATION] = { "a string with a unit, such as \"15s\"",
	    ALSO_NOTHING, parse_duration, json_duration, NULL, 0 },
	[OPTION_TYPE_ENVIRONMENT] = { "an array of strings, each NAME=value",
	    ALSO_NOTHING, parse_entry, NULL, NULL, 0 },
	[OPTION_TYPE_EXEC] = { "an object: a section with command and so on",
	    ALSO_NOTHING, parse_section, NULL, NULL, 0 },
	[OPTION_TYPE_EXEC_STDERR] = { "a word in a string",
	    ALSO_NOTHING, WORDS(exec_stderr_words) },
	[OPTION_TYPE_GROUP] = { "the name or number of a group",
	    ALSO_INTEGER, parse_group, json_id, NULL, 0 },
	[OPTION_TYPE_KEEPALIVE] = { "a string, such as \"60s/10s/3\" or \"off\"",
	    ALSO_NOTHING, parse_keepalive, json_keepalive, NULL, 0 },
	[OPTION_TYPE_LOG_FORMAT] = { "a word in a string",
	    ALSO_NOTHING, WORDS(log_format_words) },
	[OPTION_TYPE_LOG_LEVEL] = { "a word in a string",
	    ALSO_NOTHING, WORDS(log_level_words) },
	[OPTION_TYPE_LOG_TARGET] = { "a word in a string",
	    ALSO_NOTHING, WORDS(log_target_words) },
	[OPTION_TYPE_LOGIN] = { "the name or number of a user",
	    ALSO_INTEGER, parse_login, json_id, NULL, 0 },
	[OPTION_TYPE_MODE] = { "octal digits in a string, such as \"0660\"",
	    ALSO_NOTHING, parse_mode, json_mode, NULL, 0 },
	[OPTION_TYPE_MODULE] = { "an object: a section with path and so on",
	    ALSO_NOTHING, parse_section, NULL, NULL, 0 },
	[OPTION_TYPE_MODULE_OPTIONS] = { "an object, or an array of strings, each name=value",
	    ALSO_NOTHING, parse_entry, NULL, NULL, 0 },
	[OPTION_TYPE_NAME] = { "a name in a string",
	    ALSO_NOTHING, parse_name, json_text, NULL, 0 },
	[OPTION_TYPE_NAMES] = { "a name in a string",
	    ALSO_NOTHING, parse_names, json_names, NULL, 0 },
	[OPTION_TYPE_OPTIONAL_PATH] = { "an absolute path in a string, or \"\"",
	    ALSO_NOTHING, parse_optional_path, json_text, NULL, 0 },
	[OPTION_TYPE_OPTIONAL_STRING] = { "a string",
	    ALSO_NOTHING, parse_optional_string, json_text, NULL, 0 },
	[OPTION_TYPE_OVERFLOW] = { "a word in a string",
	    ALSO_NOTHING, WORDS(overflow_words) },
	[OPTION_TYPE_PATH] = { "an absolute path in a string",
	    ALSO_NOTHING, parse_path, json_text, NULL, 0 },
	[OPTION_TYPE_PLACE] = { "an address and a port in a string",
	    ALSO_NOTHING, parse_place, json_place, NULL, 0 },
	[OPTION_TYPE_PROTOCOL] = { "a word in a string",
	    ALSO_NOTHING, WORDS(protocol_words) },
	[OPTION_TYPE_PROXY] = { "an object: a section with upstreams and so on",
	    ALSO_NOTHING, parse_section, NULL, NULL, 0 },
	[OPTION_TYPE_PROXY_PROTOCOL] = { "a word in a string",
	    ALSO_NOTHING, WORDS(proxy_protocol_words) },
	[OPTION_TYPE_RESOLVERS] = { "an array of addresses in strings",
	    ALSO_NOTHING, parse_entry, NULL, NULL, 0 },
	[OPTION_TYPE_RESTART] = { "a word in a string",
	    ALSO_NOTHING, WORDS(restart_words) },
	[OPTION_TYPE_SECONDS] = { "a string with a unit, such as \"15s\"",
	    ALSO_NOTHING, parse_seconds, json_seconds, NULL, 0 },
	[OPTION_TYPE_SECRET] = { "a string",
	    ALSO_NOTHING, parse_secret, json_text, NULL, 0 },
	[OPTION_TYPE_SEND_PROXY] = { "a word in a string",
	    ALSO_NOTHING, WORDS(send_proxy_words) },
	[OPTION_TYPE_SIZE] = { "a number of bytes, or a string with a unit, such as \"64m\"",
	    ALSO_INTEGER, parse_size, json_size, NULL, 0 },
	[OPTION_TYPE_STRATEGY] = { "a word in a string",
	    ALSO_NOTHING, WORDS(strategy_words) },
	[OPTION_TYPE_STRING] = { "a string",
	    ALSO_NOTHING, parse_string, json_text, NULL, 0 },
	[OPTION_TYPE_TLS] = { "an object: a section with cert, key and so on",
	    ALSO_NOTHING, parse_section, NULL, NULL, 0 },
	[OPTION_TYPE_TRANSPORT] = { "a word in a string",
	    ALSO_NOTHING, WORDS(transport_words) },
	[OPTION_TYPE_UINT16] = { "a whole number",
	    ALSO_INTEGER, parse_uint16, json_uint16, NULL, 0 },
	[OPTION_TYPE_UINT32] = { "a whole number",
	    ALSO_INTEGER, parse_uint32, json_uint32, NULL, 0 },
	[OPTION_TYPE_UPSTREAM_TLS] = { "an object: a section with ca, cert and so on",
	    ALSO_NOTHING, parse_section, NULL, NULL, 0 },
	[OPTION_TYPE_UPSTREAMS] = { "an array of upstreams in strings",
	    ALSO_NOTHING, parse_entry, NULL, NULL, 0 },
	[OPTION_TYPE_USER] = { "the name or number of a user",
	    ALSO_INTEGER, parse_user, json_id, NULL, 0 },
	[OPTION_TYPE_WORKERS] = { "a whole number or \"auto\"",
	    ALSO_INTEGER, parse_workers, json_workers, NULL, 0 },
};
/* clang-format on */

const char *
option_type_wants(enum option_type type)
{
	return types[type].wants;
}

bool
option_type_is_list(enum option_type type)
{
	return type == OPTION_TYPE_CIDRS || type == OPTION_TYPE_NAMES ||
	    section_list_is(type);
}

/* "an array" and so on, for a message. */
static const char *
kind_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

const char *
option_type_text(const struct option *o, const json_t *value,
    char buffer[static OPTION_TEXT_SIZE], struct err *err)
{
	const struct type *t = &types[o->type];

	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value) && t->also == ALSO_BOOLEAN)
		return json_is_true(value) ? "true" : "false";
	if (json_is_integer(value) && t->also == ALSO_INTEGER) {
		(void)snprintf(buffer, OPTION_TEXT_SIZE,
		    "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return buffer;
	}
	(void)err_set(err, ERR_INVALID, "must be %s, not %s", t->wants,
	    kind_name(value));
	return NULL;
}

int
option_type_parse(const struct option *o, const char *text, void *member,
    struct err *err)
{
	return types[o->type].parse(o, text, member, err);
}

int
option_type_check(const struct option *o, const char *text, struct err *err)
{
	_Alignas(uint64_t) char scratch[GATEWAY_HOSTS_SIZE];

	if (o->type == OPTION_TYPE_USER || o->type == OPTION_TYPE_GROUP ||
	    o->type == OPTION_TYPE_LOGIN)
		return 0;
	if (!section_list_is(o->type) && o->size > sizeof(scratch))
		return err_set(err, ERR_INTERNAL, "no room to check it");
	return types[o->type].parse(o, text, scratch, err);
}

json_t *
option_type_json(const struct option *o, const void *member)
{
	return types[o->type].json(o, member);
}
