/*
 * Names to addresses: numeric, "localhost", the hosts file, then DNS through evdns. Never NSS.
 * A and AAAA are asked for at the same time; the slower one gets RESOLVE_GRACE after the first.
 */
#include "net/resolve.h"

#include <assert.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "ev/internal.h"

enum { HOSTS_FILE_MAX = 4 << 20, HOSTS_WORDS_MAX = 64 };
#define RESOLVE_GRACE (50 * NS_PER_MS)

struct resolver {
    struct ev_loop *loop;
    char *hosts_file, *resolv_conf;
    struct buf hosts; /* the hosts file's text */
    struct timespec hosts_time, conf_time;
    struct evdns_base *dns; /* NULL until needed */
    int pending;            /* evdns requests that have not called back */
    struct resolve *looks;  /* those that have not called back */
    bool freed;             /* goes with the last of `pending` */
};

/* One of the two questions; evdns does not tell the type of a failed one. */
struct query {
    struct resolve *look;
    struct evdns_request *request; /* NULL once answered */
    int family;
};

struct resolve {
    struct ev_loop *loop;
    struct resolver *r;
    struct resolve *prev, *next;
    char *host;
    uint16_t port;
    int64_t deadline;
    resolve_fn *fn;
    void *arg;
    struct ev_timer *timer;
    struct query query[2];
    int pending; /* evdns callbacks to come; memory lives until then */
    int dns_error;
    bool done;
    struct net_addr addrs[2][RESOLVE_MAX];
    size_t count[2];
    struct err err;
};

enum { V6, V4 };

struct resolver *resolver_new_with(struct ev_loop *loop, const char *hosts_file,
                                   const char *resolv_conf)
{
    struct resolver *r = xcalloc(1, sizeof(*r));

    r->loop = loop;
    r->hosts_file = xstrdup(hosts_file == NULL ? "/etc/hosts" : hosts_file);
    r->resolv_conf = xstrdup(resolv_conf == NULL ? "/etc/resolv.conf" : resolv_conf);
    buf_init(&r->hosts, HOSTS_FILE_MAX);
    return r;
}

struct resolver *resolver_new(struct ev_loop *loop)
{
    return resolver_new_with(loop, NULL, NULL);
}

/* True when the file changed since *time, which is brought up to date. */
static bool has_changed(const char *file, struct timespec *time)
{
    struct stat st;

    if (stat(file, &st) != 0) {
        memset(&st, 0, sizeof(st));
    }
    if (time->tv_sec == st.st_mtim.tv_sec && time->tv_nsec == st.st_mtim.tv_nsec) {
        return false;
    }
    *time = st.st_mtim;
    return true;
}

static void look_add(struct resolve *look, const struct net_addr *addr)
{
    int family = addr->sa.ss_family == AF_INET6 ? V6 : V4;

    if (look->count[family] < RESOLVE_MAX) {
        look->addrs[family][look->count[family]++] = *addr;
    }
}

/* One line of the hosts file: address, names, comment. */
static void hosts_line(struct resolve *look, char *line)
{
    struct net_addr addr;
    char *save = NULL, *word;
    bool have_addr = false;

    line[strcspn(line, "#\r")] = '\0';
    for (word = strtok_r(line, " \t", &save); word != NULL; word = strtok_r(NULL, " \t", &save)) {
        if (!have_addr) {
            if (!net_addr_parse(word, look->port, &addr)) {
                return;
            }
            have_addr = true;
        } else if (str_eq_nocase(word, look->host)) {
            look_add(look, &addr);
            return;
        }
    }
}

static void look_in_hosts(struct resolve *look)
{
    struct resolver *r = look->r;

    if (has_changed(r->hosts_file, &r->hosts_time)) {
        struct err ignored;
        buf_clear(&r->hosts);
        if (r->hosts_time.tv_sec != 0 &&
            path_read_file(r->hosts_file, HOSTS_FILE_MAX, &r->hosts, &ignored) != 0) {
            buf_clear(&r->hosts);
        }
    }
    CLEANUP_FREE char *text = xstrdup(buf_text(&r->hosts));
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        hosts_line(look, line);
    }
}

