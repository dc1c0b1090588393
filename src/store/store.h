/*
 * store: the process that writes health events into the database, prunes it
 * and answers what control asks of it.
 */
#ifndef MERCURY_STORE_STORE_H
#define MERCURY_STORE_STORE_H

/* Run until the supervisor says stop, or is gone. Returns the exit code. */
int store_run(void);

#endif /* MERCURY_STORE_STORE_H */
