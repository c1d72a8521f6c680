/*
 * ui/ and view/: renderers on synthetic events, against tests/golden/ui. A terminal in miniature
 * plays the live view, so that the goldens are screens. FETTLE_UPDATE_GOLDEN=1 writes them anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "ui/problem.h"
#include "ui/progress.h"
#include "ui/summary.h"
#include "ui/table.h"
#include "ui/waterfall.h"
#include "view/timeline.h"

static void check_golden(const char *name, const struct buf *got)
{
    CLEANUP_FREE char *path = xasprintf("%s/golden/ui/%s", TEST_DIR, name);
    CLEANUP_BUF struct buf want = BUF_INIT;
    if (getenv("FETTLE_UPDATE_GOLDEN")) {
        assert_int_equal(path_write_file(path, buf_text(got), got->len, 0644, NULL), 0);
    }
    assert_int_equal(path_read_file(path, 1 << 20, &want, NULL), 0);
    assert_string_equal(buf_text(got), buf_text(&want));
}

/* --- a terminal in miniature: printable text, CR, LF, cursor up, erase --- */

enum { SCREEN_ROWS = 40, SCREEN_COLUMNS = 80 };

struct screen {
    char cells[SCREEN_ROWS][SCREEN_COLUMNS][5];
    int row, column;
    bool hidden;
};

static void screen_erase(struct screen *s, int row, int from)
{
    for (int c = from; c < SCREEN_COLUMNS; c++) {
        s->cells[row][c][0] = '\0';
    }
}

static const char *screen_escape(struct screen *s, const char *p)
{
    char number[16] = "0";
    size_t n = strspn(p, "?0123456789;");
    if (n && n < sizeof(number)) {
        memcpy(number, p, n);
        number[n] = '\0';
    }
    int value = number[0] == '?' ? 0 : (int)(number[0] - '0');
    for (size_t i = 1; i < n && number[0] != '?'; i++) {
        value = value * 10 + (number[i] - '0');
    }
    switch (p[n]) {
    case 'A':
        assert_true(s->row >= value);
        s->row -= value;
        break;
    case 'K':
        screen_erase(s, s->row, s->column);
        break;
    case 'J':
        screen_erase(s, s->row, s->column);
        for (int r = s->row + 1; r < SCREEN_ROWS; r++) {
            screen_erase(s, r, 0);
        }
        break;
    case 'h':
    case 'l':
        s->hidden = strcmp(number, "?25") == 0 ? p[n] == 'l' : s->hidden;
        break;
    default:
        assert_int_equal(p[n], 'm');
    }
    return p + n + 1;
}

static void screen_write(void *arg, enum progress_stream stream, const char *data, size_t len)
{
    struct screen *s = arg;
    const char *end = data + len;
    (void)stream;
    while (data < end) {
        size_t n = utf8_len(data);
        if (data[0] == '\033' && data[1] == '[') {
            data = screen_escape(s, data + 2);
            continue;
        }
        if (*data == '\n') {
            s->row++;
            s->column = 0;
        } else if (*data == '\r') {
            s->column = 0;
        } else {
            assert_true(n > 0 && s->column < SCREEN_COLUMNS && s->row < SCREEN_ROWS);
            memcpy(s->cells[s->row][s->column], data, n);
            s->cells[s->row][s->column++][n] = '\0';
        }
        data += n;
    }
}

static void screen_text(const struct screen *s, struct buf *out)
{
    for (int r = 0; r <= s->row && r < SCREEN_ROWS; r++) {
        int last = 0;
        for (int c = 0; c < SCREEN_COLUMNS; c++) {
            last = s->cells[r][c][0] && s->cells[r][c][0] != ' ' ? c + 1 : last;
        }
        for (int c = 0; c < last; c++) {
            buf_str(out, s->cells[r][c][0] ? s->cells[r][c] : " ");
        }
        buf_str(out, r < s->row ? "\n" : "");
    }
}

/* --- the stream --- */

#define EVIDENCE "Traceback (most recent call last):\n  KeyError: 'X'\n"

struct run {
    struct event_hub hub;
    int64_t now;
};

static void unit(struct run *r, int ms, enum unit_kind kind, const char *name, const char *service,
                 enum unit_state state, const char *text)
{
    r->now = ms * NS_PER_MS;
    event_emit(&r->hub, &(struct event){.kind = EVENT_UNIT,
                                        .mono = r->now,
                                        .wall = 1764000000 * NS_PER_SEC + r->now,
                                        .unit = kind,
                                        .name = name,
                                        .service = service,
                                        .state = state,
                                        .text = text,
                                        .duration = 12 * NS_PER_MS});
}

