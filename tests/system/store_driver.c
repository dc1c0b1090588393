/*
 * store_driver: plays the supervisor and the workers for one mercury-store.
 *
 *     store_driver [-s EXECUTABLE] [-u UID] [-o ORPHAN_MS] [-r RETENTION_MS]
 *         [-m MAX_EVENTS] [-c CLEANUP_EVERY_MS] DATABASE
 *
 * Commands come on stdin, a line each; at its end the store is stopped.
 *
 *     send COUNT            as the supervisor; the reasons count up from 1
 *     junk                  what is no event, as the worker of a pool
 *     load SENDERS RATE BURST SECONDS
 *                           workers that send so many events a second between
 *                           them, in bursts
 *     figures               of the board
 *     settings DATABASE     another one
 *     stop, hangup, kill    STORE_STOP; close the channel; SIGKILL
 *     start                 the next store, with the sources of the last
 *
 * What happens is told on stdout: "ready", "trouble WORD TEXT",
 * "exit CODE" or "signal NUMBER", "sent COUNT", "figures NAME=N ...",
 * and at the end of a load "load NAME=N ...".
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/event_sink.h"
#include "common/event_wire.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/store_board.h"

#define SENDERS_MAX 64
#define SOURCES_MAX (SENDERS_MAX + 2)
#define FINISH_MS 20000
#define STILL_MS 3000

/* What a sender has to tell, in memory that it shares with us. */
struct tally {
	uint64_t sent;
	uint64_t untold; /* dropped, and no event tells of it */
	uint64_t slept;  /* how often putting an event made it wait */
	uint64_t add_us; /* the longest that an event took to put */
	uint64_t rounds;
};

struct load {
	unsigned int senders;
	unsigned int rate;
	unsigned int burst;
	unsigned int seconds;
	unsigned int running;
	uint64_t began_ms;
	uint64_t begun_with; /* SETTLED by then */
	uint64_t dropped_with;
	uint64_t most_waiting;
	uint64_t last_settled;
	uint64_t still_since_ms;
	uint64_t longest_ms;   /* from taken to settled */
	uint64_t marked_taken; /* what is timed now; 0: nothing */
	uint64_t marked_at_ms;
	pid_t pids[SENDERS_MAX];
};

struct source {
	int fd; /* the store's end */
	char pool[SPEC_NAME_SIZE];
};

static struct driver {
	struct event_base *base;
	struct event *input;
	struct event *child;
	struct event *watch; /* of a load */
	struct channel *channel;
	const char *executable;
	struct msg_store_hello hello;
	int board_fd;
	const struct store_board *board;
	struct source sources[SOURCES_MAX];
	unsigned int source_count;
	struct event_sink *sink; /* as the supervisor */
	uint64_t counted;
	pid_t pid;
	bool ending;
	struct load load;
	struct tally *tallies;
	char line[512];
	size_t line_len;
} d;

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "store_driver: %s\n", what);
	exit(1);
}

static int
add_source(const char *pool)
{
	struct msg_store_source msg = { 0 };
	struct source *s = &d.sources[d.source_count];
	struct err err;
	int ends[2];

	if (d.source_count == SOURCES_MAX)
		die("too many sources");
	if (event_sink_pair(ends, &err) == -1)
		die(err.text);
	d.source_count++;
	s->fd = ends[0];
	(void)snprintf(s->pool, sizeof(s->pool), "%s", pool);
	(void)snprintf(msg.pool, sizeof(msg.pool), "%s", pool);
	if (d.channel != NULL)
		channel_send(d.channel, IPC_STORE_SOURCE, &msg, s->fd);
	return ends[1];
}

/* --- the store --- */

static void
end_if_done(void)
{
	if (d.ending && d.pid == 0)
		(void)event_base_loopbreak(d.base);
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	static const char *const words[] = {
#define X(NAME, WORD) WORD,
		STORE_TROUBLES(X)
#undef X
	};
	const struct msg_store_trouble *t = &msg->payload.STORE_TROUBLE;

	(void)ctx;
	if (msg->kind == IPC_READY)
		(void)printf("ready\n");
	else if (msg->kind == IPC_STORE_TROUBLE &&
	    t->trouble < STORE_TROUBLE_COUNT)
		(void)printf("trouble %s %s\n", words[t->trouble], t->text);
}

