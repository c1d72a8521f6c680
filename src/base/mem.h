/*
 * Allocation that cannot fail (it aborts), and cleanup at the end of a scope.
 * Sizes that come from outside are capped by the caller before they get here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* realloc for `count` elements of `size` bytes; overflow aborts. */
void *xreallocarray(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
/* NULL stays NULL. */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len) __attribute__((returns_nonnull));
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((returns_nonnull));
char *xvasprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0) __attribute__((returns_nonnull));

/* Overwrites a secret in a way the compiler may not drop. */
void mem_wipe(void *data, size_t len);

/* Scope cleanup: `CLEANUP_FREE char *s = xstrdup(x);`. steal() hands the value over. */
void cleanup_free(void *pointer_to_pointer);
void cleanup_close(int *fd);
#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))
#define CLEANUP_CLOSE __attribute__((cleanup(cleanup_close)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void *steal_ptr(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    void *value = *p;
    *p = NULL;
    return value;
}

static inline int steal_fd(int *fd)
{
    int value = *fd;
    *fd = -1;
    return value;
}

#endif