static void probe(struct run *r, int ms, const char *name, const char *service, const char *text)
{
    struct event e = {.kind = EVENT_PROBE,
                      .mono = ms * NS_PER_MS,
                      .wall = 1764000000 * NS_PER_SEC + ms * NS_PER_MS,
                      .unit = UNIT_CONTAINER,
                      .name = name,
                      .service = service,
                      .state = UNIT_PROVING};
    outcome_set(&e.outcome, VERDICT_NOT_YET, LAYER_CONNECT, "refused", "%s", text);
    e.outcome.duration = 250 * NS_PER_US;
    event_emit(&r->hub, &e);
}

static void say(struct run *r, enum event_kind kind, int ms, const char *name, const char *text,
                const char *hint, bool ok)
{
    event_emit(&r->hub, &(struct event){.kind = kind,
                                        .mono = ms * NS_PER_MS,
                                        .wall = 1764000000 * NS_PER_SEC + ms * NS_PER_MS,
                                        .name = name,
                                        .text = text,
                                        .hint = hint,
                                        .evidence = kind == EVENT_ERROR ? EVIDENCE : "",
                                        .ok = ok,
                                        .count = 4,
                                        .duration = ms * NS_PER_MS});
}

static void first_half(struct run *r)
{
    say(r, EVENT_BEGIN, 0, NULL, "up", NULL, false);
    unit(r, 0, UNIT_CONTAINER, "shop-db-1", "db", UNIT_PLANNED, "");
    unit(r, 0, UNIT_CONTAINER, "shop-web-1", "web", UNIT_PLANNED, "");
    unit(r, 0, UNIT_CONTAINER, "shop-web-2", "web", UNIT_PLANNED, "");
    unit(r, 0, UNIT_CONTAINER, "shop-mail-1", "mail", UNIT_RUNNING, "");
    unit(r, 1, UNIT_NETWORK, "shop_default", "", UNIT_CREATING, "");
    unit(r, 90, UNIT_NETWORK, "shop_default", "", UNIT_CREATED, "");
    unit(r, 91, UNIT_CONTAINER, "shop-db-1", "db", UNIT_CREATING, "");
    unit(r, 92, UNIT_CONTAINER, "shop-web-1", "web", UNIT_CREATING, "");
    unit(r, 120, UNIT_CONTAINER, "shop-db-1", "db", UNIT_CREATED, "");
    unit(r, 121, UNIT_CONTAINER, "shop-web-1", "web", UNIT_WAITING, "for db");
    unit(r, 122, UNIT_CONTAINER, "shop-web-2", "web", UNIT_WAITING, "for db");
    unit(r, 130, UNIT_CONTAINER, "shop-db-1", "db", UNIT_STARTING, "");
    unit(r, 500, UNIT_CONTAINER, "shop-db-1", "db", UNIT_PROVING, "postgres on 5432");
    probe(r, 510, "shop-db-1", "db", "connection refused at 172.18.0.2:5432");
    say(r, EVENT_LOG, 600, "shop-db-1", "starting \xc3\xa4 server", NULL, false);
    say(r, EVENT_WARNING, 601, NULL, "orphan container shop-old-1",
        "--remove-orphans takes it away", false);
}

static void second_half(struct run *r)
{
    unit(r, 1750, UNIT_CONTAINER, "shop-db-1", "db", UNIT_READY,
         "login and SELECT 1, tables users, videos; a text that is far too long for a line of any "
         "sensible width");
    unit(r, 1751, UNIT_CONTAINER, "shop-web-1", "web", UNIT_STARTING, "");
    unit(r, 1752, UNIT_CONTAINER, "shop-web-2", "web", UNIT_STARTING, "");
    unit(r, 2000, UNIT_CONTAINER, "shop-web-1", "web", UNIT_STARTED, "");
    unit(r, 2001, UNIT_CONTAINER, "shop-web-2", "web", UNIT_FAILED, "exited with code 1");
    say(r, EVENT_ERROR, 2002, "shop-web-2", "web: exited with code 1",
        "set X in the environment of web", false);
    say(r, EVENT_END, 2010, NULL, "1 of 4 failed", NULL, false);
}

static void sink(void *arg, enum progress_stream stream, const char *data, size_t len)
{
    (void)stream;
    buf_append(arg, data, len);
}

static void check_style(enum progress_style style, const char *name)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct run r = {0};
    struct progress *p = progress_new(&(struct progress_options){
        .style = style, .log_prefix = true, .project = "shop", .write = sink, .arg = &b});
    event_hub_add(&r.hub, progress_event, p);
    progress_log_name(p, "shop-web-2");
    progress_log_name(p, "shop-mail-1");
    first_half(&r);
    second_half(&r);
    progress_free(p);
    check_golden(name, &b);
}

