#include "gateway/http_request.h"

#include <string.h>
#include <strings.h>

/* Bytes of the head, from one to the other. */
struct part {
	const char *at;
	size_t len;
};

/* What was found on the way, which only together makes sense. */
struct reading {
	struct http_request *r;
	unsigned int hosts;
	bool has_length;
	bool is_chunked;
	bool says_close;
	bool says_keep_alive;
	bool expects;
};

static int
fail(struct http_fault *fault, unsigned int status, const char *why)
{
	*fault = (struct http_fault){ status, why };
	return -1;
}

static int
bad(struct http_fault *fault, const char *why)
{
	return fail(fault, 400, why);
}

/* --- where it ends --- */

size_t
http_request_skip(const char *bytes, size_t len)
{
	size_t n = 0;

	while (n < len &&
	    (bytes[n] == '\n' ||
		(bytes[n] == '\r' && n + 1 < len && bytes[n + 1] == '\n')))
		n++;
	return n;
}

size_t
http_request_size(const char *bytes, size_t len, size_t *seen)
{
	const char *end = bytes + len, *p = bytes + *seen, *behind;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		behind = p + 1;
		if (behind < end && *behind == '\r')
			behind++;
		if (behind >= end)
			break; /* look at this line end again */
		if (*behind == '\n')
			return (size_t)(behind - bytes) + 1;
		p++;
	}
	*seen = p == NULL ? len : (size_t)(p - bytes);
	return 0;
}

/* --- parts --- */

/* Is it a character of a token (RFC 9110, 5.6.2)? */
static bool
is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_token(const struct part *p)
{
	size_t i;

	for (i = 0; i < p->len; i++)
		if (!is_token_char(p->at[i]))
			return false;
	return p->len > 0;
}

/* Does it hold a control character, but for tabs? */
static bool
has_control(const struct part *p)
{
	size_t i;

	for (i = 0; i < p->len; i++)
		if (((unsigned char)p->at[i] < ' ' && p->at[i] != '\t') ||
		    p->at[i] == 0x7f)
			return true;
	return false;
}

static bool
is(const struct part *p, const char *text)
{
	return p->len == strlen(text) && memcmp(p->at, text, p->len) == 0;
}

