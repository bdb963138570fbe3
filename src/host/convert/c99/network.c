/* @NAME@: exact inference in integers, with the same outputs on every machine. See @FILE@.h for its use.
 *
 *     v[i] = (pixels[i] + 32) >> 6                         a pixel's level, 0 to 4
 *     h[j] = (b1[j] + sum of v[i] w1[i][j]) / 2^@SHIFT@          rounded, and limited to 0 to 255
 *     y[k] = b2[k] + sum of h[j] w2[j][k]                  the outputs
 *
 * The weights are exact integers of @BITS@ (w1) and 8 bits (w2). The rows w1[i] of all pixels of one level are only added, several weights in a word, and their sum is multiplied by the
 * level once. */
#include "@FILE@.h"

#include <stddef.h>

#ifdef __AVR__
/* Constants are read from flash. */
#include <avr/pgmspace.h>
#define FLASH PROGMEM
@near typedef const uint32_t *words;
@near #define ADDRESS(array) (array)
@near #define ROW(tile, i) ((tile) + 4 * (i))
@near #define WORD(words, i) pgm_read_dword((words) + (i))
@near #define WEIGHT(i) ((int8_t)pgm_read_byte(w2 + (i)))
@far typedef uint_farptr_t words; /* beyond the first 64 KB */
@far #define ADDRESS(array) pgm_get_far_address(array)
@far #define ROW(tile, i) ((tile) + 16 * (uint32_t)(i))
@far #define WORD(words, i) pgm_read_dword_far((words) + 4 * (uint32_t)(i))
@far #define WEIGHT(i) ((int8_t)pgm_read_byte_far(pgm_get_far_address(w2) + (i)))
#else
#define FLASH
typedef const uint32_t *words;
#define ADDRESS(array) (array)
#define ROW(tile, i) ((tile) + 4 * (i))
#define WORD(words, i) ((words)[i])
#define WEIGHT(i) (w2[i])
#endif

#ifdef __GNUC__
#define OUTLINED __attribute__((noinline)) /* all registers for the innermost loop */
#else
#define OUTLINED
#endif

#define BITS @BITS@       /* of a weight in w1 */
#define UNITS @UNITS@     /* hidden units of a tile */
#define ROWS @ROWS@     /* that may be added before a weight's sum exceeds 2 * BITS bits */
#define SHIFT @SHIFT@
@halved #define WIDTH @WIDTH@ /* of an image, before it is halved */
#define LEVELS 4
#define END NAME_INPUTS /* of a list */

@biases /* The biases: of the outputs with 2^23 added, of the hidden units modulo 2^32. */
@biases @BIASES@
@biases 
/* w1, in tiles of @UNITS@ units, an array each because small machines limit their size. An input has a row of four words in each
 * tile, the weight of the first unit in the lowest bits. @OFFSET@ is added to every weight. */
@FIRST@

/* Where a tile begins. */
static words tile_at(uint_least16_t tile)
{
    switch (tile) {
@CASES@
    }
}

/* w2: a row of outputs for each hidden unit. */
@SECOND@

/* Sorts the pixels with ink by level: linked lists of one level each, of up to ROWS pixels. Gives the number of lists and the
 * sum of all levels. */
static uint_least16_t sort_pixels(const uint8_t *pixels, name_memory *m, uint32_t *total)
{
    uint_least16_t room[LEVELS + 1] = {0}, open[LEVELS + 1], lists = 0;
    size_t i = 0;

    *total = 0;
    while (i < NAME_INPUTS) {
        if (NAME_INPUTS - i >= 4 && (pixels[i] | pixels[i + 1] | pixels[i + 2] | pixels[i + 3]) < 32) {
            i += 4; /* no ink in four pixels */
            continue;
        }
        do {
            const uint_least8_t level = (uint_least8_t)((pixels[i] + 32) >> 6);
            if (level != 0) {
                if (room[level] == 0) { /* begin a list */
                    room[level] = ROWS;
                    open[level] = lists;
                    m->first[lists] = END;
                    m->level[lists++] = level;
                }
                room[level]--;
                m->next[i] = m->first[open[level]];
                m->first[open[level]] = (uint_least16_t)i;
                *total += level;
            }
        } while (++i % 4 != 0 && i < NAME_INPUTS);
    }
    return lists;
}

/* Adds a level times the sum of words to the sums of their units; `odd` is the sum of every second weight. */
OUTLINED static void add_word(uint32_t all, uint32_t odd, uint_least16_t level, uint32_t *sums)
{
    const uint32_t lane = (UINT32_C(1) << (2 * BITS)) - 1;
    uint32_t even = all - (odd << BITS);
    uint_least8_t u;

    for (u = 0; u < 32 / BITS; u = (uint_least8_t)(u + 2)) {
        sums[u] += (uint32_t)(uint_least16_t)(even & lane) * level;
        sums[u + 1] += (uint32_t)(uint_least16_t)(odd & lane) * level;
        even >>= 2 * BITS;
        odd >>= 2 * BITS;
    }
}

