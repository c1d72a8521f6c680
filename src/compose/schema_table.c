/*
 * The table itself: data only. The rows of an object stand in the order in which the reference
 * prints them (that order is part of the config-hash). Rows that are never printed come last.
 */
#include "compose/schema.h"

#include "base/mem.h"

#define FIELDS(name) .fields = (name), .count = ARRAY_LEN(name)
#define NAMES(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

/* Types shared by many rows. */

static const struct schema_type t_string = {.kinds = IS_STR, .expected = "a string"};
static const struct schema_type t_string_null = {.kinds = IS_STR | IS_NULL, .expected = "a string"};
static const struct schema_type t_bool = {.kinds = IS_BOOL, .expected = "true or false"};
static const struct schema_type t_bool_text = {.kinds = IS_BOOL | IS_STR,
                                               .expected = "true or false"};
static const struct schema_type t_int = {.kinds = IS_INT, .expected = "a whole number"};
static const struct schema_type t_int_text = {.kinds = IS_INT | IS_STR,
                                              .expected = "a whole number"};
static const struct schema_type t_size_int = {
    .kinds = IS_INT | IS_STR, .expected = "a whole number of bytes or a size such as \"64m\""};
static const struct schema_type t_size = {.kinds = IS_NUM | IS_STR,
                                          .expected = "a size such as 512m"};
static const struct schema_type t_size_text = {.kinds = IS_STR,
                                               .expected = "a size in quotes, such as \"512m\""};
static const struct schema_type t_number = {.kinds = IS_NUM, .expected = "a number"};
static const struct schema_type t_number_text = {.kinds = IS_NUM | IS_STR, .expected = "a number"};
static const struct schema_type t_duration = {
    .kinds = IS_STR, .expected = "a duration with a unit, such as 30s or 1m30s", .unit = "s"};
static const struct schema_type t_strings = {
    .kinds = IS_LIST, .expected = "a list of strings", .items = &t_string};
static const struct schema_type t_unique = {
    .kinds = IS_LIST, .expected = "a list of strings", .items = &t_string, .unique = true};
static const struct schema_type t_string_or_list = {.kinds = IS_STR | IS_LIST,
                                                    .expected = "a string or a list of strings",
                                                    .items = &t_string,
                                                    .unique = true};
static const struct schema_type t_string_or_strings = {
    .kinds = IS_STR | IS_LIST, .expected = "a string or a list of strings", .items = &t_string};
static const struct schema_type t_string_or_number = {.kinds = IS_STR | IS_NUM,
                                                      .expected = "a string or a number"};
static const struct schema_type t_numbers = {.kinds = IS_LIST,
                                             .expected = "a list of strings or numbers",
                                             .items = &t_string_or_number,
                                             .unique = true};
static const struct schema_type t_scalar = {.kinds = IS_STR | IS_NUM | IS_BOOL | IS_NULL,
                                            .expected = "a string, number, boolean or nothing"};
static const struct schema_type t_list_or_map = {
    .kinds = IS_MAP | IS_LIST,
    .expected = "a mapping, or a list of KEY=VALUE strings",
    .entries = &t_scalar,
    .keys = PATTERN_NOT_EMPTY,
    .items = &t_string,
    .unique = true};
static const struct schema_type t_command = {.kinds = IS_NULL | IS_STR | IS_LIST,
                                             .expected = "a string or a list of strings",
                                             .items = &t_string};
static const struct schema_type t_options = {.kinds = IS_MAP,
                                             .expected = "a mapping of strings or numbers",
                                             .entries = &t_string_or_number,
                                             .keys = PATTERN_NOT_EMPTY,
                                             .open = true};
static const struct schema_type t_any_map = {
    .kinds = IS_MAP, .expected = "a mapping", .open = true};
static const struct schema_type t_string_map = {.kinds = IS_MAP,
                                                .expected = "a mapping of strings",
                                                .entries = &t_string,
                                                .keys = PATTERN_NOT_EMPTY};
static const struct schema_type t_hosts = {
    .kinds = IS_MAP | IS_LIST,
    .expected = "a mapping of host to address, or a list of host=address strings",
    .entries = &t_string_or_strings,
    .keys = PATTERN_NOT_EMPTY,
    .items = &t_string,
    .unique = true};

/* Commands run in a container: hooks, watch. */

static const struct schema_field hook_fields[] = {
    {"command", &t_command, FIELD_COMMAND, NULL, "what to run"},
    {"user", &t_string, FIELD_STRING, NULL, "user to run it as"},
    {"privileged", &t_bool_text, FIELD_BOOL, NULL, "with all capabilities"},
    {"working_dir", &t_string, FIELD_STRING, NULL, "directory to run it in"},
    {"environment", &t_list_or_map, FIELD_ENVIRONMENT, NULL, "variables for it"},
};
const struct schema_object schema_hook = {
    .name = "hook", FIELDS(hook_fields), .required = NAMES("command")};
static const struct schema_type t_hook = {
    .kinds = IS_MAP, .expected = "a mapping with a command", .object = &schema_hook};
static const struct schema_type t_hooks = {
    .kinds = IS_LIST, .expected = "a list of hooks", .items = &t_hook};

/* Files given to containers and builds. */

static const struct schema_field file_ref_fields[] = {
    {"source", &t_string, FIELD_STRING, NULL, "key under the top-level section"},
    {"target", &t_string, FIELD_STRING, NULL, "path in the container"},
    {"uid", &t_string, FIELD_STRING, NULL, "owner"},
    {"gid", &t_string, FIELD_STRING, NULL, "group"},
    {"mode", &t_number_text, FIELD_FILE_MODE, NULL, "file mode"},
};
static const struct schema_object file_ref = {.name = "file reference", FIELDS(file_ref_fields)};
static const struct schema_type t_file_ref = {
    .kinds = IS_STR | IS_MAP, .expected = "a name, or a mapping with source", .object = &file_ref};
static const struct schema_type t_file_refs = {
    .kinds = IS_LIST, .expected = "a list of names or mappings", .items = &t_file_ref};

static const struct schema_field ulimit_fields[] = {
    {"soft", &t_int_text, FIELD_INT, NULL, "soft limit"},
    {"hard", &t_int_text, FIELD_INT, NULL, "hard limit"},
};
static const struct schema_object ulimit = {
    .name = "ulimit", FIELDS(ulimit_fields), .required = NAMES("soft", "hard")};
static const struct schema_type t_ulimit = {.kinds = IS_INT | IS_STR | IS_MAP,
                                            .expected = "a whole number, or soft and hard",
                                            .object = &ulimit};
