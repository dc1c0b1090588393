/*
 * load: makes load for echo servers and proxies, and measures it.
 *
 *     load rate|echo|pace|hold [-c CONNECTIONS] [-n BYTES] [-s SECONDS]
 *         [-w WARM-UP] [-j PROCESSES] [-d DEPTH] [-p PERIOD_MS] [-m LIMIT]
 *         [-t] [-r] [-a ADDRESS] PORT
 *
 * rate   connect, send a message, want it back, reset; as fast as it goes, or
 *        with PERIOD_MS (in steps of 10) so often for each of CONNECTIONS
 * echo   messages over connections that stay, DEPTH at a time on each
 * pace   each connection sends a message every PERIOD_MS, whether the last one
 *        was answered or not; latencies count from when it was due
 * hold   open connections that say nothing; prints {"held": N}, waits for the
 *        end of its standard input, then wants a message back from each
 *
 * -t speaks TLS 1.3, and -r resumes the session of the connection before.
 * -m ends after so many messages or connections (of each process) instead of
 * after SECONDS. Every byte that comes back is compared with what was sent.
 * The result is one JSON object; times are microseconds, if they don't say
 * otherwise, and null where nothing was timed.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "load_client.h"

#define PROCESSES_MAX 64u
#define LOOK_US 2000

/* pace: a message so often, if nothing else was said. */
#define PERIOD_MS 100

static const char *const mode_names[LOAD_MODE_COUNT] = {
	[LOAD_RATE] = "rate",
	[LOAD_ECHO] = "echo",
	[LOAD_PACE] = "pace",
	[LOAD_HOLD] = "hold",
};

struct shared {
	struct orders orders;
	struct tally tallies[PROCESSES_MAX];
};

void
load_die(const char *what)
{
	perror(what);
	exit(1);
}

static void
usage(void)
{
	(void)fputs("usage: load rate|echo|pace|hold [-c connections] "
		    "[-n bytes] [-s seconds]\n"
		    "    [-w warm-up] [-j processes] [-d depth] "
		    "[-p period_ms] [-m limit]\n"
		    "    [-t] [-r] [-a address] port\n",
	    stderr);
	exit(2);
}

/* A number from low to high, or the end of the program. */
static unsigned int
number(const char *text, unsigned int low, unsigned int high)
{
	char *end;
	unsigned long value;

	value = strtoul(text, &end, 10);
	if (end == text || *end != '\0' || value < low || value > high)
		usage();
	return (unsigned int)value;
}

static uint64_t
seconds(const char *text)
{
	char *end;
	double value;

	value = strtod(text, &end);
	if (end == text || *end != '\0' || !(value >= 0 && value < 1e6))
		usage();
	return (uint64_t)(value * 1e9);
}

static void
take_option(struct settings *s, int option)
{
	switch (option) {
	case 'a':
		if (inet_pton(AF_INET, optarg, &s->to.sin_addr) != 1)
			usage();
		break;
	case 'c':
		s->connections = number(optarg, 1, 1000000);
		break;
	case 'd':
		s->depth = number(optarg, 1, 1000000);
		break;
	case 'j':
		s->processes = number(optarg, 1, PROCESSES_MAX);
		break;
	case 'm':
		s->limit = number(optarg, 1, UINT32_MAX);
		break;
	case 'n':
		s->bytes = number(optarg, 1, 1u << 30);
		break;
	case 'p':
		s->period_ns = number(optarg, 1, 3600000) * NS_PER_MS;
		break;
	case 'r':
		s->resume = s->tls = true;
		break;
	case 's':
		s->measure_ns = seconds(optarg);
		break;
	case 't':
		s->tls = true;
		break;
	case 'w':
		s->warm_up_ns = seconds(optarg);
		break;
	default:
		usage();
	}
}

static void
take_args(struct settings *s, int argc, char **argv)
{
	int c;

	if (argc < 3)
		usage();
	for (s->mode = 0; s->mode < LOAD_MODE_COUNT; s->mode++)
		if (strcmp(argv[1], mode_names[s->mode]) == 0)
			break;
	if (s->mode == LOAD_MODE_COUNT)
		usage();
	argc--;
	argv++;
	while ((c = getopt(argc, argv, "a:c:d:j:m:n:p:rs:tw:")) != -1)
		take_option(s, c);
	if (optind + 1 != argc || s->connections < s->processes)
		usage();
	s->to.sin_port = htons((uint16_t)number(argv[optind], 1, 65535));
	if (s->mode != LOAD_ECHO)
		s->depth = 1;
	if (s->mode == LOAD_PACE && s->period_ns == 0)
		s->period_ns = PERIOD_MS * NS_PER_MS;
	if (s->limit != 0) {
		s->warm_up_ns = 0;
		s->measure_ns = 86400 * NS_PER_S;
	}
}

/* Each process may have as many descriptors as the system lets it have. */
static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		load_die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		load_die("setrlimit");
}

