#include "option/value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "common/spec.h"

/* Bytes of a value that are worth repeating in a message. */
#define QUOTE_BYTES 40

/* What Linux takes for TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT. */
#define KEEPALIVE_SECONDS_MAX 32767u
#define KEEPALIVE_COUNT_MAX 127u

#define KEEPALIVE_FORM "must be idle/interval/count, such as 60s/10s/3, or off"

static const struct unit {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "d", 24 * 60 * 60 * 1000 },
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

void
value_quote(const char *text, char out[static VALUE_QUOTE_SIZE])
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i, len = 0;

	out[len++] = '"';
	for (i = 0; p[i] != '\0' && i < QUOTE_BYTES; i++) {
		if (p[i] < 0x20 || p[i] > 0x7e)
			len += (size_t)snprintf(out + len,
			    VALUE_QUOTE_SIZE - len, "\\x%02x", p[i]);
		else
			out[len++] = (char)p[i];
	}
	(void)snprintf(out + len, VALUE_QUOTE_SIZE - len, "%s\"",
	    p[i] != '\0' ? "..." : "");
}
_Static_assert(VALUE_QUOTE_SIZE >= QUOTE_BYTES * 4 + sizeof("\"...\""),
    "every byte may be escaped");

void
value_list(const char *const *words, size_t count, char *out, size_t size)
{
	size_t i, used = 0;
	int n;

	out[0] = '\0';
	for (i = 0; i < count && used < size; i++) {
		n = snprintf(out + used, size - used, "%s%s",
		    i == 0               ? ""
			: i + 1 == count ? " or "
					 : ", ",
		    words[i]);
		used += n > 0 ? (size_t)n : 0;
	}
}

/*
 * Read digits at *text and move it behind them. Returns false when there is
 * none; what is too large for 64 bits becomes UINT64_MAX.
 */
static bool
read_digits(const char **text, uint64_t *out)
{
	const char *p = *text;
	uint64_t n = 0, digit;

	for (; *p >= '0' && *p <= '9'; p++) {
		digit = (uint64_t)(*p - '0');
		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
	}
	if (p == *text)
		return false;
	*text = p;
	*out = n;
	return true;
}

int
value_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out,
    struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];
	const char *p = text;
	uint64_t n;

	if (!read_digits(&p, &n) || *p != '\0') {
		value_quote(text, quoted);
		return err_set(err, ERR_INVALID,
		    "%s is no whole number from %" PRIu64 " to %" PRIu64,
		    quoted, min, max);
	}
	if (n < min || n > max)
		return err_set(err, ERR_INVALID,
		    "%.40s is out of range: %" PRIu64 " to %" PRIu64, text, min,
		    max);
	*out = n;
	return 0;
}

/* Digits and a unit that end at the byte `end'. */
static int
read_duration(const char **text, char end, uint64_t *out_ms)
{
	const char *p = *text;
	uint64_t n;
	size_t i, len;

	if (!read_digits(&p, &n))
		return -1;
	for (i = 0; i < UNIT_COUNT; i++) {
		len = strlen(units[i].name);
		if (strncmp(p, units[i].name, len) != 0 || p[len] != end)
			continue;
		*out_ms =
		    n > UINT64_MAX / units[i].ms ? UINT64_MAX : n * units[i].ms;
		*text = p + len;
		return 0;
	}
	return -1;
}

int
value_duration(const char *text, uint64_t min_ms, uint64_t max_ms,
    uint64_t *out_ms, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];
	char min[VALUE_TEXT_SIZE], max[VALUE_TEXT_SIZE];
	const char *p = text;
	uint64_t ms;

	if (read_duration(&p, '\0', &ms) == -1) {
		value_quote(text, quoted);
		return err_set(err, ERR_INVALID,
		    "%s is no duration: digits and a unit (ms, s, m, h or d), "
		    "such as 15s",
		    quoted);
	}
	if (ms < min_ms || ms > max_ms) {
		value_format_duration(min_ms, min);
		value_format_duration(max_ms, max);
		return err_set(err, ERR_INVALID,
		    "%.40s is out of range: %s to %s", text, min, max);
	}
	*out_ms = ms;
	return 0;
}

void
value_format_duration(uint64_t ms, char out[static VALUE_TEXT_SIZE])
{
	size_t i = UNIT_COUNT;

	if (ms == 0) {
		(void)snprintf(out, VALUE_TEXT_SIZE, "0s");
		return;
	}
	do
		i--;
	while (ms % units[i].ms != 0);
	(void)snprintf(out, VALUE_TEXT_SIZE, "%" PRIu64 "%s", ms / units[i].ms,
	    units[i].name);
}

/* 1024 of one are one of the next. */
static const char size_units[] = "kmgt";