static const struct schema_type t_ulimits = {.kinds = IS_MAP,
                                             .expected = "a mapping of limits",
                                             .entries = &t_ulimit,
                                             .keys = PATTERN_LOWER,
                                             .open = true};

/* build */

static const struct schema_field build_fields[] = {
    {"context", &t_string, FIELD_STRING, NULL, "directory or URL to build from"},
    {"dockerfile", &t_string, FIELD_STRING, NULL, "name of the Dockerfile"},
    {"dockerfile_inline", &t_string, FIELD_STRING, NULL, "text of the Dockerfile"},
    {"entitlements", &t_strings, FIELD_STRINGS, NULL, "extra privileges of the build"},
    {"args", &t_list_or_map, FIELD_ENVIRONMENT, NULL, "build arguments"},
    {"provenance",
     &(const struct schema_type){.kinds = IS_STR | IS_BOOL,
                                 .expected = "a string or true or false"},
     FIELD_STRING, NULL, "provenance attestation"},
    {"sbom",
     &(const struct schema_type){.kinds = IS_STR | IS_BOOL,
                                 .expected = "a string or true or false"},
     FIELD_STRING, NULL, "bill of materials"},
    {"ssh", &t_list_or_map, FIELD_SSH, NULL, "SSH agents or keys for the build"},
    {"labels", &t_list_or_map, FIELD_LABELS, NULL, "labels of the image"},
    {"cache_from", &t_strings, FIELD_STRINGS, NULL, "images to take layers from"},
    {"cache_to", &t_strings, FIELD_STRINGS, NULL, "where to store layers"},
    {"no_cache", &t_bool_text, FIELD_BOOL, NULL, "build every step anew"},
    {"additional_contexts", &t_list_or_map, FIELD_MAPPING, NULL, "more named contexts"},
    {"pull", &t_bool_text, FIELD_BOOL, NULL, "pull base images anew"},
    {"extra_hosts", &t_hosts, FIELD_HOSTS, NULL, "host names known in the build"},
    {"isolation", &t_string, FIELD_STRING, NULL, "isolation of the build"},
    {"network", &t_string, FIELD_STRING, NULL, "network of the build"},
    {"target", &t_string, FIELD_STRING, NULL, "stage to build"},
    {"secrets", &t_file_refs, FIELD_STRUCTS, &file_ref, "secrets for the build"},
    {"shm_size", &t_size_int, FIELD_BYTES, NULL, "size of /dev/shm in the build"},
    {"tags", &t_strings, FIELD_STRINGS, NULL, "more names of the image"},
    {"ulimits", &t_ulimits, FIELD_ULIMITS, &ulimit, "limits of the build"},
    {"platforms", &t_strings, FIELD_STRINGS, NULL, "platforms to build for"},
    {"privileged", &t_bool_text, FIELD_BOOL, NULL, "build with all capabilities"},
};
const struct schema_object schema_build = {.name = "build", FIELDS(build_fields)};

/* develop */

static const struct schema_field watch_fields[] = {
    {"path", &t_string, FIELD_STRING, NULL, "what to watch", .keep = true},
    {"action",
     &(const struct schema_type){
         .kinds = IS_STR,
         .expected = "rebuild, sync, restart, sync+restart or sync+exec",
         .values = NAMES("rebuild", "sync", "restart", "sync+restart", "sync+exec")},
     FIELD_STRING, NULL, "what to do on a change", .keep = true},
    {"target", &t_string, FIELD_STRING, NULL, "path in the container"},
    {"exec", &t_hook, FIELD_STRUCT, &schema_hook, "what to run after a sync"},
    {"include", &t_string_or_list, FIELD_STRINGS, NULL, "patterns to watch"},
    {"ignore", &t_string_or_list, FIELD_STRINGS, NULL, "patterns to leave out"},
    {"initial_sync", &t_bool, FIELD_BOOL, NULL, "synchronise at the start"},
};
static const struct schema_object watch = {
    .name = "watch", FIELDS(watch_fields), .required = NAMES("path", "action")};
static const struct schema_type t_watch = {
    .kinds = IS_MAP, .expected = "a mapping with path and action", .object = &watch};
static const struct schema_field develop_fields[] = {
    {"watch",
     &(const struct schema_type){
         .kinds = IS_LIST, .expected = "a list of watch rules", .items = &t_watch},
     FIELD_STRUCTS, &watch, "what to do when files change"},
};
static const struct schema_object develop = {.name = "develop", FIELDS(develop_fields)};

/* blkio_config */

static const struct schema_field weight_fields[] = {
    {"path", &t_string, FIELD_STRING, NULL, "device", .keep = true},
    {"weight", &t_int_text, FIELD_UINT16, NULL, "relative weight", .keep = true},
};
static const struct schema_object weight = {
    .name = "weight", FIELDS(weight_fields), .no_extensions = true, .capital = true};
static const struct schema_type t_weights = {
    .kinds = IS_LIST,
    .expected = "a list of path and weight",
    .items = &(const struct schema_type){
        .kinds = IS_MAP, .expected = "a mapping with path and weight", .object = &weight}};
static const struct schema_field rate_fields[] = {
    {"path", &t_string, FIELD_STRING, NULL, "device", .keep = true},
    {"rate", &t_int_text, FIELD_BYTES, NULL, "bytes or operations a second", .keep = true},
};
static const struct schema_object rate = {
    .name = "rate", FIELDS(rate_fields), .no_extensions = true, .capital = true};
static const struct schema_type t_rates = {
    .kinds = IS_LIST,
    .expected = "a list of path and rate",
    .items = &(const struct schema_type){
        .kinds = IS_MAP, .expected = "a mapping with path and rate", .object = &rate}};
static const struct schema_field blkio_fields[] = {
    {"weight", &t_int_text, FIELD_UINT16, NULL, "relative weight of block I/O"},
    {"weight_device", &t_weights, FIELD_STRUCTS, &weight, "weight for each device"},
    {"device_read_bps", &t_rates, FIELD_STRUCTS, &rate, "bytes a second read"},
    {"device_read_iops", &t_rates, FIELD_STRUCTS, &rate, "reads a second"},
    {"device_write_bps", &t_rates, FIELD_STRUCTS, &rate, "bytes a second written"},
    {"device_write_iops", &t_rates, FIELD_STRUCTS, &rate, "writes a second"},
};
static const struct schema_object blkio = {
    .name = "blkio_config", FIELDS(blkio_fields), .no_extensions = true};

