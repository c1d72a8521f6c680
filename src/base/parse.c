/*
 * Text to numbers and back: the one place that may call strtoll and friends. Pure.
 */
#include "base/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* The conversion functions that banned.h poisons are wrapped here, with all their checks. */
int parse_int(const char *s, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
    int64_t v = 0;
    bool neg = *s == '-';
    const char *p = s + (*s == '-' || *s == '+');
    if (!*p) {
        return err_set(err, ERR_INPUT, "expected a whole number, got '%.64s'", s);
    }
    for (; *p; p++) {
        if (*p < '0' || *p > '9') {
            return err_set(err, ERR_INPUT, "expected a whole number, got '%.64s'", s);
        }
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, neg ? -(*p - '0') : *p - '0', &v)) {
            return err_set(err, ERR_INPUT, "%.64s is too large", s);
        }
    }
    if (v < min || v > max) {
        return err_set(err, ERR_INPUT, "expected a number from %lld to %lld, got %.64s",
                       (long long)min, (long long)max, s);
    }
    *ret = v;
    return 0;
}

int parse_u64(const char *s, uint64_t *ret, struct err *err)
{
    uint64_t v = 0;
    const char *p = s;
    if (!*p) {
        return err_set(err, ERR_INPUT, "expected a whole number, got nothing");
    }
    for (; *p; p++) {
        if (*p < '0' || *p > '9') {
            return err_set(err, ERR_INPUT, "expected a whole number, got '%.64s'", s);
        }
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v)) {
            return err_set(err, ERR_INPUT, "%.64s is too large", s);
        }
    }
    *ret = v;
    return 0;
}

int parse_double(const char *s, double *ret, struct err *err)
{
    char *end = NULL;
    double v = 0;
    if (!*s || strspn(s, "0123456789+-.eE") != strlen(s)) {
        return err_set(err, ERR_INPUT, "expected a number, got '%.64s'", s);
    }
    errno = 0;
    v = strtod(s, &end);
    if (*end || end == s || errno == ERANGE) {
        return err_set(err, ERR_INPUT, "expected a number, got '%.64s'", s);
    }
    *ret = v;
    return 0;
}

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},
    {"us", NS_PER_US},
    {"\xc2\xb5s", NS_PER_US}, /* micro sign */
    {"\xce\xbcs", NS_PER_US}, /* Greek mu */
    {"ms", NS_PER_MS},
    {"s", NS_PER_SEC},
    {"m", 60 * NS_PER_SEC},
    {"h", 3600 * NS_PER_SEC},
    {"d", 86400 * NS_PER_SEC},
    {"w", 7 * 86400 * NS_PER_SEC},
};

static int64_t find_unit(const char *p, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strlen(units[i].name) == len && strncmp(units[i].name, p, len) == 0) {
            return units[i].ns;
        }
    }
    return 0;
}

/* One "12.5m" at *at; adds it to *sum. */
static int duration_part(const char **at, const char *all, int64_t *sum, struct err *err)
{
    const char *p = *at;
    int64_t whole = 0, unit = 0, part = 0;
    double fraction = 0, scale = 1;
    size_t digits = 0, len = 0;
    for (; *p >= '0' && *p <= '9'; p++, digits++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *p - '0', &whole)) {
            return err_set(err, ERR_INPUT, "the duration '%.64s' is too long", all);
        }
    }
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9'; p++, digits++) {
            scale *= 10;
            fraction = fraction * 10 + (*p - '0');
        }
    }
    len = strcspn(p, "0123456789.+-");
    unit = digits ? find_unit(p, len) : 0;
    if (!unit) {
        return err_set(err, ERR_INPUT,
                       "expected a duration such as 30s, 1m30s or 500ms, got '%.64s'", all);
    }
    if (__builtin_mul_overflow(whole, unit, &part) ||
        __builtin_add_overflow(part, (int64_t)(fraction / scale * (double)unit), &part) ||
        __builtin_add_overflow(*sum, part, sum)) {
        return err_set(err, ERR_INPUT, "the duration '%.64s' is too long", all);
    }
    *at = p + len;
    return 0;
}

