/*
 * MySQL's logins: what is sent so that the password itself is not.
 */
#ifndef PROBE_MYSQL_AUTH_H
#define PROBE_MYSQL_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { MYSQL_SCRAMBLE = 20 };
#define MYSQL_NATIVE "mysql_native_password"
#define MYSQL_CACHING_SHA2 "caching_sha2_password"

bool mysql_auth_knows(const char *plugin);
/* Appends the proof for the server's scramble; nothing for an empty password. */
void mysql_auth_proof(const char *plugin, const char *password,
                      const uint8_t scramble[MYSQL_SCRAMBLE], struct buf *out);
/* caching_sha2_password's second round over a plain connection: appends the password, encrypted
 * with the server's RSA key (PEM). -ERR_PROTOCOL when that is no usable key. */
int mysql_auth_encrypt(const char *pem, size_t len, const char *password,
                       const uint8_t scramble[MYSQL_SCRAMBLE], struct buf *out) MUST_CHECK;

#endif
