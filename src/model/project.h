/*
 * A loaded Compose project: what the user asked for, after merge, interpolation and normalisation.
 * Plain data, immutable after load, all of it in one arena; project_free() frees it at once.
 * Meaning and names follow the Compose Specification; units are in the comments.
 * Strings are NULL when the file does not say; lists are `items` + `count`.
 */
#ifndef MODEL_PROJECT_H
#define MODEL_PROJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "model/probe_spec.h"

/* A value that the file may leave unset. */
enum tristate { UNSET, NO, YES };

struct string_list {
    const char **items;
    size_t count;
    bool set; /* present in the file, even when empty (command: [] differs from no command) */
};

/* Ordered by key. value is NULL for "K" without a value. */
struct key_value {
    const char *key;
    const char *value;
};

struct key_values {
    struct key_value *items;
    size_t count;
    bool set;
};

enum condition { CONDITION_STARTED, CONDITION_HEALTHY, CONDITION_COMPLETED, CONDITION_COUNT };

struct depends_on {
    const char *service; /* name; resolve with project_service() */
    enum condition condition;
    bool restart;  /* restart the dependent when the dependency is restarted or recreated */
    bool required; /* false: a missing or failing dependency is a warning */
    bool implied;  /* from links, volumes_from, network_mode: service:X and the like */
    struct pos at;
};

struct healthcheck {
    bool set;
    bool disable;            /* disable: true or test: [NONE] */
    struct string_list test; /* ["CMD", ...], ["CMD-SHELL", text], ["NONE"] or unset (image's) */
    int64_t interval, timeout, start_period, start_interval; /* ns; -1 = not said */
    int retries;                                             /* -1 = not said */
    struct pos at;
};

struct port {
    const char *host_ip;   /* or NULL */
    const char *published; /* "8000", "8000-9000" or NULL (engine chooses) */
    uint16_t target;
    const char *protocol; /* "tcp", "udp", "sctp" */
    const char *mode;     /* "ingress" or "host" */
    const char *name, *app_protocol;
    struct pos at;
};

enum mount_type {
    MOUNT_BIND,
    MOUNT_VOLUME,
    MOUNT_TMPFS,
    MOUNT_NPIPE,
    MOUNT_CLUSTER,
    MOUNT_IMAGE,
    MOUNT_TYPE_COUNT
};

struct mount {
    enum mount_type type;
    const char *source; /* absolute path, volume key, image name, or NULL = anonymous */
    const char *target; /* absolute, cleaned */
    bool read_only;
    const char *consistency;
    const char *bind_propagation, *bind_selinux /* "z", "Z" */, *bind_recursive;
    enum tristate bind_create_host_path;
    bool volume_nocopy;
    const char *volume_subpath, *image_subpath;
    struct key_values volume_labels;
    int64_t tmpfs_size; /* bytes, 0 = unset */
    uint32_t tmpfs_mode;
    bool tmpfs_mode_set;
    bool has_bind, has_volume, has_tmpfs, has_image; /* the option group was written */
    struct pos at;
};

struct service_network {
    const char *network; /* key at top level */
    bool configured;     /* written as a mapping, even an empty one */
    struct string_list aliases;
    const char *ipv4_address, *ipv6_address, *mac_address, *interface_name;
    struct string_list link_local_ips;
    struct key_values driver_opts;
    int priority, gw_priority;
    struct pos at;
};

/* One use of a secret or config. */
struct file_ref {
    const char *source; /* key at top level */
    const char *target; /* absolute path in the container */
    const char *uid, *gid;
    uint32_t mode;
    bool mode_set;
    struct pos at;
};

struct ulimit {
    const char *name;
    int64_t soft, hard;
};

struct device {
    const char *source, *target, *permissions;
};

/* HostConfig.DeviceRequests, from gpus, deploy reservations and CDI names. */
struct device_request {
    const char *driver;
    int64_t count; /* -1 = all */
    struct string_list ids;
    struct string_list capabilities;
    struct key_values options;
};

struct weight_device {
    const char *path;
    uint16_t weight;
};