static void test_plain(void **state)
{
    (void)state;
    check_style(PROGRESS_STYLE_LINES, "lines.txt");
    check_style(PROGRESS_STYLE_COMPOSE, "compose.txt");
    check_style(PROGRESS_STYLE_JSON, "events.jsonl");
    check_style(PROGRESS_STYLE_QUIET, "quiet.txt");
}

static void test_live(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct run r = {0};
    struct screen *s = xcalloc(1, sizeof(*s));
    struct progress *p = progress_new(&(struct progress_options){.style = PROGRESS_STYLE_LIVE,
                                                                 .colour = true,
                                                                 .utf8 = true,
                                                                 .columns = SCREEN_COLUMNS,
                                                                 .rows = 24,
                                                                 .log_prefix = true,
                                                                 .project = "shop",
                                                                 .write = screen_write,
                                                                 .arg = s});
    (void)state;
    event_hub_add(&r.hub, progress_event, p);
    first_half(&r);
    progress_tick(p, 700 * NS_PER_MS);
    assert_true(s->hidden);
    screen_text(s, &b);
    check_golden("live-middle.txt", &b);
    second_half(&r);
    progress_text(p, "done\n");
    assert_false(s->hidden);
    progress_free(p);
    buf_clear(&b);
    screen_text(s, &b);
    check_golden("live-end.txt", &b);
    free(s);
}

static void test_live_small(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct run r = {0};
    struct screen *s = xcalloc(1, sizeof(*s));
    struct progress *p = progress_new(&(struct progress_options){
        .style = PROGRESS_STYLE_LIVE, .columns = 40, .rows = 6, .write = screen_write, .arg = s});
    (void)state;
    event_hub_add(&r.hub, progress_event, p);
    say(&r, EVENT_BEGIN, 0, NULL, "up", NULL, false);
    for (int i = 0; i < 30; i++) {
        CLEANUP_FREE char *name = xasprintf("service-with-a-long-name-%d", i);
        unit(&r, 1, UNIT_CONTAINER, name, name, i % 10 == 3 ? UNIT_STARTING : UNIT_READY, "proved");
    }
    progress_tick(p, 800 * NS_PER_MS);
    screen_text(s, &b);
    check_golden("live-small.txt", &b);
    progress_free(p);
    /* Taken away without a trace, the cursor where it began. */
    assert_false(s->hidden);
    assert_int_equal(s->row, 0);
    assert_string_equal(s->cells[0][0], "");
    free(s);
}

static void test_diags(void **state)
{
    static const char source[] = "services:\n  db:\n    image: postgres\n    environment:\n"
                                 "      POSTGRES_PASSWORD: [hunter2]\n    prots:\n      - 5432\n"
                                 "      API_TOKEN: \"${API_TOKEN:?is not in .env}\"\n"
                                 "      APP_KEY: ${APP_KEY:-hunter2}\n"
                                 "      MY_KEY: ${MY_KEY:?}hunter2\n";
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct diags d = DIAGS_INIT;
    struct err err = {0};
    (void)state;
    diags_add(&d, DIAG_ERROR, (struct pos){"compose.yml", 6, 5}, "services.db",
              "did you mean ports?", "unknown key \"prots\"");
    diags_add(&d, DIAG_ERROR, (struct pos){"compose.yml", 5, 26},
              "services.db.environment.POSTGRES_PASSWORD", NULL, "must be a text");
    diags_add(&d, DIAG_ERROR, (struct pos){"compose.yml", 8, 19},
              "services.db.environment.API_TOKEN", NULL, "API_TOKEN: is not in .env");
    diags_add(&d, DIAG_ERROR, (struct pos){"compose.yml", 9, 16}, "services.db.environment.APP_KEY",
              NULL, "the default's text is masked");
    diags_add(&d, DIAG_ERROR, (struct pos){"compose.yml", 10, 15}, "services.db.environment.MY_KEY",
              NULL, "and what is beside a variable");
    diags_add(&d, DIAG_WARNING, (struct pos){"compose.yml", 99, 1}, NULL, NULL, "past the end");
    for (size_t i = 0; i < d.len; i++) {
        problem_diag(&b, false, &d.items[i], source);
    }
    problem_diags_total(&b, false, &d);
    err_set(&err, ERR_ENGINE, "cannot reach the engine at unix:///run/docker.sock");
    err_hint(&err, "start it: systemctl start docker");
    problem_err(&b, false, &err);
    assert_null(strstr(buf_text(&b), "hunter2"));
    check_golden("diags.txt", &b);
    diags_release(&d);
}

