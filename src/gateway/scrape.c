#include "gateway/scrape.h"

#include <sys/queue.h>

#include <stdlib.h>

#include "common/clock.h"
#include "common/snapshot.h"
#include "gateway/exposition.h"
#include "gateway/metrics.h"
#include "gateway/process_meter.h"
#include "gateway/questions.h"

/* One of the two answers that a scrape needs. */
struct half {
	struct question *question; /* NULL: it has been answered */
	struct snapshot_reader answer;
};

struct scrape {
	TAILQ_ENTRY(scrape) next;
	struct scrapes *all;
	scrape_fn *done;
	void *ctx;
	struct half status;
	struct half tree;
};

struct scrapes {
	struct questions *questions;
	struct process_meter meter;
	TAILQ_HEAD(, scrape) waiting;
};

struct scrapes *
scrapes_new(struct questions *questions, struct err *err)
{
	struct scrapes *all = calloc(1, sizeof(*all));

	if (all == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "scrapes: out of memory");
		return NULL;
	}
	all->questions = questions;
	TAILQ_INIT(&all->waiting);
	return all;
}

void
scrape_forget(struct scrape **sp)
{
	struct scrape *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	TAILQ_REMOVE(&s->all->waiting, s, next);
	question_forget(&s->status.question);
	question_forget(&s->tree.question);
	snapshot_close(&s->status.answer);
	snapshot_close(&s->tree.answer);
	free(s);
}

void
scrapes_free(struct scrapes **sp)
{
	struct scrapes *all = *sp;
	struct scrape *s;

	*sp = NULL;
	if (all == NULL)
		return;
	while ((s = TAILQ_FIRST(&all->waiting)) != NULL)
		scrape_forget(&s);
	process_meter_free(&all->meter);
	free(all);
}

/* --- the text --- */

/* Returns 0, or -1 with *err. */
static int
write_text(struct scrape *s, struct exposition *text, struct err *err)
{
	const struct metrics_from from = { &s->status.answer, &s->tree.answer,
		&s->all->meter, usage_read, clock_mono_ms() };

	if (metrics_write(text, &from) == -1)
		return err_set(err, ERR_UNAVAILABLE,
		    "the metrics: out of memory");
	return 0;
}

/* Both answers are there, or why is the reason that they never will be. */
static void
finish(struct scrape *s, const struct err *why)
{
	struct exposition text = { 0 };
	scrape_fn *done = s->done;
	void *ctx = s->ctx;
	struct err err;

	if (why == NULL && write_text(s, &text, &err) == -1)
		why = &err;
	scrape_forget(&s);
	done(ctx, why == NULL ? &text : NULL, why);
	exposition_free(&text);
}

static void
take(struct scrape *s, struct half *half, int fd, const struct err *why)
{
	struct err err;

	half->question = NULL;
	if (fd == -1) {
		finish(s, why);
		return;
	}
	if (snapshot_open(&half->answer, fd, &err) == -1) {
		finish(s, &err);
		return;
	}
	if (s->status.question == NULL && s->tree.question == NULL)
		finish(s, NULL);
}

static void
on_status(void *ctx, int fd, const struct err *err)
{
	struct scrape *s = ctx;

	take(s, &s->status, fd, err);
}

static void
on_tree(void *ctx, int fd, const struct err *err)
{
	struct scrape *s = ctx;

	take(s, &s->tree, fd, err);
}

struct scrape *
scrapes_ask(struct scrapes *all, scrape_fn *done, void *ctx, struct err *err)
{
	struct scrape *s = calloc(1, sizeof(*s));
	const struct question_asker status = { on_status, s };
	const struct question_asker tree = { on_tree, s };

	if (s == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "a scrape: out of memory");
		return NULL;
	}
	s->all = all;
	s->done = done;
	s->ctx = ctx;
	TAILQ_INSERT_TAIL(&all->waiting, s, next);
	s->status.question = questions_status(all->questions, &status, err);
	if (s->status.question != NULL)
		s->tree.question = questions_tree(all->questions, &tree, err);
	if (s->tree.question == NULL)
		scrape_forget(&s);
	return s;
}