int
value_size(const char *text, uint64_t min, uint64_t max, uint64_t *out_bytes,
    struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE], min_text[VALUE_TEXT_SIZE],
	    max_text[VALUE_TEXT_SIZE];
	const char *p = text, *unit = NULL;
	uint64_t n = 0;
	size_t i;

	if (!read_digits(&p, &n) ||
	    (*p != '\0' &&
		((unit = strchr(size_units, *p)) == NULL || p[1] != '\0'))) {
		value_quote(text, quoted);
		return err_set(err, ERR_INVALID,
		    "%s is no size: digits, and a unit (k, m, g or t) or "
		    "none, such as 64m",
		    quoted);
	}
	for (i = 0; unit != NULL && i <= (size_t)(unit - size_units); i++)
		n = n > UINT64_MAX / 1024 ? UINT64_MAX : n * 1024;
	if (n < min || n > max) {
		value_format_size(min, min_text);
		value_format_size(max, max_text);
		return err_set(err, ERR_INVALID,
		    "%.40s is out of range: %s to %s", text, min_text,
		    max_text);
	}
	*out_bytes = n;
	return 0;
}

void
value_format_size(uint64_t bytes, char out[static VALUE_TEXT_SIZE])
{
	const char *next = size_units;
	char unit[2] = "";

	while (bytes != 0 && bytes % 1024 == 0 && *next != '\0') {
		bytes /= 1024;
		unit[0] = *next++;
	}
	(void)snprintf(out, VALUE_TEXT_SIZE, "%" PRIu64 "%s", bytes, unit);
}

int
value_bool(const char *text, bool *out, struct err *err)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on" };
	char quoted[VALUE_QUOTE_SIZE];
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i % 2 == 1;
			return 0;
		}
	}
	value_quote(text, quoted);
	return err_set(err, ERR_INVALID,
	    "%s is neither true (yes, on) nor false (no, off)", quoted);
}

/* A duration of whole seconds that ends in "/". */
static int
read_keepalive_seconds(const char **text, uint32_t *out, struct err *err)
{
	uint64_t ms;

	if (read_duration(text, '/', &ms) == -1)
		return err_set(err, ERR_INVALID, KEEPALIVE_FORM);
	if (ms % 1000 != 0 || ms < 1000 || ms / 1000 > KEEPALIVE_SECONDS_MAX)
		return err_set(err, ERR_INVALID,
		    "idle and interval must be whole seconds from 1s to %us",
		    KEEPALIVE_SECONDS_MAX);
	*out = (uint32_t)(ms / 1000);
	(*text)++;
	return 0;
}

int
value_keepalive(const char *text, struct keepalive *out, struct err *err)
{
	struct keepalive k = { 0 };
	uint64_t count;

	if (strcmp(text, "off") == 0) {
		*out = k;
		return 0;
	}
	if (read_keepalive_seconds(&text, &k.idle_s, err) == -1 ||
	    read_keepalive_seconds(&text, &k.interval_s, err) == -1)
		return -1;
	if (!read_digits(&text, &count) || *text != '\0')
		return err_set(err, ERR_INVALID, KEEPALIVE_FORM);
	if (count < 1 || count > KEEPALIVE_COUNT_MAX)
		return err_set(err, ERR_INVALID, "count must be from 1 to %u",
		    KEEPALIVE_COUNT_MAX);
	k.count = (uint32_t)count;
	*out = k;
	return 0;
}

void
value_format_keepalive(const struct keepalive *k,
    char out[static VALUE_TEXT_SIZE])
{
	if (k->idle_s == 0)
		(void)snprintf(out, VALUE_TEXT_SIZE, "off");
	else
		(void)snprintf(out, VALUE_TEXT_SIZE,
		    "%" PRIu32 "s/%" PRIu32 "s/%" PRIu32, k->idle_s,
		    k->interval_s, k->count);
}

int
value_mode(const char *text, uint32_t *out, struct err *err)
{
	const size_t digits = strspn(text, "01234567");
	char quoted[VALUE_QUOTE_SIZE];
	uint32_t mode = 0;
	size_t i;

	for (i = 0; i < digits && mode <= 0777; i++)
		mode = mode * 8 + (uint32_t)(text[i] - '0');
	if (digits < 3 || text[digits] != '\0' || mode > 0777) {
		value_quote(text, quoted);
		return err_set(err, ERR_INVALID,
		    "%s is no mode: three octal digits, such as 0660", quoted);
	}
	*out = mode;
	return 0;
}

int
value_workers(const char *text, uint64_t min, uint64_t max, uint32_t *out,
    struct err *err)
{
	uint64_t n;

	if (strcmp(text, "auto") == 0) {
		*out = SPEC_WORKERS_AUTO;
		return 0;
	}
	if (value_uint(text, min, max, &n, err) == -1) {
		const struct err number = *err;

		return err_set(err, ERR_INVALID, "%s, or auto", number.text);
	}
	/* err_set() is -1: n is set. */
	/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
	*out = (uint32_t)n;
	return 0;
}