static void test_table(void **state)
{
    static const char *const head[] = {"NAME", "STATUS", "PORTS"};
    static const char *const cells[] = {"shop-db-1", "Up 2 seconds (healthy)", "5432/tcp",
                                        "\xc3\xa4",  "Exited\033[2J (1)",      ""};
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct table t;
    (void)state;
    table_init(&t, 10, ARRAY_LEN(head), head);
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        table_cell(&t, cells[i]);
    }
    table_print(&t, &b, false, 0);
    buf_char(&b, '\n');
    table_print(&t, &b, false, 30);
    check_golden("table.txt", &b);
    table_release(&t);
}

static void make_timeline(struct timeline *t)
{
    static const struct timeline_entry entries[] = {
        {.name = "vru_postgres",
         .service = "postgres",
         .proof = "login and SELECT 1, 6 tables",
         .create_begin = 95 * NS_PER_MS,
         .create_end = 121 * NS_PER_MS,
         .start_begin = 121 * NS_PER_MS,
         .start_end = 510 * NS_PER_MS,
         .proof_begin = 1590 * NS_PER_MS,
         .ready = 1620 * NS_PER_MS,
         .blocker = ""},
        {.name = "vru_redis",
         .service = "redis",
         .proof = "PING, master, write and read",
         .create_begin = 96 * NS_PER_MS,
         .create_end = 125 * NS_PER_MS,
         .start_begin = 126 * NS_PER_MS,
         .start_end = 480 * NS_PER_MS,
         .proof_begin = 520 * NS_PER_MS,
         .ready = 523 * NS_PER_MS,
         .blocker = ""},
        {.name = "vru_backend",
         .service = "backend",
         .proof = "HTTP 200 from /health",
         .create_begin = 97 * NS_PER_MS,
         .create_end = 140 * NS_PER_MS,
         .start_begin = 1621 * NS_PER_MS,
         .start_end = 1900 * NS_PER_MS,
         .proof_begin = 2160 * NS_PER_MS,
         .ready = 2170 * NS_PER_MS,
         .blocker = "vru_postgres"},
        {.name = "vru_frontend",
         .service = "frontend",
         .proof = "HTTP 200 <ok> & more",
         .create_begin = 98 * NS_PER_MS,
         .create_end = 150 * NS_PER_MS,
         .start_begin = 2171 * NS_PER_MS,
         .start_end = 2380 * NS_PER_MS,
         .proof_begin = 2430 * NS_PER_MS,
         .ready = 2440 * NS_PER_MS,
         .blocker = "vru_backend"},
    };
    *t = (struct timeline){.project = "vru",
                           .command = "up -d",
                           .ok = true,
                           .began = 1764000000 * NS_PER_SEC,
                           .duration = 2440 * NS_PER_MS};
    t->count = ARRAY_LEN(entries);
    t->entries = arena_copy(&t->arena, entries, sizeof(entries));
}

static void test_timeline(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct timeline t, again = {0};
    struct err err = {0};
    (void)state;
    make_timeline(&t);
    waterfall_text(&b, false, true, 120, &t);
    check_golden("waterfall.txt", &b);
    buf_clear(&b);
    waterfall_svg(&b, &t);
    check_golden("waterfall.svg", &b);
    json_t *j = view_timeline(&t);
    assert_int_equal(view_timeline_read(j, &again, &err), 0);
    json_t *k = view_timeline(&again);
    assert_true(json_equal(j, k));
    json_object_set_new(j, "entries", json_integer(1));
    timeline_release(&again);
    assert_int_equal(view_timeline_read(j, &again, &err), -ERR_INPUT);
    json_decref(j);
    json_decref(k);
    timeline_release(&again);
    timeline_release(&t);
}

static void test_addresses(void **state)
{
    struct observed_port ports[] = {{"0.0.0.0", 3000, 3000, "tcp"},
                                    {"::", 3000, 3000, "tcp"},
                                    {"127.0.0.1", 5432, 15432, "tcp"},
                                    {"10.0.0.1", 443, 8443, "tcp"},
                                    {"", 53, 53, "udp"},
                                    {"", 9999, 0, "tcp"}};
    struct observed_container c[] = {
        {.name = "p-web-1",
         .service = "web",
         .state = CONTAINER_RUNNING,
         .ports = ports,
         .port_count = ARRAY_LEN(ports)},
        {.name = "p-db-1", .service = "database", .state = CONTAINER_RUNNING}};
    struct observed o = {.containers = c, .container_count = ARRAY_LEN(c)};
    CLEANUP_BUF struct buf b = BUF_INIT;
    (void)state;
    summary_addresses(&b, false, &o);
    assert_string_equal(buf_text(&b), "   web  http://localhost:3000  localhost:15432  "
                                      "https://10.0.0.1:8443  localhost:53/udp\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),      cmocka_unit_test(test_live),
        cmocka_unit_test(test_live_small), cmocka_unit_test(test_diags),
        cmocka_unit_test(test_table),      cmocka_unit_test(test_timeline),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
