/*
 * What the engine says about itself: /_ping, /version, /info.
 */
#include "engine/fake/world.h"

void fake_ping(struct fake_call *call)
{
    fake_answer_text(call, 200, "OK");
}

void fake_version(struct fake_call *call)
{
    const struct fake_options *o = &call->world->options;
    bool podman = fake_podman(call->world);
    const char *version = podman ? "4.3.1" : "20.10.24+dfsg1";
    json_t *v = json_pack(
        "{s:{s:s}, s:[{s:s, s:s, s:{s:s, s:s, s:s, s:s}}], s:s, s:s, s:s, s:s, s:s}", "Platform",
        "Name", "", "Components", "Name", podman ? "Podman Engine" : "Engine", "Version", version,
        "Details", podman ? "APIVersion" : "ApiVersion", podman ? version : o->api_version, "Arch",
        o->arch, "MinAPIVersion", podman ? "4.0.0" : "1.12", "Os", o->os, "Version", version,
        "ApiVersion", o->api_version, "MinAPIVersion", podman ? "1.24" : "1.12", "Os", o->os,
        "Arch", o->arch);
    fake_answer_json(call, 200, v);
}

void fake_info(struct fake_call *call)
{
    const struct fake_world *w = call->world;
    int running = 0;
    VEC_FOREACH (struct fake_container, c, &w->containers) {
        running += fake_is_up(c);
    }
    json_t *v = json_pack("{s:s, s:i, s:i, s:i, s:s, s:s, s:s, s:i, s:I, s:s}", "ID", "FAKE",
                          "Containers", (int)w->containers.len, "ContainersRunning", running,
                          "Images", (int)w->images.len, "Driver", "overlay2", "OSType",
                          w->options.os, "Architecture", "x86_64", "NCPU", 2, "MemTotal",
                          (json_int_t)4 << 30, "ServerVersion", "20.10.24+dfsg1");
    fake_answer_json(call, 200, v);
}
