/*
 * storm: many short connections to echo listeners, each of them accounted for.
 *
 *     storm [-a ADDRESS] [-c CONCURRENT] [-r RATE] PORT...
 *
 * Connects at most RATE times a second (0: as fast as it goes), with at most
 * CONCURRENT at a time, to one port after the other; sends a token, wants it
 * back, closes. At the end of its standard input it stops, waits for what is
 * under way, and prints one JSON object. Times are milliseconds.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PORTS_MAX 4096
#define CLIENTS_MAX 4096
#define LATENCIES_MAX 2000000

/* One that was not served after this long is counted as hung. */
#define HUNG_MS 10000.0

/* So late an answer is counted: TCP has sent the SYN again meanwhile. */
#define SLOW_MS 900.0

struct client {
	int fd; /* -1: free */
	unsigned int port;
	double began;
	bool sent;
	uint64_t token;
	size_t got;
	unsigned char answer[sizeof(uint64_t)];
};

struct place {
	struct sockaddr_in addr;
	double last; /* that an answer came */
	double gap;  /* the longest without one */
};

static struct {
	int epoll;
	unsigned int concurrent;
	double rate;
	struct place places[PORTS_MAX];
	unsigned int places_count;
	unsigned int next_place;
	struct client clients[CLIENTS_MAX];
	unsigned int busy;
	uint64_t token;
	double began;
	uint64_t started, served, refused, reset, lost, hung, wrong, slow;
	double longest;
	float *latencies;
	bool stopping;
} storm;

static double
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
end(struct client *c)
{
	const struct linger at_once = { .l_onoff = 1 };

	/* A reset at the end: no port is kept in TIME_WAIT. */
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once,
	    sizeof(at_once));
	(void)close(c->fd);
	c->fd = -1;
	storm.busy--;
}

static void
failed(struct client *c, int error)
{
	if (error == ECONNREFUSED)
		storm.refused++;
	else if (error == ECONNRESET || error == EPIPE)
		storm.reset++;
	else
		storm.lost++;
	end(c);
}

static void
served(struct client *c)
{
	struct place *p = &storm.places[c->port];
	const double now = now_ms(), took = now - c->began;

	if (memcmp(c->answer, &c->token, sizeof(c->token)) != 0)
		storm.wrong++;
	if (took > storm.longest)
		storm.longest = took;
	if (took > SLOW_MS)
		storm.slow++;
	if (storm.served < LATENCIES_MAX)
		storm.latencies[storm.served] = (float)took;
	if (now - p->last > p->gap)
		p->gap = now - p->last;
	p->last = now;
	storm.served++;
	end(c);
}

static void
watch(struct client *c, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(storm.epoll, op, c->fd, &ev) == -1)
		die("epoll_ctl");
}