static void
on_closed(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
	channel_free(&d.channel);
}

static _Noreturn void
become_store(int channel)
{
	if (channel != ROLE_CHANNEL_FD && dup2(channel, ROLE_CHANNEL_FD) == -1)
		_exit(126);
	(void)fcntl(ROLE_CHANNEL_FD, F_SETFD, 0);
	(void)close_range(ROLE_CHANNEL_FD + 1, ~0u, 0);
	(void)execl(d.executable, "mercury-store", (char *)NULL);
	_exit(127);
}

static void
introduce(void)
{
	struct msg_store_source msg = { 0 };
	unsigned int i;

	channel_send(d.channel, IPC_STORE_HELLO, &d.hello, d.board_fd);
	for (i = 0; i < d.source_count; i++) {
		memcpy(msg.pool, d.sources[i].pool, sizeof(msg.pool));
		channel_send(d.channel, IPC_STORE_SOURCE, &msg,
		    d.sources[i].fd);
	}
}

static void
start_store(void)
{
	static const struct channel_handler handler = { on_message, on_closed };
	struct err err;
	int ends[2];

	if (ipc_pair(ends, &err) == -1)
		die(err.text);
	channel_free(&d.channel);
	d.pid = fork();
	if (d.pid == -1)
		die("fork");
	if (d.pid == 0)
		become_store(ends[1]);
	(void)close(ends[1]);
	d.channel =
	    channel_new(d.base, ends[0], ROLE_STORE, &handler, NULL, &err);
	if (d.channel == NULL)
		die(err.text);
	introduce();
}

static void
tell_end(int status)
{
	if (WIFSIGNALED(status))
		(void)printf("signal %d\n", WTERMSIG(status));
	else
		(void)printf("exit %d\n", WEXITSTATUS(status));
	d.pid = 0;
	end_if_done();
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	pid_t pid;
	int status;

	(void)fd;
	(void)what;
	(void)arg;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == d.pid)
			tell_end(status);
		else if (d.load.running > 0)
			d.load.running--;
	}
}

/* --- workers that send --- */

static void
make_event(struct health_event *e, uint64_t n)
{
	*e =
	    (struct health_event){ .type = n % 2 == 0 ? EVENT_CONNECTION_OPENED
						      : EVENT_CONNECTION_CLOSED,
		    .listener = "pos",
		    .peer = "192.0.2.17:40123" };
	event_add_text(e, FACT_CONNECTION, "0000002a-00000017");
	if (n % 2 == 0)
		return;
	e->reason = "closed by the peer";
	event_add_number(e, FACT_DURATION_MS, (int64_t)n);
	event_add_number(e, FACT_BYTES_IN, 1234);
	event_add_number(e, FACT_BYTES_OUT, 567890);
}

