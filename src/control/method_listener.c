#include "control/method_listener.h"

#include <stdio.h>
#include <string.h>

#include "common/snapshot.h"
#include "common/wanted.h"
#include "option/option.h"
#include "option/saved.h"
#include "json/fields.h"
#include "json/status_json.h"

static enum method_step
fail(struct call *call, const struct err *err)
{
	(void)rpc_fail_err(&call->error, err);
	return METHOD_FAILED;
}

/* The params without those that are no options. Gives a new reference. */
static json_t *
options_of(const json_t *params)
{
	json_t *options = json_copy((json_t *)(uintptr_t)params);

	if (options != NULL) {
		(void)json_object_del(options, "name");
		(void)json_object_del(options, "save");
	}
	return options;
}

/* Keep the name and whether to save; the name is checked. */
static int
take_name(struct call *call, const json_t *params)
{
	call->save = json_is_true(json_object_get(params, "save"));
	return method_name(params, call->spec.name, &call->error);
}

/* The first listener of a snapshot, which is read from its start; or NULL. */
static const struct snapshot_listener *
first_listener(struct snapshot_reader *r)
{
	enum snapshot_kind kind = SNAPSHOT_DAEMON;
	const void *row = NULL;

	if (r == NULL)
		return NULL;
	r->at = 0;
	while ((row = snapshot_next(r, &kind)) != NULL)
		if (kind == SNAPSHOT_LISTENER)
			break;
	r->at = 0;
	return row;
}

/*
 * A listener of the config file can't be saved: at the next start the file
 * would win. Returns 0, or -1 with call->error.
 */
static int
check_origin(struct call *call, const struct method_answer *a)
{
	const struct snapshot_listener *l = first_listener(a->snapshot);

	if (l == NULL || l->origin != ORIGIN_FILE)
		return 0;
	return rpc_fail(&call->error, RPC_SERVER,
	    "%s: is set in the config file: change it there", call->spec.name);
}

/*
 * What of a running listener has to be written down: where it is, its
 * protocol, and what is not the default.
 */
static option_set
set_of(const struct listener_spec *spec)
{
	const struct wanted least = { .spec = *spec,
		.set = spec->transport == TRANSPORT_UNIX
		    ? OPTION_BIT(OPT_PATH)
		    : OPTION_BIT(OPT_PORT) };
	json_t *options = option_listener_json(&least);
	option_set set = least.set | OPTION_BIT(OPT_PROTOCOL);
	struct wanted plain;
	struct err err;
	unsigned int id;

	/* As an update, for which a protocol and its section may be missing. */
	if (options == NULL ||
	    option_listener_update(spec->name, options, &plain, &err) == -1)
		plain = (struct wanted){ 0 }; /* then all is written */
	json_decref(options);
	for (id = 0; id < LISTENER_OPTION_COUNT; id++)
		if (!spec_option_equal(id, &plain.spec, spec))
			set |= OPTION_BIT(id);
	wanted_clear(&plain);
	return set;
}

/* The values that a spec refers to are among those that the call has. */
static struct bulks
borrow_bulks(const struct call *call, const struct listener_spec *spec)
{
	struct bulks found = { 0 };
	size_t i;

	for (i = 0; i < BULK_COUNT; i++)
		found.of[i] =
		    bulk_ref_matches(&spec->bulks[i], call->bulks.of[i])
		    ? call->bulks.of[i]
		    : call->running.of[i];
	return found;
}

/* Write the draft of a call anew. Returns 0, or -1 with *err. */
static int
make_draft(struct call *call, const struct listener_spec *spec, option_set set,
    struct err *err)
{
	const struct wanted wanted = { .spec = *spec,
		.set = set,
		.bulks = borrow_bulks(call, spec) };

	if (saved_prepare(call->state_dir, &wanted, call->request, err) == -1)
		return -1;
	call->drafted = true;
	call->draft = *spec;
	call->draft_set = set;
	return 0;
}

/*
 * Before anything is done: can it be saved? what is what it is then not.
 * Returns 0, or -1 with call->error.
 */
static int
prepare(struct call *call, const struct listener_spec *spec, const char *what)
{
	struct err err;

	if (!call->save ||
	    make_draft(call, spec, set_of(spec) | call->set, &err) == 0)
		return 0;
	(void)rpc_fail(&call->error, RPC_SERVER,
	    "%s: not %s, for it can't be saved: %s", spec->name, what,
	    err.text);
	call->error.reason = err.code;
	return -1;
}

