#include "ctl/trace_show.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/output.h"
#include "ctl/trace_pcap.h"
#include "ctl/trace_text.h"

static int
cant_write(const struct trace_show *s, struct failure *f)
{
	return client_fail(f, CTL_REFUSED, "%s: %s",
	    strcmp(s->path, "-") == 0 ? "standard output" : s->path,
	    strerror(errno));
}

int
trace_show_open(struct trace_show *s, const char *path, struct failure *f)
{
	s->path = path;
	if (strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return client_fail(f, CTL_USAGE,
			    "--pcap -: a terminal can't show packets");
		s->fd = STDOUT_FILENO;
		return 0;
	}
	/* It will hold what devices say: it is for its owner only. */
	s->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	s->made = s->fd != -1;
	if (s->fd == -1 && errno == EEXIST)
		s->fd = open(path, O_WRONLY | O_CLOEXEC);
	return s->fd == -1 ? cant_write(s, f) : 0;
}

/* Write all; that nobody reads it is no failure. Returns 0, or -1 with *f. */
static int
write_out(struct trace_show *s, struct failure *f)
{
	size_t done = 0;
	ssize_t n;

	while (done < s->out.len && !s->over) {
		n = write(s->fd, s->out.bytes + done, s->out.len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EPIPE)
			s->over = true;
		else if (errno != EINTR)
			return cant_write(s, f);
	}
	pcapng_clear(&s->out);
	if (s->out.failed)
		return client_fail(f, CTL_REFUSED, "out of memory");
	return 0;
}

int
trace_show_begin(struct trace_show *s, const char *listener, struct failure *f)
{
	struct stat st;

	if (s->path == NULL)
		return 0;
	s->made = false;
	if (s->fd != STDOUT_FILENO && fstat(s->fd, &st) == 0 &&
	    S_ISREG(st.st_mode) && ftruncate(s->fd, 0) == -1)
		return cant_write(s, f);
	s->pcap = trace_pcap_new(&s->out);
	if (s->pcap == NULL)
		return client_fail(f, CTL_REFUSED, "out of memory");
	pcapng_begin(&s->out, "mercuryctl " PACKAGE_VERSION, listener);
	return write_out(s, f);
}

static void
count(struct trace_show *s, const struct trace_note *n)
{
	if (n->kind == TRACE_NOTE_DATA) {
		s->records++;
		s->bytes += n->len;
		s->over |= s->records == s->count;
	} else if (n->kind == TRACE_NOTE_LOST) {
		s->lost += n->records;
	} else if (n->kind == TRACE_NOTE_END) {
		s->ended = true;
	}
}

int
trace_show_add(struct trace_show *s, const struct client_note *c,
    struct failure *f)
{
	struct trace_note n;

	if (trace_note_read(c, &s->data, &n) == -1)
		return client_fail(f, CTL_REFUSED,
		    "what the daemon says makes no sense");
	if (s->pcap != NULL && trace_pcap_add(s->pcap, &n) == -1)
		return client_fail(f, CTL_REFUSED, "out of memory");
	if (s->pcap == NULL && s->json)
		(void)printf("%.*s\n", (int)c->len, c->line);
	else if (s->pcap == NULL)
		trace_text_print(stdout, &n);
	count(s, &n);
	return 0;
}

int
trace_show_flush(struct trace_show *s, struct failure *f)
{
	bool all_shown;
	int r;

	if (s->path == NULL)
		return output_flush(&s->over, f);
	all_shown = s->over;
	s->over = false;
	r = write_out(s, f);
	s->over |= all_shown;
	return r;
}

int
trace_show_fd(const struct trace_show *s)
{
	return s->path == NULL ? STDOUT_FILENO : s->fd;
}

int
trace_show_end(struct trace_show *s, struct failure *f)
{
	if (s->pcap == NULL)
		return 0;
	trace_pcap_end(s->pcap);
	return trace_show_flush(s, f);
}

void
trace_show_close(struct trace_show *s)
{
	if (s->fd != -1 && s->fd != STDOUT_FILENO)
		(void)close(s->fd);
	if (s->made)
		(void)unlink(s->path);
	s->fd = -1;
	trace_pcap_free(&s->pcap);
	pcapng_free(&s->out);
	free(s->data.bytes);
	s->data.bytes = NULL;
}
