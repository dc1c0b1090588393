/*
 * log: lines for people and log collectors, to stderr or syslog.
 *
 * Never blocks and never waits: a line that can't be written at once is
 * counted, and the next one that can be written says how many were lost.
 * Who decides, logs: a function that returns an error does not log it.
 */
#ifndef MERCURY_COMMON_LOG_H
#define MERCURY_COMMON_LOG_H

#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_COUNT
};
enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG, LOG_TARGET_COUNT };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_COUNT };

/* Travels to each child in its first message. */
struct log_settings {
	uint8_t level;  /* enum log_level */
	uint8_t target; /* enum log_target */
	uint8_t format; /* enum log_format */
	uint8_t unused[5];
};

/* Name the process ("mercuryd"; borrowed for ever); text at info on stderr. */
void log_open(const char *ident);

/* Take the settings; a value out of range is ignored. */
void log_configure(const struct log_settings *);

/* Close and open again what a log rotation may have moved away. */
void log_reopen(void);

/*
 * One line. object_kind and object_name say what it is about, such as
 * "listener" and "pos"; both NULL when it is about the process itself. Bytes
 * that are not printable are escaped. At most 1,000 bytes are kept.
 */
void log_write(enum log_level, const char *object_kind, const char *object_name,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif /* MERCURY_COMMON_LOG_H */
