/*
 * plan/: what is wanted and what exists in, steps with their order and reasons out. One case per
 * file of tests/golden/plan: sections "=== stack", "=== observed", "=== command", "=== plan".
 * With UPDATE_GOLDEN=1 the last section is written anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"
#include "plan/plan.h"
#include "stack.h"

/* --- the command line of a case --- */

static const struct {
    const char *name;
    enum plan_flags flag;
} flag_rows[] = {
    {"no-deps", PLAN_NO_DEPS},
    {"force-recreate", PLAN_FORCE_RECREATE},
    {"no-recreate", PLAN_NO_RECREATE},
    {"recreate-deps", PLAN_RECREATE_DEPS},
    {"renew-volumes", PLAN_RENEW_VOLUMES},
    {"remove-orphans", PLAN_REMOVE_ORPHANS},
    {"no-start", PLAN_NO_START},
    {"build", PLAN_BUILD},
    {"no-build", PLAN_NO_BUILD},
    {"prove-all", PLAN_PROVE_ALL},
    {"volumes", PLAN_VOLUMES},
    {"rmi-local", PLAN_RMI_LOCAL},
    {"rmi-all", PLAN_RMI_ALL},
    {"yes", PLAN_YES},
    {"images-done", PLAN_IMAGES_DONE},
    {"existing-only", PLAN_EXISTING_ONLY},
    {"force", PLAN_FORCE},
    {"ignore-orphans", PLAN_IGNORE_ORPHANS},
    {"oneoff", PLAN_ONEOFF},
};

struct command {
    struct strv words, services;
    struct plan_scale scales[8];
    struct plan_options options;
};

static void parse_word(struct command *c, char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(flag_rows); i++) {
        if (str_eq(word, flag_rows[i].name)) {
            c->options.flags |= flag_rows[i].flag;
            return;
        }
    }
    if (str_starts(word, "scale=")) {
        struct plan_scale *s = &c->scales[c->options.scale_count++];
        char *colon = strchr(word, ':');
        int64_t n = 0;
        assert_non_null(colon);
        *colon = '\0';
        assert_int_equal(parse_int(colon + 1, -1, 1000000, &n, NULL), 0);
        *s = (struct plan_scale){word + strlen("scale="), (int)n};
    } else {
        strv_push(&c->services, word);
    }
}

static void parse_command(const char *text, struct command *c)
{
    CLEANUP_FREE char *line = xstrndup(text, strcspn(text, "\n"));
    *c = (struct command){0};
    str_split(line, ' ', &c->words);
    for (size_t i = 1; i < c->words.len; i++) {
        parse_word(c, c->words.items[i]);
    }
    c->options.services = (const char *const *)(void *)c->services.items;
    c->options.service_count = c->services.len;
    c->options.scales = c->scales;
}

static int make_plan(const struct command *c, const struct project *p, const struct observed *o,
                     struct plan *plan, struct err *err)
{
    static const struct {
        const char *verb;
        int (*fn)(const struct project *p, const struct observed *o,
                  const struct plan_options *opts, struct plan *ret, struct err *err);
    } rows[] = {{"up", plan_up},
                {"images", plan_images},
                {"down", plan_down},
                {"stop", plan_stop},
                {"restart", plan_restart}};
    static const struct {
        const char *verb;
        enum step_kind kind;
    } each[] = {
        {"kill", STEP_KILL}, {"pause", STEP_PAUSE}, {"unpause", STEP_UNPAUSE}, {"rm", STEP_REMOVE}};
    const char *verb = c->words.items[0];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq(verb, rows[i].verb)) {
            return rows[i].fn(p, o, &c->options, plan, err);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(each); i++) {
        if (str_eq(verb, each[i].verb)) {
            return plan_each(p, o, &c->options, each[i].kind, plan, err);
        }
    }
    fail_msg("unknown command: %s", verb);
    return -1;
}

/* --- the plan as text --- */

static void show_step(const struct step *s, struct buf *out)
{
    buf_printf(out, "%zu %s %s", s->index + 1, step_kind_name(s->kind), s->target);
    for (size_t i = 0; i < s->dep_count; i++) {
        buf_printf(out, "%s%zu%s", i ? "," : " after ", s->deps[i].step + 1,
                   s->deps[i].optional ? "?" : "");
    }
    buf_printf(out, "%s%s%s: %s\n", s->temporary ? " [temporary]" : "",
               s->with_volumes ? " [volumes]" : "", s->force ? " [force]" : "", s->reason);
}

static void show_plan(const struct plan *plan, struct buf *out)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        assert_int_equal(plan->steps[i]->index, i);
        show_step(plan->steps[i], out);
    }
    for (size_t i = 0; i < plan->note_count; i++) {
        buf_printf(out, "note: %s (%s)\n", plan->notes[i].text, plan->notes[i].hint);
    }
    if (!out->len) {
        buf_str(out, "nothing to do\n");
    }
}

