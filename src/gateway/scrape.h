/*
 * scrape: what GET /metrics takes: asks the supervisor for what there is to
 * tell, and has it written (metrics.h). The text of thousands of listeners
 * takes milliseconds and megabytes to make: who keeps it, keeps it.
 */
#ifndef MERCURY_GATEWAY_SCRAPE_H
#define MERCURY_GATEWAY_SCRAPE_H

#include "common/err.h"

struct exposition;
struct questions;
struct scrape;
struct scrapes;

/*
 * The end of a scrape: its text (EXPOSITION_CONTENT_TYPE), or NULL and *err
 * says why there is none. Whoever takes the bytes zeroes *text and frees them
 * with free(); else they are freed after the call. The scrape is gone then.
 * Never called from within the call that asks.
 */
typedef void scrape_fn(void *ctx, struct exposition *text,
    const struct err *err);

/* The questions are borrowed for life. NULL with *err. */
struct scrapes *scrapes_new(struct questions *, struct err *err);

/*
 * Ask for the text; ctx is borrowed until done is called or the scrape is
 * forgotten. Returns it, or NULL with *err.
 */
struct scrape *scrapes_ask(struct scrapes *, scrape_fn *done, void *ctx,
    struct err *err);

/* Nobody waits any more. Nulls *s; NULL is fine. */
void scrape_forget(struct scrape **s);

/* Free, with all that wait, who hear nothing. Nulls *s; NULL is fine. */
void scrapes_free(struct scrapes **s);

#endif /* MERCURY_GATEWAY_SCRAPE_H */
