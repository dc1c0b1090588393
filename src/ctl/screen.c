#include "ctl/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/clip.h"
#include "ctl/signals.h"

/* Another screen, no cursor, and no line that goes on in the next. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define LEAVE "\033[0m\033[?7h\033[?25h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

/* So long the terminal may take the last of it. */
#define LEAVE_MS 200

static struct screen {
	bool ready;   /* what is below is filled in */
	bool entered; /* it is ours now */
	int out;      /* of our own, so that it need not block */
	bool has_keys;
	struct termios before;
} screen;

/*
 * The terminal once more: what others have open must not become non-blocking.
 * Where that is not allowed, we have to do with a write that may block.
 */
static int
open_own(void)
{
	const int fd = open("/proc/self/fd/1",
	    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd == -1 ? STDOUT_FILENO : fd;
}

static void
prepare(void)
{
	screen.out = open_own();
	screen.has_keys = isatty(STDIN_FILENO) &&
	    tcgetattr(STDIN_FILENO, &screen.before) == 0;
	screen.ready = true;
	(void)atexit(screen_leave);
}

/*
 * Write all of it. With patience_ms -1 until a signal ends us, else for so
 * long. Returns 0, or -1.
 */
static int
put(const char *text, size_t len, int patience_ms)
{
	struct pollfd p = { .fd = screen.out, .events = POLLOUT };
	ssize_t n;

	while (len > 0) {
		n = write(screen.out, text, len);
		if (n > 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (patience_ms >= 0 && poll(&p, 1, patience_ms) != 1)
			return -1;
		if (patience_ms < 0 && signals_poll(&p, 1, -1) == -1 &&
		    signals_end())
			return -1;
	}
	return 0;
}

void
screen_enter(void)
{
	struct termios keys;

	if (!screen.ready)
		prepare();
	if (screen.has_keys) {
		keys = screen.before;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		keys.c_cc[VMIN] = 0;
		keys.c_cc[VTIME] = 0;
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	screen.entered = true;
	(void)put(ENTER, sizeof(ENTER) - 1, LEAVE_MS);
}

void
screen_leave(void)
{
	if (!screen.entered)
		return;
	screen.entered = false;
	/* First what can't block. */
	if (screen.has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
	(void)put(LEAVE, sizeof(LEAVE) - 1, LEAVE_MS);
}

/* Draw the lines of text; all at once, so that nothing flickers. */
static void
draw(FILE *f, const char *text, size_t width, size_t height)
{
	const char *end;
	size_t row;

	(void)fputs(HOME, f);
	for (row = 0; row < height && *text != '\0'; row++) {
		end = strchrnul(text, '\n');
		if (row > 0)
			(void)fputs("\r\n", f);
		/* Behind a full line this would clear its last character. */
		if (clip_print(f, text, (size_t)(end - text), width) < width)
			(void)fputs(CLEAR_LINE, f);
		text = end + (*end == '\n');
	}
	if (row < height)
		(void)fputs("\r\n" CLEAR_REST, f);
}

int
screen_show(const char *text, size_t width, size_t height)
{
	char *drawn = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&drawn, &len);
	int r = -1;

	if (f == NULL)
		return -1;
	draw(f, text, width, height);
	if (fclose(f) == 0)
		r = put(drawn, len, -1);
	free(drawn);
	return r;
}

int
screen_keys(void)
{
	return screen.has_keys ? STDIN_FILENO : -1;
}

bool
screen_is_left(void)
{
	char keys[64];
	const ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
	ssize_t i;

	if (n == -1)
		return errno != EAGAIN && errno != EINTR;
	for (i = 0; i < n; i++)
		if (keys[i] == 'q' || keys[i] == 'Q')
			return true;
	return false;
}