static const struct schema_field credential_fields[] = {
    {"config", &t_string, FIELD_STRING, NULL, "config that holds it"},
    {"file", &t_string, FIELD_STRING, NULL, "file that holds it"},
    {"registry", &t_string, FIELD_STRING, NULL, "registry value that holds it"},
};
static const struct schema_object credential = {.name = "credential_spec",
                                                FIELDS(credential_fields)};

/* depends_on */

static const struct schema_field dependency_fields[] = {
    {"condition",
     &(const struct schema_type){
         .kinds = IS_STR,
         .expected = "service_started, service_healthy or service_completed_successfully",
         .values = NAMES("service_started", "service_healthy", "service_completed_successfully")},
     FIELD_STRING, NULL, "what to wait for"},
    {"restart", &t_bool_text, FIELD_BOOL, NULL, "restart with the dependency"},
    {"required", &t_bool, FIELD_BOOL, NULL, "false: a warning is enough", .keep = true},
};
static const struct schema_object dependency = {
    .name = "dependency", FIELDS(dependency_fields), .required = NAMES("condition")};
static const struct schema_type t_depends_on = {
    .kinds = IS_LIST | IS_MAP,
    .expected = "a list of services, or a mapping of service to condition",
    .items = &t_string,
    .unique = true,
    .entries = &(const struct schema_type){.kinds = IS_MAP,
                                           .expected = "a mapping with a condition",
                                           .object = &dependency},
    .keys = PATTERN_NAME};

/* deploy */

static const struct schema_field update_fields[] = {
    {"parallelism", &t_int_text, FIELD_UINT64_SET, NULL, "how many at a time"},
    {"delay", &t_duration, FIELD_DURATION, NULL, "wait between them"},
    {"failure_action", &t_string, FIELD_STRING, NULL, "what to do on failure"},
    {"monitor", &t_duration, FIELD_DURATION, NULL, "how long to watch"},
    {"max_failure_ratio", &t_number_text, FIELD_FLOAT, NULL, "failures to accept"},
    {"order",
     &(const struct schema_type){.kinds = IS_STR,
                                 .expected = "start-first or stop-first",
                                 .values = NAMES("start-first", "stop-first")},
     FIELD_STRING, NULL, "start-first or stop-first"},
};
static const struct schema_object update = {.name = "update_config", FIELDS(update_fields)};
static const struct schema_type t_update = {
    .kinds = IS_MAP, .expected = "a mapping", .object = &update};

static const struct schema_field device_request_fields[] = {
    {"capabilities", &t_unique, FIELD_STRINGS, NULL, "what the device must be able to do"},
    {"driver", &t_string, FIELD_STRING, NULL, "device driver"},
    {"count", &t_int_text, FIELD_DEVICE_COUNT, NULL, "how many, or all"},
    {"device_ids", &t_unique, FIELD_STRINGS, NULL, "which ones"},
    {"options", &t_list_or_map, FIELD_MAPPING, NULL, "driver options"},
};
static const struct schema_object device_request = {.name = "device",
                                                    FIELDS(device_request_fields),
                                                    .forgets_extensions = true,
                                                    .required = NAMES("capabilities")};
static const struct schema_object gpu = {
    .name = "gpu", FIELDS(device_request_fields), .open = true, .forgets_extensions = true};

static const struct schema_field discrete_fields[] = {
    {"kind", &t_string, FIELD_STRING, NULL, "name of the resource", .keep = true},
    {"value", &t_number_text, FIELD_INT, NULL, "how many", .keep = true},
};
static const struct schema_object discrete = {.name = "discrete_resource_spec",
                                              FIELDS(discrete_fields)};
static const struct schema_field generic_fields[] = {
    {"discrete_resource_spec",
     &(const struct schema_type){
         .kinds = IS_MAP, .expected = "a mapping with kind and value", .object = &discrete},
     FIELD_STRUCT_SET, &discrete, "a countable resource"},
};
static const struct schema_object generic = {.name = "generic resource", FIELDS(generic_fields)};

static const struct schema_field limit_fields[] = {
    {"cpus", &t_number_text, FIELD_CPUS, NULL, "processors"},
    {"memory", &t_size_text, FIELD_BYTES, NULL, "memory"},
    {"pids", &t_int_text, FIELD_INT, NULL, "processes"},
};
static const struct schema_object limits = {.name = "limits", FIELDS(limit_fields)};
static const struct schema_field reservation_fields[] = {
    {"cpus", &t_number_text, FIELD_CPUS, NULL, "processors"},
    {"memory", &t_size_text, FIELD_BYTES, NULL, "memory"},
    {"devices",
     &(const struct schema_type){
         .kinds = IS_LIST,
         .expected = "a list of device requests",
         .items = &(const struct schema_type){.kinds = IS_MAP,
                                              .expected = "a mapping with capabilities",
                                              .object = &device_request}},
     FIELD_STRUCTS, &device_request, "devices, such as GPUs"},
    {"generic_resources",
     &(const struct schema_type){.kinds = IS_LIST,
                                 .expected = "a list of resources",
                                 .items = &(const struct schema_type){.kinds = IS_MAP,
                                                                      .expected = "a mapping",
                                                                      .object = &generic}},
     FIELD_STRUCTS, &generic, "countable resources"},
};
static const struct schema_object reservations = {.name = "reservations",
                                                  FIELDS(reservation_fields)};
static const struct schema_field resources_fields[] = {
    {"limits",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &limits},
     FIELD_STRUCT_SET, &limits, "upper bounds"},
    {"reservations",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &reservations},
     FIELD_STRUCT_SET, &reservations, "what must be free"},
};
static const struct schema_object resources = {.name = "resources", FIELDS(resources_fields)};

static const struct schema_field restart_fields[] = {
    {"condition", &t_string, FIELD_STRING, NULL, "none, on-failure or any"},
    {"delay", &t_duration, FIELD_DURATION_SET, NULL, "wait before a restart"},
    {"max_attempts", &t_int_text, FIELD_UINT64_SET, NULL, "how often"},
    {"window", &t_duration, FIELD_DURATION_SET, NULL, "how long until it counts as a success"},
};
static const struct schema_object restart = {.name = "restart_policy", FIELDS(restart_fields)};

