/*
 * Which services and resources of a typed tree take part, and what env_file and label_file add.
 * Used by project.c.
 */
#ifndef COMPOSE_SELECT_H
#define COMPOSE_SELECT_H

#include "base/map.h"
#include "compose/load.h"
#include "compose/node.h"

struct selecting {
    const char *name, *working_dir;
    const char *home; /* or NULL */
    const struct map *environment;
    struct string_list profiles; /* active ones; "*" = all */
    struct string_list services; /* named on the command line (patterns too); none = all */
    unsigned flags;              /* enum compose_flags */
};

/* Moves services whose profiles are not active from `services` to `disabled` (both maps). */
void select_profiles(struct arena *arena, struct node *services, struct node *disabled,
                     const struct string_list *profiles);
/*
 * Keeps the named services and what they depend on; profiles of named ones become active. The
 * others go to `disabled`.
 */
int select_services(struct arena *arena, struct node *root, struct node *disabled,
                    const struct selecting *f, struct diags *diags);
/* Drops networks, volumes, secrets, configs and models that no service refers to. */
void select_resources(struct node *root);
/* Reads env_file and label_file, looks up variables without a value. */
int select_environment(struct arena *arena, struct node *root, const struct selecting *f,
                       struct diags *diags);

#endif
