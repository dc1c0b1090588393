/*
 * check_state: for who writes a module: after each of its calls the state of
 * the connection moves, as it will when the connection moves to another
 * process, so that what does not bear that is found at once.
 */
#ifndef MERCURY_MODULE_CHECK_STATE_H
#define MERCURY_MODULE_CHECK_STATE_H

struct conn;

/*
 * Move the state of c by save() and restore(), or as bytes, to another place
 * in memory; what was there is filled with nonsense. An error is logged, and
 * the connection doomed.
 */
void check_state(struct conn *c);

#endif /* MERCURY_MODULE_CHECK_STATE_H */
