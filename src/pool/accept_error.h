/*
 * accept_error: what a failed accept(2) means for the socket that it was
 * called on. Pure.
 */
#ifndef MERCURY_POOL_ACCEPT_ERROR_H
#define MERCURY_POOL_ACCEPT_ERROR_H

enum accept_action {
	ACCEPT_STOP,  /* the socket is of no more use */
	ACCEPT_EMPTY, /* nobody waits */
	ACCEPT_NEXT,  /* that one client is lost; try the next */
	ACCEPT_PAUSE, /* a resource is used up: it would fail again at once */
	ACCEPT_LIMIT  /* a limit of the listener is reached; never an error */
};

/* What to do about an errno of accept(2); ACCEPT_STOP if it is unknown. */
enum accept_action accept_error_action(int error);

#endif /* MERCURY_POOL_ACCEPT_ERROR_H */