int
value_word(const char *text, const char *const *words, size_t count,
    unsigned int *out, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE], known[128];
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	value_quote(text, quoted);
	value_list(words, count, known, sizeof(known));
	return err_set(err, ERR_INVALID, "%s is unknown: must be %s", quoted,
	    known);
}

/* An IPv4 address, written as such or mapped into IPv6. False: it is none. */
static bool
take_v4(const union addr *a, struct in_addr *v4)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->sa.sa_family == AF_INET) {
		memcpy(&in, a, sizeof(in));
		*v4 = in.sin_addr;
		return true;
	}
	memcpy(&in6, a, sizeof(in6));
	if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		return false;
	memcpy(v4, &in6.sin6_addr.s6_addr[12], sizeof(*v4));
	return true;
}

/* Why no listener can have this address; NULL: one can. */
static const char *
unusable(const union addr *a)
{
	struct sockaddr_in6 in6;
	struct in_addr v4;

	if (take_v4(a, &v4)) {
		if (IN_MULTICAST(ntohl(v4.s_addr)))
			return "is a multicast address: TCP has none";
		if (v4.s_addr == htonl(INADDR_BROADCAST))
			return "is the broadcast address: TCP has none";
		return NULL;
	}
	memcpy(&in6, a, sizeof(in6));
	if (IN6_IS_ADDR_MULTICAST(&in6.sin6_addr))
		return "is a multicast address: TCP has none";
	if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) && in6.sin6_scope_id == 0)
		return "is link-local and needs a scope, the interface: such "
		       "as fe80::1%eth0";
	return NULL;
}

int
value_check_address(const char *text, size_t size, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];
	const char *why;
	struct in_addr in;
	union addr a;

	value_quote(text, quoted);
	/* addr_parse() alone would take "9100" for 0.0.35.140. */
	if (strlen(text) < size &&
	    (strchr(text, ':') != NULL || inet_pton(AF_INET, text, &in) == 1) &&
	    addr_parse(text, 0, &a) != 0) {
		why = unusable(&a);
		if (why == NULL)
			return 0;
		return err_set(err, ERR_INVALID, "%s %s", quoted, why);
	}
	return err_set(err, ERR_INVALID,
	    "%s is no numeric address, such as 0.0.0.0, 10.0.0.1 or ::1",
	    quoted);
}

int
value_place(const char *text, char *address, uint16_t *port, struct err *err)
{
	const char *colon = strrchr(text, ':');
	const size_t len = colon == NULL ? 0 : (size_t)(colon - text);
	const bool bracketed =
	    len >= 2 && text[0] == '[' && text[len - 1] == ']';
	const size_t host_len = bracketed ? len - 2 : len;
	char quoted[VALUE_QUOTE_SIZE];
	uint64_t n;

	if (host_len == 0 || host_len >= SPEC_ADDRESS_SIZE ||
	    (!bracketed && memchr(text, ':', len) != NULL)) {
		value_quote(text, quoted);
		return err_set(err, ERR_INVALID,
		    "%s is no address with a port, such as 127.0.0.1:9180 or "
		    "[::]:9180",
		    quoted);
	}
	memset(address, 0, SPEC_ADDRESS_SIZE);
	memcpy(address, text + (bracketed ? 1 : 0), host_len);
	if (value_check_address(address, SPEC_ADDRESS_SIZE, err) == -1 ||
	    value_uint(colon + 1, 0, UINT16_MAX, &n, err) == -1)
		return -1;
	/* err_set() is -1: n is set. */
	/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
	*port = (uint16_t)n;
	return 0;
}

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

int
value_check_path(const char *text, size_t size, struct err *err)
{
	const size_t len = strlen(text);
	char quoted[VALUE_QUOTE_SIZE];

	value_quote(text, quoted);
	if (text[0] != '/')
		return err_set(err, ERR_INVALID,
		    "%s is no absolute path: must start with /", quoted);
	if (text[len - 1] == '/')
		return err_set(err, ERR_INVALID, "%s must not end with /",
		    quoted);
	if (len >= size)
		return err_set(err, ERR_INVALID,
		    "%s is too long: %zu bytes, must be at most %zu", quoted,
		    len, size - 1);
	if (!is_printable(text))
		return err_set(err, ERR_INVALID,
		    "%s may not contain control characters", quoted);
	return 0;
}

int
value_check_string(const char *text, size_t size, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];

	if (text[0] != '\0' && strlen(text) < size && is_printable(text))
		return 0;
	value_quote(text, quoted);
	return err_set(err, ERR_INVALID,
	    "%s must have 1 to %zu bytes and no control characters", quoted,
	    size - 1);
}