static const struct schema_field preference_fields[] = {
    {"spread", &t_string, FIELD_STRING, NULL, "label to spread over"},
};
static const struct schema_object preference = {.name = "preference", FIELDS(preference_fields)};
static const struct schema_field placement_fields[] = {
    {"constraints", &t_strings, FIELD_STRINGS, NULL, "which nodes"},
    {"preferences",
     &(const struct schema_type){.kinds = IS_LIST,
                                 .expected = "a list of preferences",
                                 .items = &(const struct schema_type){.kinds = IS_MAP,
                                                                      .expected = "a mapping",
                                                                      .object = &preference}},
     FIELD_STRUCTS, &preference, "how to spread"},
    {"max_replicas_per_node", &t_int_text, FIELD_UINT64, NULL, "at most on one node"},
};
static const struct schema_object placement = {.name = "placement", FIELDS(placement_fields)};

static const struct schema_field deploy_fields[] = {
    {"mode", &t_string, FIELD_STRING, NULL, "replicated or global"},
    {"replicas", &t_int_text, FIELD_INT_SET, NULL, "how many containers"},
    {"labels", &t_list_or_map, FIELD_LABELS, NULL, "labels of the service"},
    {"update_config", &t_update, FIELD_STRUCT_SET, &update, "how to update"},
    {"rollback_config", &t_update, FIELD_STRUCT_SET, &update, "how to roll back"},
    {"resources",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &resources},
     FIELD_STRUCT, &resources, "limits and reservations"},
    {"restart_policy",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &restart},
     FIELD_STRUCT_SET, &restart, "when to restart"},
    {"placement",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &placement},
     FIELD_STRUCT, &placement, "where to run"},
    {"endpoint_mode", &t_string, FIELD_STRING, NULL, "vip or dnsrr"},
};
static const struct schema_object deploy = {.name = "deploy", FIELDS(deploy_fields)};

/* Parts of a service */

static const struct schema_field device_fields[] = {
    {"source", &t_string, FIELD_STRING, NULL, "path on the host, or CDI name"},
    {"target", &t_string, FIELD_STRING, NULL, "path in the container"},
    {"permissions", &t_string, FIELD_STRING, NULL, "of r, w and m"},
};
static const struct schema_object device = {
    .name = "device", FIELDS(device_fields), .required = NAMES("source")};

static const struct schema_field env_file_fields[] = {
    {"path", &t_string, FIELD_STRING, NULL, "the file"},
    {"required", &t_bool_text, FIELD_BOOL, NULL, "false: may be missing", .keep = true},
    {"format", &t_string, FIELD_STRING, NULL, "raw: no quotes and no variables"},
};
static const struct schema_object env_file = {
    .name = "env_file", FIELDS(env_file_fields), .required = NAMES("path"), .no_extensions = true};

static const struct schema_field extends_fields[] = {
    {"file", &t_string, FIELD_STRING, NULL, "file of the base service"},
    {"service", &t_string, FIELD_STRING, NULL, "the base service"},
};
static const struct schema_object extends = {
    .name = "extends", FIELDS(extends_fields), .required = NAMES("service"), .no_extensions = true};

static const struct schema_field health_fields[] = {
    {"test", &t_string_or_strings, FIELD_TEST, NULL, "command that tells the health"},
    {"timeout", &t_duration, FIELD_DURATION_SET, NULL, "how long one test may take"},
    {"interval", &t_duration, FIELD_DURATION_SET, NULL, "time between tests"},
    {"retries", &t_number_text, FIELD_UINT64_SET, NULL, "failures until unhealthy"},
    {"start_period", &t_duration, FIELD_DURATION_SET, NULL, "failures do not count at first"},
    {"start_interval", &t_duration, FIELD_DURATION_SET, NULL, "time between tests at first"},
    {"disable", &t_bool_text, FIELD_BOOL, NULL, "no health check"},
};
static const struct schema_object health = {.name = "healthcheck", FIELDS(health_fields)};

static const struct schema_type t_log_option = {.kinds = IS_STR | IS_NUM | IS_NULL,
                                                .expected = "a string or a number"};
static const struct schema_field logging_fields[] = {
    {"driver", &t_string, FIELD_STRING, NULL, "log driver"},
    {"options",
     &(const struct schema_type){.kinds = IS_MAP,
                                 .expected = "a mapping",
                                 .entries = &t_log_option,
                                 .keys = PATTERN_NOT_EMPTY,
                                 .open = true},
     FIELD_OPTIONS, NULL, "options of the driver"},
};
static const struct schema_object logging = {.name = "logging", FIELDS(logging_fields)};

static const struct schema_field model_ref_fields[] = {
    {"endpoint_var", &t_string, FIELD_STRING, NULL, "variable for the address"},
    {"model_var", &t_string, FIELD_STRING, NULL, "variable for the name"},
};
static const struct schema_object model_ref = {.name = "model", FIELDS(model_ref_fields)};
static const struct schema_type t_model_refs = {
    .kinds = IS_LIST | IS_MAP,
    .expected = "a list of models, or a mapping",
    .items = &t_string,
    .unique = true,
    .entries = &(const struct schema_type){.kinds = IS_MAP | IS_NULL,
                                           .expected = "a mapping or nothing",
                                           .object = &model_ref},
    .keys = PATTERN_NAME,
    .open = true};

static const struct schema_field service_network_fields[] = {
    {"aliases", &t_unique, FIELD_STRINGS, NULL, "more names on this network"},
    {"driver_opts", &t_options, FIELD_OPTIONS, NULL, "options of the endpoint"},
    {"gw_priority", &t_number, FIELD_INT, NULL, "which network gives the gateway"},
    {"interface_name", &t_string, FIELD_STRING, NULL, "name of the interface"},
    {"ipv4_address", &t_string, FIELD_STRING, NULL, "fixed IPv4 address"},
    {"ipv6_address", &t_string, FIELD_STRING, NULL, "fixed IPv6 address"},
    {"link_local_ips", &t_unique, FIELD_STRINGS, NULL, "link-local addresses"},
    {"mac_address", &t_string, FIELD_STRING, NULL, "fixed MAC address"},
    {"priority", &t_number, FIELD_INT, NULL, "order of connection"},
};
static const struct schema_object service_network = {.name = "network",
                                                     FIELDS(service_network_fields)};
static const struct schema_type t_service_networks = {
    .kinds = IS_LIST | IS_MAP,
    .expected = "a list of networks, or a mapping",
    .items = &t_string,
    .unique = true,
    .entries = &(const struct schema_type){.kinds = IS_MAP | IS_NULL,
                                           .expected = "a mapping or nothing",
                                           .object = &service_network},
    .keys = PATTERN_NAME};