static void
fork_all(const struct settings *s, struct shared *shared)
{
	const pid_t parent = getpid();
	unsigned int i;
	pid_t pid;

	for (i = 0; i < s->processes; i++) {
		pid = fork();
		if (pid == -1)
			load_die("fork");
		if (pid != 0)
			continue;
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
		    getppid() != parent)
			_exit(1);
		load_process(s, i, &shared->tallies[i], &shared->orders);
	}
}

/* Did any process end otherwise than well? Waits for none with WNOHANG. */
static unsigned int
reap(unsigned int left, int flags)
{
	int status;
	pid_t pid;

	while (left > 0 && (pid = waitpid(-1, &status, flags)) != 0) {
		if (pid == -1)
			load_die("waitpid");
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			(void)fputs("load: a process has failed\n", stderr);
			exit(1);
		}
		left--;
	}
	return left;
}

/* hold: tell when all are open, and go on at the end of the input. */
static void
hold(const struct settings *s, struct shared *shared)
{
	unsigned int i, ready;
	uint64_t opened;
	char rest[64];

	do {
		(void)usleep(LOOK_US);
		(void)reap(s->processes, WNOHANG);
		for (i = 0, ready = 0, opened = 0; i < s->processes; i++) {
			ready += atomic_load(&shared->tallies[i].ready);
			opened += shared->tallies[i].opened;
		}
	} while (ready < s->processes);
	(void)printf("{\"held\": %" PRIu64 "}\n", opened);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, rest, sizeof(rest)) > 0)
		continue;
	atomic_store(&shared->orders.verify, true);
}

static void
sum_up(struct tally *sum, const struct shared *shared, unsigned int processes)
{
	const struct tally *t;
	unsigned int i, k;

	for (i = 0; i < processes; i++) {
		t = &shared->tallies[i];
		sum->done += t->done;
		sum->total += t->total;
		sum->opened += t->opened;
		sum->resumed += t->resumed;
		sum->skipped += t->skipped;
		sum->unanswered += t->unanswered;
		for (k = 0; k < FAILED_COUNT; k++)
			sum->failed[k] += t->failed[k];
		spread_merge(&sum->latency, &t->latency);
	}
}

static void
print_latency(const struct spread *l)
{
	if (l->count == 0) {
		(void)printf("\"latency_us\": null");
		return;
	}
	(void)printf("\"latency_us\": {\"median\": %.1f, \"p90\": %.1f, "
		     "\"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}",
	    (double)spread_at(l, 0.5) / 1e3, (double)spread_at(l, 0.9) / 1e3,
	    (double)spread_at(l, 0.99) / 1e3, (double)spread_at(l, 0.999) / 1e3,
	    (double)l->longest / 1e3);
}

static double
cpu_seconds(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_CHILDREN, &u) == -1)
		load_die("getrusage");
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
print_result(const struct settings *s, const struct tally *t, double took)
{
	static const char *const names[FAILED_COUNT] = {
#define FAILURE(NAME, WORD) [FAILED_##NAME] = WORD,
		LOAD_FAILURES(FAILURE)
#undef FAILURE
	};
	const double measured = s->limit != 0 || s->mode == LOAD_HOLD
	    ? took
	    : (double)s->measure_ns / 1e9;
	unsigned int i;

	(void)printf("{\"mode\": \"%s\", \"seconds\": %.3f, \"done\": %" PRIu64
		     ", \"per_second\": %.1f, \"mb_per_second\": %.2f, "
		     "\"total\": %" PRIu64 ", \"opened\": %" PRIu64 ", ",
	    mode_names[s->mode], measured, t->done, (double)t->done / measured,
	    (double)t->done * s->bytes / measured / 1e6, t->total, t->opened);
	(void)printf("\"resumed\": %" PRIu64 ", \"skipped\": %" PRIu64
		     ", \"unanswered\": %" PRIu64 ", \"cpu_s\": %.3f, ",
	    t->resumed, t->skipped, t->unanswered, cpu_seconds());
	print_latency(&t->latency);
	(void)printf(", \"failed\": {");
	for (i = 0; i < FAILED_COUNT; i++)
		(void)printf("%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", names[i],
		    t->failed[i]);
	(void)printf("}}\n");
}

int
main(int argc, char **argv)
{
	static struct tally sum;
	struct settings s = {
		.to = { .sin_family = AF_INET,
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
		.connections = 64,
		.processes = 1,
		.bytes = 64,
		.depth = 1,
		.warm_up_ns = NS_PER_S / 4,
		.measure_ns = 2 * NS_PER_S,
	};
	struct shared *shared;
	uint64_t began;

	take_args(&s, argc, argv);
	raise_limit();
	client_prepare(&s);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		load_die("mmap");
	began = load_now();
	fork_all(&s, shared);
	if (s.mode == LOAD_HOLD)
		hold(&s, shared);
	(void)reap(s.processes, 0);
	sum_up(&sum, shared, s.processes);
	print_result(&s, &sum, (double)(load_now() - began) / 1e9);
	return 0;
}