static uint64_t
now_us(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
send_burst(struct event_sink *sink, struct tally *t, unsigned int count)
{
	struct rusage before, after;
	struct health_event e;
	uint64_t start_us, us;
	unsigned int i;

	(void)getrusage(RUSAGE_SELF, &before);
	for (i = 0; i < count; i++) {
		make_event(&e, t->sent++);
		start_us = now_us();
		event_sink_add(sink, &e);
		us = now_us() - start_us;
		if (us > t->add_us)
			t->add_us = us;
	}
	event_sink_flush(sink);
	(void)getrusage(RUSAGE_SELF, &after);
	t->slept += (uint64_t)(after.ru_nvcsw - before.ru_nvcsw);
}

struct sender {
	struct event_base *base;
	struct event *next;
	struct event_sink *sink;
	struct tally *tally;
	unsigned int each; /* events in a burst */
	uint64_t every_us;
	uint64_t next_us;
	uint64_t end_us;
};

static void
on_burst(evutil_socket_t fd, short what, void *arg)
{
	struct sender *s = arg;
	struct timeval after = { 0 };
	uint64_t now;

	(void)fd;
	(void)what;
	send_burst(s->sink, s->tally, s->each);
	s->tally->rounds++;
	s->next_us += s->every_us;
	now = now_us();
	if (s->next_us >= s->end_us) {
		(void)event_base_loopbreak(s->base);
		return;
	}
	if (s->next_us > now) {
		after.tv_sec = (time_t)((s->next_us - now) / 1000000);
		after.tv_usec = (suseconds_t)((s->next_us - now) % 1000000);
	}
	(void)event_add(s->next, &after);
}

static _Noreturn void
become_sender(int fd, struct tally *tally)
{
	const struct load *l = &d.load;
	struct sender s = { .tally = tally, .each = l->burst / l->senders };
	struct err err;

	/* What is the driver's must end with it. */
	if (fd != ROLE_CHANNEL_FD && dup2(fd, ROLE_CHANNEL_FD) == -1)
		_exit(1);
	fd = ROLE_CHANNEL_FD;
	(void)close_range(ROLE_CHANNEL_FD + 1, ~0u, 0);
	s.base = loop_new(&err);
	s.sink = s.base == NULL ? NULL : event_sink_new(s.base, fd, &err);
	s.next = s.base == NULL ? NULL : event_new(s.base, -1, 0, on_burst, &s);
	if (s.sink == NULL || s.next == NULL)
		_exit(1);
	s.every_us = (uint64_t)l->burst * 1000000 / l->rate;
	s.next_us = now_us();
	s.end_us = s.next_us + (uint64_t)l->seconds * 1000000;
	event_active(s.next, EV_TIMEOUT, 0);
	(void)event_base_dispatch(s.base);
	event_sink_finish(s.sink, FINISH_MS);
	tally->untold = event_sink_untold(s.sink);
	_exit(0);
}

static void
tell(const char *name, uint64_t n)
{
	(void)printf(" %s=%llu", name, (unsigned long long)n);
}

static void
report_load(void)
{
	const struct load *l = &d.load;
	struct tally sum = { 0 };
	unsigned int i;

	for (i = 0; i < l->senders; i++) {
		sum.sent += d.tallies[i].sent;
		sum.untold += d.tallies[i].untold;
		sum.slept += d.tallies[i].slept;
		if (d.tallies[i].add_us > sum.add_us)
			sum.add_us = d.tallies[i].add_us;
	}
	(void)printf("load");
	tell("sent", sum.sent);
	tell("settled",
	    store_board_get(d.board, STORE_SETTLED) - l->begun_with);
	tell("dropped",
	    store_board_get(d.board, STORE_DROPPED) - l->dropped_with);
	tell("untold", sum.untold);
	tell("slept", sum.slept);
	tell("longest_add_us", sum.add_us);
	tell("most_waiting", l->most_waiting);
	tell("longest_write_ms", l->longest_ms);
	tell("ms", clock_mono_ms() - l->began_ms);
	(void)printf("\n");
}

/* How long does the last of what is taken now take to be written? */
static void
time_it(uint64_t taken, uint64_t settled)
{
	struct load *l = &d.load;
	const uint64_t now_ms = clock_mono_ms();

	if (l->marked_taken != 0 && now_ms - l->marked_at_ms > l->longest_ms)
		l->longest_ms = now_ms - l->marked_at_ms;
	if (l->marked_taken != 0 && settled >= l->marked_taken)
		l->marked_taken = 0;
	if (l->marked_taken == 0 && taken > settled) {
		l->marked_taken = taken;
		l->marked_at_ms = now_ms;
	}
}

/* All are gone, and all of what they sent is settled. */
static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	const uint64_t taken = store_board_get(d.board, STORE_TAKEN);
	const uint64_t settled = store_board_get(d.board, STORE_SETTLED);
	uint64_t sent = 0;
	unsigned int i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < d.load.senders; i++)
		sent += d.tallies[i].sent;
	time_it(taken, settled);
	if (taken - settled > d.load.most_waiting)
		d.load.most_waiting = taken - settled;
	if (settled != d.load.last_settled) {
		d.load.last_settled = settled;
		d.load.still_since_ms = clock_mono_ms();
	}
	if (d.load.running > 0 || taken != settled)
		return;
	/* What a sender has dropped is never settled. */
	if (settled - d.load.begun_with < sent &&
	    clock_mono_ms() - d.load.still_since_ms < STILL_MS)
		return;
	(void)event_del(d.watch);
	report_load();
}