static const struct schema_field port_fields[] = {
    {"name", &t_string, FIELD_STRING, NULL, "name for people"},
    {"mode", &t_string, FIELD_STRING, NULL, "ingress or host"},
    {"host_ip", &t_string, FIELD_STRING, NULL, "address on the host"},
    {"target", &t_int_text, FIELD_UINT32, NULL, "port in the container"},
    {"published",
     &(const struct schema_type){.kinds = IS_STR | IS_INT, .expected = "a port or a range"},
     FIELD_STRING, NULL, "port or range on the host"},
    {"protocol", &t_string, FIELD_STRING, NULL, "tcp, udp or sctp"},
    {"app_protocol", &t_string, FIELD_STRING, NULL, "what is spoken over it"},
};
static const struct schema_object port = {.name = "port", FIELDS(port_fields)};
static const struct schema_type t_ports = {
    .kinds = IS_LIST,
    .expected = "a list of ports",
    .items = &(const struct schema_type){.kinds = IS_NUM | IS_STR | IS_MAP,
                                         .expected = "[[IP:]HOST:]CONTAINER[/PROTOCOL], or a "
                                                     "mapping with target",
                                         .object = &port},
    .unique = true};

static const struct schema_type t_multi_option = {
    .kinds = IS_STR | IS_NUM | IS_BOOL | IS_LIST,
    .expected = "a string, number, boolean or list of them",
    .items = &(const struct schema_type){.kinds = IS_STR | IS_NUM | IS_BOOL,
                                         .expected = "a string, number or boolean"}};
static const struct schema_field provider_fields[] = {
    {"type", &t_string, FIELD_STRING, NULL, "program that provides the service"},
    {"options",
     &(const struct schema_type){.kinds = IS_MAP,
                                 .expected = "a mapping",
                                 .entries = &t_multi_option,
                                 .keys = PATTERN_NOT_EMPTY,
                                 .open = true},
     FIELD_MULTI_OPTIONS, NULL, "its options"},
};
static const struct schema_object provider = {
    .name = "provider", FIELDS(provider_fields), .required = NAMES("type")};

/* volumes of a service */

static const struct schema_field bind_fields[] = {
    {"selinux",
     &(const struct schema_type){.kinds = IS_STR, .expected = "z or Z", .values = NAMES("z", "Z")},
     FIELD_STRING, NULL, "SELinux relabelling"},
    {"propagation", &t_string, FIELD_STRING, NULL, "mount propagation"},
    {"create_host_path", &t_bool_text, FIELD_BOOL, NULL, "make the directory when missing"},
    {"recursive",
     &(const struct schema_type){.kinds = IS_STR,
                                 .expected = "enabled, disabled, writable or readonly",
                                 .values = NAMES("enabled", "disabled", "writable", "readonly")},
     FIELD_STRING, NULL, "mounts below it"},
};
static const struct schema_object bind = {.name = "bind", FIELDS(bind_fields)};
static const struct schema_field volume_option_fields[] = {
    {"labels", &t_list_or_map, FIELD_MAPPING, NULL, "labels of the volume"},
    {"nocopy", &t_bool_text, FIELD_BOOL, NULL, "do not copy the image's data"},
    {"subpath", &t_string, FIELD_STRING, NULL, "directory inside the volume"},
};
static const struct schema_object volume_option = {.name = "volume", FIELDS(volume_option_fields)};
static const struct schema_field tmpfs_fields[] = {
    {"size",
     &(const struct schema_type){.kinds = IS_INT | IS_STR,
                                 .expected = "a size such as 64m",
                                 .ranged = true,
                                 .min = 0,
                                 .max = INT64_MAX},
     FIELD_BYTES, NULL, "size"},
    {"mode", &t_number_text, FIELD_UINT32, NULL, "file mode"},
};
static const struct schema_object tmpfs = {.name = "tmpfs", FIELDS(tmpfs_fields)};
static const struct schema_field image_option_fields[] = {
    {"subpath", &t_string, FIELD_STRING, NULL, "directory inside the image"},
};
static const struct schema_object image_option = {.name = "image", FIELDS(image_option_fields)};

static const struct schema_field mount_fields[] = {
    {"type",
     &(const struct schema_type){
         .kinds = IS_STR,
         .expected = "bind, volume, tmpfs, cluster, npipe or image",
         .values = NAMES("bind", "volume", "tmpfs", "cluster", "npipe", "image")},
     FIELD_STRING, NULL, "kind of mount"},
    {"source", &t_string, FIELD_STRING, NULL, "path, volume or image"},
    {"target", &t_string, FIELD_STRING, NULL, "path in the container"},
    {"read_only", &t_bool_text, FIELD_BOOL, NULL, "no writing"},
    {"consistency", &t_string, FIELD_STRING, NULL, "has no effect on Linux"},
    {"bind", &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &bind},
     FIELD_STRUCT_SET, &bind, "options of a bind mount"},
    {"volume",
     &(const struct schema_type){
         .kinds = IS_MAP, .expected = "a mapping", .object = &volume_option},
     FIELD_STRUCT_SET, &volume_option, "options of a volume"},
    {"tmpfs",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &tmpfs},
     FIELD_STRUCT_SET, &tmpfs, "options of a tmpfs"},
    {"image",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &image_option},
     FIELD_STRUCT_SET, &image_option, "options of an image mount"},
};
static const struct schema_object mount = {
    .name = "volume", FIELDS(mount_fields), .required = NAMES("type")};
static const struct schema_type t_mounts = {
    .kinds = IS_LIST,
    .expected = "a list of volumes",
    .items = &(const struct schema_type){.kinds = IS_STR | IS_MAP,
                                         .expected = "[SOURCE:]TARGET[:OPTIONS], or a mapping "
                                                     "with type and target",
                                         .object = &mount},
    .unique = true};

/* A service */

static const struct schema_type t_count = {.kinds = IS_INT | IS_STR,
                                           .expected = "a whole number from 0",
                                           .ranged = true,
                                           .min = 0,
                                           .max = INT64_MAX};

