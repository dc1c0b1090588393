#include "gateway/route.h"

#include <string.h>

#include "common/utf8.h"

#define NAME_PREFIX "/readyz/"

static const struct {
	const char *path;
	enum route_who who;
	const char *methods;
} routes[] = {
#define ROUTE(ID, PATH, WHO, METHODS) \
	[ROUTE_##ID] = { PATH, ROUTE_##WHO, METHODS },
	ROUTES(ROUTE)
#undef ROUTE
	    [ROUTE_NONE] = { "", ROUTE_SAME_HOST, "" },
};

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *p = c == '\0' ? NULL : strchr(digits, c);

	return p == NULL ? -1 : (int)((p - digits) % 16);
}

/* Is all of it UTF-8? */
static bool
is_utf8(const char *text)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		n = utf8_length(text);
		if (n == 0)
			return false;
	}
	return true;
}

/*
 * Undo percent-encoding; a plus sign becomes what plus says. Returns false
 * when it is malformed or too long.
 */
static bool
decode(const char *in, size_t len, char plus, char *out, size_t size)
{
	size_t used = 0, i;

	for (i = 0; i < len; i++) {
		if (used + 1 >= size)
			return false;
		out[used] = in[i] == '+' ? plus : in[i];
		if (in[i] == '%') {
			if (len - i < 3 || hex(in[i + 1]) == -1 ||
			    hex(in[i + 2]) == -1)
				return false;
			out[used] =
			    (char)(hex(in[i + 1]) * 16 + hex(in[i + 2]));
			i += 2;
		}
		if (out[used++] == '\0')
			return false;
	}
	out[used] = '\0';
	return is_utf8(out);
}

/* --- the path --- */

static bool
is_path(const char *path, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(path, want, len) == 0;
}

static enum route_what
find(const char *path, size_t len)
{
	enum route_what what = (enum route_what)0;

	while (what < ROUTE_NONE && !is_path(path, len, routes[what].path))
		what = (enum route_what)(what + 1);
	return what;
}

/* "/readyz/NAME"; without a name it is as "/readyz". */
static bool
take_name(const char *path, size_t len, struct route *r)
{
	const size_t n = strlen(NAME_PREFIX);
	struct err err;

	if (len < n || memcmp(path, NAME_PREFIX, n) != 0)
		return false;
	r->what = ROUTE_READYZ;
	r->has_name = len > n;
	if (!r->has_name)
		return true;
	if (!decode(path + n, len - n, '+', r->name, sizeof(r->name)) ||
	    spec_check_name("name", r->name, &err) == -1)
		r->name[0] = '\0';
	return true;
}

static bool
is_allowed(const struct route *r, enum http_method method)
{
	switch (method) {
	case HTTP_GET:
	case HTTP_HEAD:
		return true;
	case HTTP_OPTIONS:
		return strstr(r->methods, "OPTIONS") != NULL;
	default:
		return false;
	}
}

void
route_find(enum http_method method, const char *target, struct route *r)
{
	const size_t len = strcspn(target, "?");
	const bool is_check = method == HTTP_OPTIONS &&
	    (strcmp(target, "*") == 0 || is_path(target, len, "/"));

	memset(r, 0, sizeof(*r));
	r->query = target + len + (target[len] == '?');
	/* HAProxy's "option httpchk" asks for no path. */
	if (is_check)
		r->what = ROUTE_READYZ;
	else if (!take_name(target, len, r))
		r->what = find(target, len);
	r->who = routes[r->what].who;
	r->methods = routes[r->what].methods;
	r->is_allowed = is_allowed(r, method);
	r->is_api = strncmp(target, "/api/", 5) == 0;
}

/* --- the query --- */

enum route_found
route_param(const char *query, const char *key, char *out, size_t size)
{
	const size_t key_len = strlen(key);
	size_t len;

	out[0] = '\0';
	for (; query[0] != '\0'; query += len + (query[len] == '&')) {
		len = strcspn(query, "&");
		if (len < key_len || memcmp(query, key, key_len) != 0 ||
		    (len > key_len && query[key_len] != '='))
			continue;
		if (len == key_len)
			return ROUTE_FOUND;
		query += key_len + 1;
		len -= key_len + 1;
		if (decode(query, len, ' ', out, size))
			return ROUTE_FOUND;
		out[0] = '\0';
		return ROUTE_BAD;
	}
	return ROUTE_NO_SUCH;
}
