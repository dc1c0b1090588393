#include "supervisor/supervisor.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/histogram.h"
#include "common/log.h"
#include "common/loop.h"
#include "supervisor/boot.h"
#include "supervisor/child.h"
#include "supervisor/control_socket.h"
#include "supervisor/daemonize.h"
#include "supervisor/gateway.h"
#include "supervisor/group.h"
#include "supervisor/health.h"
#include "supervisor/listener.h"
#include "supervisor/notify.h"
#include "supervisor/pid_file.h"
#include "supervisor/plan_load.h"
#include "supervisor/pool.h"
#include "supervisor/record_daemon.h"
#include "supervisor/reload.h"
#include "supervisor/request.h"
#include "supervisor/shutdown.h"
#include "supervisor/spawn.h"
#include "supervisor/store.h"
#include "supervisor/strays.h"
#include "supervisor/tickets.h"
#include "supervisor/timer.h"
#include "supervisor/watch.h"

#define LAG_CHECK_MS 1000

static struct {
	const struct args *args;
	struct event_base *base;
	struct event *signals;
	struct event *lag_check;
	int signal_fd;
	int null_fd; /* where children write that log elsewhere */
	struct daemon_settings settings;
	enum daemon_state state;
	uint64_t started_ms;
	uint64_t lag_due_ms;
	uint32_t lag_max_ms;
	uint64_t lag[LOOP_LAG_CELLS];
	int exit_code;
	bool finished; /* the loop is to end */
} sv = { .signal_fd = -1, .null_fd = -1 };

enum daemon_state
supervisor_state(void)
{
	return sv.state;
}

uint64_t
supervisor_started_ms(void)
{
	return sv.started_ms;
}

uint32_t
supervisor_loop_lag_max_ms(void)
{
	return sv.lag_max_ms;
}

void
supervisor_loop_lag(uint64_t out[static LOOP_LAG_CELLS])
{
	memcpy(out, sv.lag, sizeof(sv.lag));
}

const struct daemon_settings *
supervisor_settings(void)
{
	return &sv.settings;
}

const struct args *
supervisor_args(void)
{
	return sv.args;
}

/* --- signals --- */

static void
on_stop_signal(const struct signalfd_siginfo *si)
{
	char why[64];

	(void)snprintf(why, sizeof(why), "signal %u from pid %u", si->ssi_signo,
	    si->ssi_pid);
	log_info(NULL, NULL, "%s", why);
	if (sv.state != DAEMON_RUNNING || shutdown_is_near())
		shutdown_now(why);
	else
		shutdown_begin(sv.settings.shutdown_deadline_ms, why);
}

static void
on_reload_signal(void)
{
	if (sv.state != DAEMON_STOPPING)
		reload_soon();
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct signalfd_siginfo si;

	(void)what;
	(void)arg;
	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			on_stop_signal(&si);
			break;
		case SIGHUP:
			on_reload_signal();
			break;
		case SIGUSR1:
			log_reopen();
			break;
		default:
			break;
		}
	}
}