static void
start(struct client *c)
{
	const struct place *p = &storm.places[storm.next_place];

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		die("socket");
	c->port = storm.next_place;
	storm.next_place = (storm.next_place + 1) % storm.places_count;
	c->began = now_ms();
	c->sent = false;
	c->got = 0;
	c->token = ++storm.token;
	storm.busy++;
	storm.started++;
	if (connect(c->fd, (const struct sockaddr *)&p->addr,
		sizeof(p->addr)) == -1 &&
	    errno != EINPROGRESS) {
		failed(c, errno);
		return;
	}
	watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
on_writable(struct client *c)
{
	if (send(c->fd, &c->token, sizeof(c->token), MSG_NOSIGNAL) == -1) {
		failed(c, errno);
		return;
	}
	c->sent = true;
	watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void
on_readable(struct client *c)
{
	const ssize_t n =
	    recv(c->fd, c->answer + c->got, sizeof(c->answer) - c->got, 0);

	if (n == -1) {
		failed(c, errno);
	} else if (n == 0) {
		failed(c, 0);
	} else {
		c->got += (size_t)n;
		if (c->got == sizeof(c->answer))
			served(c);
	}
}

static void
on_event(struct client *c, uint32_t events)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (c->fd == -1)
		return;
	if (events & EPOLLERR) {
		(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		failed(c, error);
	} else if (!c->sent) {
		on_writable(c);
	} else {
		on_readable(c);
	}
}

static bool
may_start(double now)
{
	if (storm.stopping || storm.busy >= storm.concurrent)
		return false;
	return storm.rate <= 0 ||
	    (double)storm.started < (now - storm.began) * storm.rate / 1e3;
}

static void
start_some(void)
{
	unsigned int i;

	for (i = 0; i < storm.concurrent && may_start(now_ms()); i++)
		if (storm.clients[i].fd == -1)
			start(&storm.clients[i]);
}

static void
end_hung(void)
{
	const double now = now_ms();
	unsigned int i;

	for (i = 0; i < storm.concurrent; i++) {
		if (storm.clients[i].fd == -1 ||
		    now - storm.clients[i].began < HUNG_MS)
			continue;
		storm.hung++;
		end(&storm.clients[i]);
	}
}

static int
compare(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

static double
percentile(uint64_t count, double part)
{
	if (count == 0)
		return 0;
	return (double)storm.latencies[(uint64_t)((double)(count - 1) * part)];
}

static void
report(void)
{
	const uint64_t n =
	    storm.served < LATENCIES_MAX ? storm.served : LATENCIES_MAX;
	double gap = 0;
	unsigned int i;

	for (i = 0; i < storm.places_count; i++)
		if (storm.places[i].gap > gap)
			gap = storm.places[i].gap;
	qsort(storm.latencies, n, sizeof(*storm.latencies), compare);
	(void)printf("{\"started\": %llu, \"served\": %llu, \"refused\": %llu, "
		     "\"reset\": %llu, \"lost\": %llu, \"hung\": %llu, "
		     "\"wrong\": %llu, \"slow\": %llu, \"median_ms\": %.3f, "
		     "\"p99_ms\": %.3f, \"longest_ms\": %.3f, "
		     "\"gap_ms\": %.3f, \"seconds\": %.3f}\n",
	    (unsigned long long)storm.started, (unsigned long long)storm.served,
	    (unsigned long long)storm.refused, (unsigned long long)storm.reset,
	    (unsigned long long)storm.lost, (unsigned long long)storm.hung,
	    (unsigned long long)storm.wrong, (unsigned long long)storm.slow,
	    percentile(n, 0.5), percentile(n, 0.99), storm.longest, gap,
	    (now_ms() - storm.began) / 1e3);
}

static void
take_args(int argc, char **argv)
{
	const char *address = "127.0.0.1";
	struct sockaddr_in *to;
	int c;

	storm.concurrent = 32;
	while ((c = getopt(argc, argv, "a:c:r:")) != -1) {
		if (c == 'a')
			address = optarg;
		else if (c == 'c')
			storm.concurrent = (unsigned int)atoi(optarg);
		else if (c == 'r')
			storm.rate = atof(optarg);
		else
			exit(2);
	}
	for (; optind < argc && storm.places_count < PORTS_MAX; optind++) {
		to = &storm.places[storm.places_count++].addr;
		to->sin_family = AF_INET;
		to->sin_port = htons((uint16_t)atoi(argv[optind]));
		if (inet_pton(AF_INET, address, &to->sin_addr) != 1)
			exit(2);
	}
	if (storm.places_count == 0 || storm.concurrent > CLIENTS_MAX)
		exit(2);
}

/* The end of the standard input is a readable event without a client. */
static void
prepare(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	unsigned int i;

	storm.latencies = calloc(LATENCIES_MAX, sizeof(*storm.latencies));
	storm.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (storm.latencies == NULL || storm.epoll == -1 ||
	    epoll_ctl(storm.epoll, EPOLL_CTL_ADD, 0, &ev) == -1)
		die("start");
	for (i = 0; i < CLIENTS_MAX; i++)
		storm.clients[i].fd = -1;
	storm.began = now_ms();
	for (i = 0; i < storm.places_count; i++)
		storm.places[i].last = storm.began;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[256];
	char rest[64];
	int i, n;

	take_args(argc, argv);
	prepare();
	while (!storm.stopping || storm.busy > 0) {
		start_some();
		n = epoll_wait(storm.epoll, events, 256, 1);
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr != NULL) {
				on_event(events[i].data.ptr, events[i].events);
			} else if (read(0, rest, sizeof(rest)) <= 0) {
				storm.stopping = true;
				(void)epoll_ctl(storm.epoll, EPOLL_CTL_DEL, 0,
				    NULL);
			}
		}
		end_hung();
	}
	report();
	return 0;
}
