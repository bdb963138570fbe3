/* Exact inference in integers, with the same outputs on every machine. The header says how to use it.
 *
 *     v[i] = (pixels[i] + 32) >> 6                        the level of an input, 0 to 4
 *     h[j] = (b1[j] + sum of v[i] w1[i][j]) / 2^SHIFT     rounded, and limited to 0 to 255
 *     y[k] = b2[k] + sum of h[j] w2[j][k]                 the outputs
 *
 * Weights are integers of NETWORK_BITS bits (w1) and of 8 bits (w2). The rows w1[i] of all inputs of one level are only added,
 * several weights in a word, and their sum is multiplied by the level once. */
#include "network.h"

#include <stddef.h>

#ifdef __AVR__
/* Constants are read from flash. */
#include <avr/pgmspace.h>
#define NETWORK_FLASH PROGMEM
#if NETWORK_BYTES > 60000 /* some of it is beyond the first 64 KB */
typedef uint_farptr_t network_words;
#define NETWORK_ADDRESS(array) pgm_get_far_address(array)
#define NETWORK_ROW(tile, i) ((tile) + 16 * (uint32_t)(i))
#define NETWORK_WORD(words, i) pgm_read_dword_far((words) + 4 * (uint32_t)(i))
#define NETWORK_W2(i) ((int8_t)pgm_read_byte_far(pgm_get_far_address(network_w2) + (i)))
#else
typedef const uint32_t *network_words;
#define NETWORK_ADDRESS(array) (array)
#define NETWORK_ROW(tile, i) ((tile) + 4 * (i))
#define NETWORK_WORD(words, i) pgm_read_dword((words) + (i))
#define NETWORK_W2(i) ((int8_t)pgm_read_byte(network_w2 + (i)))
#endif
#else
#define NETWORK_FLASH
typedef const uint32_t *network_words;
#define NETWORK_ADDRESS(array) (array)
#define NETWORK_ROW(tile, i) ((tile) + 4 * (i))
#define NETWORK_WORD(words, i) ((words)[i])
#define NETWORK_W2(i) (network_w2[i])
#endif

#ifdef __GNUC__
#define NETWORK_NOINLINE __attribute__((noinline)) /* all registers for the innermost loop */
#else
#define NETWORK_NOINLINE
#endif

/* The arrays. b2 has 2^23 added to every bias, and b1 is modulo 2^32. w1 is in tiles of NETWORK_UNITS hidden units, an array
 * each because small machines limit their size. In a tile, an input has a row of four words, with the weight of the first unit
 * in the lowest bits; 2^(NETWORK_BITS - 1) is added to every weight. w2 has a row of outputs for each hidden unit. */
#include "weights.h"

#define NETWORK_TILES ((NETWORK_HIDDEN + NETWORK_UNITS - 1) / NETWORK_UNITS)
#define NETWORK_LEVELS 4
#define NETWORK_END NETWORK_INPUTS /* of a list */

/* Sorts the inputs that are not zero by level into linked lists, each of one level and at most NETWORK_ROWS inputs. Returns the
 * number of lists, and the sum of all levels in `total`. */
static uint_least16_t network_sort_inputs(const uint8_t *inputs, network_memory *memory, uint32_t *total)
{
    uint_least16_t room[NETWORK_LEVELS + 1] = {0}, open[NETWORK_LEVELS + 1], lists = 0;
    size_t i = 0;

    *total = 0;
    while (i < NETWORK_INPUTS) {
        if (NETWORK_INPUTS - i >= 4 && (inputs[i] | inputs[i + 1] | inputs[i + 2] | inputs[i + 3]) < 32) {
            i += 4; /* four of level 0 */
            continue;
        }
        do {
            const uint_least8_t level = (uint_least8_t)((inputs[i] + 32) >> 6);
            if (level != 0) {
                if (room[level] == 0) { /* begin a list */
                    room[level] = NETWORK_ROWS;
                    open[level] = lists;
                    memory->first[lists] = NETWORK_END;
                    memory->level[lists] = level;
                    lists++;
                }
                room[level]--;
                memory->next[i] = memory->first[open[level]];
                memory->first[open[level]] = (uint_least16_t)i;
                *total += level;
            }
        } while (++i % 4 != 0 && i < NETWORK_INPUTS);
    }
    return lists;
}

