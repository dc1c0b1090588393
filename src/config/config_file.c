#include "config/config_file.h"

#include <sys/stat.h>

#include <confuse.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_complete.h"
#include "config/config_grammar.h"
#include "config/config_load.h"
#include "config/config_scan.h"
#include "config/config_section.h"
#include "config/conflict.h"
#include "config/gateway_plan.h"
#include "config/listener_files.h"
#include "config/pool_options.h"
#include "option/option.h"
#include "option/tls_section.h"
#include "option/value.h"

/* A file that is being parsed; includer is the one that named it. */
struct file {
	const char *path;
	const char *text; /* without comments */
	struct file *includer;
	struct stat st; /* all 0: unknown */
	struct config_scan scan;
	size_t blocks_done; /* outermost blocks that have been parsed */
};

/* libConfuse's callbacks find it here. */
static struct reader {
	struct plan *plan;
	struct file *file;
	unsigned int depth; /* of includes */
	struct config_section section;
	json_t *places;  /* name of each section: "file:line" */
	json_t *taken;   /* ports, paths and pools (conflict.h) */
	json_t *store;   /* options of the store section; NULL: none */
	bool complained; /* libConfuse has said why it stopped */
	bool daemon_seen;
} reader;

/* --- messages of libConfuse --- */

/* The section that libConfuse is in, for the words of a message. */
static bool
is_section(const cfg_t *cfg, const char *name)
{
	return strcmp(cfg->name, name) == 0;
}

/* Is it section tls of proxy? libConfuse does not say what it is within. */
static bool
is_upstream_tls(const cfg_t *cfg)
{
	const cfg_opt_t *o;

	if (!is_section(cfg, "tls"))
		return false;
	for (o = cfg->opts; o->name != NULL; o++)
		if (strcmp(o->name, "server_name") == 0)
			return true;
	return false;
}

static struct config_place
place_of(const cfg_t *cfg)
{
	if (is_upstream_tls(cfg))
		return (struct config_place){ "proxy.tls", NULL };
	return (struct config_place){ cfg->name, cfg->title };
}

/* Has it options? Else it is the file itself. */
static bool
has_options(const struct config_place *p)
{
	return config_section_is_tls(p) || config_section_table(p) != -1;
}

/* libConfuse doesn't know key; say what would be right. */
static void
complain_unknown(const cfg_t *cfg, const char *key)
{
	char quoted[VALUE_QUOTE_SIZE];
	struct err err;
	const unsigned int line = (unsigned int)cfg->line;
	const struct config_place place = place_of(cfg);

	if (has_options(&place) &&
	    config_section_check(&place, key, "", &err) == -1) {
		plan_error(reader.plan, cfg->filename, line, "%s", err.text);
	} else {
		value_quote(key, quoted);
		plan_error(reader.plan, cfg->filename, line,
		    "%s is unknown here: must be daemon { ... }, "
		    "store { ... }, gateway { ... }, "
		    "listener \"NAME\" { ... }, group \"NAME\" { ... } or "
		    "include(\"FILE\")",
		    quoted);
	}
}

/* Is every key in this line of the file given a value, and none a block? */
static bool
is_assigned(const char *key, unsigned int line)
{
	const char *at = reader.file->text, *end;
	const size_t len = strlen(key);
	bool found = false;

	for (; line > 1 && at != NULL; line--) {
		at = strchr(at, '\n');
		at += at != NULL;
	}
	if (at == NULL || len == 0)
		return false;
	end = strchrnul(at, '\n');
	while ((at = memmem(at, (size_t)(end - at), key, len)) != NULL) {
		at += len;
		if (at[strspn(at, "\"' \t\r\n+")] != '=')
			return false;
		found = true;
	}
	return found;
}

/*
 * Let libConfuse pass over the value of the unknown option of which it has
 * just complained, up to the next option that it knows: on_option() makes it
 * complain again. Blocks it can't pass over.
 */
static void
pass_over_unknown(cfg_t *cfg, const char *key)
{
	const struct config_place place = place_of(cfg);

	if (!has_options(&place) || !is_assigned(key, (unsigned int)cfg->line))
		return;
	reader.section.wrong = true;
	cfg->flags |= CFGF_IGNORE_UNKNOWN;
}