/* What every plan keeps to, whatever the case. */
static void check_plan(const struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct step *s = plan->steps[i];
        assert_true(*s->reason && *s->target && s->rank > 0);
        for (size_t d = 0; d < s->dep_count; d++) {
            assert_true(s->deps[d].step < plan->step_count && s->deps[d].step != i);
            assert_true(plan->steps[s->deps[d].step]->rank > s->rank);
        }
        for (size_t k = 0; k < i; k++) { /* nothing is done twice */
            const struct step *other = plan->steps[k];
            bool same = other->kind == s->kind && str_eq(other->target, s->target) &&
                        other->victim == s->victim;
            assert_false(same);
        }
    }
}

/* --- cases --- */

/* The text of a section, up to the next one; "" when absent. Caller frees. */
static char *section(const char *text, const char *name)
{
    CLEANUP_FREE char *mark = xasprintf("=== %s\n", name);
    const char *begin = strstr(text, mark), *end = NULL;
    if (!begin) {
        return xstrdup("");
    }
    begin += strlen(mark);
    end = strstr(begin, "=== ");
    return end ? xstrndup(begin, (size_t)(end - begin)) : xstrdup(begin);
}

static char *run_case(const char *text)
{
    CLEANUP_FREE char *stack = section(text, "stack");
    CLEANUP_FREE char *seen = section(text, "observed");
    CLEANUP_FREE char *line = section(text, "command");
    CLEANUP_BUF struct buf out = BUF_INIT;
    struct observed observed = {0};
    struct plan plan = {0};
    struct err err = {0};
    struct command command;
    struct project *p = stack_parse("p", stack);
    stack_observe(p, seen, &observed);
    parse_command(line, &command);
    if (make_plan(&command, p, &observed, &plan, &err) == 0) {
        check_plan(&plan);
        show_plan(&plan, &out);
    } else {
        const char *lacking = "nobody: every error says what it is about and what to do";
        buf_printf(&out, "error %s [%s]: %s (%s)\n", err_code_name(err.code),
                   *err.subject ? err.subject : lacking, err.message,
                   *err.hint ? err.hint : lacking);
        assert_int_equal(*err.subject && *err.hint ? 0 : printf("%s", buf_text(&out)), 0);
    }
    plan_release(&plan);
    observed_release(&observed);
    project_free(p);
    strv_release(&command.words);
    strv_release(&command.services);
    return buf_steal(&out);
}

static void update(const char *path, const char *text, const char *got)
{
    const char *mark = strstr(text, "=== plan\n");
    CLEANUP_BUF struct buf all = BUF_INIT;
    struct err err = {0};
    buf_append(&all, text, mark ? (size_t)(mark - text) : strlen(text));
    buf_printf(&all, "=== plan\n%s", got);
    assert_int_equal(path_write_file(path, all.data, all.len, 0644, &err), 0);
}

static bool check_case(const char *path)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct err err = {0};
    assert_int_equal(path_read_file(path, 1 << 20, &text, &err), 0);
    CLEANUP_FREE char *want = section(buf_text(&text), "plan");
    CLEANUP_FREE char *got = run_case(buf_text(&text));
    if (getenv("UPDATE_GOLDEN")) {
        update(path, buf_text(&text), got);
        return true;
    }
    if (!str_eq(want, got)) {
        print_error("%s: expected\n%s\ngot\n%s\n", path, want, got);
        return false;
    }
    return true;
}

static void test_golden(void **state)
{
    static const char dir_name[] = TEST_DIR "/golden/plan";
    DIR *dir = opendir(dir_name);
    int cases = 0, bad = 0;
    (void)state;
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (str_ends(e->d_name, ".txt")) {
            CLEANUP_FREE char *path = path_join(dir_name, e->d_name);
            bad += !check_case(path);
            cases++;
        }
    }
    closedir(dir);
    assert_true(cases > 10);
    assert_int_equal(bad, 0);
}

/* The longest remaining chain has the highest rank: it is begun first. */
static void test_rank(void **state)
{
    struct observed observed = {0};
    struct plan plan = {0};
    struct err err = {0};
    const struct plan_options opts = {0};
    int64_t long_chain = 0, lone = 0;
    (void)state;
    struct project *p = stack_parse("p", "service a\n"
                                         "service b deps=a:healthy\n"
                                         "service c deps=b:healthy\n"
                                         "service lone\n");
    stack_observe(p, "image a id=@\nimage b id=@\nimage c id=@\nimage lone id=@\n", &observed);
    assert_int_equal(plan_up(p, &observed, &opts, &plan, &err), 0);
    for (size_t i = 0; i < plan.step_count; i++) {
        const struct step *s = plan.steps[i];
        if (s->kind == STEP_START && str_eq(s->target, "p-a-1")) {
            long_chain = s->rank;
        } else if (s->kind == STEP_START && str_eq(s->target, "p-lone-1")) {
            lone = s->rank;
        }
    }
    assert_true(long_chain > 2 * lone && lone > 0);
    plan_release(&plan);
    observed_release(&observed);
    project_free(p);
}

/* A plan may be released at any time, also when making it failed or never began. */
static void test_release(void **state)
{
    struct plan plan = {0};
    (void)state;
    plan_release(&plan);
    plan_release(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_rank),
        cmocka_unit_test(test_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