/* Adds the sum of a word's rows, times their level, to the sums of its units. `odd` is the sum of every second weight. */
NETWORK_NOINLINE static void network_add_word(uint32_t all, uint32_t odd, uint_least16_t level, uint32_t *sums)
{
    const uint32_t lane = (UINT32_C(1) << (2 * NETWORK_BITS)) - 1;
    uint32_t even = all - (odd << NETWORK_BITS);
    uint_least8_t u;

    for (u = 0; u < 32 / NETWORK_BITS; u = (uint_least8_t)(u + 2)) {
        sums[u] += (uint32_t)(uint_least16_t)(even & lane) * level;
        sums[u + 1] += (uint32_t)(uint_least16_t)(odd & lane) * level;
        even >>= 2 * NETWORK_BITS;
        odd >>= 2 * NETWORK_BITS;
    }
}

/* Adds the rows of a list, times their level, to the sums of a tile's units. */
NETWORK_NOINLINE static void network_add_list(network_words tile, const uint_least16_t *next, uint_least16_t first,
                                              uint_least8_t level, uint32_t *sums)
{
    /* The mask of every second weight. `volatile` keeps it in a register, which is cheaper than a constant on many machines. */
    volatile uint32_t constant = UINT32_C(0xFFFFFFFF) / NETWORK_ROWS;
    const uint32_t mask = constant;
    uint32_t all0 = 0, all1 = 0, all2 = 0, all3 = 0, odd0 = 0, odd1 = 0, odd2 = 0, odd3 = 0;
    size_t i = first;

    do {
        const network_words row = NETWORK_ROW(tile, i);
        const uint32_t word0 = NETWORK_WORD(row, 0), word1 = NETWORK_WORD(row, 1);
        const uint32_t word2 = NETWORK_WORD(row, 2), word3 = NETWORK_WORD(row, 3);
        i = next[i];
        all0 += word0;
        odd0 += (word0 >> NETWORK_BITS) & mask;
        all1 += word1;
        odd1 += (word1 >> NETWORK_BITS) & mask;
        all2 += word2;
        odd2 += (word2 >> NETWORK_BITS) & mask;
        all3 += word3;
        odd3 += (word3 >> NETWORK_BITS) & mask;
    } while (i != NETWORK_END);
    network_add_word(all0, odd0, level, sums);
    network_add_word(all1, odd1, level, sums + (32 / NETWORK_BITS));
    network_add_word(all2, odd2, level, sums + (64 / NETWORK_BITS));
    network_add_word(all3, odd3, level, sums + (96 / NETWORK_BITS));
}

#if NETWORK_HALVES
/* Halves the width and height of so many pixels: each is the mean of four, rounded. */
static void network_halve(const uint8_t *pixels, uint8_t *halved, size_t count)
{
    size_t i, column = 0;

    for (i = 0; i < count; i++) {
        const uint8_t *below = pixels + NETWORK_WIDTH;
        halved[i] = (uint8_t)((pixels[0] + pixels[1] + below[0] + below[1] + 2) >> 2);
        pixels += 2;
        column += 2;
        if (column == NETWORK_WIDTH) { /* skip the row below */
            pixels += NETWORK_WIDTH;
            column = 0;
        }
    }
}
#endif

#if NETWORK_DESLANTS
/* A pixel of a row, whose first one is number 128; background before and after it. */
static uint32_t network_pixel(const uint8_t *row, uint32_t number)
{
    return (number >= 128U && number < 128U + NETWORK_WIDTH) ? row[number - 128U] : 0U;
}

/* Makes the digit stand upright in the middle: each row moves by its distance from the centre of gravity times the slant of the line
 * through the ink, by its second moments, with linear interpolation. */
