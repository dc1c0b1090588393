#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "gateway/route.h"

struct route_case {
	enum http_method method;
	char target[48];
	enum route_what what;
	bool is_allowed;
	char name[16]; /* of a listener; "-": none is named */
};

ParameterizedTestParameters(route, finds)
{
	static struct route_case cases[] = {
		{ HTTP_GET, "/livez", ROUTE_LIVEZ, true, "-" },
		{ HTTP_HEAD, "/livez?x", ROUTE_LIVEZ, true, "-" },
		{ HTTP_OPTIONS, "/livez", ROUTE_LIVEZ, true, "-" },
		{ HTTP_OTHER, "/livez", ROUTE_LIVEZ, false, "-" },
		{ HTTP_GET, "/readyz", ROUTE_READYZ, true, "-" },
		{ HTTP_GET, "/readyz/", ROUTE_READYZ, true, "-" },
		{ HTTP_GET, "/readyz/pos", ROUTE_READYZ, true, "pos" },
		{ HTTP_GET, "/readyz/a%20b?verbose", ROUTE_READYZ, true,
		    "a b" },
		{ HTTP_GET, "/readyz/a+b", ROUTE_READYZ, true, "a+b" },
		{ HTTP_GET, "/readyz/%c3%A4", ROUTE_READYZ, true, "\xc3\xa4" },
		{ HTTP_GET, "/readyz/a%2fb", ROUTE_READYZ, true, "" },
		{ HTTP_GET, "/readyz/a/b", ROUTE_READYZ, true, "" },
		{ HTTP_GET, "/readyz/%", ROUTE_READYZ, true, "" },
		{ HTTP_GET, "/readyz/%4", ROUTE_READYZ, true, "" },
		{ HTTP_GET, "/readyz/%zz", ROUTE_READYZ, true, "" },
		{ HTTP_GET, "/readyz/%00", ROUTE_READYZ, true, "" },
		{ HTTP_GET, "/readyz/%0a", ROUTE_READYZ, true, "" },
		{ HTTP_GET, "/readyz/%ff", ROUTE_READYZ, true, "" },
		{ HTTP_OPTIONS, "*", ROUTE_READYZ, true, "-" },
		{ HTTP_OPTIONS, "/", ROUTE_READYZ, true, "-" },
		{ HTTP_OPTIONS, "/?x", ROUTE_READYZ, true, "-" },
		{ HTTP_GET, "/", ROUTE_PAGE, true, "-" },
		{ HTTP_HEAD, "/?x", ROUTE_PAGE, true, "-" },
		{ HTTP_OTHER, "/", ROUTE_PAGE, false, "-" },
		{ HTTP_GET, "/metrics", ROUTE_METRICS, true, "-" },
		{ HTTP_OPTIONS, "/metrics", ROUTE_METRICS, false, "-" },
		{ HTTP_GET, "/api/status", ROUTE_STATUS, true, "-" },
		{ HTTP_GET, "/api/tree", ROUTE_TREE, true, "-" },
		{ HTTP_GET, "/api/history?name=a", ROUTE_HISTORY, true, "-" },
		{ HTTP_HEAD, "/api/events", ROUTE_EVENTS, true, "-" },
		{ HTTP_OTHER, "/api/events", ROUTE_EVENTS, false, "-" },
		{ HTTP_GET, "/api/", ROUTE_NONE, true, "-" },
		{ HTTP_GET, "/livez/", ROUTE_NONE, true, "-" },
		{ HTTP_GET, "/LIVEZ", ROUTE_NONE, true, "-" },
		{ HTTP_GET, "//livez", ROUTE_NONE, true, "-" },
		{ HTTP_GET, "/readyzz", ROUTE_NONE, true, "-" },
	};

	return cr_make_param_array(struct route_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct route_case *k, route, finds)
{
	struct route r;

	route_find(k->method, k->target, &r);
	cr_expect_eq(r.what, k->what, "%s", k->target);
	cr_expect_eq(r.is_allowed, k->is_allowed, "%s", k->target);
	cr_expect_eq(r.has_name, strcmp(k->name, "-") != 0, "%s", k->target);
	if (r.has_name)
		cr_expect_str_eq(r.name, k->name);
}

Test(route, only_health_is_for_anyone)
{
	static const struct {
		const char *target;
		enum route_who who;
		bool is_api;
	} cases[] = {
		{ "/livez", ROUTE_ANYONE, false },
		{ "/readyz/x", ROUTE_ANYONE, false },
		{ "/", ROUTE_SAME_HOST, false },
		{ "/nothing", ROUTE_SAME_HOST, false },
		{ "/metrics", ROUTE_HOLDER, false },
		{ "/api/status", ROUTE_HOLDER, true },
		{ "/api/tree", ROUTE_HOLDER, true },
		{ "/api/history", ROUTE_HOLDER, true },
		{ "/api/events", ROUTE_HOLDER, true },
	};
	struct route r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		route_find(HTTP_GET, cases[i].target, &r);
		cr_expect_eq(r.who, cases[i].who, "%s", cases[i].target);
		cr_expect_eq(r.is_api, cases[i].is_api, "%s", cases[i].target);
	}
}

struct param_case {
	char query[48];
	enum route_found found;
	char value[16];
};

ParameterizedTestParameters(route, params)
{
	static struct param_case cases[] = {
		{ "", ROUTE_NO_SUCH, "" },
		{ "key", ROUTE_FOUND, "" },
		{ "key=", ROUTE_FOUND, "" },
		{ "key=a", ROUTE_FOUND, "a" },
		{ "x=1&key=a%26b+c&key=d", ROUTE_FOUND, "a&b c" },
		{ "&&key=a", ROUTE_FOUND, "a" },
		{ "keys=a&ke=b&xkey=c", ROUTE_NO_SUCH, "" },
		{ "key=a=b", ROUTE_FOUND, "a=b" },
		{ "key=%2B%c3%a4", ROUTE_FOUND, "+\xc3\xa4" },
		{ "key=0123456789abcdef", ROUTE_BAD, "" },
		{ "key=%", ROUTE_BAD, "" },
		{ "key=%1", ROUTE_BAD, "" },
		{ "key=%00", ROUTE_BAD, "" },
		{ "key=%80", ROUTE_BAD, "" },
		{ "key=%2&x=0", ROUTE_BAD, "" },
	};

	return cr_make_param_array(struct param_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct param_case *k, route, params)
{
	char value[16];

	cr_expect_eq(route_param(k->query, "key", value, sizeof(value)),
	    k->found, "%s", k->query);
	cr_expect_str_eq(value, k->value);
}