static const struct schema_field service_fields[] = {
    {"profiles", &t_unique, FIELD_STRINGS, NULL, "enabled with any of these only"},
    {"annotations", &t_list_or_map, FIELD_MAPPING, NULL, "annotations for the runtime"},
    {"attach", &t_bool_text, FIELD_BOOL_SET, NULL, "show its output in `up`"},
    {"build",
     &(const struct schema_type){.kinds = IS_STR | IS_MAP,
                                 .expected = "a directory, or a mapping with context",
                                 .object = &schema_build},
     FIELD_STRUCT_SET, &schema_build, "how to build the image"},
    {"develop",
     &(const struct schema_type){
         .kinds = IS_MAP | IS_NULL, .expected = "a mapping", .object = &develop},
     FIELD_STRUCT_SET, &develop, "what to do when sources change"},
    {"blkio_config",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &blkio},
     FIELD_STRUCT_SET, &blkio, "limits of block I/O"},
    {"cap_add", &t_unique, FIELD_STRINGS, NULL, "capabilities to add"},
    {"cap_drop", &t_unique, FIELD_STRINGS, NULL, "capabilities to take away"},
    {"cgroup_parent", &t_string, FIELD_STRING, NULL, "parent cgroup"},
    {"cgroup",
     &(const struct schema_type){
         .kinds = IS_STR, .expected = "host or private", .values = NAMES("host", "private")},
     FIELD_STRING, NULL, "cgroup namespace"},
    {"cpu_count", &t_count, FIELD_INT, NULL, "processors (Windows)"},
    {"cpu_percent",
     &(const struct schema_type){
         .kinds = IS_INT | IS_STR, .expected = "0 to 100", .ranged = true, .min = 0, .max = 100},
     FIELD_FLOAT, NULL, "share of the processors (Windows)"},
    {"cpu_period", &t_number_text, FIELD_INT, NULL, "CFS period"},
    {"cpu_quota", &t_number_text, FIELD_INT, NULL, "CFS quota"},
    {"cpu_rt_period", &t_number_text, FIELD_INT, NULL, "real-time period"},
    {"cpu_rt_runtime", &t_number_text, FIELD_INT, NULL, "real-time run time"},
    {"cpus", &t_number_text, FIELD_FLOAT, NULL, "how many processors' worth of time"},
    {"cpuset", &t_string, FIELD_STRING, NULL, "which processors"},
    {"cpu_shares", &t_number_text, FIELD_INT, NULL, "relative weight"},
    {"command", &t_command, FIELD_COMMAND, NULL, "command, instead of the image's"},
    {"configs", &t_file_refs, FIELD_STRUCTS, &file_ref, "configs to give to it"},
    {"container_name",
     &(const struct schema_type){.kinds = IS_STR,
                                 .expected = "a name of letters, digits, '_', '.' and '-', two or "
                                             "more of them",
                                 .pattern = PATTERN_CONTAINER_NAME},
     FIELD_STRING, NULL, "fixed name of the container"},
    {"credential_spec",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &credential},
     FIELD_STRUCT_SET, &credential, "managed service account (Windows)"},
    {"depends_on", &t_depends_on, FIELD_STRUCT_MAP, &dependency, "services that come first"},
    {"deploy",
     &(const struct schema_type){
         .kinds = IS_MAP | IS_NULL, .expected = "a mapping", .object = &deploy},
     FIELD_STRUCT_SET, &deploy, "replicas, resources, restarts"},
    {"device_cgroup_rules", &t_unique, FIELD_STRINGS, NULL, "device cgroup rules"},
    {"devices",
     &(const struct schema_type){
         .kinds = IS_LIST,
         .expected = "a list of devices",
         .items = &(const struct schema_type){.kinds = IS_STR | IS_MAP,
                                              .expected = "SOURCE[:TARGET[:PERMISSIONS]], or a "
                                                          "mapping with source",
                                              .object = &device}},
     FIELD_STRUCTS, &device, "devices of the host"},
    {"dns", &t_string_or_list, FIELD_STRINGS, NULL, "DNS servers"},
    {"dns_opt", &t_unique, FIELD_STRINGS, NULL, "DNS options"},
    {"dns_search", &t_string_or_list, FIELD_STRINGS, NULL, "DNS search domains"},
    {"domainname", &t_string, FIELD_STRING, NULL, "domain name of the container"},
    {"entrypoint", &t_command, FIELD_COMMAND, NULL, "entry point, instead of the image's"},
    {"provider",
     &(const struct schema_type){
         .kinds = IS_MAP, .expected = "a mapping with type", .object = &provider},
     FIELD_STRUCT_SET, &provider, "a program that provides the service"},
    {"environment", &t_list_or_map, FIELD_ENVIRONMENT, NULL, "variables"},
    {"env_file",
     &(const struct schema_type){
         .kinds = IS_STR | IS_LIST,
         .expected = "a file, or a list of files",
         .items = &(const struct schema_type){.kinds = IS_STR | IS_MAP,
                                              .expected = "a file, or a mapping with path",
                                              .object = &env_file}},
     FIELD_ENV_FILES, &env_file, "files with variables"},
    {"expose", &t_numbers, FIELD_NUMBERS, NULL, "ports that other services may use"},
    {"extends",
     &(const struct schema_type){.kinds = IS_STR | IS_MAP,
                                 .expected = "a service, or a mapping with service and file",
                                 .object = &extends},
     FIELD_STRUCT_SET, &extends, "base service"},
    {"external_links", &t_unique, FIELD_STRINGS, NULL, "links to foreign containers"},
    {"extra_hosts", &t_hosts, FIELD_HOSTS, NULL, "lines for /etc/hosts"},
    {"group_add", &t_numbers, FIELD_STRINGS, NULL, "more groups"},
    {"gpus",
     &(const struct schema_type){.kinds = IS_STR | IS_LIST,
                                 .expected = "all, or a list of device requests",
                                 .values = NAMES("all"),
                                 .items = &(const struct schema_type){.kinds = IS_MAP,
                                                                      .expected = "a mapping",
                                                                      .object = &gpu}},
     FIELD_STRUCTS, &gpu, "GPUs"},
    {"hostname", &t_string, FIELD_STRING, NULL, "host name of the container"},
    {"healthcheck",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &health},
     FIELD_STRUCT_SET, &health, "how to tell its health"},
    {"image", &t_string, FIELD_STRING, NULL, "image to run"},
    {"init", &t_bool_text, FIELD_BOOL_SET, NULL, "a small init as process 1"},
    {"ipc", &t_string, FIELD_STRING, NULL, "IPC namespace"},
    {"isolation", &t_string, FIELD_STRING, NULL, "isolation (Windows)"},
    {"labels", &t_list_or_map, FIELD_LABELS, NULL, "labels of the container"},
    {"label_file", &t_string_or_strings, FIELD_LABEL_FILES, NULL, "files with labels"},
    {"links", &t_unique, FIELD_STRINGS, NULL, "services under other names"},
    {"logging",
     &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &logging},
     FIELD_STRUCT_SET, &logging, "where logs go"},
    {"mem_limit", &t_size, FIELD_BYTES, NULL, "memory limit"},
    {"mem_reservation", &t_size_int, FIELD_BYTES, NULL, "soft memory limit"},
    {"memswap_limit", &t_size, FIELD_BYTES, NULL, "memory and swap; -1 is no limit"},
    {"mem_swappiness", &t_int_text, FIELD_BYTES, NULL, "0 to 100"},
    {"mac_address", &t_string, FIELD_STRING, NULL, "fixed MAC address"},
    {"models", &t_model_refs, FIELD_STRUCT_MAP, &model_ref, "AI models it uses"},
    {"network_mode", &t_string, FIELD_STRING, NULL, "network namespace"},
    {"networks", &t_service_networks, FIELD_STRUCT_MAP, &service_network, "networks it is on"},
    {"oom_kill_disable", &t_bool_text, FIELD_BOOL, NULL, "never killed for memory"},
    {"oom_score_adj",
     &(const struct schema_type){.kinds = IS_INT | IS_STR,
                                 .expected = "-1000 to 1000",
                                 .ranged = true,
                                 .min = -1000,
                                 .max = 1000},
     FIELD_INT, NULL, "preference of the OOM killer"},
    {"pid", &t_string_null, FIELD_STRING, NULL, "process namespace"},
    {"pids_limit", &t_number_text, FIELD_INT, NULL, "how many processes"},
    {"platform", &t_string, FIELD_STRING, NULL, "os/architecture"},
    {"ports", &t_ports, FIELD_STRUCTS, &port, "ports on the host"},
    {"privileged", &t_bool_text, FIELD_BOOL, NULL, "all capabilities and devices"},
    {"pull_policy",
     &(const struct schema_type){.kinds = IS_STR,
                                 .expected = "always, never, missing, build, daily, weekly or "
                                             "every_<duration>",
                                 .pattern = PATTERN_PULL_POLICY},
     FIELD_STRING, NULL, "when to pull the image"},
    {"read_only", &t_bool_text, FIELD_BOOL, NULL, "read-only root file system"},
    {"restart", &t_string, FIELD_STRING, NULL, "no, always, on-failure[:N], unless-stopped"},
    {"runtime", &t_string, FIELD_STRING, NULL, "OCI runtime"},
    {"scale", &t_int_text, FIELD_INT_SET, NULL, "how many containers"},
    {"secrets", &t_file_refs, FIELD_STRUCTS, &file_ref, "secrets to give to it"},
    {"security_opt", &t_unique, FIELD_STRINGS, NULL, "security options"},
    {"shm_size", &t_size, FIELD_BYTES, NULL, "size of /dev/shm"},
    {"stdin_open", &t_bool_text, FIELD_BOOL, NULL, "keep standard input open"},
    {"stop_grace_period", &t_duration, FIELD_DURATION_SET, NULL, "time to stop by itself"},
    {"stop_signal", &t_string, FIELD_STRING, NULL, "signal to stop it with"},
    {"storage_opt", &t_any_map, FIELD_OPTIONS, NULL, "options of the storage driver"},
    {"sysctls", &t_list_or_map, FIELD_MAPPING, NULL, "kernel parameters"},
    {"tmpfs", &t_string_or_list, FIELD_STRINGS, NULL, "temporary file systems"},
    {"tty", &t_bool_text, FIELD_BOOL, NULL, "a terminal"},
    {"ulimits", &t_ulimits, FIELD_ULIMITS, &ulimit, "resource limits"},
    {"use_api_socket", &t_bool, FIELD_BOOL, NULL, "give it the engine's socket"},
    {"user", &t_string, FIELD_STRING, NULL, "user[:group]"},
    {"userns_mode", &t_string, FIELD_STRING, NULL, "user namespace"},
    {"uts", &t_string, FIELD_STRING, NULL, "UTS namespace"},
    {"volumes", &t_mounts, FIELD_STRUCTS, &mount, "volumes, directories and files"},
    {"volumes_from", &t_unique, FIELD_STRINGS, NULL, "mounts of other containers"},
    {"working_dir", &t_string, FIELD_STRING, NULL, "working directory"},
    {"post_start", &t_hooks, FIELD_STRUCTS, &schema_hook, "run after the start"},
    {"pre_stop", &t_hooks, FIELD_STRUCTS, &schema_hook, "run before the stop"},
    {"pull_refresh_after", &t_string, FIELD_DROPPED, NULL, "has no effect"},
};
const struct schema_object schema_service = {.name = "service", FIELDS(service_fields)};

