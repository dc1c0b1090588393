#include "control/plan_json.h"

#include "common/snapshot.h"
#include "control/rpc.h"
#include "json/fields.h"

static json_t *
step_json(const struct snapshot_plan *p)
{
	return json_pack("{s:o, s:s}", "name",
	    field_string(p->name, sizeof(p->name)), "action",
	    field_word(plan_action_name(p->action)));
}

json_t *
plan_json(struct snapshot_reader *r)
{
	json_t *plan = json_array();
	const struct snapshot_plan *p;
	uint64_t unchanged = 0;
	enum snapshot_kind kind;
	const void *row;

	while ((row = snapshot_next(r, &kind)) != NULL) {
		if (kind != SNAPSHOT_PLAN)
			continue;
		p = row;
		if (p->action == PLAN_KEEP) {
			unchanged++;
		} else if (json_array_append_new(plan, step_json(p)) == -1) {
			json_decref(plan);
			return NULL;
		}
	}
	return json_pack("{s:o, s:o}", "plan", plan, "unchanged",
	    field_number(unchanged));
}
