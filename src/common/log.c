#include "common/log.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/utf8.h"

#define LINE_SIZE 2048 /* under PIPE_BUF, so a line is never torn */
#define MESSAGE_SIZE 1000

/* What always fits after a text that was cut: the end of a JSON string. */
#define LINE_END_SIZE 4

static struct {
	const char *ident;
	struct log_settings settings;
	int syslog_fd; /* -1: not open */
	uint64_t lost; /* lines that could not be written */
} logger = {
	.ident = "mercury",
	.settings = { .level = LOG_LEVEL_INFO },
	.syslog_fd = -1,
};

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[LOG_LEVEL_COUNT] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

/* A line under construction; always ends in NUL, never overflows. */
struct line {
	char text[LINE_SIZE];
	size_t len;
};

static void line_add(struct line *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
line_add(struct line *l, const char *fmt, ...)
{
	const size_t room = sizeof(l->text) - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

/*
 * Add text with what is no printable UTF-8, or would end a string, escaped.
 * It is cut between two characters, and where the line's end still fits.
 */
static void
line_add_escaped(struct line *l, const char *text, bool json)
{
	char unit[8];
	size_t n, len;

	for (; *text != '\0'; text += n) {
		n = utf8_length(text);
		if (n == 0)
			len = (size_t)snprintf(unit, sizeof(unit),
			    json ? "\\u%04x" : "\\x%02x", (unsigned char)*text);
		else
			len = (size_t)snprintf(unit, sizeof(unit), "%s%.*s",
			    json && strchr("\"\\", *text) ? "\\" : "", (int)n,
			    text);
		n = n == 0 ? 1 : n;
		if (l->len + len + LINE_END_SIZE >= sizeof(l->text))
			return;
		memcpy(l->text + l->len, unit, len + 1);
		l->len += len;
	}
}

static void
build_text(struct line *l, enum log_level level, const char *kind,
    const char *name, const char *message)
{
	char now[CLOCK_RFC3339_SIZE];

	if (logger.settings.target == LOG_TARGET_STDERR) {
		clock_format(clock_real_ms(), now);
		line_add(l, "%s %s[%d] ", now, logger.ident, (int)getpid());
	}
	line_add(l, "%s: ", levels[level].name);
	if (kind != NULL) {
		line_add(l, "%s=", kind);
		line_add_escaped(l, name, false);
		line_add(l, " ");
	}
	line_add_escaped(l, message, false);
}

static void
build_json(struct line *l, enum log_level level, const char *kind,
    const char *name, const char *message)
{
	char now[CLOCK_RFC3339_SIZE];

	clock_format(clock_real_ms(), now);
	line_add(l,
	    "{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%s\",\"pid\":%d,",
	    now, levels[level].name, logger.ident, (int)getpid());
	if (kind != NULL) {
		line_add(l, "\"%s\":\"", kind);
		line_add_escaped(l, name, true);
		line_add(l, "\",");
	}
	line_add(l, "\"message\":\"");
	line_add_escaped(l, message, true);
	line_add(l, "\"}");
}

/* Write one line to stderr unless that would block. */
static int
write_stderr(const struct line *l)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return -1;
	return write(STDERR_FILENO, l->text, l->len) == (ssize_t)l->len ? 0
									: -1;
}

static void
open_syslog(void)
{
	const struct sockaddr_un addr = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };
	int fd;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return;
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == -1) {
		(void)close(fd);
		return;
	}
	logger.syslog_fd = fd;
}

static void
close_syslog(void)
{
	if (logger.syslog_fd != -1)
		(void)close(logger.syslog_fd);
	logger.syslog_fd = -1;
}

/*
 * One datagram to /dev/log, without syslog(3): that one waits for a stuck
 * daemon. A daemon that was restarted needs a new connection.
 */
static int
write_syslog(enum log_level level, const struct line *l)
{
	char packet[LINE_SIZE + 64];
	int n, attempt;

	n = snprintf(packet, sizeof(packet), "<%d>%s[%d]: %s",
	    LOG_DAEMON | levels[level].priority, logger.ident, (int)getpid(),
	    l->text);
	for (attempt = 0; attempt < 2; attempt++) {
		if (logger.syslog_fd == -1)
			open_syslog();
		if (logger.syslog_fd == -1)
			return -1;
		if (send(logger.syslog_fd, packet, (size_t)n, MSG_NOSIGNAL) ==
		    n)
			return 0;
		if (errno == EAGAIN)
			return -1;
		close_syslog();
	}
	return -1;
}

static void
write_line(enum log_level level, const char *kind, const char *name,
    const char *message)
{
	struct line l = { .len = 0 };
	int r;

	if (logger.settings.format == LOG_FORMAT_JSON)
		build_json(&l, level, kind, name, message);
	else
		build_text(&l, level, kind, name, message);
	if (logger.settings.target == LOG_TARGET_SYSLOG) {
		r = write_syslog(level, &l);
	} else {
		if (l.len == sizeof(l.text) - 1)
			l.len--;
		l.text[l.len++] = '\n';
		r = write_stderr(&l);
	}
	if (r == -1)
		logger.lost++;
}

void
log_write(enum log_level level, const char *kind, const char *name,
    const char *fmt, ...)
{
	char message[MESSAGE_SIZE];
	uint64_t lost = logger.lost;
	va_list ap;

	if (level > logger.settings.level)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	write_line(level, kind, name, message);
	if (lost == 0 || logger.lost != lost)
		return;
	/* That one went through: now say what did not. */
	logger.lost = 0;
	(void)snprintf(message, sizeof(message),
	    "%llu log lines were lost: nobody read them in time",
	    (unsigned long long)lost);
	write_line(LOG_LEVEL_WARNING, NULL, NULL, message);
}

void
log_open(const char *ident)
{
	logger.ident = ident;
}

void
log_configure(const struct log_settings *s)
{
	if (s->level >= LOG_LEVEL_COUNT || s->target >= LOG_TARGET_COUNT ||
	    s->format >= LOG_FORMAT_COUNT)
		return;
	logger.settings = *s;
	log_reopen();
}

void
log_reopen(void)
{
	close_syslog();
	if (logger.settings.target == LOG_TARGET_SYSLOG)
		open_syslog();
}
