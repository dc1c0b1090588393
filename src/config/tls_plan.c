#include "config/tls_plan.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The section of its value; NULL with *err. Gives a new reference. */
static json_t *
section_of(const struct bulk *b, struct err *err)
{
	const void *bytes = bulk_map(b, err);
	json_t *section = NULL;

	if (bytes == NULL)
		return NULL;
	section = json_loadb(bytes, b->ref.size, 0, NULL);
	bulk_unmap(b, bytes);
	if (section == NULL)
		(void)err_set(err, ERR_INTERNAL, "tls: that is no section");
	return section;
}

/*
 * Hundreds of listeners often have one certificate: what was read last, with
 * the section that it was read for; of listeners, and of upstreams.
 */
static struct last {
	struct bulk *section;
	struct bulk *material;
	struct tls_warnings warnings;
} last[2];

static void
forget(struct last *l)
{
	bulk_drop(&l->section);
	bulk_drop(&l->material);
}

static void
remember(struct last *l, struct bulk *section, struct bulk *material)
{
	forget(l);
	l->section = bulk_hold(section);
	l->material = bulk_hold(material);
}

/* Make the material of the section. Returns NULL with *err. */
static struct bulk *
make_material(const struct bulk *value, struct tls_warnings *warnings,
    struct err *err)
{
	json_t *section = section_of(value, err);
	struct tls_writer written = { 0 };
	struct bulk *material = NULL;

	if (section == NULL)
		return NULL;
	if (tls_wants_read(section, &written, warnings, err) == 0)
		material = bulk_new(written.bytes, written.size, err);
	tls_material_free(written.bytes, written.size);
	json_decref(section);
	return material;
}

/*
 * Give it the material of a section, which has the id behind that. What is
 * warned of is in l then. Returns 0, or -1 with *err.
 */
static int
read_section(struct wanted *w, enum bulk_id id, struct last *l, struct err *err)
{
	struct bulk *section = w->bulks.of[id];
	struct bulk **material = &w->bulks.of[id + 1];

	bulk_drop(material);
	if (l->section != NULL && bulk_ref_matches(&section->ref, l->section)) {
		*material = bulk_hold(l->material);
	} else {
		forget(l);
		*material = make_material(section, &l->warnings, err);
		if (*material == NULL)
			return -1;
		remember(l, section, *material);
	}
	w->spec.bulks[id + 1] = (*material)->ref;
	return 0;
}

int
tls_plan_read(struct wanted *w, struct tls_warnings *warnings, struct err *err)
{
	struct last *l = &last[0];
	int result;

	warnings->count = 0;
	if (w->bulks.of[BULK_TLS] == NULL)
		return 0;
	result = read_section(w, BULK_TLS, l, err);
	*warnings = l->warnings;
	return result;
}

/* Call the keys in a text as the section of upstreams calls them. */
static void
rename_keys(const char *text, char out[static ERR_TEXT_SIZE])
{
	static const char prefix[] = "tls.", ca[] = "tls.client_ca";

	if (strncmp(text, ca, strlen(ca)) == 0)
		(void)snprintf(out, ERR_TEXT_SIZE, "proxy.tls.ca%s",
		    text + strlen(ca));
	else if (strncmp(text, prefix, strlen(prefix)) == 0)
		(void)snprintf(out, ERR_TEXT_SIZE, "proxy.%s", text);
	else
		(void)snprintf(out, ERR_TEXT_SIZE, "%s", text);
}

int
tls_plan_read_upstream(struct wanted *w, struct tls_warnings *warnings,
    struct err *err)
{
	struct last *l = &last[1];
	char text[ERR_TEXT_SIZE];
	struct err why;
	size_t i;

	if (w->bulks.of[BULK_UPSTREAM_TLS] == NULL)
		return 0;
	if (read_section(w, BULK_UPSTREAM_TLS, l, &why) == -1) {
		rename_keys(why.text, text);
		return err_set(err, why.code, "%s", text);
	}
	for (i = 0; i < l->warnings.count && i < TLS_WANTS_WARNINGS; i++) {
		rename_keys(l->warnings.texts[i], text);
		tls_warnings_add(warnings, text);
	}
	return 0;
}

void
tls_plan_forget(void)
{
	forget(&last[0]);
	forget(&last[1]);
}
