/*
 * event_log: events as rows: checks what senders say, makes the JSON of the
 * column detail, and writes the row.
 */
#ifndef MERCURY_STORE_EVENT_LOG_H
#define MERCURY_STORE_EVENT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "common/event.h"
#include "common/role.h"

struct db;
struct epoch_row;
struct origin;

/* Longest text of the column detail, with its NUL. */
#define EVENT_LOG_DETAIL_SIZE 4096

/*
 * Is the datagram, which starts at a multiple of 8, a batch of events that
 * sender may send? Returns how many it has; 0: it is none. *dropped: how many
 * its store.dropped events tell of.
 */
uint32_t event_log_check(const uint8_t *datagram, size_t size, enum role sender,
    uint64_t *dropped);

/*
 * Copy text of any bytes, cut to size; what is no printable character of
 * UTF-8 becomes "?". Returns out.
 */
const char *event_log_clean(const char *text, char *out, size_t size);

/*
 * The facts of e as a JSON object in out. The pool of a worker stands in it
 * where it is not the listener's name. Returns its length, or 0 when memory is
 * short.
 */
size_t event_log_detail(const struct health_event *e,
    const struct origin *origin, char out[static EVENT_LOG_DETAIL_SIZE]);

/*
 * When an event was: as it says, but for a time so far ahead of the wall
 * clock that no sender can have seen it.
 */
uint64_t event_log_time(uint64_t at_ms, int64_t wall_ms);

/*
 * Insert row, with what else e says. Returns 0, or the SQLite result code,
 * kept in db->code.
 */
int event_log_insert(struct db *, const struct epoch_row *row,
    const struct health_event *e, const struct origin *origin);

#endif /* MERCURY_STORE_EVENT_LOG_H */
