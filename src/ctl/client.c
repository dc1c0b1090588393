#include "ctl/client.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define ANSWER_BYTES_MAX ((size_t)256 << 20)
#define CONNECT_RETRY_MS 20
#define TICK_MS 100

int
client_fail(struct failure *f, enum ctl_exit code, const char *fmt, ...)
{
	va_list ap;

	f->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -1;
}

static int
timed_out(const struct client *c, struct failure *f)
{
	return client_fail(f, CTL_TIMED_OUT, "%s: no answer in time", c->path);
}

/* The same when the daemon has the request. */
static int
answer_timed_out(const struct client *c, struct failure *f)
{
	if (!c->changes)
		return timed_out(c, f);
	return client_fail(f, CTL_TIMED_OUT,
	    "%s: no answer in time; it goes on, see mercuryctl status",
	    c->path);
}

/* Milliseconds for poll(2) until the deadline; 0 when it has passed. */
static int
left_ms(uint64_t deadline_ms)
{
	const uint64_t now = clock_mono_ms();

	if (now >= deadline_ms)
		return 0;
	return deadline_ms - now > 3600000 ? 3600000 : (int)(deadline_ms - now);
}

/*
 * Wait for an event on fd for the sake of c, whose tick is called meanwhile.
 * Returns -1 at the deadline.
 */
static int
wait_for(const struct client *c, int fd, short events, uint64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int ms, n;

	do {
		ms = left_ms(deadline_ms);
		if (c->tick != NULL) {
			c->tick(c->tick_arg);
			n = poll(&p, 1, ms > TICK_MS ? TICK_MS : ms);
		} else {
			n = poll(&p, 1, ms);
		}
	} while (n <= 0 && ms > 0 && (n == 0 || errno == EINTR));
	return n == 1 ? 0 : -1;
}

/* Does errno after connect(2) say so? */
static bool
nobody_listens(void)
{
	return errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR;
}

static int
connect_failed(const char *path, struct failure *f)
{
	if (nobody_listens())
		return client_fail(f, CTL_NO_DAEMON,
		    "no daemon answers at %s: %s", path, strerror(errno));
	return client_fail(f, CTL_REFUSED, "%s: %s", path, strerror(errno));
}

int
client_open(struct client *c, const char *path, bool changes,
    uint64_t deadline_ms, struct failure *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memset(c, 0, sizeof(*c));
	c->path = path;
	c->changes = changes;
	c->fd = -1;
	if (strlen(path) >= sizeof(a.sun_path))
		return client_fail(f, CTL_USAGE,
		    "%s: a socket's path has at most %zu bytes", path,
		    sizeof(a.sun_path) - 1);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return client_fail(f, CTL_REFUSED, "socket: %s",
		    strerror(errno));
	/* EAGAIN: its queue is full, and nothing tells when it is not. */
	while (connect(c->fd, (const struct sockaddr *)&a, sizeof(a)) == -1) {
		if (errno != EAGAIN && errno != EINTR) {
			(void)connect_failed(path, f);
			client_close(c);
			return -1;
		}
		if (left_ms(deadline_ms) == 0) {
			client_close(c);
			return timed_out(c, f);
		}
		(void)poll(NULL, 0, CONNECT_RETRY_MS);
	}
	return 0;
}

/*
 * Send all of a request. A daemon that does not take it may still have said
 * why, so only a deadline is an error here.
 */
static int
send_all(struct client *c, const char *text, size_t len, uint64_t deadline_ms,
    struct failure *f)
{
	ssize_t n;

	while (len > 0) {
		n = send(c->fd, text, len, MSG_NOSIGNAL);
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (n == -1 && errno != EAGAIN && errno != EINTR) {
			return 0;
		} else if (wait_for(c, c->fd, POLLOUT, deadline_ms) == -1) {
			return timed_out(c, f);
		}
	}
	return 0;
}