/* Is text "<start>KEY'"? Then cut it to KEY, else return NULL. */
static char *
key_after(char *text, const char *start)
{
	const size_t len = strlen(start);
	char *quote;

	if (strncmp(text, start, len) != 0)
		return NULL;
	quote = strrchr(text + len, '\'');
	if (quote != NULL)
		*quote = '\0';
	return text + len;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[512], quoted[VALUE_QUOTE_SIZE];
	const char *section;
	char *key;

	reader.complained = true;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if ((key = key_after(text, "no such option '")) != NULL) {
		complain_unknown(cfg, key);
		pass_over_unknown(cfg, key);
	} else if (strncmp(text, "missing title", 13) == 0) {
		section = strstr(text, "group") != NULL ? "group"
		    : strstr(text, "sni") != NULL       ? "sni"
							: "listener";
		plan_error(reader.plan, cfg->filename, (unsigned int)cfg->line,
		    "%s: its name is missing: must be %s \"NAME\" { ... }",
		    section, section);
	} else if ((key = key_after(text, "unexpected token '")) != NULL) {
		value_quote(key, quoted);
		plan_error(reader.plan, cfg->filename, (unsigned int)cfg->line,
		    "%s makes no sense here", quoted);
	} else {
		plan_error(reader.plan, cfg->filename, (unsigned int)cfg->line,
		    "%s", text);
	}
}

/* --- options and sections --- */

static void option_error(const cfg_t *cfg, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* An error of one option; the section is not used then. */
static void
option_error(const cfg_t *cfg, const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err.text, sizeof(err.text), fmt, ap);
	va_end(ap);
	reader.section.wrong = true;
	plan_error(reader.plan, cfg->filename, (unsigned int)cfg->line, "%s",
	    err.text);
}

/* Note where something is; false, with an error, if it was there before. */
static bool
take_line(const cfg_t *cfg, const char *name)
{
	const unsigned int before = config_section_take_line(&reader.section,
	    name, (unsigned int)cfg->line);

	if (before == 0)
		return true;
	option_error(cfg, "%s: is given twice, first in line %u", name, before);
	return false;
}

/* Check and keep a value of an option; more is a list's second, and so on. */
static void
take_value(cfg_t *cfg, const cfg_opt_t *opt, const char *value, bool more)
{
	const struct config_place place = place_of(cfg);
	struct config_section *s = &reader.section;
	char name[CONFIG_LABEL_SIZE];
	struct err err;
	int result;

	cfg->flags &= ~CFGF_IGNORE_UNKNOWN;
	config_section_label(&place, opt->name, name);
	if (!more && !take_line(cfg, name))
		return;
	if (config_section_check(&place, opt->name, value, &err) == -1) {
		option_error(cfg, "%s", err.text);
		return;
	}
	if (opt->flags & CFGF_LIST)
		result = config_section_keep_item(s, &place, opt->name, value,
		    (unsigned int)cfg->line);
	else
		result = config_section_keep(s, &place, opt->name, value);
	if (result == -1)
		option_error(cfg,
		    "%s: must be UTF-8 text; other bytes, where it "
		    "may have them, are written \\\\xHH",
		    name);
}

/* libConfuse has an option of a section. */
static int
on_option(cfg_t *cfg, cfg_opt_t *opt)
{
	take_value(cfg, opt, cfg_opt_getnstr(opt, 0), false);
	/* Not -1, with which libConfuse would stop: there may be more. */
	return 0;
}

/* It has a value of a list. */
static int
on_list_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	take_value(cfg, opt, value, cfg_opt_size(opt) > 1);
	*(const char **)result = value;
	return 0;
}

/* A section within another one has ended; it is dropped as in on_section(). */
static int
on_inner(cfg_t *cfg, cfg_opt_t *opt)
{
	const unsigned int last = cfg_opt_size(opt) - 1;
	const cfg_t *section = cfg_opt_getnsec(opt, last);
	const struct config_place place = place_of(section);
	char name[CONFIG_LABEL_SIZE];
	struct err err;

	(void)snprintf(name, sizeof(name), "%s", place.section);
	if (is_section(section, "sni")) {
		(void)snprintf(name, sizeof(name), "tls.sni \"%.255s\"",
		    section->title);
		if (tls_section_check_name(section->title, &err) == -1)
			option_error(cfg, "%s", err.text);
	}
	if (config_section_options(&reader.section, &place) == NULL)
		option_error(cfg, "%s: must be UTF-8 text", name);
	(void)take_line(section, name);
	return cfg_opt_rmnsec(opt, last);
}