static bool
is_word(const struct part *p, const char *word)
{
	return p->len == strlen(word) && strncasecmp(p->at, word, p->len) == 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
trim(struct part *p)
{
	while (p->len > 0 && is_blank(p->at[0])) {
		p->at++;
		p->len--;
	}
	while (p->len > 0 && is_blank(p->at[p->len - 1]))
		p->len--;
}

/*
 * Cut off what stands before a character; *rest begins behind it. Without
 * one, that is all, and *rest becomes empty.
 */
static struct part
cut(struct part *rest, char at)
{
	const char *p = memchr(rest->at, at, rest->len);
	struct part first = *rest;

	if (p == NULL) {
		rest->at += rest->len;
		rest->len = 0;
		return first;
	}
	first.len = (size_t)(p - rest->at);
	rest->at += first.len + 1;
	rest->len -= first.len + 1;
	return first;
}

/* The next line, without its end. */
static struct part
cut_line(struct part *rest)
{
	struct part line = cut(rest, '\n');

	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Copy what fits. Returns 0, or -1 when that is not all. */
static int
copy(char *out, size_t size, const struct part *p)
{
	const size_t n = p->len < size ? p->len : size - 1;

	memcpy(out, p->at, n);
	out[n] = '\0';
	return n == p->len ? 0 : -1;
}

/* --- the request line --- */

static void
read_method(const struct part *p, struct http_request *r)
{
	if (is(p, "GET"))
		r->method = HTTP_GET;
	else if (is(p, "HEAD"))
		r->method = HTTP_HEAD;
	else if (is(p, "OPTIONS"))
		r->method = HTTP_OPTIONS;
	else
		r->method = HTTP_OTHER;
}

static int
read_version(const struct part *p, struct http_request *r,
    struct http_fault *fault)
{
	if (p->len != 8 || memcmp(p->at, "HTTP/", 5) != 0 || p->at[6] != '.' ||
	    p->at[5] < '0' || p->at[5] > '9' || p->at[7] < '0' ||
	    p->at[7] > '9')
		return bad(fault, "That is no request of HTTP/1.");
	if (p->at[5] != '1')
		return fail(fault, 505, "Only HTTP/1.0 and 1.1 are spoken.");
	r->is_old = p->at[7] == '0';
	return 0;
}

/* "http://host/path", as a proxy gets it: the host counts, not the header. */
static int
read_absolute(struct part *target, struct http_request *r,
    struct http_fault *fault)
{
	static const char *const schemes[] = { "http://", "https://" };
	struct part host;
	size_t i, n;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = strlen(schemes[i]);
		if (target->len < n ||
		    strncasecmp(target->at, schemes[i], n) != 0)
			continue;
		host.at = target->at + n;
		for (host.len = 0; host.len < target->len - n; host.len++)
			if (strchr("/?", host.at[host.len]) != NULL)
				break;
		target->at += n + host.len;
		target->len -= n + host.len;
		r->has_host = true;
		if (host.len == 0 ||
		    copy(r->host, sizeof(r->host), &host) == -1)
			return bad(fault, "The target has no good host.");
		return 0;
	}
	return bad(fault, "The target must begin with a slash.");
}

static int
read_target(struct part target, struct http_request *r,
    struct http_fault *fault)
{
	static const struct part root = { "/", 1 };
	size_t i;

	for (i = 0; i < target.len; i++)
		if (target.at[i] <= ' ' || target.at[i] == 0x7f)
			return bad(fault, "The target has a bad character.");
	if (is(&target, "*") && r->method == HTTP_OPTIONS) {
		(void)copy(r->target, sizeof(r->target), &target);
		return 0;
	}
	if (target.len == 0)
		return bad(fault, "The target is missing.");
	if (target.at[0] != '/' && read_absolute(&target, r, fault) == -1)
		return -1;
	if (target.len == 0)
		target = root;
	if (target.at[0] != '/')
		return bad(fault, "The target must begin with a slash.");
	if (copy(r->target, sizeof(r->target), &target) == -1)
		return fail(fault, 414, "The target is too long.");
	return 0;
}

static int
read_first_line(struct part line, struct http_request *r,
    struct http_fault *fault)
{
	const struct part method = cut(&line, ' ');
	const struct part target = cut(&line, ' ');

	if (!is_token(&method))
		return bad(fault, "That is no request of HTTP/1.");
	if (read_version(&line, r, fault) == -1)
		return -1;
	read_method(&method, r);
	return read_target(target, r, fault);
}

/* --- headers --- */

static int
read_host(struct reading *g, const struct part *value, struct http_fault *fault)
{
	struct http_request *r = g->r;

	if (g->hosts++ > 0)
		return bad(fault, "There is more than one Host.");
	if (r->has_host)
		return 0; /* in the target, which counts */
	r->has_host = true;
	if (copy(r->host, sizeof(r->host), value) == -1)
		return bad(fault, "The Host is too long.");
	return 0;
}

static int
read_length(struct reading *g, const struct part *value,
    struct http_fault *fault)
{
	uint64_t n = 0;
	size_t i;

	if (g->has_length || value->len == 0)
		return bad(fault, "The Content-Length is not clear.");
	g->has_length = true;
	for (i = 0; i < value->len; i++) {
		if (value->at[i] < '0' || value->at[i] > '9')
			return bad(fault, "The Content-Length is no number.");
		n = n * 10 + (uint64_t)(value->at[i] - '0');
		if (n > HTTP_BODY_MAX)
			return fail(fault, 413, "The body is too large.");
	}
	g->r->body.left = n;
	return 0;
}

static int
read_coding(struct reading *g, const struct part *value,
    struct http_fault *fault)
{
	if (g->is_chunked)
		return bad(fault, "The Transfer-Encoding is not clear.");
	if (!is_word(value, "chunked"))
		return fail(fault, 501,
		    "The only Transfer-Encoding is \"chunked\".");
	g->is_chunked = true;
	return 0;
}

static int
read_connection(struct reading *g, const struct part *value,
    struct http_fault *fault)
{
	struct part rest = *value, word;

	(void)fault;
	while (rest.len > 0) {
		word = cut(&rest, ',');
		trim(&word);
		g->says_close = g->says_close || is_word(&word, "close");
		g->says_keep_alive =
		    g->says_keep_alive || is_word(&word, "keep-alive");
	}
	return 0;
}

static int
read_expect(struct reading *g, const struct part *value,
    struct http_fault *fault)
{
	if (!is_word(value, "100-continue"))
		return fail(fault, 417, "Only \"100-continue\" can be met.");
	g->expects = true;
	return 0;
}

static int
read_authorization(struct reading *g, const struct part *value,
    struct http_fault *fault)
{
	struct http_request *r = g->r;

	if (r->authorization[0] != '\0')
		return bad(fault, "There is more than one Authorization.");
	/* One that is cut would be wrong, too: no token is so long. */
	(void)copy(r->authorization, sizeof(r->authorization), value);
	return 0;
}

static int
read_accept(struct reading *g, const struct part *value,
    struct http_fault *fault)
{
	(void)fault;
	(void)copy(g->r->accept, sizeof(g->r->accept), value);
	return 0;
}

static const struct header {
	const char *name;
	int (*read)(struct reading *, const struct part *, struct http_fault *);
} headers[] = {
	{ "Host", read_host },
	{ "Connection", read_connection },
	{ "Content-Length", read_length },
	{ "Transfer-Encoding", read_coding },
	{ "Expect", read_expect },
	{ "Authorization", read_authorization },
	{ "Accept", read_accept },
};

static int
read_header(struct reading *g, struct part line, struct http_fault *fault)
{
	const bool has_colon = memchr(line.at, ':', line.len) != NULL;
	const struct part name = cut(&line, ':');
	size_t i;

	if (!has_colon || !is_token(&name) || has_control(&line))
		return bad(fault, "A header is malformed.");
	trim(&line);
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (is_word(&name, headers[i].name))
			return headers[i].read(g, &line, fault);
	return 0;
}

/* What the headers say together. */
static int
conclude(struct reading *g, struct http_fault *fault)
{
	struct http_request *r = g->r;

	if (g->is_chunked && (g->has_length || r->is_old))
		return bad(fault, "The body has no clear end.");
	if (g->is_chunked)
		r->body.at = HTTP_CHUNK_SIZE;
	else if (r->body.left > 0)
		r->body.at = HTTP_BODY_LENGTH;
	r->keep_alive = !g->says_close && (g->says_keep_alive || !r->is_old);
	r->continues = g->expects && !r->is_old && r->body.at != HTTP_BODY_END;
	return 0;
}

int
http_request_read(const char *bytes, size_t size, struct http_request *r,
    struct http_fault *fault)
{
	struct part rest = { bytes, size }, line;
	struct reading g = { .r = r };

	memset(r, 0, sizeof(*r));
	if (read_first_line(cut_line(&rest), r, fault) == -1)
		return -1;
	for (line = cut_line(&rest); line.len > 0; line = cut_line(&rest))
		if (read_header(&g, line, fault) == -1)
			return -1;
	return conclude(&g, fault);
}