/* Signals arrive in the loop only, and in no child (spawn.h). */
static int
open_signals(void)
{
	static const int wanted[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1,
		SIGUSR2 };
	sigset_t set;
	size_t i;

	(void)sigemptyset(&set);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		(void)sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN);
	/* Ignored, it would reap children unseen (waitid(2)). */
	(void)signal(SIGCHLD, SIG_DFL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* --- the loop's own health --- */

/*
 * The next check is due in one period from now, whatever the loop thinks that
 * it is: so a lag that lasts is seen each time.
 */
static int
schedule_lag_check(void)
{
	static const struct timeval period = { LAG_CHECK_MS / 1000, 0 };

	(void)event_base_update_cache_time(sv.base);
	sv.lag_due_ms = clock_mono_ms() + LAG_CHECK_MS;
	return event_add(sv.lag_check, &period);
}

static void
on_lag_check(evutil_socket_t fd, short what, void *arg)
{
	const uint64_t now = clock_mono_ms();
	const uint64_t lag = now > sv.lag_due_ms ? now - sv.lag_due_ms : 0;

	(void)fd;
	(void)what;
	(void)arg;
	if (lag > sv.lag_max_ms)
		sv.lag_max_ms = (uint32_t)lag;
	histogram_observe(HISTOGRAM_LOOP_LAG, sv.lag, lag);
	/* It comes again as it is, should this fail. */
	(void)schedule_lag_check();
	child_reap_strangers();
	timers_look();
}

/* --- states --- */

static void
on_listener_ready(struct listener *l, const struct err *err)
{
	boot_listener_ready(l, err);
}

static void
on_listener_settled(struct listener *l)
{
	if (sv.state != DAEMON_STOPPING)
		group_listener_changed(l->spec.name);
}

static void
on_listener_removed(struct listener *l, uint64_t finished, uint64_t cut)
{
	request_listener_removed(l, finished, cut);
	shutdown_count(finished, cut);
	group_listener_changed(l->spec.name);
}

static const struct listener_watcher watcher = { on_listener_ready,
	on_listener_settled, request_answer, on_listener_removed };

static bool
logs_to_stderr(void)
{
	return sv.settings.log.target == LOG_TARGET_STDERR;
}

void
supervisor_apply_settings(const struct daemon_settings *s)
{
	struct child_settings children = { .base = sv.base,
		.output_fd = STDERR_FILENO };
	struct crew_settings crew = { .orphan_drain_ms =
					  s->shutdown_deadline_ms,
		.uid = s->uid,
		.gid = s->gid,
		.sandbox = s->sandbox != 0 };

	sv.settings = *s;
	if (sv.args->debug)
		sv.settings.log.level = LOG_LEVEL_DEBUG;
	log_configure(&sv.settings.log);
	/* Else they would keep the terminal of whoever started us. */
	if (!sv.args->foreground && !logs_to_stderr())
		children.output_fd = sv.null_fd;
	child_configure(&children);
	crew.log = sv.settings.log;
	crew_configure(&crew);
}

unsigned int
supervisor_cpus(void)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus < 1)
		return 1;
	return cpus > (long)SPEC_WORKERS_MAX ? SPEC_WORKERS_MAX
					     : (unsigned int)cpus;
}

struct event_base *
supervisor_base(void)
{
	return sv.base;
}

void
supervisor_enter_running(void)
{
	sv.state = DAEMON_RUNNING;
	health_changed();
	log_info(NULL, NULL, "mercuryd %s is ready after %llu ms",
	    PACKAGE_VERSION,
	    (unsigned long long)(clock_mono_ms() - sv.started_ms));
	record_ready();
	notify_send("READY=1");
	daemonize_report(EXIT_CODE_CLEAN, logs_to_stderr());
	reload_if_wanted();
}

void
supervisor_enter_stopping(void)
{
	sv.state = DAEMON_STOPPING;
	notify_send("STOPPING=1");
}

void
supervisor_set_exit_code(int code)
{
	if (sv.exit_code == EXIT_CODE_CLEAN)
		sv.exit_code = code;
}

void
supervisor_finish(void)
{
	sv.finished = true;
	(void)event_base_loopbreak(sv.base);
}

/* --- setting up --- */

/* Thousands of listeners need more than the usual 1,024. */
static void
raise_descriptor_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static const char *
role_dir(void)
{
	const char *dir = secure_getenv("MERCURY_LIBEXECDIR");

	return dir != NULL && dir[0] != '\0' ? dir : ROLE_DIR;
}