static void look_local(struct resolve *look)
{
    struct net_addr addr;

    if (net_addr_parse(look->host, look->port, &addr)) {
        look_add(look, &addr);
        return;
    }
    look_in_hosts(look);
    if (look->count[V6] + look->count[V4] == 0 && str_eq_nocase(look->host, "localhost")) {
        net_addr_parse("::1", look->port, &addr);
        look_add(look, &addr);
        net_addr_parse("127.0.0.1", look->port, &addr);
        look_add(look, &addr);
    }
}

static void look_release(struct resolve *look)
{
    if (look->done && look->pending == 0) {
        free(look->host);
        ev_defer_free(look->loop, look);
    }
}

/* The one final callback. */
static void look_finish(struct resolve *look)
{
    struct net_addr list[RESOLVE_MAX];
    size_t count = 0;

    assert(!look->done);
    look->done = true;
    if (look->prev != NULL) {
        look->prev->next = look->next;
    } else {
        look->r->looks = look->next;
    }
    if (look->next != NULL) {
        look->next->prev = look->prev;
    }
    ev_timer_free(look->timer);
    for (int i = 0; i < 2; i++) {
        if (look->query[i].request != NULL) {
            evdns_cancel_request(look->r->dns, look->query[i].request);
        }
    }
    for (size_t i = 0; i < RESOLVE_MAX && look->err.code == ERR_NONE; i++) {
        for (int family = V6; family <= V4; family++) {
            if (i < look->count[family] && count < RESOLVE_MAX) {
                list[count++] = look->addrs[family][i];
            }
        }
    }
    look->fn(list, count, look->err.code == ERR_NONE ? NULL : &look->err, look->arg);
    look_release(look);
}

static void destroy(struct resolver *r)
{
    free(r->hosts_file);
    free(r->resolv_conf);
    buf_release(&r->hosts);
    free(r);
}

void resolver_free(struct resolver *r)
{
    if (r == NULL) {
        return;
    }
    while (r->looks != NULL) {
        struct resolve *look = r->looks;
        err_set(&look->err, ERR_CANCELLED, "looking up %s was cancelled", look->host);
        look_finish(look);
    }
    int pending = r->pending;
    struct event_base *base = ev_loop_base(r->loop);
    r->freed = true;
    if (r->dns != NULL) {
        evdns_base_free(r->dns, 1 /* fail what is pending */);
    }
    if (pending == 0) {
        destroy(r);
    } else {
        event_base_loop(base, EVLOOP_NONBLOCK); /* no-op when running: then they come later */
    }
}

static void fail_dns(struct resolve *look)
{
    switch (look->dns_error) {
    case DNS_ERR_NOTEXIST:
    case DNS_ERR_NODATA:
        err_set(&look->err, ERR_NOT_FOUND, "no such host: %s", look->host);
        break;
    case DNS_ERR_TIMEOUT:
        err_set(&look->err, ERR_TIMEOUT, "looking up %s: no name server answered", look->host);
        err_hint(&look->err, "check the nameserver lines of %s", look->r->resolv_conf);
        break;
    default:
        err_set(&look->err, ERR_IO, "looking up %s: %s", look->host,
                evdns_err_to_string(look->dns_error));
    }
}

static void take_answer(struct resolve *look, int family, const char *raw, int count)
{
    for (int i = 0; i < count; i++) {
        struct net_addr addr = {0};
        if (family == V6) {
            struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(look->port)};
            memcpy(&in6.sin6_addr, raw + (ptrdiff_t)i * 16, 16);
            memcpy(&addr.sa, &in6, sizeof(in6));
            addr.len = sizeof(in6);
        } else {
            struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(look->port)};
            memcpy(&in.sin_addr, raw + (ptrdiff_t)i * 4, 4);
            memcpy(&addr.sa, &in, sizeof(in));
            addr.len = sizeof(in);
        }
        look_add(look, &addr);
    }
}

