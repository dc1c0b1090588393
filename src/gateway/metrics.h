/*
 * metrics: the state of the whole system as Prometheus scrapes it, written
 * from what the supervisor has answered. Which metrics there are is said in
 * common/metric_list.h.
 */
#ifndef MERCURY_GATEWAY_METRICS_H
#define MERCURY_GATEWAY_METRICS_H

#include <stdint.h>

#include "gateway/exposition.h"
#include "json/usage.h"

struct process_meter;
struct snapshot_reader;

/* All is borrowed. */
struct metrics_from {
	struct snapshot_reader *status; /* all listeners, at its start */
	struct snapshot_reader *tree;   /* at its start; NULL: no processes */
	struct process_meter *meter;    /* kept from scrape to scrape */
	usage_fn look_up;
	uint64_t now_ms; /* CLOCK_MONOTONIC */
};

/*
 * Write them all. Returns 0, or -1 when memory is short or the answers make no
 * sense: then the text must not be used. Free it in both cases.
 */
int metrics_write(struct exposition *, const struct metrics_from *);

#endif /* MERCURY_GATEWAY_METRICS_H */