static int
open_loop(struct err *err)
{
	sv.signal_fd = open_signals();
	sv.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (sv.signal_fd == -1 || sv.null_fd == -1)
		return err_sys(err, "signalfd, /dev/null");
	sv.base = loop_new(err);
	if (sv.base == NULL)
		return -1;
	sv.signals = event_new(sv.base, sv.signal_fd, EV_READ | EV_PERSIST,
	    on_signal, NULL);
	sv.lag_check = event_new(sv.base, -1, EV_PERSIST, on_lag_check, NULL);
	if (sv.signals == NULL || event_add(sv.signals, NULL) == -1 ||
	    sv.lag_check == NULL || schedule_lag_check() == -1)
		return err_set(err, ERR_INTERNAL, "out of memory");
	return 0;
}

static int
set_up(const struct args *args, struct err *err)
{
	struct child_settings children = { .output_fd = STDERR_FILENO };
	struct pool_settings pool = { .pool_gone = shutdown_pool_gone,
		.group_restarts = group_restarts,
		.halted = group_pool_halted,
		.failed = group_pool_failed };

	sv.args = args;
	sv.started_ms = clock_mono_ms();
	if (args->debug) {
		sv.settings.log.level = LOG_LEVEL_DEBUG;
		log_configure(&sv.settings.log);
	}
	notify_open();
	raise_descriptor_limit();
	/* Children of our children stay ours when those die. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (spawn_open(role_dir(), err) == -1 || open_loop(err) == -1)
		return -1;
	timers_configure(sv.base);
	children.base = sv.base;
	child_configure(&children);
	pool.cpus = supervisor_cpus();
	pool_configure(&pool);
	listener_configure(&watcher);
	if (health_start(sv.base, err) == -1 ||
	    watch_start(sv.base, err) == -1 ||
	    tickets_start(sv.base, err) == -1)
		return -1;
	return 0;
}

static void
tear_down(void)
{
	control_socket_remove();
	pid_file_remove();
	spawn_close();
	if (sv.signals != NULL)
		event_free(sv.signals);
	if (sv.lag_check != NULL)
		event_free(sv.lag_check);
	shutdown_free();
	strays_free();
	groups_free();
	tickets_stop();
	watch_stop();
	pool_unconfigure();
	gateway_free();
	health_stop();
	store_free();
	child_unconfigure();
	if (sv.base != NULL)
		event_base_free(sv.base);
}

int
supervisor_run(const struct args *args)
{
	struct err err;

	if (set_up(args, &err) == -1) {
		(void)fprintf(stderr, "mercuryd: %s\n", err.text);
		sv.exit_code = EXIT_CODE_FAILURE;
	} else {
		boot_start();
		/* A loop that has not begun can't be broken. */
		if (!sv.finished)
			(void)event_base_dispatch(sv.base);
	}
	tear_down();
	if (sv.exit_code == EXIT_CODE_CLEAN)
		log_info(NULL, NULL, "stopped");
	daemonize_report(sv.exit_code, true);
	return sv.exit_code;
}

/* --- mercuryd -t --- */

static void
on_checked(const struct plan *plan, const char *errors, bool bad_config)
{
	if (plan != NULL) {
		(void)printf("%s: OK, %zu listener%s\n", sv.args->config,
		    plan->count, plan->count == 1 ? "" : "s");
	} else {
		(void)fprintf(stderr, "%s\n", errors);
		sv.exit_code =
		    bad_config ? EXIT_CODE_BAD_CONFIG : EXIT_CODE_FAILURE;
	}
	supervisor_finish();
}

int
supervisor_check_config(const struct args *args)
{
	struct err err;

	if (set_up(args, &err) == -1)
		sv.exit_code = EXIT_CODE_FAILURE;
	else if (plan_load(args->config, true, on_checked, &err) == -1)
		sv.exit_code = EXIT_CODE_BAD_CONFIG;
	if (sv.exit_code == EXIT_CODE_CLEAN)
		(void)event_base_dispatch(sv.base);
	else
		(void)fprintf(stderr, "mercuryd: %s\n", err.text);
	tear_down();
	return sv.exit_code;
}