static void
start_load(void)
{
	static const struct timeval often = { .tv_usec = 5000 };
	struct load *l = &d.load;
	unsigned int i;
	int fd;

	if (l->senders == 0 || l->senders > SENDERS_MAX || l->rate == 0 ||
	    l->burst < l->senders)
		die("such a load makes no sense");
	memset(d.tallies, 0, sizeof(*d.tallies) * SENDERS_MAX);
	l->began_ms = clock_mono_ms();
	l->begun_with = store_board_get(d.board, STORE_SETTLED);
	l->dropped_with = store_board_get(d.board, STORE_DROPPED);
	l->most_waiting = 0;
	l->longest_ms = 0;
	l->marked_taken = 0;
	for (i = 0; i < l->senders; i++) {
		fd = add_source("pos");
		l->pids[i] = fork();
		if (l->pids[i] == -1)
			die("fork");
		if (l->pids[i] == 0)
			become_sender(fd, &d.tallies[i]);
		(void)close(fd);
		l->running++;
	}
	(void)event_add(d.watch, &often);
}

/* --- commands --- */

static void
send_some(unsigned long count)
{
	struct health_event e;
	char reason[32];
	unsigned long i;

	for (i = 0; i < count; i++) {
		e = (struct health_event){ .type = EVENT_WORKER_STARTED,
			.listener = "pos",
			.reason = reason };
		(void)snprintf(reason, sizeof(reason), "%llu",
		    (unsigned long long)++d.counted);
		event_add_number(&e, FACT_PID, 4242);
		event_sink_add(d.sink, &e);
	}
	event_sink_flush(d.sink);
	(void)printf("sent %lu\n", count);
}

/* And an event, from somebody who is not believed any more. */
static void
send_junk(void)
{
	static const char junk[] = "no event at all, but long enough";
	const struct event_batch head = { EVENT_WIRE_VERSION, 1 };
	const struct health_event e = { .type = EVENT_CONNECTION_OPENED };
	uint8_t good[sizeof(head) + EVENT_WIRE_MAX];
	const int fd = add_source("pos");
	size_t size;

	memcpy(good, &head, sizeof(head));
	size = event_encode(&e, good + sizeof(head), EVENT_WIRE_MAX);
	if (send(fd, junk, sizeof(junk), MSG_NOSIGNAL) == -1 ||
	    send(fd, good, sizeof(head) + size, MSG_NOSIGNAL) == -1)
		die("send");
	(void)close(fd);
}

static void
tell_figures(void)
{
	static const char *const names[] = {
#define FIGURE(ID, NAME, HELP) NAME,
		STORE_FIGURES(FIGURE)
#undef FIGURE
	};
	unsigned int i;

	(void)printf("figures");
	for (i = 0; i < STORE_FIGURE_COUNT; i++)
		tell(names[i], store_board_get(d.board, (enum store_figure)i));
	(void)printf("\n");
}

static void
send_empty(enum ipc_kind kind)
{
	const struct msg_empty msg = { 0 };

	if (d.channel != NULL)
		channel_send(d.channel, kind, &msg, -1);
}

static void
obey_settings(const char *database)
{
	(void)snprintf(d.hello.settings.database,
	    sizeof(d.hello.settings.database), "%.255s", database);
	if (d.channel != NULL)
		channel_send(d.channel, IPC_STORE_SETTINGS, &d.hello.settings,
		    -1);
}

