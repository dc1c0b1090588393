/* health: fills the health board (common/health_board.h). */
#ifndef MERCURY_SUPERVISOR_HEALTH_H
#define MERCURY_SUPERVISOR_HEALTH_H

#include "common/err.h"

/* Make the board. Returns 0, or -1 with *err. */
int health_start(struct err *err);

/* Its descriptor (borrowed), for the gateway. */
int health_fd(void);

/* The supervisor goes on; to be called each HEALTH_BEAT_MS. */
void health_beat(void);

void health_stop(void);

#endif /* MERCURY_SUPERVISOR_HEALTH_H */