/* Top level */

static const struct schema_type t_external = {
    .kinds = IS_BOOL | IS_STR | IS_MAP,
    .expected = "true or false",
    .object = &(const struct schema_object){
        .name = "external",
        .fields = (const struct schema_field[]){{"name", &t_string, FIELD_STRING, NULL,
                                                 "old place of the name"}},
        .count = 1}};
static const struct schema_type t_external_open = {
    .kinds = IS_BOOL | IS_STR | IS_MAP,
    .expected = "true or false",
    .object = &(const struct schema_object){
        .name = "external",
        .fields = (const struct schema_field[]){{"name", &t_string, FIELD_STRING, NULL,
                                                 "old place of the name"}},
        .count = 1,
        .open = true}};

static const struct schema_field pool_fields[] = {
    {"subnet", &t_string, FIELD_STRING, NULL, "addresses in CIDR form"},
    {"gateway", &t_string, FIELD_STRING, NULL, "address of the gateway"},
    {"ip_range", &t_string, FIELD_STRING, NULL, "part of the subnet to give out"},
    {"aux_addresses", &t_string_map, FIELD_MAPPING, NULL, "reserved addresses"},
};
static const struct schema_object pool = {
    .name = "ipam config", FIELDS(pool_fields), .forgets_extensions = true};
static const struct schema_field ipam_fields[] = {
    {"driver", &t_string, FIELD_STRING, NULL, "address driver"},
    {"config",
     &(const struct schema_type){
         .kinds = IS_LIST,
         .expected = "a list of subnets",
         .items = &(const struct schema_type){.kinds = IS_MAP,
                                              .expected = "a mapping with subnet",
                                              .object = &pool}},
     FIELD_STRUCTS, &pool, "subnets"},
    {"options", &t_string_map, FIELD_DROPPED, NULL, "accepted, not sent"},
};
static const struct schema_object ipam = {.name = "ipam", FIELDS(ipam_fields)};

