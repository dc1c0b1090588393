/* json_rows: a snapshot for the unit tests of src/json and src/control. */
#ifndef MERCURY_UNIT_JSON_ROWS_H
#define MERCURY_UNIT_JSON_ROWS_H

#include "common/ipc_msg.h"
#include "common/snapshot.h"

/*
 * A daemon with a TCP listener "pos" of two workers, a Unix listener "local"
 * without any, and the processes control, pos/0, pos/1 and local/0, and one
 * of an earlier pos/0 that leaves.
 */
void json_rows_open(struct snapshot_reader *);

/* Where the rows say so: who wrote down the listener "pos". */
void json_rows_open_origin(struct snapshot_reader *, enum spec_origin);

/* Read what was written; the writer is empty again. */
void json_rows_seal(struct snapshot_writer *, struct snapshot_reader *);

#endif /* MERCURY_UNIT_JSON_ROWS_H */
