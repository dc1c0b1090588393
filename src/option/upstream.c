#include "option/upstream.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "common/spec.h"
#include "option/suggest.h"
#include "option/value.h"

#define BLANKS " \t"
#define UNIX_PREFIX "unix:"
#define FORM                                                            \
	"must be like 10.0.0.5:8583, pos.example:8583, [fd00::5]:8583 " \
	"or unix:/run/app.sock"
#define LABEL_MAX 63 /* bytes of a part of a DNS name */

static int wrong(const char *text, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The error of a text; returns -1. */
static int
wrong(const char *text, struct err *err, const char *fmt, ...)
{
	char quoted[VALUE_QUOTE_SIZE], why[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	value_quote(text, quoted);
	return err_set(err, ERR_INVALID, "%s %s", quoted, why);
}

/* --- where it is --- */

static int
take_unix(const char *place, struct upstream_plan *u, struct err *err)
{
	const char *path = place + strlen(UNIX_PREFIX);

	if (value_check_path(path, SPEC_PATH_SIZE, err) == -1)
		return -1;
	u->kind = UPSTREAM_UNIX;
	u->port = 0;
	(void)strlcpy(u->host, path, sizeof(u->host));
	(void)snprintf(u->name, sizeof(u->name), "%s%s", UNIX_PREFIX, path);
	return 0;
}

/* Is it four numbers, so no name, whatever they are? */
static bool
looks_numeric(const char *host)
{
	return host[strspn(host, "0123456789.")] == '\0';
}

/* Letters, digits, hyphens and underscores in parts that are not empty. */
static bool
is_name(const char *host)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len;

	for (;; host += len + 1) {
		len = strspn(host, letters);
		if (len == 0 || len > LABEL_MAX)
			return false;
		if (host[len] == '\0' ||
		    (host[len] == '.' && host[len + 1] == '\0'))
			return true;
		if (host[len] != '.')
			return false;
	}
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

/* The kind of a host that is no path; -1 with *err. */
static int
take_host(const char *host, bool bracketed, struct upstream_plan *u,
    struct err *err)
{
	struct in_addr in;
	union addr a;

	if (bracketed || inet_pton(AF_INET, host, &in) == 1) {
		if (bracketed && strchr(host, ':') == NULL)
			return wrong(host, err,
			    "is no IPv6 address: only those stand in "
			    "brackets");
		if (addr_parse(host, u->port, &a) == 0)
			return wrong(host, err, "is no IPv6 address");
		u->kind = UPSTREAM_ADDRESS;
	} else if (looks_numeric(host)) {
		return wrong(host, err, "is no IPv4 address");
	} else if (!is_name(host)) {
		return wrong(host, err,
		    "is no name of a host: must have letters, digits, "
		    "hyphens and dots");
	} else {
		u->kind = UPSTREAM_NAME;
	}
	(void)strlcpy(u->host, host, sizeof(u->host));
	lower(u->host);
	(void)snprintf(u->name, sizeof(u->name),
	    bracketed ? "[%s]:%u" : "%s:%u", u->host, u->port);
	return 0;
}

static int
take_port(const char *place, const char *text, uint16_t *port, struct err *err)
{
	uint64_t n;

	if (text[0] == '\0')
		return wrong(place, err, "has no port: " FORM);
	if (text[strspn(text, "0123456789")] != '\0' ||
	    value_uint(text, 1, UINT16_MAX, &n, err) == -1)
		return wrong(place, err,
		    "has a wrong port: must be from 1 to 65535");
	*port = (uint16_t)n;
	return 0;
}

/* "[fd00::1]:8583" */
static int
take_bracketed(const char *place, struct upstream_plan *u, struct err *err)
{
	const char *end = strchr(place, ']');
	char host[SPEC_ADDRESS_SIZE];
	size_t len;

	if (end == NULL || (end[1] != '\0' && end[1] != ':'))
		return wrong(place, err, "has no \"]:\" before its port");
	len = (size_t)(end - place - 1);
	if (len >= sizeof(host))
		return wrong(place, err, "is no IPv6 address");
	memcpy(host, place + 1, len);
	host[len] = '\0';
	if (take_port(place, end[1] == ':' ? end + 2 : "", &u->port, err) == -1)
		return -1;
	return take_host(host, true, u, err);
}

static int
take_place(const char *place, struct upstream_plan *u, struct err *err)
{
	const char *colon = strchr(place, ':');
	char host[UPSTREAM_HOST_SIZE];
	size_t len;

	memset(u->name, 0, sizeof(u->name));
	memset(u->host, 0, sizeof(u->host));
	if (strncmp(place, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return take_unix(place, u, err);
	if (place[0] == '/')
		return wrong(place, err,
		    "is a path: must have \"unix:\" before it");
	if (place[0] == '[')
		return take_bracketed(place, u, err);
	if (colon == NULL)
		return wrong(place, err, "has no port: " FORM);
	if (strchr(colon + 1, ':') != NULL)
		return wrong(place, err,
		    "has several colons: an IPv6 address must stand in "
		    "brackets, such as [fd00::5]:8583");
	len = (size_t)(colon - place);
	if (len == 0)
		return wrong(place, err, "has no host: " FORM);
	if (len >= sizeof(host) - 1)
		return wrong(place, err, "is too long");
	memcpy(host, place, len);
	host[len] = '\0';
	if (take_port(place, colon + 1, &u->port, err) == -1)
		return -1;
	return take_host(host, false, u, err);
}

/* --- what is true of it only --- */

static const struct parameter {
	const char *name;
	size_t offset; /* of a uint32_t */
	uint64_t min, max;
} parameters[] = {
	{ "weight", offsetof(struct upstream_plan, weight), 1,
	    UPSTREAM_WEIGHT_MAX },
	{ "max_connections", offsetof(struct upstream_plan, max_connections), 0,
	    16777216 },
	{ "queue", offsetof(struct upstream_plan, queue), 0, 1000000 },
};
#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* Which were given; the last bit is that of backup. */
#define BACKUP_BIT (1u << PARAMETERS)

static int
unknown(const char *word, struct err *err)
{
	static const char *const names[] = { "weight=", "max_connections=",
		"queue=", "backup" };
	const char *near = suggest(word, names, PARAMETERS + 1);

	if (near != NULL)
		return wrong(word, err,
		    "is no parameter of an upstream: did you mean \"%s\"?",
		    near);
	return wrong(word, err,
	    "is no parameter of an upstream: must be weight=, "
	    "max_connections=, queue= or backup");
}

static int
take_number(const struct parameter *p, const char *text,
    struct upstream_plan *u, struct err *err)
{
	struct err why;
	uint32_t value;
	uint64_t n;

	if (value_uint(text, p->min, p->max, &n, &why) == -1)
		return err_set(err, ERR_INVALID, "%s: %s=: %s", u->name,
		    p->name, why.text);
	value = (uint32_t)n;
	memcpy((char *)u + p->offset, &value, sizeof(value));
	return 0;
}

/* The bit of a word; 0 with *err. */
static unsigned int
take_word(const char *word, struct upstream_plan *u, struct err *err)
{
	const char *equals = strchr(word, '=');
	size_t i;

	if (strcmp(word, "backup") == 0) {
		u->backup = 1;
		return BACKUP_BIT;
	}
	for (i = 0; i < PARAMETERS; i++) {
		if (equals == NULL ||
		    strlen(parameters[i].name) != (size_t)(equals - word) ||
		    strncmp(word, parameters[i].name,
			(size_t)(equals - word)) != 0)
			continue;
		return take_number(&parameters[i], equals + 1, u, err) == -1
		    ? 0
		    : 1u << i;
	}
	(void)unknown(word, err);
	return 0;
}

static void
write_text(const struct upstream_plan *u, unsigned int given,
    char out[static UPSTREAM_TEXT_SIZE])
{
	uint32_t value;
	size_t i, used;

	(void)snprintf(out, UPSTREAM_TEXT_SIZE, "%s", u->name);
	for (i = 0; i < PARAMETERS; i++) {
		if (!(given & (1u << i)))
			continue;
		memcpy(&value, (const char *)u + parameters[i].offset,
		    sizeof(value));
		used = strlen(out);
		(void)snprintf(out + used, UPSTREAM_TEXT_SIZE - used,
		    " %s=%" PRIu32, parameters[i].name, value);
	}
	if (given & BACKUP_BIT)
		(void)strlcat(out, " backup", UPSTREAM_TEXT_SIZE);
}

int
upstream_parse(const char *text, struct upstream_plan *u,
    char out[static UPSTREAM_TEXT_SIZE], struct err *err)
{
	char copy[2 * UPSTREAM_TEXT_SIZE], *rest = copy, *word;
	unsigned int given = 0, bit;
	bool placed = false;

	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
		return wrong(text, err, "is too long");
	while ((word = strsep(&rest, BLANKS)) != NULL) {
		if (word[0] == '\0')
			continue;
		if (!placed) {
			if (take_place(word, u, err) == -1)
				return -1;
			placed = true;
			continue;
		}
		bit = take_word(word, u, err);
		if (bit == 0)
			return -1;
		if (given & bit)
			return wrong(word, err, "is given twice for %s",
			    u->name);
		given |= bit;
	}
	if (!placed)
		return wrong(text, err, "is no upstream: " FORM);
	write_text(u, given, out);
	return 0;
}