/* Make room for more of what comes. */
static int
make_room(struct client *c, struct failure *f)
{
	const size_t size = c->size == 0 ? 65536 : c->size * 2;
	char *p;

	if (c->start > 0) {
		memmove(c->bytes, c->bytes + c->start, c->len - c->start);
		c->len -= c->start;
		c->newline_free -= c->start;
		c->start = 0;
	}
	if (c->len < c->size)
		return 0;
	if (size > ANSWER_BYTES_MAX)
		return client_fail(f, CTL_REFUSED, "%s: the answer is too long",
		    c->path);
	p = realloc(c->bytes, size);
	if (p == NULL)
		return client_fail(f, CTL_REFUSED, "out of memory");
	c->bytes = p;
	c->size = size;
	return 0;
}

/* The connection ended. Was it mercuryd, or only the process behind it? */
static int
lost(const struct client *c, struct failure *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	bool gone;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", c->path);
	gone = connect(fd, (const struct sockaddr *)&a, sizeof(a)) == -1 &&
	    nobody_listens();
	if (fd != -1)
		(void)close(fd);
	return client_fail(f, gone ? CTL_NO_DAEMON : CTL_REFUSED,
	    "%s: lost the connection before the answer came%s", c->path,
	    c->changes ? ": mercuryd may or may not have done it, see "
			 "mercuryctl status"
		       : "");
}

int
client_receive(struct client *c, struct failure *f)
{
	ssize_t n;

	if (make_room(c, f) == -1)
		return -1;
	n = read(c->fd, c->bytes + c->len, c->size - c->len);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return lost(c, f);
	c->len += (size_t)n;
	return 0;
}

/* Take the next line of what has come; its length is without the newline. */
static const char *
take_line(struct client *c, size_t *len)
{
	const char *line, *newline;

	if (c->len == c->newline_free)
		return NULL;
	line = c->bytes + c->start;
	newline =
	    memchr(c->bytes + c->newline_free, '\n', c->len - c->newline_free);
	if (newline == NULL) {
		c->newline_free = c->len;
		return NULL;
	}
	*len = (size_t)(newline - line);
	c->start = c->newline_free = c->start + *len + 1;
	return line;
}

/* Wait for a line. Borrowed until more is read. NULL with *f. */
static const char *
read_line(struct client *c, uint64_t deadline_ms, size_t *len,
    struct failure *f)
{
	const char *line;

	while ((line = take_line(c, len)) == NULL) {
		if (wait_for(c, c->fd, POLLIN, deadline_ms) == -1) {
			(void)answer_timed_out(c, f);
			return NULL;
		}
		if (client_receive(c, f) == -1)
			return NULL;
	}
	return line;
}

static json_t *
nonsense(const struct client *c, struct failure *f)
{
	(void)client_fail(f, CTL_REFUSED, "%s: the answer makes no sense",
	    c->path);
	return NULL;
}

/* What the daemon says about an error; NULL: it is none. */
static const char *
error_message(const json_t *answer)
{
	return json_string_value(
	    json_object_get(json_object_get(answer, "error"), "message"));
}

/* The result in an answer, as a new reference. */
static json_t *
result_of(const struct client *c, const json_t *answer, struct failure *f)
{
	const json_t *id = json_object_get(answer, "id");
	json_t *result = json_object_get(answer, "result");
	const char *message = error_message(answer);

	if (message != NULL) {
		(void)client_fail(f, CTL_REFUSED, "%s", message);
		return NULL;
	}
	if (result == NULL || json_integer_value(id) != c->last_id)
		return nonsense(c, f);
	return json_incref(result);
}

/* One line for the wire, for free(). */
static char *
request_text(const char *method, json_t *params, int id)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o*}", "jsonrpc", "2.0",
	    "id", id, "method", method, "params", params);
	char *text = json_dumps(request, JSON_COMPACT), *line = NULL;

	json_decref(request);
	if (text != NULL && asprintf(&line, "%s\n", text) == -1)
		line = NULL;
	free(text);
	return line;
}

int
client_ask(struct client *c, const char *method, json_t *params,
    uint64_t deadline_ms, struct failure *f)
{
	char *text = request_text(method, params, ++c->last_id);
	int r;

	if (text == NULL)
		return client_fail(f, CTL_REFUSED, "out of memory");
	r = send_all(c, text, strlen(text), deadline_ms, f);
	free(text);
	return r;
}

/* The result in the line of an answer; NULL with *f. */
static json_t *
result_in(const struct client *c, const char *line, size_t len,
    struct failure *f)
{
	json_t *answer = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *result = result_of(c, answer, f);

