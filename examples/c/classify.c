/* Tells which digit is in a picture: classify MODEL PICTURE.pgm
 *
 * MODEL is any model file for 28 x 28 pixels, with integer or f32 weights, with or without biases. The picture is a binary
 * PGM (P5) of 8 bits, of any size, dark ink on light or light on dark. */
#include "twolayer.h"

#include <stdio.h>
#include <stdlib.h>

#define SIDE 28u

/* Ends the program, with a message, unless the status is that of success. */
static void check(const char *what, twolayer_status status) {
    if (status != TWOLAYER_OK) {
        fprintf(stderr, "%s: %s\n", what, twolayer_status_text(status));
        exit(1);
    }
}

static void *allocate(size_t len) {
    void *memory = malloc(len);
    if (!memory) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return memory;
}

/* The bytes of a file. malloc aligns them, as a model must be. */
static uint8_t *read_file(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    long end = -1;
    if (!file || fseek(file, 0, SEEK_END) || (end = ftell(file)) < 0 || fseek(file, 0, SEEK_SET)) {
        perror(path);
        exit(1);
    }
    *len = (size_t)end;
    uint8_t *bytes = allocate(*len + 1);
    if (fread(bytes, 1, *len, file) != *len) {
        perror(path);
        exit(1);
    }
    fclose(file);
    bytes[*len] = 0; /* so that sscanf stops there */
    return bytes;
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: classify MODEL PICTURE.pgm\n");
        return 2;
    }
    size_t model_len, picture_len;
    uint8_t *model_bytes = read_file(arguments[1], &model_len);
    uint8_t *picture = read_file(arguments[2], &picture_len);

    unsigned width, height, most;
    int pixels_at = 0;
    if (sscanf((char *)picture, "P5 %u %u %u%n", &width, &height, &most, &pixels_at) != 3 || most != 255 ||
        (size_t)pixels_at >= picture_len || width == 0 || width > 16384 || height > 16384) {
        fprintf(stderr, "%s: not a binary PGM of 8 bits without comments, at most 16384 columns and rows\n", arguments[2]);
        return 1;
    }
    pixels_at++; /* one white space */

    /* The picture as the network's input. */
    uint8_t input[SIDE * SIDE];
    size_t words = TWOLAYER_PICTURE_SCRATCH_WORDS((size_t)width, height, SIDE);
    uint32_t *scratch = allocate(words * sizeof *scratch);
    check(arguments[2], twolayer_normalize(picture + pixels_at, picture_len - (size_t)pixels_at, width, height, width,
                                           TWOLAYER_INK_AUTO, scratch, words, input, sizeof input));
    free(scratch);

    /* The model, of integers or of f32 numbers. */
    twolayer_model model;
    twolayer_status status = twolayer_open_any(&model, model_bytes, model_len);
    if (status == TWOLAYER_KIND)
        status = twolayer_open_f32(&model, model_bytes, model_len);
    check(arguments[1], status);

    uint32_t label;
    twolayer_margin margin;
    scratch = allocate(model.scratch_words * sizeof *scratch);
    check(arguments[1], twolayer_classify_margin(&model, input, sizeof input, scratch, model.scratch_words, &label, &margin));
    if (model.bits == 32)
        printf("%u, margin %.4f\n", (unsigned)label, (double)margin.real);
    else
        printf("%u, margin %u\n", (unsigned)label, (unsigned)margin.integer);
    free(scratch);
    free(model_bytes);
    free(picture);
    return 0;
}
