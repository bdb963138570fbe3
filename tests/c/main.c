/* Called by tests/ffi.rs: main <model> <pixels>. Prints the layout of twolayer_model, what becomes of a picture, then the
 * class and the outputs of each image, or the status that refused the model and its text. Plain C11 and C++. */
#include "twolayer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *read_file(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    unsigned char *bytes;
    if (!file || fseek(file, 0, SEEK_END))
        exit(2);
    *len = (size_t)ftell(file);
    rewind(file);
    bytes = (unsigned char *)malloc(*len + 64);
    if (!bytes || fread(bytes, 1, *len, file) != *len)
        exit(2);
    fclose(file);
    return bytes;
}

static int check(twolayer_status status) {
    if (status != TWOLAYER_OK)
        printf("status %d %s\n", (int)status, twolayer_status_text(status));
    return status == TWOLAYER_OK;
}

static uint32_t bits(float number) {
    uint32_t word;
    memcpy(&word, &number, sizeof word);
    return word;
}

/* Prints the checksum of the input made of a 7 on paper, and scratch lengths. */
static void normalize(void) {
    static unsigned char picture[24 * 22], input[784];
    static uint32_t scratch[TWOLAYER_PICTURE_SCRATCH_WORDS(20u, 24u, 28u)];
    static const uint32_t words[] = {
        TWOLAYER_PICTURE_SCRATCH_WORDS(1u, 1u, 8u),      TWOLAYER_PICTURE_SCRATCH_WORDS(20u, 24u, 28u),
        TWOLAYER_PICTURE_SCRATCH_WORDS(328u, 9u, 28u),   TWOLAYER_PICTURE_SCRATCH_WORDS(329u, 9u, 28u),
        TWOLAYER_PICTURE_SCRATCH_WORDS(640u, 480u, 33u), TWOLAYER_PICTURE_SCRATCH_WORDS(16384u, 1u, 256u),
        TWOLAYER_PICTURE_SCRATCH_WORDS(3u, 16384u, 256u), TWOLAYER_READ_SCRATCH_WORDS(329u, 9u, 28u),
        sizeof(twolayer_digit),
    };
    uint32_t crc = 0xFFFFFFFFu;
    size_t at;
    int bit;
    memset(picture, 220, sizeof picture);
    for (at = 3; at < 15; at++)
        picture[4 * 22 + at] = 30;
    for (at = 5; at < 20; at++)
        picture[at * 22 + 14 - (at - 4) / 2] = 30;
    if (!check(twolayer_normalize(picture, sizeof picture, 20, 24, 22, TWOLAYER_INK_AUTO, scratch,
                                  sizeof scratch / sizeof *scratch, input, sizeof input)))
        return;
    for (at = 0; at < sizeof input; at++)
        for (crc ^= input[at], bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    printf("picture crc %08x words", (unsigned)~crc);
    for (at = 0; at < sizeof words / sizeof *words; at++)
        printf(" %u", (unsigned)words[at]);
    printf("\n");
}

int main(int count, char **arguments) {
    size_t model_len, pixels_len, at, k;
    unsigned char *model_bytes, *pixels;
    twolayer_model model;
    uint32_t label = 0;
    int f32 = 0;
    if (count != 3)
        return 2;
    printf("layout %zu %zu %zu %zu %zu %zu %zu %zu\n", sizeof(twolayer_model), offsetof(twolayer_model, payload),
           offsetof(twolayer_model, payload_len), offsetof(twolayer_model, bits), offsetof(twolayer_model, inputs),
           offsetof(twolayer_model, hidden), offsetof(twolayer_model, outputs), offsetof(twolayer_model, scratch_words));
    normalize();
    model_bytes = read_file(arguments[1], &model_len);
    pixels = read_file(arguments[2], &pixels_len);
    twolayer_status status = twolayer_open(&model, model_bytes, model_len);
    if (status == TWOLAYER_KIND) {
        f32 = 1;
        status = twolayer_open_f32(&model, model_bytes, model_len);
    }
    if (!check(status))
        return 0;
    if (f32 ? model.scratch_words > TWOLAYER_F32_SCRATCH_WORDS(model.inputs, model.outputs)
            : model.scratch_words != TWOLAYER_SCRATCH_WORDS(model.inputs, model.outputs))
        return 3;
    uint32_t *scratch = (uint32_t *)malloc(model.scratch_words * sizeof(uint32_t));
    twolayer_output *outputs = (twolayer_output *)malloc(model.outputs * sizeof(twolayer_output));
    for (at = 0; at + model.inputs <= pixels_len; at += model.inputs) {
        if (!check(twolayer_classify(&model, pixels + at, model.inputs, scratch, model.scratch_words, &label)) ||
            !check(twolayer_outputs(&model, pixels + at, model.inputs, scratch, model.scratch_words, outputs, model.outputs)))
            return 0;
        printf("class %u outputs", (unsigned)label);
        for (k = 0; k < model.outputs; k++)
            printf(" %08x", (unsigned)(f32 ? bits(outputs[k].real) : (uint32_t)outputs[k].integer));
        printf("\n");
    }
    free(scratch), free(outputs), free(model_bytes), free(pixels);
    return 0;
}