/* The line where the section that has just ended began. */
static unsigned int
first_line(void)
{
	struct file *f = reader.file;

	if (f->blocks_done >= f->scan.blocks)
		return 0;
	return f->scan.block_lines[f->blocks_done];
}

/* Remember where a section is; false, with an error, if it was there. */
static bool
take_place(const char *key, unsigned int line)
{
	const json_t *before = json_object_get(reader.places, key);
	const char *path = reader.file->path;

	if (before != NULL) {
		plan_error(reader.plan, path, line,
		    "%s is given twice, first at %s", key,
		    json_string_value(before));
		return false;
	}
	(void)json_object_set_new(reader.places, key,
	    json_sprintf("%s:%u", path, line));
	return true;
}

/*
 * An error over a whole section: told at the line of the option that it
 * starts with, if that was given.
 */
static void
section_error(const char *what, unsigned int line, const struct err *err)
{
	const unsigned int option =
	    config_section_line_of(&reader.section, err);

	plan_error(reader.plan, reader.file->path, option != 0 ? option : line,
	    "%s%s", what, err->text);
}

static void
end_daemon(unsigned int line)
{
	struct config_section *s = &reader.section;
	struct err err;

	reader.daemon_seen = true;
	if (take_place("daemon", line) && !s->wrong &&
	    option_daemon(s->options, &reader.plan->daemon, &err) == -1)
		section_error("", line, &err);
}

/* It is settled when state_dir is known, too. */
static void
end_store(unsigned int line)
{
	struct config_section *s = &reader.section;

	if (take_place("store", line) && !s->wrong)
		reader.store = json_incref(s->options);
}

static void
end_gateway(unsigned int line)
{
	struct config_section *s = &reader.section;
	struct gateway_wanted *g = &reader.plan->gateway;
	struct tls_warnings warnings = { 0 };
	char where[PATH_MAX + 16];
	struct err err;
	size_t i;

	if (!take_place("gateway", line) || s->wrong)
		return;
	(void)snprintf(where, sizeof(where), "%s:%u", reader.file->path, line);
	if (option_gateway(s->options, g, &err) == -1 ||
	    conflict_take_gateway(reader.taken, &g->settings, where, &err) ==
		-1 ||
	    gateway_plan_complete(g, &warnings, &err) == -1)
		section_error("gateway: ", line, &err);
	for (i = 0; i < warnings.count && i < TLS_WANTS_WARNINGS; i++)
		plan_warning(reader.plan, reader.file->path, line,
		    "gateway: %s", warnings.texts[i]);
	if (gateway_plan_is_open(&g->settings, s->options))
		plan_warning(reader.plan, reader.file->path, line,
		    "gateway: listen: whoever reaches it sees all that it "
		    "shows: give a token, allow or tls.client_ca");
}

/* Room for "listener "NAME": ". */
#define WHAT_SIZE (SPEC_NAME_SIZE + 32)

/*
 * The name of a section of this kind ("group"); false, with an error, if it
 * can't be one, or is taken.
 */
static bool
take_name(const char *kind, const char *name, unsigned int line)
{
	char what[WHAT_SIZE], quoted[VALUE_QUOTE_SIZE];
	struct err err;

	(void)snprintf(what, sizeof(what), "%s name", kind);
	if (spec_check_name(what, name, &err) == -1) {
		value_quote(name, quoted);
		plan_error(reader.plan, reader.file->path, line, "%s: %s",
		    quoted, err.text);
		return false;
	}
	(void)snprintf(what, sizeof(what), "%s \"%s\"", kind, name);
	return take_place(what, line);
}

