/* A classifier in integers, written by `twolayer export`: portable C99 (also C11 and C++), without a heap or a library. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdint.h>

#include "sizes.h"

#define NETWORK_UNITS (128 / NETWORK_BITS) /* hidden units of a tile: 16 bytes for every input */
#define NETWORK_ROWS ((1 << NETWORK_BITS) + 1) /* weights whose sum fits in 2 * NETWORK_BITS bits */
#define NETWORK_LISTS (NETWORK_INPUTS / NETWORK_ROWS + 4) /* at most, of NETWORK_ROWS inputs or of the last ones of a level */

#ifdef __cplusplus
extern "C" {
#endif

/* Functions keep nothing but what is in the memory: with a memory each, threads and interrupt handlers may call them at the same time.
 * They take at most 256 bytes of stack. On an AVR the arrays stay in flash, but names of classes, where they are used, are in RAM.
 *
 * The results of a classification and its scratch memory. The caller provides it and need not initialise it. */
typedef struct {
    /* One for each class. */
    int32_t outputs[NETWORK_OUTPUTS];
    /* The largest output less the second largest: the smaller, the likelier is a mistake. */
    uint32_t margin;
    /* The rest is scratch. */
    uint32_t sums[NETWORK_UNITS];
    uint_least16_t next[NETWORK_INPUTS];
    uint_least16_t first[NETWORK_LISTS];
    uint_least8_t level[NETWORK_LISTS];
#if NETWORK_HALVES || NETWORK_DESLANTS
    uint8_t inputs[NETWORK_INPUTS];
#endif
} network_memory;

/* Returns the class of an image: the first one with the largest output. The image is NETWORK_PIXELS bytes, row by row, 0 for
 * the background and 255 for full ink. */
uint_least8_t network_classify(const uint8_t *pixels, network_memory *memory);

#if NETWORK_STEPS
/* Returns the confidence of a classification with this margin: the share of right answers, in per cent, that the network gave at such
 * margins to images that it was not trained on. */
uint_least8_t network_confidence(uint32_t margin);
#endif

/* Returns 1 if the arrays are as they were written and a test image has the outputs that it must have, else 0. Writes the image,
 * NETWORK_PIXELS bytes, to pixels. Takes a few times as long as a classification. */
uint_least8_t network_selftest(uint8_t *pixels, network_memory *memory);

#ifdef __cplusplus
}
#endif

#endif
