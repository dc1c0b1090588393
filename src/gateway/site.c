#include "gateway/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cidr_set.h"
#include "common/clock.h"
#include "common/health_board.h"
#include "common/role.h"
#include "gateway/access.h"
#include "gateway/api.h"
#include "gateway/gateway.h"
#include "gateway/health_answer.h"
#include "gateway/http.h"
#include "gateway/http_conn.h"
#include "gateway/http_request.h"
#include "gateway/http_text.h"
#include "gateway/page.h"
#include "gateway/route.h"
#include "tls/tls.h"

struct site {
	const struct gateway_env *env;
	struct http *http;
	struct api *api;
	struct tls_context *tls; /* NULL: plain */
	struct cidr_set *allow;  /* NULL: everybody may connect */
	struct http_text *page;
	/* The last health answer with every listener, while it is right. */
	struct http_answer lists[2]; /* as text, as JSON */
	uint32_t lists_version;
	void (*gone)(void); /* see site_drain() */
};

/* --- short answers --- */

static enum err_code
reason_of(unsigned int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_PERMISSION;
	case 404:
		return ERR_NOT_FOUND;
	default:
		return ERR_INVALID;
	}
}

static void
say(struct http_conn *c, const struct route *r, unsigned int status,
    const char *more, const char *why)
{
	struct http_answer a = { .status = status,
		.type = r->is_api ? HTTP_TYPE_JSON : HTTP_TYPE_TEXT,
		.more = more };

	if (r->is_api)
		a.text = api_error_text(reason_of(status), why);
	else
		a.text = http_text_printf("%s\n", why);
	http_conn_answer(c, &a);
	http_text_drop(&a.text);
}

static void
say_method(struct http_conn *c, const struct route *r)
{
	char allow[64];

	(void)snprintf(allow, sizeof(allow), "Allow: %s\r\n", r->methods);
	say(c, r, 405, allow,
	    "This can't be done here: nothing can be changed.");
}

/* --- who may --- */

static bool
may_connect(const struct site *s, const union addr *peer)
{
	uint8_t address[16];

	return s->allow == NULL ||
	    (addr_bytes(peer, address) &&
		cidr_set_longest(s->allow, address) != -1);
}

static bool
knows_host(const struct site *s, const struct http_request *req)
{
	if (!req->has_host)
		return req->is_old;
	return access_knows_host(req->host, s->env->settings->hosts);
}

static bool
has_token(const struct site *s, const struct http_request *req)
{
	const char *token = s->env->settings->token;

	return token[0] == '\0' || access_has_token(req->authorization, token);
}

/* Answers, and returns false, if not. */
static bool
admit(const struct site *s, struct http_conn *c, const struct http_request *req,
    const struct route *r)
{
	if (!may_connect(s, &c->peer))
		say(c, r, 403, NULL,
		    "Your address is not among those allowed.");
	else if (r->who != ROUTE_ANYONE && !knows_host(s, req))
		say(c, r, 421, NULL,
		    "The Host is unknown: use an address, or add the name to "
		    "\"hosts\" in the gateway section.");
	else if (r->what == ROUTE_NONE)
		say(c, r, 404, NULL, "There is nothing.");
	else if (!r->is_allowed)
		say_method(c, r);
	else if (r->who == ROUTE_HOLDER && !has_token(s, req))
		say(c, r, 401, "WWW-Authenticate: Bearer realm=\"mercury\"\r\n",
		    "The token is missing or wrong.");
	else
		return true;
	return false;
}

/* --- health --- */

static void
forget_lists(struct site *s)
{
	http_text_drop(&s->lists[0].text);
	http_text_drop(&s->lists[1].text);
}

/* Every listener: made once for each change of the board. */
static void
answer_list(struct site *s, struct http_conn *c,
    const struct health_question *q, uint64_t now_ms)
{
	const struct health_board *b = s->env->board;
	const uint32_t version = health_board_version(b);
	struct http_answer *a = &s->lists[q->json];

	if (version != s->lists_version)
		forget_lists(s);
	s->lists_version = version;
	if (a->text == NULL)
		health_answer(b, q, now_ms, a);
	http_conn_answer(c, a);
}

