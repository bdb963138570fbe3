/* twolayer: classify images with a trained two-layer network, from C or C++.
 *
 * There are two kinds of model file: integer weights, for the functions twolayer_open, twolayer_classify and
 * twolayer_outputs, and f32 weights, for those with f32 in their names. An image carries only the functions it calls.
 *
 * The model's bytes are read where they lie and must stay there, unchanged, as long as the model is used. Nothing here
 * allocates, keeps state of its own or aborts: any number of threads or interrupts may use one model, each with a scratch of
 * its own. Buffers must not overlap. Pixels may lie at any address; the model's bytes at a multiple of 4. */
#ifndef TWOLAYER_H
#define TWOLAYER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a function returns. */
typedef int32_t twolayer_status;

#define TWOLAYER_OK 0
#define TWOLAYER_NULL 1       /* a pointer is null, or a buffer is not aligned as its type asks for */
#define TWOLAYER_MAGIC 2      /* the bytes do not start as a model file does */
#define TWOLAYER_HEADER 3     /* the version or the kind of the model is unknown, or a field is out of range */
#define TWOLAYER_LENGTH 4     /* the model file is too short or too long */
#define TWOLAYER_CHECKSUM 5   /* a bit of the model file is wrong */
#define TWOLAYER_PAYLOAD 6    /* the weights are not as their format says */
#define TWOLAYER_MISALIGNED 7 /* the model file does not start at a multiple of 4 */
#define TWOLAYER_PIXELS 8     /* the image has not as many pixels as the network has inputs */
#define TWOLAYER_SCRATCH 9    /* the scratch is too small */
#define TWOLAYER_OUTPUTS 10   /* there is not room for exactly as many outputs as the network has */
#define TWOLAYER_KIND 11      /* integer weights where f32 weights are asked for, or the other way round */

/* An open model; the caller owns it. Read the fields as you like; only twolayer_open and twolayer_f32_open write
 * them. There is nothing to close. */
typedef struct twolayer_model {
    const uint8_t *payload; /* the weights, in the caller's bytes */
    size_t payload_len;     /* their bytes */
    uint32_t bits;          /* bits of a weight of the first layer: 4, 8, or 32 of an f32 network */
    uint32_t inputs;        /* pixels of an image */
    uint32_t hidden;        /* hidden units */
    uint32_t outputs;       /* outputs, one a class */
    size_t scratch_words;   /* words of scratch, 32 bits each, that the functions below need */
} twolayer_model;

/* Checks the len bytes of a model file of integer weights, checksums included, and opens it. On an error the model is not
 * written. */
twolayer_status twolayer_open(twolayer_model *model, const uint8_t *bytes, size_t len);

/* Writes the class of an image, the lowest index of the largest output, to *label. The scratch may hold anything. */
twolayer_status twolayer_classify(const twolayer_model *model, const uint8_t *pixels, size_t pixels_len,
                                  uint32_t *scratch, size_t scratch_words, uint32_t *label);

/* Writes the outputs of an image. */
twolayer_status twolayer_outputs(const twolayer_model *model, const uint8_t *pixels, size_t pixels_len,
                                 uint32_t *scratch, size_t scratch_words, int32_t *outputs, size_t outputs_len);

/* The same for f32 weights, for cores with a floating-point unit. Every machine computes the same bits. */
twolayer_status twolayer_f32_open(twolayer_model *model, const uint8_t *bytes, size_t len);
twolayer_status twolayer_f32_classify(const twolayer_model *model, const uint8_t *pixels, size_t pixels_len,
                                      float *scratch, size_t scratch_words, uint32_t *label);
twolayer_status twolayer_f32_outputs(const twolayer_model *model, const uint8_t *pixels, size_t pixels_len,
                                     float *scratch, size_t scratch_words, float *outputs, size_t outputs_len);

/* What a status means, in English; never null. */
const char *twolayer_status_text(twolayer_status status);

#ifdef __cplusplus
}
#endif

#endif
