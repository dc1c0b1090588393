/*
 * trace_show: where a trace goes: as text or as JSON on the standard output,
 * or as packets into a file.
 */
#ifndef MERCURY_CTL_TRACE_SHOW_H
#define MERCURY_CTL_TRACE_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/client.h"
#include "ctl/pcapng.h"
#include "ctl/trace_note.h"

struct trace_pcap;

/* All zero but for fd -1, json and count: begin. */
struct trace_show {
	bool json;
	uint64_t count; /* of data records, then it is over; 0: no limit */
	uint64_t records;
	uint64_t bytes;
	uint64_t lost;           /* records */
	const char *path;        /* of the file; NULL: none */
	int fd;                  /* of the file, or what stands for it; or -1 */
	bool made;               /* the file is ours and was not there before */
	struct trace_pcap *pcap; /* NULL: no file is wanted */
	struct pcapng out;       /* what is to be written */
	struct trace_note_data data;
	bool over;  /* all that was wanted was shown, or nobody reads it */
	bool ended; /* the listener is gone */
};

/*
 * Make sure that the file at path can be written; "-" is the standard output.
 * What it has is left alone. Returns 0, or -1 with *f.
 */
int trace_show_open(struct trace_show *, const char *path, struct failure *f);

/* The trace has begun: the head of the file, in the place of what it had. */
int trace_show_begin(struct trace_show *, const char *listener,
    struct failure *f);

/* The next notification. Returns 0, or -1 with *f. */
int trace_show_add(struct trace_show *, const struct client_note *,
    struct failure *f);

/* Write out what was added. Returns 0, or -1 with *f. */
int trace_show_flush(struct trace_show *, struct failure *f);

/* Where it goes, for waiting_for(). */
int trace_show_fd(const struct trace_show *);

/* The end of the file, if it was begun. Returns 0, or -1 with *f. */
int trace_show_end(struct trace_show *, struct failure *f);

/* Close and free; a file that was not begun is not left behind. */
void trace_show_close(struct trace_show *);

#endif /* MERCURY_CTL_TRACE_SHOW_H */