static const struct schema_field network_fields[] = {
    {"name", &t_string, FIELD_STRING, NULL, "name on the engine"},
    {"driver", &t_string, FIELD_STRING, NULL, "network driver"},
    {"driver_opts", &t_options, FIELD_OPTIONS, NULL, "its options"},
    {"ipam", &(const struct schema_type){.kinds = IS_MAP, .expected = "a mapping", .object = &ipam},
     FIELD_STRUCT, &ipam, "addresses"},
    {"external", &t_external, FIELD_EXTERNAL, NULL, "made by somebody else"},
    {"internal", &t_bool_text, FIELD_BOOL, NULL, "without a way out"},
    {"attachable", &t_bool_text, FIELD_BOOL, NULL, "other containers may join"},
    {"labels", &t_list_or_map, FIELD_LABELS, NULL, "labels"},
    {"enable_ipv4", &t_bool_text, FIELD_BOOL_SET, NULL, "IPv4 addresses"},
    {"enable_ipv6", &t_bool_text, FIELD_BOOL_SET, NULL, "IPv6 addresses"},
};
const struct schema_object schema_network = {.name = "network", FIELDS(network_fields)};

static const struct schema_field volume_fields[] = {
    {"name", &t_string, FIELD_STRING, NULL, "name on the engine"},
    {"driver", &t_string, FIELD_STRING, NULL, "volume driver"},
    {"driver_opts", &t_options, FIELD_OPTIONS, NULL, "its options"},
    {"external", &t_external, FIELD_EXTERNAL, NULL, "made by somebody else"},
    {"labels", &t_list_or_map, FIELD_LABELS, NULL, "labels"},
};
const struct schema_object schema_volume = {.name = "volume", FIELDS(volume_fields)};

static const struct schema_field secret_fields[] = {
    {"name", &t_string, FIELD_STRING, NULL, "name on the engine"},
    {"file", &t_string, FIELD_STRING, NULL, "file that holds it"},
    {"environment", &t_string, FIELD_STRING, NULL, "variable that holds it"},
    {"external", &t_external_open, FIELD_EXTERNAL, NULL, "made by somebody else"},
    {"labels", &t_list_or_map, FIELD_LABELS, NULL, "labels"},
    {"driver", &t_string, FIELD_STRING, NULL, "secret driver"},
    {"driver_opts", &t_options, FIELD_OPTIONS, NULL, "its options"},
    {"template_driver", &t_string, FIELD_STRING, NULL, "template driver"},
};
const struct schema_object schema_secret = {.name = "secret", FIELDS(secret_fields)};

static const struct schema_field config_fields[] = {
    {"name", &t_string, FIELD_STRING, NULL, "name on the engine"},
    {"file", &t_string, FIELD_STRING, NULL, "file that holds it"},
    {"environment", &t_string, FIELD_STRING, NULL, "variable that holds it"},
    {"content", &t_string, FIELD_STRING, NULL, "the text itself"},
    {"external", &t_external_open, FIELD_EXTERNAL, NULL, "made by somebody else"},
    {"labels", &t_list_or_map, FIELD_LABELS, NULL, "labels"},
    {"template_driver", &t_string, FIELD_STRING, NULL, "template driver"},
};
const struct schema_object schema_config = {.name = "config", FIELDS(config_fields)};

static const struct schema_field model_fields[] = {
    {"name", &t_string, FIELD_STRING, NULL, "name"},
    {"model", &t_string, FIELD_STRING, NULL, "the model's reference"},
    {"context_size", &t_int, FIELD_INT, NULL, "tokens"},
    {"runtime_flags", &t_strings, FIELD_STRINGS, NULL, "flags of the runner"},
};
const struct schema_object schema_model = {
    .name = "model", FIELDS(model_fields), .required = NAMES("model")};

static const struct schema_field include_fields[] = {
    {"path", &t_string_or_list, FIELD_STRINGS, NULL, "files"},
    {"env_file", &t_string_or_list, FIELD_STRINGS, NULL, "files with variables"},
    {"project_directory", &t_string, FIELD_STRING, NULL, "base of relative paths"},
};
static const struct schema_object include = {
    .name = "include", FIELDS(include_fields), .no_extensions = true};

#define SECTION(object_, open_)                                                          \
    &(const struct schema_type)                                                          \
    {                                                                                    \
        .kinds = IS_MAP, .expected = "a mapping", .keys = PATTERN_NAME, .open = (open_), \
        .entries = &(const struct schema_type)                                           \
        {                                                                                \
            .kinds = IS_MAP, .expected = "a mapping", .object = (object_)                \
        }                                                                                \
    }
#define SECTION_OR_NULL(object_, open_)                                                        \
    &(const struct schema_type)                                                                \
    {                                                                                          \
        .kinds = IS_MAP, .expected = "a mapping", .keys = PATTERN_NAME, .open = (open_),       \
        .entries = &(const struct schema_type)                                                 \
        {                                                                                      \
            .kinds = IS_MAP | IS_NULL, .expected = "a mapping or nothing", .object = (object_) \
        }                                                                                      \
    }

static const struct schema_field root_fields[] = {
    {"name", &t_string, FIELD_STRING, NULL, "name of the project"},
    {"services", SECTION(&schema_service, false), FIELD_STRUCT_MAP, &schema_service,
     "the containers"},
    {"networks", SECTION_OR_NULL(&schema_network, true), FIELD_STRUCT_MAP, &schema_network,
     "networks"},
    {"volumes", SECTION_OR_NULL(&schema_volume, false), FIELD_STRUCT_MAP, &schema_volume,
     "volumes"},
    {"secrets", SECTION(&schema_secret, false), FIELD_STRUCT_MAP, &schema_secret, "secrets"},
    {"configs", SECTION(&schema_config, false), FIELD_STRUCT_MAP, &schema_config, "configs"},
    {"models", SECTION(&schema_model, true), FIELD_STRUCT_MAP, &schema_model, "AI models"},
    {"include",
     &(const struct schema_type){
         .kinds = IS_LIST,
         .expected = "a list of files",
         .items = &(const struct schema_type){.kinds = IS_STR | IS_MAP,
                                              .expected = "a file, or a mapping with path",
                                              .object = &include}},
     FIELD_DROPPED, NULL, "more Compose files"},
    {"version", &t_string, FIELD_DROPPED, NULL, "has no effect"},
};
const struct schema_object schema_root = {.name = "Compose file", FIELDS(root_fields)};
