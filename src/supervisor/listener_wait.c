#include "supervisor/listener_wait.h"

#include <stdlib.h>

#include "supervisor/listener.h"

static listener_answer_fn *answer;

void
listener_wait_configure(listener_answer_fn *f)
{
	answer = f;
}

int
listener_wait(struct listener *l, enum wait_kind kind, uint32_t request,
    struct err *err)
{
	struct wait *w = malloc(sizeof(*w));

	if (w == NULL)
		return err_sys(err, "a request");
	w->kind = kind;
	w->request = request;
	STAILQ_INSERT_TAIL(&l->waits, w, next);
	return 0;
}

void
listener_answer_waits(struct listener *l, enum wait_kind kind,
    const struct err *err)
{
	struct wait *w, *next;

	STAILQ_FOREACH_SAFE (w, &l->waits, next, next) {
		if (w->kind != kind)
			continue;
		STAILQ_REMOVE(&l->waits, w, wait, next);
		answer(l, w, err);
		free(w);
	}
}

void
listener_forget_waits(struct listener *l)
{
	struct wait *w;

	while ((w = STAILQ_FIRST(&l->waits)) != NULL) {
		STAILQ_REMOVE_HEAD(&l->waits, next);
		free(w);
	}
}
