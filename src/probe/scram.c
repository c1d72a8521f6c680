/*
 * SCRAM-SHA-256, client side, with the server's signature verified (RFC 5802, RFC 7677).
 * Knows nothing of PostgreSQL's messages; postgres.c wraps and unwraps them.
 */
#include "probe/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

enum { CACHE_SIZE = 8, ATTRIBUTE_MAX = 1024 };

struct cache_entry {
    uint8_t password[SCRAM_KEY]; /* its SHA-256 */
    uint8_t salt[SCRAM_SALT_MAX];
    size_t salt_len;
    uint32_t iterations;
    uint8_t salted[SCRAM_KEY];
    uint64_t used; /* 0 = free */
};

struct scram_cache {
    struct cache_entry entries[CACHE_SIZE];
    uint64_t turn;
    size_t hits, misses;
};

struct scram_cache *scram_cache_new(void)
{
    return xcalloc(1, sizeof(struct scram_cache));
}

void scram_cache_free(struct scram_cache *c)
{
    if (c) {
        mem_wipe(c, sizeof(*c));
        free(c);
    }
}

void scram_cache_counts(const struct scram_cache *c, size_t *ret_hits, size_t *ret_misses)
{
    *ret_hits = c->hits;
    *ret_misses = c->misses;
}

void scram_init(struct scram *s, const char *user, const char *nonce)
{
    *s = (struct scram){0};
    s->nonce = xstrdup(nonce);
    buf_str(&s->client_first_bare, "n=");
    for (const char *p = user; *p; p++) {
        if (*p == '=') {
            buf_str(&s->client_first_bare, "=3D");
        } else if (*p == ',') {
            buf_str(&s->client_first_bare, "=2C");
        } else {
            buf_char(&s->client_first_bare, *p);
        }
    }
    buf_printf(&s->client_first_bare, ",r=%s", nonce);
}

void scram_release(struct scram *s)
{
    buf_release(&s->client_first_bare);
    buf_release(&s->auth_message);
    free(s->nonce);
    mem_wipe(s->salted, sizeof(s->salted));
    *s = (struct scram){0};
}

void scram_client_first(const struct scram *s, struct buf *out)
{
    /* "n": we do not do channel binding, and the server is to take no offence. */
    buf_str(out, "n,,");
    buf_append(out, s->client_first_bare.data, s->client_first_bare.len);
}

/* --- password preparation --- */

/* RFC 3454 table B.1: mapped to nothing. */
static bool is_invisible(uint32_t c)
{
    return c == 0xad || c == 0x34f || c == 0x1806 || (c >= 0x180b && c <= 0x180d) ||
           (c >= 0x200b && c <= 0x200d) || c == 0x2060 || (c >= 0xfe00 && c <= 0xfe0f) ||
           c == 0xfeff;
}

