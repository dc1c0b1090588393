#include "ctl/command_status.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/output.h"
#include "ctl/status_text.h"

#define WATCH_EVERY_MS 1000

/* For a terminal: another screen without a cursor, and back. */
#define SCREEN_ENTER "\033[?1049h\033[?25l"
#define SCREEN_LEAVE "\033[?25h\033[?1049l"
#define SCREEN_HOME "\033[H"
#define SCREEN_LINE_END "\033[K\n"
#define SCREEN_REST_CLEAR "\033[J"

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* name NULL: the daemon with all listeners. */
static json_t *
ask(struct client *c, const struct options *o, const char *name,
    struct failure *f)
{
	const uint64_t deadline_ms = command_deadline(o);
	json_t *params, *result;

	if (name == NULL)
		return client_call(c, "daemon.status", NULL, deadline_ms, f);
	params = json_pack("{s:s}", "name", name);
	if (params == NULL) {
		(void)client_fail(f, CTL_USAGE, "%.100s: is not UTF-8", name);
		return NULL;
	}
	result = client_call(c, "listener.status", params, deadline_ms, f);
	return result;
}

static int
show(FILE *out, const struct options *o, const char *name, const json_t *result,
    struct failure *f)
{
	const bool colour = output_has_colour(stdout);

	if (o->given & OPTION_JSON)
		output_json(out, result);
	else if (!json_is_object(result))
		return client_fail(f, CTL_REFUSED,
		    "%s: the answer makes no sense", o->socket);
	else if (name == NULL)
		status_text_daemon(out, result, colour);
	else
		status_text_listener(out, result, colour);
	return 0;
}

/* Draw text over what the screen shows. */
static void
redraw(const char *text)
{
	const char *line, *end;

	(void)fputs(SCREEN_HOME, stdout);
	for (line = text; *line != '\0'; line = end + (*end == '\n')) {
		end = strchrnul(line, '\n');
		(void)fwrite(line, 1, (size_t)(end - line), stdout);
		(void)fputs(SCREEN_LINE_END, stdout);
	}
	(void)fputs(SCREEN_REST_CLEAR, stdout);
}

/* Ask and show it once. Returns 0, or -1 with *f. */
static int
round_once(struct client *c, const struct options *o, const char *name,
    bool screen, struct failure *f)
{
	json_t *result = ask(c, o, name, f);
	char *text = NULL;
	size_t size = 0;
	FILE *memory;
	int r;

	if (result == NULL)
		return -1;
	memory = open_memstream(&text, &size);
	if (memory == NULL) {
		json_decref(result);
		return client_fail(f, CTL_REFUSED, "out of memory");
	}
	r = show(memory, o, name, result, f);
	if (fclose(memory) == EOF)
		r = client_fail(f, CTL_REFUSED, "out of memory");
	if (r == 0 && screen)
		redraw(text);
	else if (r == 0)
		(void)fputs(text, stdout);
	free(text);
	json_decref(result);
	return r;
}

/* Again and again, until Ctrl-C or an error. */
static int
watch(struct client *c, const struct options *o, const char *name,
    struct failure *f)
{
	const bool screen = isatty(STDOUT_FILENO) && !(o->given & OPTION_JSON);
	const struct sigaction action = { .sa_handler = on_signal };
	int r;

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	if (screen)
		(void)fputs(SCREEN_ENTER, stdout);
	do {
		r = round_once(c, o, name, screen, f);
		if (!screen && !(o->given & OPTION_JSON))
			(void)fputc('\n', stdout);
		if (fflush(stdout) == EOF)
			break;
	} while (r == 0 && !interrupted &&
	    (poll(NULL, 0, WATCH_EVERY_MS) == 0 || errno != EINTR));
	if (screen)
		(void)fputs(SCREEN_LEAVE, stdout);
	return interrupted ? 0 : r;
}

enum ctl_exit
command_status(const struct options *o, char **args, int count)
{
	const char *name = count == 0 ? NULL : args[0];
	struct failure failure;
	struct client client;
	int r;

	if (client_open(&client, o->socket, false, command_deadline(o),
		&failure) == -1)
		return command_failed(&failure);
	if (o->given & OPTION_WATCH)
		r = watch(&client, o, name, &failure);
	else
		r = round_once(&client, o, name, false, &failure);
	client_close(&client);
	(void)fflush(stdout);
	return r == -1 ? command_failed(&failure) : CTL_DONE;
}
