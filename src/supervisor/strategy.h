/*
 * strategy: which children of a group are stopped and started when one has
 * ended. Pure.
 *
 * OTP's rule, for the children 0 to n - 1 in the order of their start:
 *
 *     one_for_one   the child that ended, no other
 *     one_for_all   all children
 *     rest_for_one  that child and all after it
 *
 * Those that still run are stopped from the last to the first, each before
 * the next; then all are started from the first to the last, each ready
 * before the next. It counts as one restart for the intensity. Further:
 *
 * - Only an end that calls for a restart (restart.h) makes a plan. So when a
 *   temporary child, or a transient one that ended normally, is gone, no
 *   other child is touched.
 * - A temporary child within a plan is stopped and not started. A transient
 *   one within a plan that had ended normally is started again.
 * - The end of a child that is being stopped by a plan is no new reason and
 *   is not counted.
 */
#ifndef MERCURY_SUPERVISOR_STRATEGY_H
#define MERCURY_SUPERVISOR_STRATEGY_H

#include "common/spec.h"

/*
 * Stop last down to first, leaving out those that don't run (the one that
 * ended is one of them), then start first up to last.
 */
struct strategy_plan {
	unsigned int first;
	unsigned int last;
};

/*
 * Child k of n has ended and is to be restarted; k < n. A strategy out of
 * range counts as one_for_one.
 */
struct strategy_plan strategy_plan(enum strategy_id, unsigned int n,
    unsigned int k);

/*
 * Another child ends while a restart is under way: do this instead, from its
 * stopping on. It is the shortest plan that has all of both. a is what is
 * left of the one under way: the whole while it stops children; from the
 * first that isn't ready yet while it starts them. b is the plan for the
 * other child.
 *
 * Not for one_for_one: its plans stand for themselves and go on side by
 * side; merged, children between them would be stopped for nothing. Plans of
 * the other two all reach to the last child, so they overlap.
 */
struct strategy_plan strategy_merge(struct strategy_plan a,
    struct strategy_plan b);

#endif /* MERCURY_SUPERVISOR_STRATEGY_H */