static void
obey(const char *line)
{
	struct load *l = &d.load;

	if (strncmp(line, "send ", 5) == 0)
		send_some(strtoul(line + 5, NULL, 10));
	else if (strcmp(line, "junk") == 0)
		send_junk();
	else if (sscanf(line, "load %u %u %u %u", &l->senders, &l->rate,
		     &l->burst, &l->seconds) == 4)
		start_load();
	else if (strcmp(line, "figures") == 0)
		tell_figures();
	else if (strncmp(line, "settings ", 9) == 0)
		obey_settings(line + 9);
	else if (strcmp(line, "stop") == 0)
		send_empty(IPC_STORE_STOP);
	else if (strcmp(line, "hangup") == 0)
		channel_free(&d.channel);
	else if (strcmp(line, "kill") == 0 && d.pid > 0)
		(void)kill(d.pid, SIGKILL);
	else if (strcmp(line, "start") == 0 && d.pid == 0)
		start_store();
	else
		die("no such command");
}

static void
obey_lines(void)
{
	char *end;
	size_t n;

	while ((end = memchr(d.line, '\n', d.line_len)) != NULL) {
		*end = '\0';
		obey(d.line);
		n = (size_t)(end + 1 - d.line);
		d.line_len -= n;
		memmove(d.line, end + 1, d.line_len);
	}
}

static void
on_input(evutil_socket_t fd, short what, void *arg)
{
	const ssize_t n =
	    read(fd, d.line + d.line_len, sizeof(d.line) - d.line_len);

	(void)what;
	(void)arg;
	if (n > 0) {
		d.line_len += (size_t)n;
		obey_lines();
		return;
	}
	(void)event_del(d.input);
	d.ending = true;
	send_empty(IPC_STORE_STOP);
	end_if_done();
}

/* --- the beginning --- */

static void
usage(void)
{
	die("[-s EXECUTABLE] [-u UID] [-o ORPHAN_MS] [-r RETENTION_MS] "
	    "[-m MAX_EVENTS] [-c CLEANUP_EVERY_MS] DATABASE");
}

static void
parse(int argc, char **argv)
{
	struct store_settings *s = &d.hello.settings;
	int c;

	while ((c = getopt(argc, argv, "s:u:o:r:m:c:")) != -1) {
		if (c == 's')
			d.executable = optarg;
		else if (c == 'u')
			d.hello.uid = d.hello.gid =
			    (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'o')
			d.hello.orphan_ms = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'r')
			s->retention_ms = strtoull(optarg, NULL, 10);
		else if (c == 'm')
			s->max_events = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'c')
			s->cleanup_every_ms =
			    (uint32_t)strtoul(optarg, NULL, 10);
		else
			usage();
	}
	if (optind + 1 != argc)
		usage();
	(void)snprintf(s->database, sizeof(s->database), "%s", argv[optind]);
}

static void
prepare(void)
{
	struct err err;

	d.base = loop_new(&err);
	d.board_fd = store_board_create(&err);
	if (d.base == NULL || d.board_fd == -1)
		die(err.text);
	d.board = store_board_map_read(d.board_fd, &err);
	if (d.board == NULL)
		die(err.text);
	d.tallies = mmap(NULL, sizeof(*d.tallies) * SENDERS_MAX,
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	d.input = event_new(d.base, STDIN_FILENO, EV_READ | EV_PERSIST,
	    on_input, NULL);
	d.child = evsignal_new(d.base, SIGCHLD, on_child, NULL);
	d.watch = event_new(d.base, -1, EV_PERSIST, on_watch, NULL);
	if (d.tallies == MAP_FAILED || d.input == NULL || d.child == NULL ||
	    d.watch == NULL || event_add(d.input, NULL) == -1 ||
	    event_add(d.child, NULL) == -1)
		die("out of memory");
}

int
main(int argc, char **argv)
{
	struct err err;

	d.executable = "./mercury-store";
	d.hello.log.level = LOG_LEVEL_INFO;
	d.hello.uid = d.hello.gid = SPEC_NO_ID;
	d.hello.orphan_ms = 5000;
	d.hello.sandbox = SANDBOX_ON;
	d.hello.settings.retention_ms = 30ull * 86400 * 1000;
	d.hello.settings.max_events = 100000000;
	d.hello.settings.cleanup_every_ms = 3600000;
	parse(argc, argv);
	log_open("store_driver");
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	prepare();
	d.sink = event_sink_new(d.base, add_source(""), &err);
	if (d.sink == NULL)
		die(err.text);
	start_store();
	(void)event_base_dispatch(d.base);
	return 0;
}
