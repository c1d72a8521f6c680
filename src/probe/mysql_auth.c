/*
 * mysql_native_password and caching_sha2_password as their documentation has them. Pure.
 */
#include "probe/mysql_auth.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { KEY_BITS_MAX = 16384 };

bool mysql_auth_knows(const char *plugin)
{
    return strcmp(plugin, MYSQL_NATIVE) == 0 || strcmp(plugin, MYSQL_CACHING_SHA2) == 0;
}

static void digest(const EVP_MD *md, const void *a, size_t a_len, const void *b, size_t b_len,
                   uint8_t *ret)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1 || EVP_DigestUpdate(ctx, a, a_len) != 1 ||
        (b_len && EVP_DigestUpdate(ctx, b, b_len) != 1) ||
        EVP_DigestFinal_ex(ctx, ret, NULL) != 1) {
        abort(); /* only without memory or without the digest */
    }
    EVP_MD_CTX_free(ctx);
}

void mysql_auth_proof(const char *plugin, const char *password,
                      const uint8_t scramble[MYSQL_SCRAMBLE], struct buf *out)
{
    bool native = strcmp(plugin, MYSQL_NATIVE) == 0;
    const EVP_MD *md = native ? EVP_sha1() : EVP_sha256();
    size_t size = (size_t)EVP_MD_get_size(md);
    uint8_t once[EVP_MAX_MD_SIZE], twice[EVP_MAX_MD_SIZE], mask[EVP_MAX_MD_SIZE];
    if (!*password) {
        return;
    }
    digest(md, password, strlen(password), NULL, 0, once);
    digest(md, once, size, NULL, 0, twice);
    if (native) {
        digest(md, scramble, MYSQL_SCRAMBLE, twice, size, mask);
    } else {
        digest(md, twice, size, scramble, MYSQL_SCRAMBLE, mask);
    }
    for (size_t i = 0; i < size; i++) {
        buf_char(out, (char)(once[i] ^ mask[i]));
    }
    mem_wipe(once, sizeof(once));
}

static EVP_PKEY *read_key(const char *pem, size_t len)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    if (key &&
        (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) > KEY_BITS_MAX)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

int mysql_auth_encrypt(const char *pem, size_t len, const char *password,
                       const uint8_t scramble[MYSQL_SCRAMBLE], struct buf *out)
{
    uint8_t sealed[KEY_BITS_MAX / 8];
    size_t n = strlen(password) + 1, sealed_len = sizeof(sealed);
    EVP_PKEY *key = read_key(pem, len);
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    uint8_t *plain = xmalloc(n);
    for (size_t i = 0; i < n; i++) {
        plain[i] = (uint8_t)password[i] ^ scramble[i % MYSQL_SCRAMBLE];
    }
    bool good = ctx && EVP_PKEY_encrypt_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_encrypt(ctx, sealed, &sealed_len, plain, n) == 1;
    if (good) {
        buf_append(out, sealed, sealed_len);
    }
    mem_wipe(plain, n);
    free(plain);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return good ? 0 : -ERR_PROTOCOL;
}
