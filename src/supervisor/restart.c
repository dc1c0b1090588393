#include "supervisor/restart.h"

/* Rows: the type. Columns: how it ended, unasked. */
enum ending { ABNORMAL, NORMAL, ENDING_COUNT };

/* clang-format off */
static const enum restart_decision table[RESTART_COUNT][ENDING_COUNT] = {
	[RESTART_PERMANENT] = {
		[ABNORMAL] = RESTART_YES,	[NORMAL] = RESTART_YES,
	},
	[RESTART_TRANSIENT] = {
		[ABNORMAL] = RESTART_YES,	[NORMAL] = RESTART_NO_DONE,
	},
	[RESTART_TEMPORARY] = {
		[ABNORMAL] = RESTART_NO_FAILED,	[NORMAL] = RESTART_NO_DONE,
	},
};
/* clang-format on */

enum restart_decision
restart_decide(enum restart_id type, const struct restart_facts *facts)
{
	if (facts->wanted)
		return RESTART_NO_WANTED;
	if ((unsigned int)type >= RESTART_COUNT)
		type = RESTART_PERMANENT;
	return table[type][facts->normal ? NORMAL : ABNORMAL];
}