struct throttle_device {
    const char *path;
    int64_t rate;
};

struct throttle_list {
    struct throttle_device *items;
    size_t count;
};

struct blkio {
    bool set;
    uint16_t weight;
    struct weight_device *weight_devices;
    size_t weight_device_count;
    struct throttle_list read_bps, read_iops, write_bps, write_iops;
};

struct hook {
    struct string_list command;
    const char *user, *working_dir;
    bool privileged;
    struct key_values environment;
    struct pos at;
};

struct build {
    const char *context;    /* absolute path or URL */
    const char *dockerfile; /* relative to the context, or absolute */
    const char *dockerfile_inline;
    struct key_values args, labels, additional_contexts, ulimits_text;
    struct string_list cache_from, cache_to, tags, ssh, platforms, entitlements;
    struct key_values extra_hosts;
    const char *target, *network, *isolation, *provenance, *sbom;
    struct file_ref *secrets;
    size_t secret_count;
    int64_t shm_size;
    bool no_cache, pull, privileged;
    struct pos at;
};

enum pull_policy {
    PULL_DEFAULT, /* missing; or build where there is a build section and no image */
    PULL_ALWAYS,
    PULL_NEVER,
    PULL_MISSING,
    PULL_BUILD,
    PULL_EVERY, /* daily, weekly, every_<duration>: pull_interval says how often */
    PULL_POLICY_COUNT
};

/* x-fettle of a service. */
struct readiness {
    struct probe_spec *probes; /* declared under x-fettle.ready */
    size_t count;
    bool disabled;   /* ready: false, only the health check counts */
    int64_t timeout; /* ns, 0 = default */
    struct pos at;
};

struct restart_policy {
    bool set;         /* deploy.restart_policy is written */
    const char *name; /* "no", "always", "unless-stopped", "on-failure" or NULL = not said */
    int max_retries;
};

struct resources {
    double cpus;          /* 0 = unset */
    int64_t memory, pids; /* bytes; 0 = unset */
};

struct deploy {
    bool set;
    const char *mode, *endpoint_mode;
    int replicas; /* -1 = not said */
    struct key_values labels;
    struct resources limits, reservations;
    struct device_request *devices;
    size_t device_count;
    struct restart_policy restart_policy;
};

struct service {
    const char *name;
    struct pos at;
    const char *config_hash; /* Compose's com.docker.compose.config-hash, 64 hex digits */
    /* Where the hash depends on other services' containers (network_mode: service:X and the like):
     * the text that is hashed, with "\x01X\x02" in place of the id of X's first container. */
    const char *hash_text; /* or NULL */

    const char *image;   /* as written; the built image's name when only build is given */
    bool image_set;      /* the file names one */
    struct build *build; /* or NULL */
    enum pull_policy pull_policy;
    int64_t pull_interval; /* ns, with PULL_EVERY */
    const char *platform;

    struct string_list command, entrypoint;
    struct key_values environment; /* env_file merged in; value NULL = "K" unresolved */
    struct key_values labels;      /* user labels, label_file merged in */
    struct key_values annotations;
    const char *working_dir, *user, *hostname, *domainname, *container_name;
    bool tty, stdin_open, privileged, read_only;
    enum tristate init, attach, oom_kill_disable;
    const char *stop_signal;
    int64_t stop_grace_period; /* ns; -1 = not said */
    struct healthcheck healthcheck;

    int replicas; /* from scale or deploy.replicas; 1 by default */
    struct depends_on *depends_on;
    size_t depends_on_count;
    struct string_list profiles;

    struct port *ports;
    size_t port_count;
    struct string_list expose; /* as written: "80", "80/udp", "3000-3005" */

    struct mount *mounts; /* in the order of the file */
    size_t mount_count;
    struct string_list tmpfs;        /* path[:opts] */
    struct string_list volumes_from; /* service[:ro], container:NAME[:ro] */

    const char *network_mode;         /* or NULL: networks count */
    struct service_network *networks; /* by priority (highest first), then name */
    size_t network_count;
    const char *mac_address;
    struct string_list links, external_links;
    struct string_list dns, dns_search, dns_opt;
    struct string_list extra_hosts; /* "host:ip" */

