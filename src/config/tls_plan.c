#include "config/tls_plan.h"

#include <jansson.h>

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
 * the section that it was read for.
 */
static struct {
	struct bulk *section;
	struct bulk *material;
	struct tls_warnings warnings;
} last;

static void
remember(const struct wanted *w, const struct tls_warnings *warnings)
{
	bulk_drop(&last.section);
	bulk_drop(&last.material);
	last.section = bulk_hold(w->bulks.of[BULK_TLS]);
	last.material = bulk_hold(w->bulks.of[BULK_TLS_MATERIAL]);
	last.warnings = *warnings;
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

int
tls_plan_read(struct wanted *w, struct tls_warnings *warnings, struct err *err)
{
	const struct bulk *section = w->bulks.of[BULK_TLS];
	struct bulk **material = &w->bulks.of[BULK_TLS_MATERIAL];

	warnings->count = 0;
	if (section == NULL)
		return 0;
	bulk_drop(material);
	if (last.section != NULL &&
	    bulk_ref_matches(&section->ref, last.section)) {
		*material = bulk_hold(last.material);
		*warnings = last.warnings;
	} else {
		*material = make_material(section, warnings, err);
		if (*material == NULL)
			return -1;
		remember(w, warnings);
	}
	w->spec.bulks[BULK_TLS_MATERIAL] = (*material)->ref;
	return 0;
}

void
tls_plan_forget(void)
{
	bulk_drop(&last.section);
	bulk_drop(&last.material);
}
