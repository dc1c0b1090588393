/* pid_file: the pid file, which is also the lock against a second mercuryd. */
#ifndef MERCURY_SUPERVISOR_PID_FILE_H
#define MERCURY_SUPERVISOR_PID_FILE_H

#include "common/err.h"

/* Lock and write it. Returns 0, or -1 with *err, also when it is held. */
int pid_file_open(const char *path, struct err *err);

/* Remove it. Nothing happens if it is not open. */
void pid_file_remove(void);

#endif /* MERCURY_SUPERVISOR_PID_FILE_H */
