/* control_rows: a snapshot for the unit tests of src/control. */
#ifndef MERCURY_UNIT_CONTROL_ROWS_H
#define MERCURY_UNIT_CONTROL_ROWS_H

#include "common/ipc_msg.h"
#include "common/snapshot.h"

/*
 * A daemon with a TCP listener "pos" of two workers, a Unix listener "local"
 * without any, and the processes control, pos/0, pos/1 and local/0, and one
 * of an earlier pos/0 that leaves.
 */
void control_rows_open(struct snapshot_reader *);

/* Where the rows say so: who wrote down the listener "pos". */
void control_rows_open_origin(struct snapshot_reader *, enum spec_origin);

/* Read what was written; the writer is empty again. */
void control_rows_seal(struct snapshot_writer *, struct snapshot_reader *);

#endif /* MERCURY_UNIT_CONTROL_ROWS_H */
