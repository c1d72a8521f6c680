/*
 * Mounts of a container. What the engine's old Binds can say goes there, because they create
 * missing host directories; everything else goes to Mounts.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/spec_build.h"

static const char *const mount_types[MOUNT_TYPE_COUNT] = {
    [MOUNT_BIND] = "bind",   [MOUNT_VOLUME] = "volume",   [MOUNT_TMPFS] = "tmpfs",
    [MOUNT_NPIPE] = "npipe", [MOUNT_CLUSTER] = "cluster", [MOUNT_IMAGE] = "image",
};

static const char *volume_name(const struct project *project, const struct mount *mount)
{
    struct volume *volume = NULL;
    if (mount->type == MOUNT_VOLUME && !str_empty(mount->source)) {
        volume = project_volume(project, mount->source);
    }
    return volume ? volume->name : mount->source;
}

static json_t *bind_options(const struct mount *mount)
{
    json_t *json = json_object();
    put_text(json, "Propagation", mount->bind_propagation);
    put_true(json, "CreateMountpoint", mount->bind_create_host_path == YES);
    put_true(json, "NonRecursive", str_eq(mount->bind_recursive, "disabled"));
    put_true(json, "ReadOnlyNonRecursive", str_eq(mount->bind_recursive, "writable"));
    put_true(json, "ReadOnlyForceRecursive", str_eq(mount->bind_recursive, "readonly"));
    return json;
}

static json_t *volume_options(const struct mount *mount)
{
    json_t *json = json_object();
    put_true(json, "NoCopy", mount->volume_nocopy);
    put_text(json, "Subpath", mount->volume_subpath);
    put_map(json, "Labels", &mount->volume_labels);
    return json;
}

static json_t *mount_json(const struct project *project, const struct mount *mount)
{
    json_t *json = json_object();
    json_t *options = json_object();
    put_text(json, "Type", mount_types[mount->type]);
    put_text(json, "Source", volume_name(project, mount));
    put_text(json, "Target", mount->target);
    put_true(json, "ReadOnly", mount->read_only);
    put_text(json, "Consistency", mount->consistency);
    if (mount->type == MOUNT_BIND && mount->has_bind) {
        put_json(json, "BindOptions", bind_options(mount));
    } else if (mount->type == MOUNT_VOLUME && mount->has_volume) {
        put_json(json, "VolumeOptions", volume_options(mount));
    } else if (mount->type == MOUNT_TMPFS && mount->has_tmpfs) {
        put_int(options, "SizeBytes", mount->tmpfs_size);
        put_int(options, "Mode", mount->tmpfs_mode);
        put_json(json, "TmpfsOptions", json_incref(options));
    } else if (mount->type == MOUNT_IMAGE && mount->has_image) {
        put_text(options, "Subpath", mount->image_subpath);
        put_json(json, "ImageOptions", json_incref(options));
    }
    json_decref(options);
    return json;
}

static bool bind_needs_mount(const struct mount *mount)
{
    return mount->has_bind &&
           (mount->bind_create_host_path != YES || !str_empty(mount->bind_propagation) ||
            !str_empty(mount->bind_recursive));
}

static bool volume_needs_mount(const struct project *project, const struct mount *mount)
{
    if (str_empty(mount->source) || !project_volume(project, mount->source)) {
        return true;
    }
    return mount->has_volume && (mount->volume_labels.count || mount->volume_nocopy ||
                                 !str_empty(mount->volume_subpath));
}

static json_t *bind_text(const char *source, const struct mount *mount)
{
    json_t *json = NULL;
    char *text = xasprintf(
        "%s:%s:%s%s%s%s%s%s", source, mount->target, mount->read_only ? "ro" : "rw",
        str_empty(mount->bind_selinux) ? "" : ",", mount->bind_selinux ? mount->bind_selinux : "",
        str_empty(mount->bind_propagation) ? "" : ",",
        mount->bind_propagation ? mount->bind_propagation : "",
        mount->volume_nocopy ? ",nocopy" : "");
    json = text_json(text);
    free(text);
    return json;
}

/* The old container's mount that this anonymous or image volume takes over, or NULL. */
static const struct spec_inherited *inherited_at(const struct spec_options *options,
                                                 const char *target)
{
    for (size_t i = 0; i < options->inherited_count; i++) {
        const struct spec_inherited *old = &options->inherited[i];
        if (!str_eq(old->type, "tmpfs") && str_eq(old->target, target)) {
            return old;
        }
    }
    return NULL;
}

