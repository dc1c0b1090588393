/*
 * pipes: a bounded number of pipes, made on demand, through which splice(2)
 * passes bytes from one socket to another. They are the worker's.
 *
 * Pipes are short: the kernel gives a user so many pages for all pipes, and
 * tiny ones beyond that. Who gets none copies.
 */
#ifndef MERCURY_PROXY_PIPES_H
#define MERCURY_PROXY_PIPES_H

#include <sys/queue.h>

#include <stddef.h>

/* At most, of one worker; what one asks for; what one must have. */
#define PIPES_MAX 64u
#define PIPE_SIZE (256 * 1024)
#define PIPE_SIZE_MIN (64 * 1024)

struct pipe {
	SLIST_ENTRY(pipe) next;
	int out; /* to read from */
	int in;
	size_t held; /* bytes that are in it; its user's to count */
};

/* One that is zeroed is ready. */
struct pipes {
	SLIST_HEAD(, pipe) unused; /* all of them empty */
	unsigned int count;        /* of all, also of those in use */
	unsigned int max;          /* 0: PIPES_MAX */
	unsigned int pause;        /* so many calls more are refused */
};

/* Gives an empty pipe, which does not block; NULL: there is none now. */
struct pipe *pipes_get(struct pipes *);

/* Takes it back; one that still holds something is closed. Nulls *p. */
void pipes_put(struct pipes *, struct pipe **p);

/* Close those that are not in use; none may be. */
void pipes_clear(struct pipes *);

#endif /* MERCURY_PROXY_PIPES_H */