int parse_duration(const char *s, int64_t *ret, struct err *err)
{
    const char *p = s;
    bool neg = *p == '-';
    int64_t sum = 0;
    int rc = 0;
    p += *p == '-' || *p == '+';
    if (strcmp(p, "0") == 0) {
        *ret = 0;
        return 0;
    }
    do {
        rc = duration_part(&p, s, &sum, err);
        if (rc) {
            return rc;
        }
    } while (*p);
    *ret = neg ? -sum : sum;
    return 0;
}

/* "1.5" + unit, trailing zeros of the fraction dropped. */
static void put_fraction(char *buf, size_t size, uint64_t value, uint64_t unit, const char *name)
{
    char digits[24] = "";
    uint64_t rest = value % unit;
    size_t n = 0;
    if (rest) {
        int width = 0;
        for (uint64_t u = unit; u > 1; u /= 10) {
            width++;
        }
        n = (size_t)snprintf(digits, sizeof(digits), ".%0*llu", width, (unsigned long long)rest);
        while (digits[n - 1] == '0') {
            digits[--n] = '\0';
        }
    }
    snprintf(buf, size, "%llu%s%s", (unsigned long long)(value / unit), digits, name);
}

const char *format_duration(int64_t ns, char *buf, size_t size)
{
    uint64_t u = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;
    char sec[32];
    const char *sign = ns < 0 ? "-" : "";
    if (u == 0) {
        snprintf(buf, size, "0s");
    } else if (u < (uint64_t)NS_PER_SEC) {
        uint64_t unit = u >= (uint64_t)NS_PER_MS   ? (uint64_t)NS_PER_MS
                        : u >= (uint64_t)NS_PER_US ? (uint64_t)NS_PER_US
                                                   : 1;
        put_fraction(sec, sizeof(sec), u, unit,
                     unit == 1                     ? "ns"
                     : unit == (uint64_t)NS_PER_US ? "\xc2\xb5s"
                                                   : "ms");
        snprintf(buf, size, "%s%s", sign, sec);
    } else {
        uint64_t minutes = u / (60 * (uint64_t)NS_PER_SEC);
        put_fraction(sec, sizeof(sec), u % (60 * (uint64_t)NS_PER_SEC), (uint64_t)NS_PER_SEC, "s");
        if (minutes >= 60) {
            snprintf(buf, size, "%s%lluh%llum%s", sign, (unsigned long long)(minutes / 60),
                     (unsigned long long)(minutes % 60), sec);
        } else if (minutes) {
            snprintf(buf, size, "%s%llum%s", sign, (unsigned long long)minutes, sec);
        } else {
            snprintf(buf, size, "%s%s", sign, sec);
        }
    }
    return buf;
}

int parse_bytes(const char *s, int64_t *ret, struct err *err)
{
    static const char letters[] = "bkmgtp";
    char number[64];
    size_t n = strspn(s, "0123456789.");
    const char *p = s + n;
    double v = 0, factor = 1;
    if (!n || n >= sizeof(number)) {
        return err_set(err, ERR_INPUT, "expected a size such as 512m or 1.5g, got '%.64s'", s);
    }
    memcpy(number, s, n);
    number[n] = '\0';
    p += *p == ' ';
    if (*p) {
        const char *at = strchr(letters, *p | 0x20);
        const char *rest = p + 1;
        if (!at) {
            return err_set(err, ERR_INPUT, "unknown unit in size '%.64s'; use b, k, m, g, t or p",
                           s);
        }
        for (ptrdiff_t i = at - letters; i > 0; i--) {
            factor *= 1024;
        }
        if (at > letters && (*rest | 0x20) == 'i') {
            rest++;
        }
        if (at > letters && (*rest | 0x20) == 'b') {
            rest++;
        }
        if (*rest) {
            return err_set(err, ERR_INPUT, "unknown unit in size '%.64s'; use b, k, m, g, t or p",
                           s);
        }
    }
    if (parse_double(number, &v, err)) {
        return -ERR_INPUT;
    }
    v *= factor;
    if (v >= 9.2e18) {
        return err_set(err, ERR_INPUT, "the size '%.64s' is too large", s);
    }
    *ret = (int64_t)v;
    return 0;
}

