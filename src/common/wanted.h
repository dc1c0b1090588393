/*
 * wanted: a listener as somebody asked for it: its spec, which of its options
 * were written down, and the values that are no part of the spec.
 */
#ifndef MERCURY_COMMON_WANTED_H
#define MERCURY_COMMON_WANTED_H

#include "common/bulk.h"
#include "common/ipc_msg.h"
#include "common/spec.h"

struct wanted {
	struct listener_spec spec;
	option_set set;
	enum spec_origin origin;
	struct bulks bulks; /* those that spec refers to; held */
};

/*
 * A value has come for the next spec: takes *fd, and sets it to -1, also when
 * it fails. Returns 0, or -1 with *err when it makes no sense.
 */
int bulks_take(struct bulks *, const struct msg_bulk *, int *fd, struct err *);

/* Let go of what it holds. */
void wanted_clear(struct wanted *);

/* Make *to, which holds nothing, a copy; both hold the values then. */
void wanted_copy(struct wanted *to, const struct wanted *from);

/*
 * Have the values come that the spec refers to? Lets go of any others.
 * Returns 0, or -1 with *err.
 */
int wanted_check(struct wanted *, struct err *err);

/*
 * Copy to *to those values of from that belong to options of set.
 */
void wanted_merge_bulks(struct bulks *to, const struct bulks *from,
    option_set set);

#endif /* MERCURY_COMMON_WANTED_H */