    struct file_ref *secrets, *configs;
    size_t secret_count, config_count;

    struct restart_policy restart;
    struct deploy deploy;

    const char *logging_driver;
    struct key_values logging_options;
    bool logging_set;

    struct string_list cap_add, cap_drop, security_opt, group_add, device_cgroup_rules;
    struct device *devices;
    size_t device_count;
    struct string_list cdi_devices;
    struct device_request *gpus;
    size_t gpu_count;
    struct ulimit *ulimits;
    size_t ulimit_count;
    struct key_values sysctls, storage_opt;
    const char *ipc, *pid, *uts, *userns_mode, *cgroup, *cgroup_parent, *isolation, *runtime;

    double cpus, cpu_percent; /* 0 = unset, as all below unless said */
    int64_t cpu_count, cpu_period, cpu_quota, cpu_rt_period, cpu_rt_runtime, cpu_shares;
    const char *cpuset;
    int64_t mem_limit, mem_reservation, memswap_limit, shm_size, pids_limit;
    int64_t mem_swappiness; /* -1 = unset */
    int64_t oom_score_adj;
    struct blkio blkio;
    bool use_api_socket;

    struct hook *post_start, *pre_stop;
    size_t post_start_count, pre_stop_count;
    const char *provider_type; /* or NULL */
    struct key_values provider_options;

    struct readiness ready; /* x-fettle.ready */
};

struct ipam_pool {
    const char *subnet, *gateway, *ip_range;
    struct key_values aux_addresses;
};

struct network {
    const char *key, *name;
    struct pos at;
    const char *config_hash;
    bool external;
    const char *driver;
    struct key_values driver_opts, labels;
    const char *ipam_driver;
    struct ipam_pool *pools;
    size_t pool_count;
    bool internal, attachable;
    enum tristate enable_ipv4, enable_ipv6;
};

struct volume {
    const char *key, *name;
    struct pos at;
    const char *config_hash;
    bool external;
    const char *driver; /* NULL = local */
    struct key_values driver_opts, labels;
};

/* A top-level secret or config. */
struct file_object {
    const char *key, *name;
    struct pos at;
    bool external;
    const char *file;        /* absolute path, or NULL */
    const char *environment; /* name of the variable, or NULL */
    const char *content;     /* inline, or the variable's value; NULL when from a file */
    const char *driver, *template_driver;
    struct key_values labels, driver_opts;
};

struct project {
    struct arena arena;
    const char *name;
    char separator;                /* between the parts of a container's name: '-', or '_' */
    const char *working_dir;       /* absolute */
    struct string_list files;      /* absolute paths, as in the label config_files */
    struct string_list env_files;  /* absolute paths given with --env-file, for the label */
    struct key_values environment; /* what interpolation saw */
    struct string_list profiles;   /* active ones */

    struct service *services; /* enabled, sorted by name */
    size_t service_count;
    struct string_list disabled;       /* services left out by profiles */
    struct string_list known_profiles; /* named by any service, sorted */
    struct network *networks;
    size_t network_count;
    struct volume *volumes;
    size_t volume_count;
    struct file_object *secrets, *configs;
    size_t secret_count, config_count;

    const struct node *tree; /* the canonical tree that compose/ made this from (its own type) */
};

/* Frees the project with all it points to. NULL is fine. */
void project_free(struct project *p);
void cleanup_project(struct project **p);

/* Look-ups by key; NULL when absent. */
struct service *project_service(const struct project *p, const char *name);
struct network *project_network(const struct project *p, const char *key);
struct volume *project_volume(const struct project *p, const char *key);
struct file_object *project_secret(const struct project *p, const char *key);
struct file_object *project_config(const struct project *p, const char *key);

/* The value for `key`, or NULL (absent, or present without a value: *ret_present tells, may be
 * NULL). */
const char *key_values_get(const struct key_values *kv, const char *key, bool *ret_present);

/* "service_started", ... */
const char *condition_name(enum condition c);

#endif