const char *format_bytes(uint64_t n, char *buf, size_t size)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)n;
    size_t i = 0;
    while (v >= 1024 && i + 1 < ARRAY_LEN(names)) {
        v /= 1024;
        i++;
    }
    snprintf(buf, size, "%.*f %s", i == 0 || v >= 100 ? 0 : v >= 10 ? 1 : 2, v, names[i]);
    return buf;
}

int parse_port(const char *s, uint16_t *ret, struct err *err)
{
    int64_t v = 0;
    if (parse_int(s, 1, 65535, &v, NULL)) {
        return err_set(err, ERR_INPUT, "expected a port from 1 to 65535, got '%.64s'", s);
    }
    *ret = (uint16_t)v;
    return 0;
}

int parse_host_port(const char *s, char **ret_host, uint16_t *ret_port, struct err *err)
{
    const char *colon = strrchr(s, ':');
    const char *host = s;
    size_t len = colon ? (size_t)(colon - s) : 0;
    int rc = 0;
    if (!colon || !len) {
        return err_set(err, ERR_INPUT, "expected HOST:PORT, got '%.128s'", s);
    }
    if (*host == '[') {
        if (len < 3 || host[len - 1] != ']') {
            return err_set(err, ERR_INPUT, "expected [IPV6]:PORT, got '%.128s'", s);
        }
        host++;
        len -= 2;
    } else if (memchr(host, ':', len)) {
        return err_set(err, ERR_INPUT, "an IPv6 address needs brackets: [%.*s]:%s",
                       (int)(len < 64 ? len : 64), host, colon + 1);
    }
    rc = parse_port(colon + 1, ret_port, err);
    if (rc) {
        return rc;
    }
    *ret_host = xstrndup(host, len);
    return 0;
}

bool is_ip4(const char *s)
{
    struct in_addr a;
    return inet_pton(AF_INET, s, &a) == 1;
}

bool is_ip6(const char *s)
{
    struct in6_addr a;
    return inet_pton(AF_INET6, s, &a) == 1;
}

int parse_rfc3339(const char *s, int64_t *ret, struct err *err)
{
    int y = 0, mo = 0, d = 0, h = 0, mi = 0, sec = 0, n = 0, zh = 0, zm = 0;
    int64_t ns = 0, t = 0;
    struct tm tm = {0};
    char sign = 0;
    if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &sec, &n) != 6) {
        return err_set(err, ERR_INPUT, "expected an RFC 3339 time, got '%.64s'", s);
    }
    s += n;
    if (*s == '.') {
        int64_t unit = NS_PER_SEC / 10;
        for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10) {
            ns += (*s - '0') * unit;
        }
    }
    if (*s != 'Z' &&
        (sscanf(s, "%c%2d:%2d", &sign, &zh, &zm) != 3 || (sign != '+' && sign != '-'))) {
        return err_set(err, ERR_INPUT, "expected a time zone (Z or +hh:mm), got '%.64s'", s);
    }
    if (y <= 1) {
        *ret = 0;
        return 0;
    }
    tm = (struct tm){.tm_year = y - 1900,
                     .tm_mon = mo - 1,
                     .tm_mday = d,
                     .tm_hour = h,
                     .tm_min = mi,
                     .tm_sec = sec};
    t = (int64_t)timegm(&tm) - (sign == '-' ? -1 : 1) * (zh * 3600 + zm * 60);
    *ret = t * NS_PER_SEC + ns;
    return 0;
}