static json_t *inherited_json(const struct spec_inherited *old)
{
    json_t *json = json_object();
    put_text(json, "Type", old->type);
    put_text(json, "Source", old->source);
    put_text(json, "Target", old->target);
    put_true(json, "ReadOnly", old->read_only);
    return json;
}

static bool has_target(const struct service *service, const char *target)
{
    for (size_t i = 0; i < service->mount_count; i++) {
        if (str_eq(service->mounts[i].target, target)) {
            return true;
        }
    }
    return false;
}

/* Volumes that the image declares and the service says nothing about. */
static void inherit_image_volumes(const struct service *service, const struct spec_options *options,
                                  json_t *mounts)
{
    for (size_t i = 0; options->image_volumes && i < options->image_volumes->count; i++) {
        const char *target = options->image_volumes->items[i];
        const struct spec_inherited *old = inherited_at(options, target);
        if (old && !has_target(service, target)) {
            json_array_append_new(mounts, inherited_json(old));
        }
    }
}

static int service_mount(const struct project *project, const struct mount *mount,
                         const struct spec_options *options, json_t *binds, json_t *mounts,
                         struct err *err)
{
    const struct spec_inherited *old = NULL;
    if (str_empty(mount->source)) {
        old = inherited_at(options, mount->target);
    }
    if (old) {
        json_array_append_new(mounts, inherited_json(old));
    } else if (mount->type == MOUNT_BIND && !bind_needs_mount(mount)) {
        json_array_append_new(binds, bind_text(mount->source ? mount->source : "", mount));
    } else if (mount->type == MOUNT_VOLUME && !volume_needs_mount(project, mount)) {
        json_array_append_new(binds, bind_text(volume_name(project, mount), mount));
    } else if (mount->type == MOUNT_IMAGE && options->api_minor < 48) {
        return err_set(err, ERR_UNSUPPORTED,
                       "a volume of type image needs Docker Engine 28 or later");
    } else {
        json_array_append_new(mounts, mount_json(project, mount));
    }
    return 0;
}

static bool mounted(json_t *mounts, const char *target)
{
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(mounts, i, item)
    {
        if (str_eq(json_string_value(json_object_get(item, "Target")), target)) {
            return true;
        }
    }
    return false;
}

/* Secrets and configs that are files of the host. `base` ends in a slash. */
static int file_mounts(const struct service *service, const struct file_ref *refs, size_t count,
                       const struct file_object *(*find)(const struct project *, const char *),
                       const struct project *project, const char *base, const char *what,
                       json_t *mounts, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct file_object *object = find(project, refs[i].source);
        const char *target = str_empty(refs[i].target) ? refs[i].source : refs[i].target;
        char *path = NULL;
        if (!object) {
            continue;
        }
        if (object->external || object->driver || object->template_driver) {
            return err_set(err, ERR_UNSUPPORTED, "%s %s: %s is only known to Docker Swarm", what,
                           object->name,
                           object->external ? "external: true" : "driver or template_driver");
        }
        if (object->environment || object->content) {
            continue;
        }
        path = path_is_absolute(target) ? xstrdup(target) : xasprintf("%s%s", base, target);
        if (!has_target(service, path) && !mounted(mounts, path)) {
            json_t *json = json_object();
            put_text(json, "Type", "bind");
            put_text(json, "Source", object->file);
            put_text(json, "Target", path);
            put_true(json, "ReadOnly", true);
            json_array_append_new(mounts, json);
        }
        free(path);
    }
    return 0;
}

static const struct file_object *find_secret(const struct project *project, const char *key)
{
    return project_secret(project, key);
}

static const struct file_object *find_config(const struct project *project, const char *key)
{
    return project_config(project, key);
}

int host_mounts(const struct project *project, const struct service *service,
                const struct spec_options *options, json_t *host, struct err *err)
{
    json_t *binds = json_array();
    json_t *mounts = json_array();
    int rc = 0;
    inherit_image_volumes(service, options, mounts);
    for (size_t i = 0; i < service->mount_count && rc == 0; i++) {
        rc = service_mount(project, &service->mounts[i], options, binds, mounts, err);
    }
    if (rc == 0 && service->use_api_socket && !has_target(service, "/var/run/docker.sock")) {
        json_array_append_new(binds, json_string("/var/run/docker.sock:/var/run/docker.sock:rw"));
    }
    rc = rc ? rc
            : file_mounts(service, service->secrets, service->secret_count, find_secret, project,
                          "/run/secrets/", "secret", mounts, err);
    rc = rc ? rc
            : file_mounts(service, service->configs, service->config_count, find_config, project,
                          "/", "config", mounts, err);
    put_json(host, "Binds", binds);
    put_json(host, "Mounts", mounts);
    return rc;
}