static void on_dns(int result, UNUSED char type, int count, UNUSED int ttl, void *addresses,
                   void *arg)
{
    struct query *q = arg;
    struct resolve *look = q->look;

    q->request = NULL;
    look->pending--;
    if (--look->r->pending == 0 && look->r->freed) {
        assert(look->done);
        destroy(look->r);
    }
    if (look->done) {
        look_release(look);
        return;
    }
    if (result == DNS_ERR_NONE) {
        take_answer(look, q->family, addresses, count);
    } else if (look->dns_error == 0 || result == DNS_ERR_TIMEOUT) {
        look->dns_error = result;
    }
    bool found = look->count[V6] + look->count[V4] > 0;
    if (look->pending == 0) {
        if (!found) {
            fail_dns(look);
        }
        look_finish(look);
    } else if (found) {
        ev_timer_set(look->timer, clock_add(ev_now(look->r->loop), RESOLVE_GRACE));
    }
}

/* (Re)reads the name servers; not while look-ups are in flight that use them. */
static void open_dns(struct resolver *r)
{
    bool changed = has_changed(r->resolv_conf, &r->conf_time);

    if (r->dns != NULL && changed && r->pending == 0) {
        evdns_base_free(r->dns, 0);
        r->dns = NULL;
    }
    if (r->dns != NULL) {
        return;
    }
    r->dns = evdns_base_new(ev_loop_base(r->loop), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    assert(r->dns != NULL);
    evdns_base_resolv_conf_parse(
        r->dns, DNS_OPTION_SEARCH | DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC, r->resolv_conf);
    if (evdns_base_count_nameservers(r->dns) == 0) {
        evdns_base_nameserver_ip_add(r->dns, "127.0.0.1"); /* as resolv.conf(5) says */
    }
    /* Mixed case protects against forged answers, but some resolvers do not echo it. */
    evdns_base_set_option(r->dns, "randomize-case:", "0");
    /* A server that was silent is asked again soon: names appear while a stack starts. */
    evdns_base_set_option(r->dns, "initial-probe-timeout:", "1");
    evdns_base_set_option(r->dns, "max-timeouts:", "255");
    evdns_base_set_option(r->dns, "timeout:", "2");
}

static void ask_dns(struct resolve *look)
{
    struct resolver *r = look->r;

    open_dns(r);
    for (int i = V6; i <= V4; i++) {
        struct query *q = &look->query[i];
        *q = (struct query){look, NULL, i};
        q->request = i == V6 ? evdns_base_resolve_ipv6(r->dns, look->host, 0, on_dns, q)
                             : evdns_base_resolve_ipv4(r->dns, look->host, 0, on_dns, q);
        if (q->request != NULL) {
            look->pending++;
            r->pending++;
        }
    }
    if (look->pending == 0) {
        err_set(&look->err, ERR_NOT_FOUND, "not a host name that can be looked up: %s", look->host);
    }
}

/* The first turn, the deadline, the grace after the first answer, or a cancel. */
static void on_timer(void *arg)
{
    struct resolve *look = arg;
    bool found = look->count[V6] + look->count[V4] > 0;

    if (!found && look->err.code == ERR_NONE) {
        err_set(&look->err, ERR_TIMEOUT, "looking up %s: no answer in time", look->host);
    }
    look_finish(look);
}

struct resolve *resolve_start(struct resolver *r, const char *host, uint16_t port, int64_t deadline,
                              resolve_fn *fn, void *arg)
{
    struct resolve *look = xcalloc(1, sizeof(*look));

    *look = (struct resolve){.loop = r->loop,
                             .r = r,
                             .host = xstrdup(host),
                             .port = port,
                             .deadline = deadline,
                             .fn = fn,
                             .arg = arg};
    look->timer = ev_timer_new(r->loop, on_timer, look);
    look->next = r->looks;
    if (r->looks != NULL) {
        r->looks->prev = look;
    }
    r->looks = look;
    look_local(look);
    if (look->count[V6] + look->count[V4] == 0) {
        ask_dns(look);
    }
    bool settled = look->err.code != ERR_NONE || look->pending == 0;
    ev_timer_set(look->timer, settled ? 0 : deadline);
    return look;
}

void resolve_cancel(struct resolve *look)
{
    err_set(&look->err, ERR_CANCELLED, "looking up %s was cancelled", look->host);
    ev_timer_set(look->timer, 0);
}
