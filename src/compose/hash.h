/*
 * Compose's config-hash: SHA-256 of the JSON that the reference's structs marshal to. With it
 * either tool sees whether what the other one made is still what the file asks for.
 */
#ifndef COMPOSE_HASH_H
#define COMPOSE_HASH_H

#include "compose/node.h"

/* 64 hex digits in the arena, of parts of the typed tree. */
const char *hash_service(struct arena *arena, const struct node *service);
const char *hash_network(struct arena *arena, const struct node *network);
const char *hash_volume(struct arena *arena, const struct node *volume);
/*
 * NULL unless the service shares namespaces or volumes with containers of other services, whose
 * ids are part of the hash: then the text to hash, with \x01NAME\x02 in place of each id.
 */
const char *hash_service_text(struct arena *arena, const struct node *service);

#endif