/* RFC 3454 table C.1.2 without U+200B, which B.1 has. */
static bool is_odd_space(uint32_t c)
{
    return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

static uint32_t decode_utf8(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    switch (len) {
    case 1:
        return u[0];
    case 2:
        return ((u[0] & 0x1fU) << 6) | (u[1] & 0x3fU);
    case 3:
        return ((u[0] & 0x0fU) << 12) | ((u[1] & 0x3fU) << 6) | (u[2] & 0x3fU);
    default:
        return ((u[0] & 0x07U) << 18) | ((u[1] & 0x3fU) << 12) | ((u[2] & 0x3fU) << 6) |
               (u[3] & 0x3fU);
    }
}

void scram_prepare(const char *password, struct buf *out)
{
    size_t start = out->len;
    for (const char *p = password; *p;) {
        size_t n = utf8_len(p);
        if (n == 0) {
            /* Not UTF-8: PostgreSQL then takes the bytes as they are, and so do we. */
            buf_truncate(out, start);
            buf_str(out, password);
            return;
        }
        uint32_t c = decode_utf8(p, n);
        if (is_odd_space(c)) {
            buf_char(out, ' ');
        } else if (!is_invisible(c)) {
            buf_append(out, p, n);
        }
        p += n;
    }
}

/* --- messages --- */

/* Takes "X=value" up to the comma off the front; -ERR_PROTOCOL when it is not there. */
static int attribute(const char **p, const char *end, char name, const char **ret, size_t *ret_len,
                     struct err *err)
{
    if (end - *p < 2 || (*p)[0] != name || (*p)[1] != '=') {
        return err_set(err, ERR_PROTOCOL, "SCRAM: the attribute %c is missing", name);
    }
    const char *value = *p + 2;
    const char *comma = memchr(value, ',', (size_t)(end - value));
    const char *stop = comma ? comma : end;
    if (stop - value > ATTRIBUTE_MAX) {
        return err_set(err, ERR_PROTOCOL, "SCRAM: the attribute %c is too long", name);
    }
    *ret = value;
    *ret_len = (size_t)(stop - value);
    *p = comma ? comma + 1 : end;
    return 0;
}

/* Strict base64 with padding. Returns the length or -1. */
static int decode_base64(const char *text, size_t len, uint8_t *dst, size_t size)
{
    uint8_t raw[SCRAM_SALT_MAX + 3];
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t pad = 0;
    if (len == 0 || len % 4 != 0 || len / 4 * 3 > sizeof(raw)) {
        return -1;
    }
    while (pad < 2 && text[len - 1 - pad] == '=') {
        pad++;
    }
    for (size_t i = 0; i < len - pad; i++) {
        if (text[i] == '\0' || !strchr(alphabet, text[i])) {
            return -1;
        }
    }
    int n = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)len);
    if (n < 0 || (size_t)n - pad > size) {
        return -1;
    }
    memcpy(dst, raw, (size_t)n - pad);
    return n - (int)pad;
}

static void hmac(const uint8_t *key, const void *data, size_t len, uint8_t *ret)
{
    unsigned n = SCRAM_KEY;
    if (!HMAC(EVP_sha256(), key, SCRAM_KEY, data, len, ret, &n)) {
        abort(); /* only without memory or without SHA-256 */
    }
}

static void derive(const char *password, const uint8_t *salt, size_t salt_len, uint32_t iterations,
                   uint8_t *ret)
{
    CLEANUP_BUF struct buf prepared = BUF_INIT;
    scram_prepare(password, &prepared);
    if (PKCS5_PBKDF2_HMAC(buf_text(&prepared), (int)prepared.len, salt, (int)salt_len,
                          (int)iterations, EVP_sha256(), SCRAM_KEY, ret) != 1) {
        abort();
    }
    if (prepared.data) {
        mem_wipe(prepared.data, prepared.len);
    }
}

static void salted_password(struct scram_cache *c, const char *password, const uint8_t *salt,
                            size_t salt_len, uint32_t iterations, uint8_t *ret)
{
    uint8_t digest[SCRAM_KEY];
    if (!c) {
        derive(password, salt, salt_len, iterations, ret);
        return;
    }
    SHA256((const unsigned char *)password, strlen(password), digest);
    struct cache_entry *oldest = &c->entries[0];
    c->turn++;
    for (size_t i = 0; i < CACHE_SIZE; i++) {
        struct cache_entry *e = &c->entries[i];
        if (e->used > 0 && e->iterations == iterations && e->salt_len == salt_len &&
            memcmp(e->salt, salt, salt_len) == 0 &&
            CRYPTO_memcmp(e->password, digest, sizeof(digest)) == 0) {
            e->used = c->turn;
            c->hits++;
            memcpy(ret, e->salted, SCRAM_KEY);
            return;
        }
        if (e->used < oldest->used) {
            oldest = e;
        }
    }
    c->misses++;
    derive(password, salt, salt_len, iterations, ret);
    memcpy(oldest->password, digest, sizeof(digest));
    memcpy(oldest->salt, salt, salt_len);
    oldest->salt_len = salt_len;
    oldest->iterations = iterations;
    memcpy(oldest->salted, ret, SCRAM_KEY);
    oldest->used = c->turn;
}

struct server_first {
    const char *nonce;
    size_t nonce_len;
    uint8_t salt[SCRAM_SALT_MAX];
    size_t salt_len;
    uint32_t iterations;
};

