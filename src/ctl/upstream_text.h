/* upstream_text: the upstreams of a listener as a table. Pure. */
#ifndef MERCURY_CTL_UPSTREAM_TEXT_H
#define MERCURY_CTL_UPSTREAM_TEXT_H

#include <jansson.h>
#include <stdio.h>

struct look;

/* Print the result of listener.upstreams (borrowed). */
void upstream_text_all(FILE *, const json_t *result, const struct look *);

#endif /* MERCURY_CTL_UPSTREAM_TEXT_H */
