#include "ctl/watch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "ctl/frame.h"
#include "ctl/look.h"
#include "ctl/output.h"
#include "ctl/screen.h"
#include "ctl/signals.h"
#include "ctl/waiting.h"

/* An answer that takes longer is missed; then the connection is given up. */
#define PATIENCE_MS 2000u
#define GIVE_UP_MS 10000u

/* While there is no answer: to try again, and to show for how long. */
#define TROUBLE_EVERY_MS 1000u

struct watch {
	const struct options *o;
	const char *name; /* NULL: the daemon */
	struct client *c;
	bool screen;
	bool waiting; /* for an answer, which was asked for at asked_ms */
	uint64_t asked_ms;
	uint64_t next_ms; /* when to ask again */
	struct rates_base before;
	struct frame frame;
	uint64_t shown_ms;
	bool stale; /* what is shown is not what there is */
	bool over;
	struct failure trouble; /* why there is no answer */
};

static int
send_request(struct client *c, const char *name, uint64_t deadline_ms,
    struct failure *f)
{
	json_t *params;

	if (name == NULL)
		return client_ask(c, "daemon.status", NULL, deadline_ms, f);
	params = json_pack("{s:s}", "name", name);
	if (params == NULL)
		return client_fail(f, CTL_USAGE, "%.100s: is not UTF-8", name);
	return client_ask(c, "listener.status", params, deadline_ms, f);
}

/* Takes the answer. */
static void
take_answer(struct watch *w, json_t *answer)
{
	struct frame *m = &w->frame;

	if (m->answer != NULL)
		rates_rebase(&w->before, m->answer, m->answer_at_ms);
	json_decref(m->answer);
	m->answer = answer;
	m->answer_at_ms = clock_mono_ms();
	m->answer_real_ms = clock_real_ms();
	m->trouble = NULL;
	w->waiting = false;
	w->stale = true;
}

/* Scripts that read JSON are told beside it, once each time. */
static void
tell_trouble(const struct watch *w)
{
	if (!(w->o->given & OPTION_JSON) || w->frame.trouble != NULL)
		return;
	(void)fputs("mercuryctl: ", stderr);
	output_text(stderr, w->trouble.text);
	(void)fputs("; trying again\n", stderr);
}

/* When to say again that there is no answer: the time since then grows. */
static uint64_t
show_again_ms(const struct watch *w)
{
	return w->shown_ms + (w->screen ? TROUBLE_EVERY_MS : w->o->every_ms);
}

/* There is no answer, for the reason in w->trouble. */
static void
be_in_trouble(struct watch *w)
{
	tell_trouble(w);
	if (w->frame.trouble == NULL || show_again_ms(w) <= clock_mono_ms())
		w->stale = true;
	w->frame.trouble = w->trouble.text;
}

/* Begin anew, a moment later. */
static void
lose(struct watch *w)
{
	const uint64_t every_ms = w->o->every_ms;

	client_close(w->c);
	w->waiting = false;
	w->next_ms = clock_mono_ms() +
	    (every_ms < TROUBLE_EVERY_MS ? every_ms : TROUBLE_EVERY_MS);
	be_in_trouble(w);
}

/* Connect, unless we are, and ask. */
static void
ask(struct watch *w)
{
	const uint64_t now = clock_mono_ms();

	w->asked_ms = now;
	w->next_ms += w->o->every_ms;
	if (w->next_ms <= now)
		w->next_ms = now + w->o->every_ms;
	if ((w->c->fd == -1 &&
		client_open(w->c, w->o->socket, false, now, &w->trouble) ==
		    -1) ||
	    send_request(w->c, w->name, now + PATIENCE_MS, &w->trouble) == -1)
		lose(w);
	else
		w->waiting = true;
}

/* See whether an answer has come. */
static void
look_for_answer(struct watch *w)
{
	const uint64_t waited_ms = clock_mono_ms() - w->asked_ms;
	json_t *answer;
	int r = client_receive(w->c, &w->trouble);

	if (r == 0)
		r = client_answer(w->c, &answer, &w->trouble);
	if (r == 1 && !json_is_object(answer)) {
		json_decref(answer);
		r = client_fail(&w->trouble, CTL_REFUSED,
		    "%s: the answer makes no sense", w->o->socket);
	}
	if (r == 1) {
		take_answer(w, answer);
	} else if (r == -1) {
		lose(w);
	} else if (waited_ms >= PATIENCE_MS) {
		(void)client_fail(&w->trouble, CTL_TIMED_OUT,
		    "mercuryd does not answer at %s", w->o->socket);
		if (waited_ms >= GIVE_UP_MS)
			lose(w);
		else
			be_in_trouble(w);
	}
}

