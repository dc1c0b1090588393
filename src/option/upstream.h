/*
 * upstream: one upstream of protocol proxy as text, such as
 * "pos.example:8583 weight=3 backup". Pure: no name is resolved.
 */
#ifndef MERCURY_OPTION_UPSTREAM_H
#define MERCURY_OPTION_UPSTREAM_H

#include "common/err.h"
#include "common/proxy_plan.h"

/* Room for the one form of any upstream, with its NUL. */
#define UPSTREAM_TEXT_SIZE (UPSTREAM_NAME_SIZE + 80)

/*
 * Read an upstream. What it does not say of itself stays as it is in *u. out
 * gets its one form: equal upstreams have equal text. Returns 0, or -1 with
 * *err, whose text begins with what is wrong in quotes.
 */
int upstream_parse(const char *text, struct upstream_plan *u,
    char out[static UPSTREAM_TEXT_SIZE], struct err *err);

#endif /* MERCURY_OPTION_UPSTREAM_H */