/* A running listener as it is saved: on the port that it has got. */
static struct listener_spec
spec_to_save(const struct snapshot_listener *l)
{
	struct listener_spec spec = l->spec;

	if (spec.transport != TRANSPORT_UNIX)
		spec.port = l->port;
	return spec;
}

/* It runs: save it. The draft is mostly right already. */
static int
save(struct call *call, const struct snapshot_listener *l, struct err *err)
{
	const struct listener_spec spec = spec_to_save(l);
	const option_set set = set_of(&spec) | call->set;
	/* What is between the members may differ: it is made once more then. */
	/* NOLINTNEXTLINE(*-memory-comparison,cert-exp42-c,cert-flp37-c) */
	const bool same = memcmp(&spec, &call->draft, sizeof(spec)) == 0;

	if ((!call->drafted || set != call->draft_set || !same) &&
	    make_draft(call, &spec, set, err) == -1)
		return -1;
	if (saved_commit(call->state_dir, spec.name, call->request, err) == -1)
		return -1;
	call->drafted = false;
	return 0;
}

static enum method_step
ask_remove(struct call *call)
{
	(void)method_ask_name(call, IPC_REQ_REMOVE, call->spec.name);
	call->ask.REQ_REMOVE.deadline_ms = call->deadline_ms;
	call->looked = true;
	return METHOD_ASK;
}

/* Keep what is asked for, and what that holds. */
static void
take_wanted(struct call *call, const struct wanted *w)
{
	call->spec = w->spec;
	call->set = w->set;
	call->bulks = w->bulks;
}

enum method_step
listener_add_start(struct call *call, const json_t *params)
{
	struct msg_req_add *m = &call->ask.REQ_ADD;
	struct wanted wanted;
	json_t *options;
	struct err err;
	int r;

	if (take_name(call, params) == -1)
		return METHOD_FAILED;
	options = options_of(params);
	r = option_listener(call->spec.name, options, &wanted, &err);
	json_decref(options);
	if (r == -1)
		return fail(call, &err);
	take_wanted(call, &wanted);
	memset(m, 0, sizeof(*m));
	m->spec = call->spec;
	m->set = call->set;
	m->request = call->request;
	call->kind = IPC_REQ_ADD;
	return prepare(call, &call->spec, "added") == -1 ? METHOD_FAILED
							 : METHOD_ASK;
}

enum method_step
listener_add_answered(struct call *call, const struct method_answer *a)
{
	const struct snapshot_listener *l = first_listener(a->snapshot);
	struct err err;

	if (call->undone)
		return METHOD_FAILED; /* call->error says why */
	if (l == NULL)
		return method_done(call, NULL);
	if (!call->save || save(call, l, &err) == 0)
		return method_done(call, status_json_listener(a->snapshot));
	(void)rpc_fail(&call->error, RPC_SERVER,
	    "%s: removed again, for it can't be saved: %s", call->spec.name,
	    err.text);
	call->error.reason = err.code;
	call->undone = true;
	call->deadline_ms = 0;
	return ask_remove(call);
}

static enum method_step
ask_update(struct call *call)
{
	struct msg_req_update *m = &call->ask.REQ_UPDATE;

	memset(m, 0, sizeof(*m));
	m->request = call->request;
	m->spec = call->spec;
	m->set = call->set;
	call->kind = IPC_REQ_UPDATE;
	call->looked = true;
	return METHOD_ASK;
}

/* Ask for the listener as it runs, with its values. */
static enum method_step
ask_values(struct call *call)
{
	(void)method_ask_name(call, IPC_REQ_STATUS, call->spec.name);
	call->ask.REQ_STATUS.flags = REQ_FLAG_VALUES;
	return METHOD_ASK;
}

/* Returns 0, or -1 with call->error. */
static int
read_update(struct call *call, const json_t *options)
{
	struct wanted wanted;
	struct err err;

	if (option_listener_update(call->spec.name, options, &wanted, &err) ==
	    -1) {
		(void)fail(call, &err);
		return -1;
	}
	take_wanted(call, &wanted);
	return 0;
}

/* The options that are sections. */
static const enum listener_option sections[] = { OPT_TLS, OPT_PROXY, OPT_EXEC,
	OPT_MODULE };
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static bool
has_section(const json_t *options)
{
	size_t i;

	for (i = 0; i < SECTIONS; i++)
		if (json_is_object(json_object_get(options,
			spec_option_name(sections[i]))))
			return true;
	return false;
}