	json_decref(answer);
	return result;
}

int
client_answer(struct client *c, json_t **result, struct failure *f)
{
	size_t len = 0;
	const char *line = take_line(c, &len);

	if (line == NULL)
		return 0;
	*result = result_in(c, line, len, f);
	return *result == NULL ? -1 : 1;
}

json_t *
client_call(struct client *c, const char *method, json_t *params,
    uint64_t deadline_ms, struct failure *f)
{
	const char *line = NULL;
	size_t len = 0;

	if (client_ask(c, method, params, deadline_ms, f) == 0)
		line = read_line(c, deadline_ms, &len, f);
	return line == NULL ? NULL : result_in(c, line, len, f);
}

/* Read a line without the long string at its end. NULL: it is no JSON. */
static json_t *
load_note(struct client_note *n)
{
	static const char key[] = "\"data\": \"", end[] = "\"}}";
	const size_t key_len = sizeof(key) - 1, end_len = sizeof(end) - 1;
	char head[1024];
	size_t used;
	const char *at;

	used =
	    n->len < sizeof(head) - end_len ? n->len : sizeof(head) - end_len;
	at = memmem(n->line, used, key, key_len);
	if (at == NULL || n->len < (size_t)(at - n->line) + key_len + end_len ||
	    memcmp(n->line + n->len - end_len, end, end_len) != 0)
		return json_loadb(n->line, n->len, JSON_REJECT_DUPLICATES,
		    NULL);
	used = (size_t)(at - n->line) + key_len;
	n->data = n->line + used;
	n->data_len = n->len - used - end_len;
	memcpy(head, n->line, used);
	memcpy(head + used, end, end_len);
	return json_loadb(head, used + end_len, JSON_REJECT_DUPLICATES, NULL);
}

/* As client_any_notification(); without has_data nothing is left out. */
static int
next_note(struct client *c, bool has_data, struct client_note *n,
    struct failure *f)
{
	const char *message;

	memset(n, 0, sizeof(*n));
	n->line = take_line(c, &n->len);
	if (n->line == NULL)
		return 0;
	n->object = has_data
	    ? load_note(n)
	    : json_loadb(n->line, n->len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_string(json_object_get(n->object, "method")))
		return 1;
	message = error_message(n->object);
	if (message != NULL) /* why it hangs up */
		(void)client_fail(f, CTL_REFUSED, "%s", message);
	else
		(void)nonsense(c, f);
	json_decref(n->object);
	return -1;
}

int
client_any_notification(struct client *c, struct client_note *n,
    struct failure *f)
{
	return next_note(c, true, n, f);
}

int
client_notification(struct client *c, const char *method, json_t **params,
    struct failure *f)
{
	struct client_note n;
	int r = next_note(c, false, &n, f);

	if (r != 1)
		return r;
	*params = NULL;
	if (strcmp(json_string_value(json_object_get(n.object, "method")),
		method) == 0)
		*params = json_incref(json_object_get(n.object, "params"));
	json_decref(n.object);
	if (*params != NULL)
		return 1;
	(void)nonsense(c, f);
	return -1;
}

/* Wait until the daemon closes the connection. */
static int
wait_eof(struct client *c, uint64_t deadline_ms)
{
	char rest[4096];
	ssize_t n;

	do {
		if (wait_for(c, c->fd, POLLIN, deadline_ms) == -1)
			return -1;
		n = read(c->fd, rest, sizeof(rest));
	} while (n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR)));
	return 0;
}

int
client_wait_end(struct client *c, int pid, uint64_t deadline_ms,
    struct failure *f)
{
	/* The process ends a moment after the connection: wait for both. */
	const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int r = wait_eof(c, deadline_ms);

	if (r == 0 && pidfd != -1)
		r = wait_for(c, pidfd, POLLIN, deadline_ms);
	if (pidfd != -1)
		(void)close(pidfd);
	if (r == -1)
		return client_fail(f, CTL_TIMED_OUT,
		    "mercuryd (pid %d) is still stopping; it goes on", pid);
	return 0;
}

void
client_close(struct client *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	free(c->bytes);
	c->bytes = NULL;
	c->start = c->len = c->newline_free = c->size = 0;
}
