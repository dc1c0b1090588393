#include "ctl/event_show.h"

#include <stdio.h>

#include "ctl/output.h"

static void
print(struct event_show *show, const json_t *event)
{
	if (show->json)
		output_json(stdout, event);
	else
		event_text_print(stdout, &show->layout, event);
	show->shown++;
}

int
event_show_page(struct event_show *show, const json_t *events,
    struct failure *f)
{
	const json_t *event;
	size_t i;

	if (!show->json)
		json_array_foreach (events, i, event)
			event_text_widen(&show->layout, event);
	json_array_foreach (events, i, event)
		print(show, event);
	return output_flush(&show->over, f);
}

int
event_show_one(struct event_show *show, const json_t *event, struct failure *f)
{
	if (!show->json)
		event_text_widen(&show->layout, event);
	print(show, event);
	return output_flush(&show->over, f);
}
