/* Functions that are easy to misuse have no place here; forced in by the build (-include). */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok gets
#pragma GCC poison atoi atol atoll atof strtol strtoll strtoul strtoull
#pragma GCC poison gmtime localtime ctime asctime system

#endif
