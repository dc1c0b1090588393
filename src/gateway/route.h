/* route: what a request is for. Pure. */
#ifndef MERCURY_GATEWAY_ROUTE_H
#define MERCURY_GATEWAY_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/spec.h"
#include "gateway/http_request.h"

/* clang-format off */
/*	ROUTE(ID, path, who may, methods) */
#define ROUTES(ROUTE)							\
	ROUTE(LIVEZ, "/livez", ANYONE, "GET, HEAD, OPTIONS")		\
	ROUTE(READYZ, "/readyz", ANYONE, "GET, HEAD, OPTIONS")		\
	ROUTE(PAGE, "/", SAME_HOST, "GET, HEAD, OPTIONS")		\
	ROUTE(METRICS, "/metrics", HOLDER, "GET, HEAD")			\
	ROUTE(STATUS, "/api/status", HOLDER, "GET, HEAD")		\
	ROUTE(TREE, "/api/tree", HOLDER, "GET, HEAD")			\
	ROUTE(HISTORY, "/api/history", HOLDER, "GET, HEAD")		\
	ROUTE(EVENTS, "/api/events", HOLDER, "GET, HEAD")
/* clang-format on */

enum route_what {
#define ROUTE(ID, PATH, WHO, METHODS) ROUTE_##ID,
	ROUTES(ROUTE)
#undef ROUTE
	    ROUTE_NONE /* there is nothing */
};

/* Among those who may connect at all. */
enum route_who {
	ROUTE_ANYONE,    /* health checks */
	ROUTE_SAME_HOST, /* whose Host is one of ours */
	ROUTE_HOLDER     /* and who has the token, if there is one */
};

struct route {
	enum route_what what;
	enum route_who who;
	const char *methods;       /* that may be used, for Allow */
	bool is_allowed;           /* the method is one of them */
	bool is_api;               /* errors are JSON */
	bool has_name;             /* READYZ of a listener */
	char name[SPEC_NAME_SIZE]; /* empty: that can't be a name */
	const char *query;         /* within the target; may be empty */
};

void route_find(enum http_method, const char *target, struct route *);

/* What is found in a query. */
enum route_found {
	ROUTE_FOUND,
	ROUTE_NO_SUCH, /* out is an empty text */
	ROUTE_BAD      /* its value is malformed, or too long */
};

/* The (first) value of a key of the query, decoded; UTF-8 without NUL. */
enum route_found route_param(const char *query, const char *key, char *out,
    size_t size);

#endif /* MERCURY_GATEWAY_ROUTE_H */
