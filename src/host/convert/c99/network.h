/* @NAME@: a network of @PIXELS@ pixels, @HIDDEN@ hidden units and @OUTPUTS@ classes in integers of @BITS@ bits@BIASED@, written by
 * `twolayer export`. Portable C99 (C11, C++), integers only, without a heap.
 * Needs @FLASH@ bytes of flash for its numbers, about 1 KB for its code (2 KB on an AVR), and @RAM@ bytes of RAM. */
#ifndef NAME_H
#define NAME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NAME_PIXELS @PIXELS@
@halved #define NAME_INPUTS @INPUTS@ /* pixels of an image of half the width and height */
@whole #define NAME_INPUTS NAME_PIXELS
#define NAME_OUTPUTS @OUTPUTS@

/* What a classification needs and gives, owned by the caller; need not be set to anything before. */
typedef struct {
    /* One a class. */
    int32_t outputs[NAME_OUTPUTS];
    /* How far the largest output is above the next: the smaller, the likelier is a mistake. */
    uint32_t margin;
    /* The rest is scratch. */
    uint32_t sums[@UNITS@];
    uint_least16_t next[NAME_INPUTS];
    uint_least16_t first[@LISTS@];
    uint_least8_t level[@LISTS@];
@halved     uint8_t halved[NAME_INPUTS];
} name_memory;

/* The class of an image: the first with the largest output. The pixels are NAME_PIXELS bytes, 0 for the background and 255
 * for full ink. */
uint_least8_t name_classify(const uint8_t *pixels, name_memory *memory);

#ifdef __cplusplus
}
#endif

#endif
