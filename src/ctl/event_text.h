/*
 * event_text: events as lines of text, and what a cleanup did. Pure.
 *
 * Lines are printed as they come, without knowing all: columns grow.
 */
#ifndef MERCURY_CTL_EVENT_TEXT_H
#define MERCURY_CTL_EVENT_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* How wide some columns are by now. All zero but for colour: begin. */
struct event_layout {
	bool colour;
	size_t listener;
	size_t peer;
};

/* Make room for this event, within reason. */
void event_text_widen(struct event_layout *, const json_t *event);

/* Print one event on a line; what terminals obey is escaped. */
void event_text_print(FILE *, const struct event_layout *, const json_t *event);

/* Print the result of events.cleanup on a line. */
void event_text_cleanup(FILE *, const json_t *result);

#endif /* MERCURY_CTL_EVENT_TEXT_H */
