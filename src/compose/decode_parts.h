/*
 * What the decode*.c files share: reading one value of a typed tree.
 */
#ifndef COMPOSE_DECODE_PARTS_H
#define COMPOSE_DECODE_PARTS_H

#include "compose/decode.h"

/* NULL when absent, null or empty. */
const char *get_text(const struct node *map, const char *key);
int64_t get_int(const struct node *map, const char *key, int64_t otherwise);
double get_float(const struct node *map, const char *key);
bool get_bool(const struct node *map, const char *key);
enum tristate get_tristate(const struct node *map, const char *key);
int64_t get_duration(const struct node *map, const char *key, int64_t otherwise);
struct string_list get_list(struct arena *arena, const struct node *map, const char *key);
/* Sorted by key. */
struct key_values get_map(struct arena *arena, const struct node *map, const char *key);
struct key_values get_multi_map(struct arena *arena, const struct node *map, const char *key);
/* The length of the list map[key] and, in *ret, the list. */
size_t list_count(const struct node *map, const char *key, const struct node **ret);

/* decode_service.c */
int decode_service(struct service *s, const struct node_entry *entry, struct arena *arena,
                   struct diags *diags);
void decode_ports(struct service *s, const struct node *n, struct arena *arena);
/* decode_deploy.c */
void decode_deploy(struct deploy *deploy, const struct node *n, struct arena *arena);
struct device_request *decode_devices(const struct node *map, const char *key, size_t *ret_count,
                                      struct arena *arena);
/* decode_build.c */
struct build *decode_build(const struct node *n, struct arena *arena);
struct file_ref *decode_file_refs(const struct node *map, const char *key, size_t *ret_count,
                                  struct arena *arena);
/* decode_mount.c */
void decode_mounts(struct service *s, const struct node *n, struct arena *arena);

#endif