static void network_deslant(const uint8_t *pixels, uint8_t *inputs)
{
    uint32_t ink = 0, x = 0, y = 0, xy = 0, yy = 0, middle_x = 0, middle_y = 0;
    uint32_t x0, y0, covariance, slant, row, column;
    uint_least8_t is_negative;
#if NETWORK_HALVES
    uint8_t pair[2 * NETWORK_WIDTH];
#endif

    for (row = 0; row < NETWORK_HEIGHT; row++) {
        const uint8_t *of_row = pixels + (size_t)row * NETWORK_WIDTH;
        uint32_t ink_of_row = 0, x_of_row = 0;
        for (column = 0; column < NETWORK_WIDTH; column++) {
            ink_of_row += of_row[column];
            x_of_row += column * of_row[column];
        }
        ink += ink_of_row;
        x += x_of_row;
        y += row * ink_of_row;
        xy += row * x_of_row;
        yy += row * row * ink_of_row;
    }
    if (ink > 0U) { /* the centre of gravity in 64ths of a pixel */
        middle_x = (64U * x + ink / 2U) / ink;
        middle_y = (64U * y + ink / 2U) / ink;
    }
    x0 = (middle_x + 32U) / 64U;
    y0 = (middle_y + 32U) / 64U;
    /* About it in whole pixels, modulo 2^32. The slant is in 256ths of a pixel a row, and at most one pixel. */
    covariance = xy - x0 * y - y0 * x + x0 * y0 * ink;
    is_negative = (uint_least8_t)(covariance >> 31);
    covariance = is_negative ? 0U - covariance : covariance;
    slant = covariance / (((yy - 2U * y0 * y + y0 * y0 * ink) >> 8) + 1U);
    slant = (slant > 256U) ? 256U : slant;
    slant = is_negative ? 0U - slant : slant;
    for (row = 0; row < NETWORK_HEIGHT; row++) {
        const uint8_t *from = pixels + (size_t)row * NETWORK_WIDTH;
        /* 128 pixels more, so that it is not negative. */
        const uint32_t moved_by = ((slant * (64U * row - middle_y) + 128U * 256U * 64U) >> 6) + 4U * middle_x;
        const uint32_t place = moved_by - 256U * (NETWORK_WIDTH / 2U), part = place & 255U;
#if NETWORK_HALVES
        uint8_t *moved = pair + (size_t)(row & 1U) * NETWORK_WIDTH;
#else
        uint8_t *moved = inputs + (size_t)row * NETWORK_WIDTH;
#endif
        for (column = 0; column < NETWORK_WIDTH; column++) {
            const uint32_t left = network_pixel(from, (place >> 8) + column);
            const uint32_t right = network_pixel(from, (place >> 8) + column + 1U);
            moved[column] = (uint8_t)((left * (256U - part) + right * part + 128U) >> 8);
        }
#if NETWORK_HALVES
        if ((row & 1U) != 0U) {
            network_halve(pair, inputs + (size_t)(row / 2U) * (NETWORK_WIDTH / 2U), NETWORK_WIDTH / 2U);
        }
#endif
    }
}
#endif

