#include "gateway/gateway.h"

#include <event2/event.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/health_board.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/wanted.h"
#include "gateway/agent.h"
#include "gateway/questions.h"
#include "gateway/site.h"
#include "gateway/tcp_check.h"
#include "sandbox/sandbox.h"

#define BEAT_MS 1000

/* The supervisor gives us a second to end. */
#define DRAIN_MS 500

static struct {
	struct event_base *base;
	struct channel *channel;
	struct event *beat;
	const struct health_board *board; /* NULL: no hello yet */
	struct questions *questions;
	struct gateway_wanted wanted;
	struct gateway_env env;
	struct agent *agent; /* NULL: its socket has not come */
	struct tcp_checks *tcp_checks;
	struct site *site; /* NULL: there is no HTTP */
	pid_t supervisor;
	int exit_code;
} gateway;

static void
stop(int exit_code)
{
	gateway.exit_code = exit_code;
	(void)event_base_loopbreak(gateway.base);
}

static void
fail(const struct err *err)
{
	log_error(NULL, NULL, "%s", err->text);
	stop(1);
}

static void
on_beat(evutil_socket_t fd, short what, void *ctx)
{
	const struct msg_empty beat = { 0 };

	(void)fd;
	(void)what;
	(void)ctx;
	channel_send(gateway.channel, IPC_GATEWAY_BEAT, &beat, -1);
}

/* --- what the supervisor brings --- */

static void
on_bulk(struct ipc_message *msg)
{
	struct err err;

	if (bulks_take(&gateway.wanted.bulks, &msg->payload.BULK, &msg->fd,
		&err) == -1)
		fail(&err);
}

/* Returns 0, or -1 with *err. */
static int
begin_services(struct err *err)
{
	static const struct timeval period = { BEAT_MS / 1000, 0 };

	gateway.env.base = gateway.base;
	gateway.env.board = gateway.board;
	gateway.env.questions = gateway.questions;
	gateway.env.settings = &gateway.wanted.settings;
	gateway.env.bulks = &gateway.wanted.bulks;
	gateway.beat = event_new(gateway.base, -1, EV_PERSIST, on_beat, NULL);
	if (gateway.beat == NULL || event_add(gateway.beat, &period) == -1)
		return err_set(err, ERR_UNAVAILABLE, "a timer: out of memory");
	gateway.tcp_checks = tcp_checks_new(&gateway.env, err);
	return gateway.tcp_checks == NULL ? -1 : 0;
}

static void
on_hello(struct ipc_message *msg)
{
	const struct msg_gateway_hello *hello = &msg->payload.GATEWAY_HELLO;
	const struct msg_empty ready = { 0 };
	struct err err;

	log_configure(&hello->log);
	gateway.wanted.settings = hello->settings;
	gateway.env.is_apart = hello->uid != SPEC_NO_ID;
	gateway.board = health_board_map_read(msg->fd, &err);
	if (gateway.board == NULL ||
	    role_drop_rights(hello->uid, hello->gid, &err) == -1 ||
	    role_die_with_supervisor(0, &err) == -1 ||
	    (hello->sandbox != SANDBOX_OFF &&
		sandbox_enter(&sandbox_gateway, &err) == -1) ||
	    gateway_check(&gateway.wanted, &err) == -1 ||
	    begin_services(&err) == -1) {
		fail(&err);
		return;
	}
	channel_send(gateway.channel, IPC_READY, &ready, -1);
}

/* Takes fd. */
static void
open_agent(int fd)
{
	struct err err;

	agent_free(&gateway.agent);
	gateway.agent = agent_new(&gateway.env, fd, &err);
	if (gateway.agent == NULL)
		fail(&err);
}

/* Takes fd. */
static void
add_check_port(const char *name, int fd)
{
	struct err err;

	if (tcp_checks_add(gateway.tcp_checks, name, fd, &err) == -1)
		fail(&err);
}

/* Takes fd. */
static void
open_site(int fd)
{
	struct err err;

	site_close(&gateway.site);
	gateway.site = site_open(&gateway.env, fd, &err);
	if (gateway.site == NULL)
		fail(&err);
}

