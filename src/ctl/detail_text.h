/*
 * detail_text: all that is known about one listener. What is missing or of
 * the wrong type in its object is shown as "-" or 0. Pure.
 */
#ifndef MERCURY_CTL_DETAIL_TEXT_H
#define MERCURY_CTL_DETAIL_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/look.h"

/* A line for each of its members. */
void detail_text_members(FILE *, const json_t *listener, const struct look *);

/* Its workers, in a table. */
void detail_text_workers(FILE *, const json_t *listener, const struct look *);

/* All: members, workers, and from where probes came. */
void detail_text(FILE *, const json_t *listener, const struct look *);

#endif /* MERCURY_CTL_DETAIL_TEXT_H */