static void
end_group(const char *name, unsigned int line)
{
	struct config_section *s = &reader.section;
	char what[WHAT_SIZE];
	struct group_spec spec;
	struct err err;
	size_t i;

	if (!take_name("group", name, line) || s->wrong)
		return;
	(void)snprintf(what, sizeof(what), "group \"%s\": ", name);
	if (option_group(name, s->options, &spec, &err) == -1) {
		section_error(what, line, &err);
		return;
	}
	if (json_array_size(s->children) == 0) {
		plan_error(reader.plan, reader.file->path, line,
		    "%schildren: is missing or empty: must name one or more "
		    "listeners",
		    what);
		return;
	}
	plan_group(reader.plan, &spec, reader.file->path, line);
	for (i = 0; i < json_array_size(s->children); i++)
		plan_child(reader.plan,
		    json_string_value(json_array_get(s->children, i)),
		    (unsigned int)json_integer_value(
			json_array_get(s->children_lines, i)));
}

static void
end_listener(const char *name, unsigned int line)
{
	const char *path = reader.file->path;
	char what[WHAT_SIZE];
	char where[PATH_MAX + 16];
	struct config_section *s = &reader.section;
	struct tls_warnings warnings = { 0 };
	struct wanted wanted;
	struct err err;
	size_t i;

	if (!take_name("listener", name, line) || s->wrong)
		return;
	(void)snprintf(what, sizeof(what), "listener \"%s\": ", name);
	if (option_listener(name, s->options, &wanted, &err) == -1) {
		section_error(what, line, &err);
		return;
	}
	(void)snprintf(where, sizeof(where), "%s:%u", path, line);
	if (pool_options_check_user(&wanted.spec, &err) == -1 ||
	    conflict_take(reader.taken, &wanted.spec, wanted.set, where,
		&err) == -1 ||
	    listener_files_read(&wanted, &warnings, &err) == -1)
		section_error(what, line, &err);
	else
		plan_listener(reader.plan, &wanted);
	for (i = 0; i < warnings.count && i < TLS_WANTS_WARNINGS; i++)
		plan_warning(reader.plan, path, line, "%s%s", what,
		    warnings.texts[i]);
	wanted_clear(&wanted);
}

/*
 * libConfuse has a whole section. It is done with here and dropped, which
 * also spares libConfuse from comparing each title with all before it.
 */
static int
on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	const unsigned int last = cfg_opt_size(opt) - 1;
	const cfg_t *section = cfg_opt_getnsec(opt, last);
	const unsigned int line = first_line();

	(void)cfg;
	if (reader.section.options == NULL)
		reader.section.options = json_object();
	if (is_section(section, "daemon"))
		end_daemon(line);
	else if (is_section(section, "store"))
		end_store(line);
	else if (is_section(section, "gateway"))
		end_gateway(line);
	else if (is_section(section, "group"))
		end_group(section->title, line);
	else
		end_listener(section->title, line);
	reader.file->blocks_done++;
	config_section_clear(&reader.section);
	return cfg_opt_rmnsec(opt, last);
}

/* --- files --- */

/* Parse text, whose comments are gone. Returns 0, or -1 with an error told. */
static int
parse_text(cfg_t *cfg, struct file *f, char *text, size_t len)
{
	int result = CFG_PARSE_ERROR;
	FILE *stream;

	if (len == 0)
		return 0;
	f->text = text;
	reader.complained = false;
	stream = fmemopen(text, len, "r");
	if (stream != NULL) {
		result = cfg_parse_fp(cfg, stream);
		(void)fclose(stream);
	}
	if (result == CFG_SUCCESS)
		return 0;
	if (!reader.complained)
		plan_error(reader.plan, f->path, 0,
		    "can't be parsed: out of memory?");
	reader.complained = true;
	return -1;
}