/*
 * Part of a section changes the rest of it as little as one option the others,
 * so that nobody loses what was not spoken of, such as client_ca.
 */
enum method_step
listener_update_start(struct call *call, const json_t *params)
{
	json_t *options;
	int r;

	if (take_name(call, params) == -1)
		return METHOD_FAILED;
	options = options_of(params);
	if (has_section(options)) {
		call->options = options;
		return ask_values(call);
	}
	r = read_update(call, options);
	json_decref(options);
	if (r == -1)
		return METHOD_FAILED;
	return call->save ? ask_values(call) : ask_update(call);
}

static bool
is_empty(const json_t *value)
{
	const char *text = json_string_value(value);

	return json_is_null(value) || (text != NULL && text[0] == '\0');
}

/*
 * Add to a section what the running one has beyond it, and to the sections
 * within it; but for the names of sni, which may be written in two ways. What
 * was given as empty is to have its default.
 */
static int
complete(json_t *section, json_t *now)
{
	json_t *given = json_copy(section), *value, *before;
	const char *key;
	int result = given == NULL ? -1 : 0;

	json_object_foreach (given, key, value) {
		before = json_object_get(now, key);
		if (json_is_object(value) && json_is_object(before) &&
		    strcmp(key, "sni") != 0 && complete(value, before) == -1)
			result = -1;
	}
	if (result == 0 && now != NULL)
		result = json_object_update_missing(section, now);
	json_object_foreach (given, key, value)
		if (is_empty(value))
			(void)json_object_del(section, key);
	json_decref(given);
	return result;
}

/* May the listener have the sections that are given? 0, or -1 with *err. */
static int
check_sections(const struct call *call, const struct listener_spec *spec,
    struct err *err)
{
	option_set given = 0;
	size_t i;

	for (i = 0; i < SECTIONS; i++)
		if (json_object_get(call->options,
			spec_option_name(sections[i])) != NULL)
			given |= OPTION_BIT(sections[i]);
	return spec_check_sections(spec->protocol, given, err);
}

/* Add to the options what the running sections have beyond them. */
static int
complete_sections(struct call *call, const struct snapshot_listener *l)
{
	struct wanted running = { .spec = l->spec, .bulks = call->running };
	const char *name;
	json_t *now, *section;
	struct err err;
	int result = 0;
	size_t i;

	if (check_sections(call, &l->spec, &err) == -1) {
		(void)fail(call, &err);
		return -1;
	}
	for (i = 0; i < SECTIONS; i++)
		if (sections[i] == OPT_TLS ||
		    spec_section_of(l->spec.protocol) == sections[i])
			running.set |= OPTION_BIT(sections[i]);
	now = option_listener_json(&running);
	for (i = 0; i < SECTIONS; i++) {
		name = spec_option_name(sections[i]);
		section = json_object_get(call->options, name);
		if (json_is_object(section) &&
		    complete(section, json_object_get(now, name)) == -1)
			result = -1;
	}
	json_decref(now);
	return result == -1
	    ? rpc_fail(&call->error, RPC_SERVER, "out of memory")
	    : read_update(call, call->options);
}

/* The listener runs, and may be saved: have the draft, then update it. */
static enum method_step
prepare_update(struct call *call, const struct snapshot_listener *l)
{
	struct listener_spec spec;
	struct err err;

	if (l == NULL)
		return method_done(call, NULL);
	spec = spec_to_save(l);
	/* The supervisor says what can't be merged, and decides. */
	(void)spec_merge(&spec, &call->spec, call->set, &err);
	return prepare(call, &spec, "updated") == -1 ? METHOD_FAILED
						     : ask_update(call);
}

enum method_step
listener_update_answered(struct call *call, const struct method_answer *a)
{
	const struct snapshot_listener *l = first_listener(a->snapshot);
	struct err err;

	if (!call->looked && l != NULL && call->options != NULL &&
	    complete_sections(call, l) == -1)
		return METHOD_FAILED;
	if (!call->looked && !call->save)
		return ask_update(call);
	if (!call->looked)
		return check_origin(call, a) == -1 ? METHOD_FAILED
						   : prepare_update(call, l);
	if (l == NULL)
		return method_done(call, NULL);
	if (!call->save || save(call, l, &err) == 0)
		return method_done(call, status_json_listener(a->snapshot));
	(void)rpc_fail(&call->error, RPC_SERVER,
	    "%s: was updated, but not saved: %s", call->spec.name, err.text);
	call->error.reason = err.code;
	return METHOD_FAILED;
}