static int parse_server_first(const struct scram *s, const char *first, size_t len,
                              struct server_first *ret, struct err *err)
{
    const char *p = first, *end = first + len, *salt = "", *count = "";
    size_t salt_len = 0, count_len = 0, own = strlen(s->nonce);
    char number[24] = "";
    int64_t iterations = 0;
    int r = attribute(&p, end, 'r', &ret->nonce, &ret->nonce_len, err);
    if (r == 0) {
        r = attribute(&p, end, 's', &salt, &salt_len, err);
    }
    if (r == 0) {
        r = attribute(&p, end, 'i', &count, &count_len, err);
    }
    if (r < 0) {
        return r;
    }
    if (ret->nonce_len <= own || memcmp(ret->nonce, s->nonce, own) != 0) {
        return err_set(err, ERR_PROTOCOL, "SCRAM: the server's nonce does not continue ours");
    }
    int n = decode_base64(salt, salt_len, ret->salt, sizeof(ret->salt));
    if (n <= 0) {
        return err_set(err, ERR_PROTOCOL, "SCRAM: the salt is not base64 of 1 to %d bytes",
                       SCRAM_SALT_MAX);
    }
    ret->salt_len = (size_t)n;
    if (count_len < sizeof(number)) {
        memcpy(number, count, count_len);
    }
    if (parse_int(number, 1, SCRAM_ITERATIONS_MAX, &iterations, NULL) < 0) {
        return err_set(err, ERR_PROTOCOL, "SCRAM: the iteration count is not within 1 and %d",
                       SCRAM_ITERATIONS_MAX);
    }
    ret->iterations = (uint32_t)iterations;
    return 0;
}

int scram_client_final(struct scram *s, const char *password, const char *first, size_t len,
                       struct scram_cache *cache, struct buf *out, struct err *err)
{
    struct server_first sf = {0};
    uint8_t key[SCRAM_KEY], stored[SCRAM_KEY], signature[SCRAM_KEY];
    unsigned char proof[SCRAM_KEY * 2];
    CLEANUP_BUF struct buf without_proof = BUF_INIT;
    int r = parse_server_first(s, first, len, &sf, err);
    if (r < 0) {
        return r;
    }
    buf_str(&without_proof, "c=biws,r="); /* "biws" is "n,," in base64 */
    buf_append(&without_proof, sf.nonce, sf.nonce_len);
    buf_clear(&s->auth_message);
    buf_append(&s->auth_message, s->client_first_bare.data, s->client_first_bare.len);
    buf_char(&s->auth_message, ',');
    buf_append(&s->auth_message, first, len);
    buf_char(&s->auth_message, ',');
    buf_append(&s->auth_message, without_proof.data, without_proof.len);

    salted_password(cache, password, sf.salt, sf.salt_len, sf.iterations, s->salted);
    hmac(s->salted, "Client Key", 10, key);
    SHA256(key, sizeof(key), stored);
    hmac(stored, s->auth_message.data, s->auth_message.len, signature);
    for (size_t i = 0; i < SCRAM_KEY; i++) {
        key[i] ^= signature[i];
    }
    EVP_EncodeBlock(proof, key, SCRAM_KEY);
    buf_append(out, without_proof.data, without_proof.len);
    buf_printf(out, ",p=%s", (const char *)proof);
    mem_wipe(key, sizeof(key));
    mem_wipe(stored, sizeof(stored));
    return 0;
}

int scram_server_final(const struct scram *s, const char *final, size_t len, struct err *err)
{
    const char *p = final, *end = final + len, *value = NULL;
    size_t value_len = 0;
    uint8_t key[SCRAM_KEY], expected[SCRAM_KEY], got[SCRAM_KEY];
    if (len >= 2 && final[0] == 'e' && final[1] == '=') {
        return err_set(err, ERR_REFUSED, "SCRAM: the server refuses: %.*s",
                       (int)(len - 2 > 60 ? 60 : len - 2), final + 2);
    }
    int r = attribute(&p, end, 'v', &value, &value_len, err);
    if (r < 0) {
        return r;
    }
    hmac(s->salted, "Server Key", 10, key);
    hmac(key, s->auth_message.data, s->auth_message.len, expected);
    if (decode_base64(value, value_len, got, sizeof(got)) != SCRAM_KEY ||
        CRYPTO_memcmp(got, expected, SCRAM_KEY) != 0) {
        return err_set(err, ERR_PROTOCOL,
                       "SCRAM: the server's signature is wrong: it does not know the password");
    }
    return 0;
}
