/*
 * The table of engines and their differences. Facts, not opinions: each was seen on that engine.
 */
#include "engine/docker/quirks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

/* The first row that fits wins. */
static const struct engine_quirks {
    const char *product; /* as the Server header or /version's first component names it */
    int below_major;     /* only versions before this; 0 = any */
    const char *name;
    bool no_healthchecks, no_update, conflict_is_500, remove_is_destroy, log_seconds;
} rows[] = {
    {"Docker", 0, "docker", false, false, false, false, false},
    {"Engine", 0, "docker", false, false, false, false, false}, /* /version of Docker */
    {"Libpod", 5, "podman", true, true, true, true, true},
    {"Libpod", 0, "podman", true, false, true, true, false},
    {"Podman Engine", 5, "podman", true, true, true, true, true},
    {"Podman Engine", 0, "podman", true, false, true, true, false},
    {"Fettle", 0, "fettle", false, false, false, false, false},
};

static int major_of(const char *version)
{
    char digits[8] = "";
    int64_t major = 0;
    size_t len = strspn(version, "0123456789");

    if (len == 0 || len >= sizeof(digits)) {
        return 0;
    }
    memcpy(digits, version, len);
    return parse_int(digits, 0, 9999999, &major, NULL) == 0 ? (int)major : 0;
}

void quirks_apply(struct engine_traits *traits, const char *product, const char *version)
{
    const struct engine_quirks *row = &rows[0];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq_nocase(rows[i].product, product) &&
            (rows[i].below_major == 0 || major_of(version) < rows[i].below_major)) {
            row = &rows[i];
            break;
        }
    }
    snprintf(traits->name, sizeof(traits->name), "%s", row->name);
    snprintf(traits->version, sizeof(traits->version), "%s", version);
    traits->no_healthchecks = row->no_healthchecks;
    traits->no_update = row->no_update;
    traits->conflict_is_500 = row->conflict_is_500;
    traits->remove_is_destroy = row->remove_is_destroy;
    traits->log_seconds = row->log_seconds;
}