uint_least8_t network_classify(const uint8_t *pixels, network_memory *memory)
{
    uint32_t total, start;
    uint_least16_t lists, tile, list, k;
    uint_least8_t best = 0, u;
    size_t weight = 0;

#if NETWORK_DESLANTS
    network_deslant(pixels, memory->inputs);
    lists = network_sort_inputs(memory->inputs, memory, &total);
#elif NETWORK_HALVES
    network_halve(pixels, memory->inputs, NETWORK_INPUTS);
    lists = network_sort_inputs(memory->inputs, memory, &total);
#else
    lists = network_sort_inputs(pixels, memory, &total);
#endif
    for (k = 0; k < NETWORK_OUTPUTS; k++) {
#if NETWORK_BIASES
        memory->outputs[k] = (int32_t)NETWORK_WORD(NETWORK_ADDRESS(network_b2), k) - 0x800000;
#else
        memory->outputs[k] = 0;
#endif
    }
    /* Half of the divisor, to round, less what was added to the weights. */
    start = (UINT32_C(1) << (NETWORK_SHIFT - 1)) - (UINT32_C(1) << (NETWORK_BITS - 1)) * total;
    for (tile = 0; tile < NETWORK_TILES; tile++) {
        const network_words rows = network_tile_at(tile);
        for (u = 0; u < NETWORK_UNITS; u++) {
#if NETWORK_BIASES
            memory->sums[u] = start + NETWORK_WORD(NETWORK_ADDRESS(network_b1), (size_t)tile * NETWORK_UNITS + u);
#else
            memory->sums[u] = start;
#endif
        }
        for (list = 0; list < lists; list++) {
            network_add_list(rows, memory->next, memory->first[list], memory->level[list], memory->sums);
        }
        for (u = 0; u < NETWORK_UNITS && weight < (size_t)NETWORK_HIDDEN * NETWORK_OUTPUTS; u++, weight += NETWORK_OUTPUTS) {
            const uint32_t scaled = memory->sums[u] >> NETWORK_SHIFT;
            if (memory->sums[u] >> 31 == 0 && scaled != 0) { /* above zero */
                const int_least16_t h = (int_least16_t)(scaled < 255 ? scaled : 255);
                for (k = 0; k < NETWORK_OUTPUTS; k++) {
                    memory->outputs[k] += (int32_t)h * NETWORK_W2(weight + k);
                }
            }
        }
    }
    memory->margin = UINT32_MAX;
    for (k = 1; k < NETWORK_OUTPUTS; k++) {
        const uint32_t difference = (uint32_t)memory->outputs[best] - (uint32_t)memory->outputs[k];
        if (memory->outputs[k] > memory->outputs[best]) {
            memory->margin = 0 - difference;
            best = (uint_least8_t)k;
        } else if (difference < memory->margin) {
            memory->margin = difference;
        }
    }
    return best;
}

#if NETWORK_STEPS
uint_least8_t network_confidence(uint32_t margin)
{
    const network_words steps = NETWORK_ADDRESS(network_steps);
    uint_least8_t percent = 0;
    size_t step;

    for (step = 0; step < NETWORK_STEPS && NETWORK_WORD(steps, (size_t)2 * step) <= margin; step++) {
        percent = (uint_least8_t)NETWORK_WORD(steps, (size_t)2 * step + 1);
    }
    return percent;
}
#endif

uint_least8_t network_selftest(uint8_t *pixels, network_memory *memory)
{
    uint32_t sum;
    uint_least16_t i;
    size_t at;

    for (i = 0; i < NETWORK_PIXELS; i++) {
        pixels[i] = (uint8_t)((i * 37U) & 255U);
    }
    sum = network_classify(pixels, memory);
    for (i = 0; i < NETWORK_OUTPUTS; i++) {
        sum = 31 * sum + (uint32_t)memory->outputs[i];
    }
    for (i = 0; i < NETWORK_TILES; i++) {
        const network_words rows = network_tile_at(i);
        for (at = 0; at < (size_t)4 * NETWORK_INPUTS; at++) {
            sum = 31 * sum + NETWORK_WORD(rows, at);
        }
    }
    for (at = 0; at < (size_t)NETWORK_HIDDEN * NETWORK_OUTPUTS; at++) {
        sum = 31 * sum + (uint8_t)NETWORK_W2(at);
    }
#if NETWORK_BIASES
    for (at = 0; at < (size_t)NETWORK_TILES * NETWORK_UNITS; at++) {
        sum = 31 * sum + NETWORK_WORD(NETWORK_ADDRESS(network_b1), at);
    }
    for (at = 0; at < NETWORK_OUTPUTS; at++) {
        sum = 31 * sum + NETWORK_WORD(NETWORK_ADDRESS(network_b2), at);
    }
#endif
#if NETWORK_STEPS
    for (at = 0; at < (size_t)2 * NETWORK_STEPS; at++) {
        sum = 31 * sum + NETWORK_WORD(NETWORK_ADDRESS(network_steps), at);
    }
#endif
    return sum == NETWORK_SELFTEST;
}
