/*
 * exits: how the programs of a listener of protocol exec have ended, added up
 * over its workers, those that are gone included. They never go back.
 */
#ifndef MERCURY_SUPERVISOR_EXITS_H
#define MERCURY_SUPERVISOR_EXITS_H

#include "common/exit_table.h"

struct listener;
struct worker;

/* With those of listeners that it has replaced, and that drain still. */
void exits_of(const struct listener *, struct exit_sum *out);

/*
 * Keep those of a worker that is gone, once: what ran was killed with it.
 * Without memory they are lost.
 */
void exits_fold(struct listener *, const struct worker *);

/*
 * The listener is about to go: they are its heir's, if it has one. To be called
 * before counters_bequeath().
 */
void exits_bequeath(const struct listener *);

#endif /* MERCURY_SUPERVISOR_EXITS_H */