/* A socket to serve. */
static void
on_open(struct ipc_message *msg)
{
	struct msg_gateway_socket *m = &msg->payload.GATEWAY_OPEN;
	const int fd = msg->fd;

	m->name[sizeof(m->name) - 1] = '\0';
	msg->fd = -1;
	switch (m->kind) {
	case GATEWAY_HTTP:
		open_site(fd);
		break;
	case GATEWAY_AGENT:
		open_agent(fd);
		break;
	case GATEWAY_TCP_CHECK:
	case GATEWAY_HEALTH_PORT:
		add_check_port(m->name, fd);
		break;
	default:
		(void)close(fd);
		break;
	}
}

static void
on_close(struct ipc_message *msg)
{
	struct msg_gateway_socket *m = &msg->payload.GATEWAY_CLOSE;

	m->name[sizeof(m->name) - 1] = '\0';
	if (m->kind == GATEWAY_HEALTH_PORT)
		tcp_checks_remove(gateway.tcp_checks, m->name);
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	(void)ctx;
	switch (msg->kind) {
	case IPC_BULK:
		on_bulk(msg);
		break;
	case IPC_GATEWAY_HELLO:
		on_hello(msg);
		break;
	case IPC_GATEWAY_OPEN:
		on_open(msg);
		break;
	case IPC_GATEWAY_CLOSE:
		on_close(msg);
		break;
	case IPC_STORE_LINK:
		questions_link_store(gateway.questions, msg->fd);
		msg->fd = -1;
		break;
	case IPC_REPLY:
		questions_reply(gateway.questions, &msg->payload.REPLY);
		break;
	case IPC_SNAPSHOT:
		questions_snapshot(gateway.questions,
		    msg->payload.SNAPSHOT.request, msg->fd);
		break;
	default:
		log_warning(NULL, NULL, "unexpected message %s",
		    ipc_kind_name(msg->kind));
	}
}

static void
on_drained(void)
{
	stop(0);
}

/*
 * The supervisor is gone, or wants us gone: then another one of us has our
 * sockets, and who has asked us gets an answer.
 */
static void
on_channel_closed(void *ctx, const char *why)
{
	static const struct timeval deadline = { .tv_usec = DRAIN_MS * 1000 };

	(void)ctx;
	log_debug(NULL, NULL, "mercuryd %s", why);
	if (gateway.site == NULL || getppid() != gateway.supervisor ||
	    event_base_loopexit(gateway.base, &deadline) == -1) {
		stop(0);
		return;
	}
	(void)event_del(gateway.beat);
	site_drain(gateway.site, on_drained);
}

/* --- the role --- */

/* Returns 0, or -1 with *err. */
static int
begin(struct err *err)
{
	static const struct channel_handler handler = { on_message,
		on_channel_closed };

	gateway.supervisor = getppid();
	gateway.base = loop_new(err);
	if (gateway.base == NULL)
		return -1;
	gateway.channel = channel_new(gateway.base, ROLE_CHANNEL_FD,
	    ROLE_SUPERVISOR, &handler, NULL, err);
	if (gateway.channel == NULL)
		return -1;
	gateway.questions = questions_new(gateway.base, gateway.channel, err);
	return gateway.questions == NULL ? -1 : 0;
}

static void
finish(void)
{
	agent_free(&gateway.agent);
	tcp_checks_free(&gateway.tcp_checks);
	site_close(&gateway.site);
	questions_free(&gateway.questions);
	bulks_drop(&gateway.wanted.bulks);
	if (gateway.board != NULL)
		health_board_unmap(&gateway.board);
	if (gateway.beat != NULL)
		event_free(gateway.beat);
	channel_free(&gateway.channel);
	if (gateway.base != NULL)
		event_base_free(gateway.base);
}

int
gateway_run(void)
{
	struct err err;

	if (begin(&err) == -1) {
		log_error(NULL, NULL, "%s", err.text);
		gateway.exit_code = 1;
	} else if (event_base_dispatch(gateway.base) == -1) {
		gateway.exit_code = 1;
	}
	finish();
	return gateway.exit_code;
}