static void
answer_health(struct site *s, struct http_conn *c,
    const struct http_request *req, const struct route *r)
{
	const uint64_t now_ms = clock_mono_ms();
	struct health_question q = { .is_live = r->what == ROUTE_LIVEZ,
		.name = r->has_name ? r->name : NULL,
		.json = strstr(req->accept, HTTP_TYPE_JSON) != NULL };
	struct http_answer a;
	char value[16];

	q.verbose = !q.is_live && q.name == NULL &&
	    route_param(r->query, "verbose", value, sizeof(value)) !=
		ROUTE_NO_SUCH &&
	    health_board_age_ms(s->env->board, now_ms) <= HEALTH_STALE_MS;
	if (q.verbose) {
		answer_list(s, c, &q, now_ms);
		return;
	}
	health_answer(s->env->board, &q, now_ms, &a);
	http_conn_answer(c, &a);
	http_text_drop(&a.text);
}

/* --- the dashboard --- */

static void
answer_page(struct site *s, struct http_conn *c)
{
	char more[1000];
	const struct http_answer a = { .status = 200,
		.type = HTTP_TYPE_HTML,
		.more = more,
		.text = s->page };

	(void)snprintf(more, sizeof(more),
	    "Content-Security-Policy: %s\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "X-Frame-Options: DENY\r\n",
	    page_csp);
	http_conn_answer(c, &a);
}

static void
on_request(void *ctx, struct http_conn *c, const struct http_request *req)
{
	struct site *s = ctx;
	struct route r;

	route_find(req->method, req->target, &r);
	if (!admit(s, c, req, &r))
		return;
	switch (r.what) {
	case ROUTE_LIVEZ:
	case ROUTE_READYZ:
		answer_health(s, c, req, &r);
		break;
	case ROUTE_PAGE:
		answer_page(s, c);
		break;
	default:
		api_ask(s->api, c, &r);
	}
}

/* --- life --- */

static int
read_allow(struct site *s, struct err *err)
{
	const struct bulk *b = s->env->bulks->of[BULK_ALLOW];
	const void *bytes = b == NULL ? NULL : bulk_map(b, err);
	int result;

	if (b == NULL)
		return 0;
	if (bytes == NULL)
		return -1;
	result = cidr_set_new(bytes, b->ref.size, &s->allow, err);
	bulk_unmap(b, bytes);
	return result;
}

static int
read_tls(struct site *s, struct err *err)
{
	const struct bulk *b = s->env->bulks->of[BULK_TLS_MATERIAL];
	const void *bytes;

	if (b == NULL)
		return 0;
	bytes = bulk_map(b, err);
	if (bytes == NULL)
		return -1;
	s->tls = mercury_tls.context_new(bytes, b->ref.size, err);
	bulk_unmap(b, bytes);
	return s->tls == NULL ? -1 : 0;
}

/* Is there a token in our memory, or are keys to come? */
static bool
has_secrets(const struct site *s)
{
	return s->env->settings->token[0] != '\0' ||
	    s->env->bulks->of[BULK_TLS_MATERIAL] != NULL;
}

static int
fill(struct site *s, struct err *err)
{
	if (has_secrets(s) && role_keep_secrets(s->env->is_apart, err) == -1)
		return -1;
	s->page = http_text_copy(page_html, page_html_len);
	if (s->page == NULL)
		return err_set(err, ERR_UNAVAILABLE, "a page: out of memory");
	if (read_allow(s, err) == -1 || read_tls(s, err) == -1)
		return -1;
	s->api = api_new(s->env->base, s->env->questions, err);
	return s->api == NULL ? -1 : 0;
}

struct site *
site_open(const struct gateway_env *env, int fd, struct err *err)
{
	struct site *s = calloc(1, sizeof(*s));

	if (s == NULL)
		(void)err_set(err, ERR_UNAVAILABLE, "HTTP: out of memory");
	else
		s->env = env;
	if (s == NULL || fill(s, err) == -1) {
		(void)close(fd);
		site_close(&s);
		return NULL;
	}
	s->http = http_new(env->base, fd, s->tls, on_request, s, err);
	if (s->http == NULL)
		site_close(&s);
	return s;
}

static void
on_gone(void *ctx)
{
	const struct site *s = ctx;

	s->gone();
}

void
site_drain(struct site *s, void (*gone)(void))
{
	s->gone = gone;
	http_drain(s->http, on_gone);
}

void
site_close(struct site **sp)
{
	struct site *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	http_free(&s->http);
	api_free(&s->api);
	mercury_tls.context_free(s->tls);
	cidr_set_free(&s->allow);
	forget_lists(s);
	http_text_drop(&s->page);
	free(s);
}