/* Adds a level times the rows of a list to the sums of a tile's units. */
OUTLINED static void add_list(words tile, const uint_least16_t *next, uint_least16_t first, uint_least8_t level,
                              uint32_t *sums)
{
    /* The mask of every second weight: volatile keeps it in a register, which is cheaper than a constant to many machines. */
    volatile uint32_t constant = UINT32_C(0x@ODD@);
    const uint32_t mask = constant;
    uint32_t all0 = 0, all1 = 0, all2 = 0, all3 = 0, odd0 = 0, odd1 = 0, odd2 = 0, odd3 = 0;
    size_t i = first;

    do {
        const words row = ROW(tile, i);
        const uint32_t word0 = WORD(row, 0), word1 = WORD(row, 1), word2 = WORD(row, 2), word3 = WORD(row, 3);
        i = next[i];
        all0 += word0;
        odd0 += (word0 >> BITS) & mask;
        all1 += word1;
        odd1 += (word1 >> BITS) & mask;
        all2 += word2;
        odd2 += (word2 >> BITS) & mask;
        all3 += word3;
        odd3 += (word3 >> BITS) & mask;
    } while (i != END);
    add_word(all0, odd0, level, sums);
    add_word(all1, odd1, level, sums + UNITS / 4);
    add_word(all2, odd2, level, sums + UNITS / 4 * 2);
    add_word(all3, odd3, level, sums + UNITS / 4 * 3);
}

@halved /* The image at half its width and height: each pixel is the mean of four, rounded. */
@halved static const uint8_t *halve(const uint8_t *pixels, uint8_t *halved)
@halved {
@halved     size_t i, column = 0;
@halved 
@halved     for (i = 0; i < NAME_INPUTS; i++) {
@halved         const uint8_t *below = pixels + WIDTH;
@halved         halved[i] = (uint8_t)((pixels[0] + pixels[1] + below[0] + below[1] + 2) >> 2);
@halved         pixels += 2;
@halved         column += 2;
@halved         if (column == WIDTH) { /* the next row is in this one */
@halved             pixels += WIDTH;
@halved             column = 0;
@halved         }
@halved     }
@halved     return halved;
@halved }
@halved 
uint_least8_t name_classify(const uint8_t *pixels, name_memory *m)
{
    uint32_t total, start;
@whole     const uint_least16_t lists = sort_pixels(pixels, m, &total);
@halved     const uint_least16_t lists = sort_pixels(halve(pixels, m->halved), m, &total);
    uint_least16_t tile, list, k;
    uint_least8_t class_ = 0, u;
    size_t weight = 0;

    for (k = 0; k < NAME_OUTPUTS; k++) {
@biases         m->outputs[k] = (int32_t)WORD(ADDRESS(b2), k) - 0x800000;
@plain         m->outputs[k] = 0;
    }
    /* Half of the divisor, to round, less what was added to the weights. */
    start = (UINT32_C(1) << (SHIFT - 1)) - @OFFSET@ * total;
    for (tile = 0; tile < @TILES@; tile++) {
        const words rows = tile_at(tile);
        for (u = 0; u < UNITS; u++) {
@biases             m->sums[u] = start + WORD(ADDRESS(b1), (size_t)tile * UNITS + u);
@plain             m->sums[u] = start;
        }
        for (list = 0; list < lists; list++) {
            add_list(rows, m->next, m->first[list], m->level[list], m->sums);
        }
        for (u = 0; u < UNITS && weight < @WEIGHTS@; u++, weight += NAME_OUTPUTS) {
            const uint32_t scaled = m->sums[u] >> SHIFT;
            if (m->sums[u] >> 31 == 0 && scaled != 0) { /* above zero */
                const int_least16_t h = scaled < 255 ? (int_least16_t)scaled : 255;
                for (k = 0; k < NAME_OUTPUTS; k++) {
                    m->outputs[k] += (int32_t)h * WEIGHT(weight + k);
                }
            }
        }
    }
    m->margin = UINT32_MAX;
    for (k = 1; k < NAME_OUTPUTS; k++) {
        const uint32_t difference = (uint32_t)m->outputs[class_] - (uint32_t)m->outputs[k];
        if (m->outputs[k] > m->outputs[class_]) {
            m->margin = 0 - difference;
            class_ = (uint_least8_t)k;
        } else if (difference < m->margin) {
            m->margin = difference;
        }
    }
    return class_;
}