enum method_step
listener_remove_start(struct call *call, const json_t *params)
{
	if (take_name(call, params) == -1 ||
	    method_deadline(params, &call->deadline_ms, &call->error) == -1)
		return METHOD_FAILED;
	return call->save
	    ? method_ask_name(call, IPC_REQ_STATUS, call->spec.name)
	    : ask_remove(call);
}

/*
 * The listener is there: forget its file, then remove it. The other way
 * round it could be gone and come back at the next start.
 */
static enum method_step
forget_and_remove(struct call *call)
{
	struct err err;

	if (saved_remove(call->state_dir, call->spec.name, &err) == 0)
		return ask_remove(call);
	(void)rpc_fail(&call->error, RPC_SERVER,
	    "%s: not removed, for it can't be forgotten: %s", call->spec.name,
	    err.text);
	call->error.reason = err.code;
	return METHOD_FAILED;
}

enum method_step
listener_remove_answered(struct call *call, const struct method_answer *a)
{
	if (!call->looked)
		return check_origin(call, a) == -1 ? METHOD_FAILED
						   : forget_and_remove(call);
	if (a->reply == NULL)
		return method_done(call, NULL);
	return method_done(call,
	    json_pack("{s:o, s:I, s:I}", "name",
		field_string(call->spec.name, sizeof(call->spec.name)),
		"finished", (json_int_t)a->reply->finished, "cut",
		(json_int_t)a->reply->cut));
}

/* Ask about one listener, or to do something with it. */
static enum method_step
ask_about(struct call *call, enum ipc_kind kind, const json_t *params)
{
	if (take_name(call, params) == -1)
		return METHOD_FAILED;
	return method_ask_name(call, kind, call->spec.name);
}

/* The answer to most of that is the listener. */
static enum method_step
listener_done(struct call *call, const struct method_answer *a)
{
	return method_done(call,
	    a->snapshot == NULL ? NULL : status_json_listener(a->snapshot));
}

enum method_step
listener_pause_start(struct call *call, const json_t *params)
{
	if (ask_about(call, IPC_REQ_PAUSE, params) == METHOD_FAILED)
		return METHOD_FAILED;
	if (json_is_true(json_object_get(params, "queue")))
		call->ask.REQ_PAUSE.flags = REQ_FLAG_QUEUE;
	return METHOD_ASK;
}

enum method_step
listener_pause_answered(struct call *call, const struct method_answer *a)
{
	return listener_done(call, a);
}

enum method_step
listener_resume_start(struct call *call, const json_t *params)
{
	return ask_about(call, IPC_REQ_RESUME, params);
}

enum method_step
listener_resume_answered(struct call *call, const struct method_answer *a)
{
	return listener_done(call, a);
}

enum method_step
listener_restart_start(struct call *call, const json_t *params)
{
	const bool all = json_is_true(json_object_get(params, "all"));
	uint32_t deadline_ms;

	if (all == (json_object_get(params, "name") != NULL)) {
		(void)rpc_fail(&call->error, RPC_PARAMS,
		    "name, or all as true: give one of them");
		return METHOD_FAILED;
	}
	if ((!all && take_name(call, params) == -1) ||
	    method_deadline(params, &deadline_ms, &call->error) == -1)
		return METHOD_FAILED;
	(void)method_ask_name(call, IPC_REQ_RESTART, call->spec.name);
	call->ask.REQ_RESTART.deadline_ms = deadline_ms;
	return METHOD_ASK;
}

enum method_step
listener_restart_answered(struct call *call, const struct method_answer *a)
{
	if (call->spec.name[0] != '\0')
		return listener_done(call, a);
	return method_done(call,
	    a->snapshot == NULL ? NULL : status_json_daemon(a->snapshot));
}

enum method_step
listener_status_start(struct call *call, const json_t *params)
{
	return ask_about(call, IPC_REQ_STATUS, params);
}

enum method_step
listener_status_answered(struct call *call, const struct method_answer *a)
{
	return listener_done(call, a);
}

enum method_step
listener_list_start(struct call *call, const json_t *params)
{
	(void)params;
	return method_ask_name(call, IPC_REQ_STATUS, "");
}

enum method_step
listener_list_answered(struct call *call, const struct method_answer *a)
{
	return method_done(call,
	    a->snapshot == NULL ? NULL : status_json_list(a->snapshot));
}