/* The frame as text, for free(); NULL with *f. */
static char *
frame_text(struct watch *w, struct failure *f)
{
	char *text = NULL;
	size_t len;
	FILE *memory = open_memstream(&text, &len);

	w->frame.now_ms = clock_mono_ms();
	w->frame.now_real_ms = clock_real_ms();
	if (memory != NULL) {
		frame_print(memory, &w->frame);
		if (fclose(memory) == 0)
			return text;
		free(text);
	}
	(void)client_fail(f, CTL_REFUSED, "out of memory");
	return NULL;
}

static int
show_on_screen(struct watch *w, struct failure *f)
{
	size_t width;
	char *text;

	look_size(stdout, &width, &w->frame.height);
	if (!w->frame.look.wide)
		w->frame.look.width = width;
	text = frame_text(w, f);
	if (text == NULL)
		return -1;
	if (screen_show(text, width, w->frame.height) == -1)
		w->over = true;
	free(text);
	return 0;
}

static int
show_in_turn(struct watch *w, struct failure *f)
{
	char *text = NULL;

	if (w->o->given & OPTION_JSON) {
		if (w->frame.trouble == NULL)
			output_json(stdout, w->frame.answer);
	} else {
		text = frame_text(w, f);
		if (text == NULL)
			return -1;
		(void)printf("%s\n", text);
		free(text);
	}
	return output_flush(&w->over, f);
}

static int
show(struct watch *w, struct failure *f)
{
	w->shown_ms = clock_mono_ms();
	w->stale = false;
	return w->screen ? show_on_screen(w, f) : show_in_turn(w, f);
}

/* What is due next? */
static int
wait_ms(const struct watch *w)
{
	const uint64_t now = clock_mono_ms();
	uint64_t until = w->next_ms;

	if (w->waiting)
		until = w->asked_ms +
		    (w->frame.trouble == NULL ? PATIENCE_MS : GIVE_UP_MS);
	if (w->frame.trouble != NULL && show_again_ms(w) < until)
		until = show_again_ms(w);
	if (until <= now)
		return 0;
	return until - now > 60000 ? 60000 : (int)(until - now);
}

/* On a screen more can happen than that an answer comes. */
static void
wait_on_screen(struct watch *w, int ms)
{
	struct pollfd p[] = {
		{ .fd = screen_keys(), .events = POLLIN },
		{ .fd = w->waiting ? w->c->fd : -1, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	if (signals_poll(p, 3, ms) <= 0)
		p[0].revents = p[2].revents = 0;
	if (signals_end() || (p[2].revents & (POLLERR | POLLHUP)) ||
	    (p[0].revents != 0 && screen_is_left()) ||
	    (p[0].revents & (POLLERR | POLLHUP)))
		w->over = true;
	if (!w->over && signals_take(SIGTSTP)) {
		screen_leave();
		signals_stop();
		(void)signals_take(SIGCONT);
		screen_enter();
		w->asked_ms = clock_mono_ms();
		w->stale = true;
	} else if (!w->over && signals_take(SIGCONT)) {
		screen_enter();
		w->stale = true;
	}
	w->stale |= signals_take(SIGWINCH);
}

static void
wait_in_turn(struct watch *w, int ms)
{
	if (!waiting_for(w->waiting ? w->c->fd : -1, ms, STDOUT_FILENO) ||
	    waiting_is_interrupted())
		w->over = true;
}

static int
rounds(struct watch *w, struct failure *f)
{
	while (!w->over) {
		if (!w->waiting && clock_mono_ms() >= w->next_ms)
			ask(w);
		if (w->stale && show(w, f) == -1)
			return -1;
		if (w->over)
			break;
		if (w->screen)
			wait_on_screen(w, wait_ms(w));
		else
			wait_in_turn(w, wait_ms(w));
		if (w->over)
			break;
		if (w->waiting)
			look_for_answer(w);
		else if (w->frame.trouble != NULL)
			be_in_trouble(w);
	}
	return 0;
}

int
watch_run(struct client *c, const struct options *o, const char *name,
    json_t *answer, struct failure *f)
{
	struct watch w = { .o = o, .name = name, .c = c };
	int r;

	w.screen = look_is_screen(stdout) && !(o->given & OPTION_JSON);
	w.frame.look = look_at(stdout, o);
	w.frame.before = &w.before;
	w.next_ms = clock_mono_ms() + o->every_ms;
	take_answer(&w, json_incref(answer));
	if (w.screen) {
		signals_begin();
		screen_enter();
	} else {
		waiting_ignore_pipe();
		waiting_begin();
	}
	r = rounds(&w, f);
	screen_leave();
	json_decref(w.frame.answer);
	rates_free(&w.before);
	return r;
}