/* Scan and parse one file. Errors are told at line of the file at, if any. */
static int
parse_file(cfg_t *cfg, const char *path, const char *at, unsigned int at_line)
{
	struct file f = { .path = path, .includer = reader.file };
	const int cfg_line = cfg->line;
	char *cfg_name = cfg->filename;
	unsigned int line;
	struct err err;
	size_t len = 0;
	int result = -1;
	char *text;

	(void)stat(path, &f.st); /* who can't do that can't load it either */
	text = config_load(path, &len, &err);
	if (text == NULL) {
		plan_error(reader.plan, at, at_line, "%s%s%s",
		    at == path ? "" : path, at == path ? "" : ": ", err.text);
		return -1;
	}
	if (config_scan(text, len, &f.scan, &line, &err) == -1) {
		plan_error(reader.plan, path, line, "%s", err.text);
	} else if ((cfg->filename = strdup(path)) != NULL) {
		reader.file = &f;
		result = parse_text(cfg, &f, text, len);
		reader.file = f.includer;
		free(cfg->filename);
	}
	cfg->filename = cfg_name;
	cfg->line = cfg_line;
	config_scan_clear(&f.scan);
	free(text);
	return result;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Write "a > b > c > " for the files from outer to f, each without folder. */
static void
write_chain(const struct file *outer, const struct file *f, char *out,
    size_t size)
{
	size_t used;

	if (f != outer && f->includer != NULL)
		write_chain(outer, f->includer, out, size);
	used = strlen(out);
	(void)snprintf(out + used, size - used, "%s > ", base_name(f->path));
}

/* Is path a file that is being parsed? Tell it then. */
static bool
includes_itself(const char *path, unsigned int line)
{
	const struct file *f;
	char chain[256] = "";
	struct stat st;

	if (stat(path, &st) == -1)
		return false;
	for (f = reader.file; f != NULL; f = f->includer)
		if (f->st.st_ino == st.st_ino && f->st.st_dev == st.st_dev)
			break;
	if (f == NULL)
		return false;
	write_chain(f, reader.file, chain, sizeof(chain));
	plan_error(reader.plan, reader.file->path, line,
	    "include: %s includes itself: %s%s", path, chain, base_name(path));
	return true;
}

/* include("FILE"): relative to the file that it is in. */
static int
on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	const char *from = reader.file->path;
	const unsigned int line = (unsigned int)cfg->line;
	const char *slash = strrchr(from, '/');
	char *path = NULL;
	int result = -1, folder = 0;

	(void)opt;
	reader.complained = true;
	if (argc != 1 || argv[0][0] == '\0') {
		plan_error(reader.plan, from, line,
		    "include: must name one file: include(\"FILE\")");
		return -1;
	}
	if (reader.depth == CONFIG_INCLUDE_DEPTH) {
		plan_error(reader.plan, from, line,
		    "include: more than %d files deep", CONFIG_INCLUDE_DEPTH);
		return -1;
	}
	if (argv[0][0] != '/' && slash != NULL)
		folder = (int)(slash + 1 - from);
	if (asprintf(&path, "%.*s%s", folder, from, argv[0]) == -1) {
		plan_error(reader.plan, from, line, "include: out of memory");
		return -1;
	}
	if (!includes_itself(path, line)) {
		reader.depth++;
		result = parse_file(cfg, path, from, line);
		reader.depth--;
	}
	reader.complained = true;
	free(path);
	return result;
}

/* The daemon section's defaults, when the file has none. */
static void
default_daemon(const char *path)
{
	json_t *empty = json_object();
	struct err err;

	if (option_daemon(empty, &reader.plan->daemon, &err) == -1)
		plan_error(reader.plan, path, 0, "%s", err.text);
	json_decref(empty);
}

void
config_file_read(const char *path, bool check_only, struct plan *plan)
{
	static const struct config_hooks hooks = {
		.option = on_option,
		.list_value = on_list_value,
		.inner = on_inner,
		.section = on_section,
		.include = on_include,
	};
	cfg_t *cfg = config_grammar(&hooks);
	struct config_found found;
	int parsed = -1;

	memset(&reader, 0, sizeof(reader));
	reader.plan = plan;
	reader.places = json_object();
	reader.taken = json_object();
	if (cfg != NULL && reader.places != NULL && reader.taken != NULL) {
		(void)cfg_set_error_function(cfg, on_error);
		parsed = parse_file(cfg, path, path, 0);
	}
	if (parsed == -1 && plan->errors.count == 0)
		plan_error(plan, path, 0, "out of memory");
	if (parsed == 0 && !reader.daemon_seen)
		default_daemon(path);
	found = (struct config_found){ path, reader.store, reader.places,
		reader.taken };
	config_complete(&found, check_only, plan);
	config_section_clear(&reader.section);
	json_decref(reader.places);
	json_decref(reader.taken);
	json_decref(reader.store);
	if (cfg != NULL)
		(void)cfg_free(cfg);
}
