#include "supervisor/strategy.h"

struct strategy_plan
strategy_plan(enum strategy_id strategy, unsigned int n, unsigned int k)
{
	struct strategy_plan plan = { .first = k, .last = k };

	if (strategy == STRATEGY_ONE_FOR_ALL)
		plan.first = 0;
	if (strategy == STRATEGY_ONE_FOR_ALL ||
	    strategy == STRATEGY_REST_FOR_ONE)
		plan.last = n - 1;
	return plan;
}

struct strategy_plan
strategy_merge(struct strategy_plan a, struct strategy_plan b)
{
	return (struct strategy_plan){
		.first = a.first < b.first ? a.first : b.first,
		.last = a.last > b.last ? a.last : b.last,
	};
}
