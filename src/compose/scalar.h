/*
 * What a plain YAML scalar means: YAML 1.2's core types with the extras of the reference's parser
 * (underscores in numbers, 0o and 0b, timestamps recognised and refused).
 */
#ifndef COMPOSE_SCALAR_H
#define COMPOSE_SCALAR_H

#include <stdbool.h>
#include <stddef.h>

#include "compose/node.h"

/* The node for a plain scalar without a tag. Text may be "" (null). A date gives a string, printed
 * as RFC 3339, with TAG_DATE. */
struct node *scalar_resolve(struct arena *a, struct pos at, const char *text);

/*
 * The same under an explicit tag: "tag:yaml.org,2002:str" for "!!str", and so on; any other tag
 * makes a string. NULL when the text is no such thing.
 */
struct node *scalar_tagged(struct arena *a, struct pos at, const char *text, const char *tag);

#endif
