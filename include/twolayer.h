/* twolayer: classifies images with a trained two-layer network, from C or C++.
 *
 * A model file has integer weights or f32 weights. Its kind matters only to the function that opens it: twolayer_open for plain
 * integer networks, twolayer_open_any for integer networks that may have biases, or deslant or halve their images first (for a little
 * more code), twolayer_open_f32 for f32 networks. An open model keeps the code that it is asked with; the linker drops the code
 * of kinds that are never opened.
 *
 * The model is read in place: its bytes must start at a multiple of 4, and stay valid and unchanged while the model is
 * in use. Pixels need no alignment, but must not change while a function reads them. Buffers must not overlap. No function
 * allocates, aborts or has global state, so threads and interrupt handlers may share a model, each with its own scratch. */
#ifndef TWOLAYER_H
#define TWOLAYER_H

#include <stddef.h>
#include <stdint.h>

/* A library for a target of the hard-float ABI (Rust's names end in eabihf) uses the DSP instructions. On an M33 or M35P that
 * was made without them it would stop with a hard fault: build it for the soft-float ABI, or with
 * RUSTFLAGS='--cfg twolayer_rows="portable"', and define TWOLAYER_PORTABLE for this header. */
#if defined(__ARM_PCS_VFP) && defined(__ARM_ARCH_8M_MAIN__) && !defined(__ARM_FEATURE_DSP) && !defined(TWOLAYER_PORTABLE)
#error "this core has no DSP instructions: build the library with --cfg twolayer_rows=\"portable\", and define TWOLAYER_PORTABLE"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header, and of the library that it belongs to: 10000 * major + 100 * minor + patch. */
#define TWOLAYER_VERSION 300

/* The status that functions return. */
typedef int32_t twolayer_status;

#define TWOLAYER_OK 0
#define TWOLAYER_NULL 1       /* a pointer is null or not aligned for its type */
#define TWOLAYER_MAGIC 2      /* the bytes are not a model file */
#define TWOLAYER_HEADER 3     /* the version or kind is unknown, or a field of the header or the text is not valid */
#define TWOLAYER_LENGTH 4     /* the model file is too short or too long */
#define TWOLAYER_CHECKSUM 5   /* a checksum is wrong: the model file is damaged */
#define TWOLAYER_PAYLOAD 6    /* the weights violate their format */
#define TWOLAYER_MISALIGNED 7 /* the model file does not start at a multiple of 4 */
#define TWOLAYER_PIXELS 8     /* the number of pixels is not that of the network's images */
#define TWOLAYER_SCRATCH 9    /* the scratch is too small */
#define TWOLAYER_OUTPUTS 10   /* outputs_len is not the network's number of outputs */
#define TWOLAYER_KIND 11      /* the network is of another kind than the function opens */
#define TWOLAYER_PICTURE 12   /* a picture's sides, stride, length or ink is not what twolayer_normalize takes */
#define TWOLAYER_BLANK 13     /* nothing stands out in the picture */
#define TWOLAYER_NO_DIGIT 14  /* no digit found: noise, a texture, too much ink, scattered blobs, or a speck only */
#define TWOLAYER_NOT_FINITE 15 /* outputs of f32 weights are infinite or not numbers: the weights are too large */
#define TWOLAYER_NO_CONFIDENCE 16 /* the model has no table of confidence */

/* An open model, owned by the caller. Its fields may be read; only the functions that open may write them.
 * There is nothing to close. */
typedef struct twolayer_model {
    const uint8_t *payload; /* the weights, in the caller's bytes */
    size_t payload_len;     /* length of the weights in bytes */
    uint32_t bits;          /* bits per weight of the first layer: 4, 8, or 32 for f32 */
    uint32_t pixels;        /* pixels per image */
    uint32_t inputs;        /* inputs of the network: a quarter of the pixels if images are halved, else as many */
    uint32_t hidden;        /* hidden units */
    uint32_t outputs;       /* outputs, one per class */
    uint16_t biases;        /* 1 if the network has biases, else 0 */
    uint8_t halves;         /* 1 if images are halved, else 0 */
    uint8_t deslants;       /* 1 if images are deslanted, else 0 */
    uint16_t width;         /* columns of the images, if they are halved or deslanted, else 0 */
    uint16_t height;        /* rows of the images, if they are halved or deslanted, else 0 */
    size_t scratch_words;   /* scratch length in 32-bit words for the functions below */
    void (*runner)(void);   /* private */
} twolayer_model;

/* An output or a margin is a number of the network's own kind. */
typedef union twolayer_output {
    int32_t integer; /* of integer networks */
    float real;      /* of f32 networks: model.bits is 32 */
} twolayer_output;

typedef union twolayer_margin {
    uint32_t integer;
    float real;
} twolayer_margin;

/* The scratch length as a constant, for arrays: equal to scratch_words for plain integer weights and for those that halve or
 * deslant their images, an upper bound for f32. */
#define TWOLAYER_SCRATCH_WORDS(inputs, outputs) (((inputs) + 1u) / 2u + (outputs) + 45u)
#define TWOLAYER_PREPARED_SCRATCH_WORDS(inputs, outputs) (TWOLAYER_SCRATCH_WORDS(inputs, outputs) + ((inputs) + 3u) / 4u)
#define TWOLAYER_F32_SCRATCH_WORDS(inputs, outputs) (2u * (inputs) + (inputs) / 4u + ((inputs) + 111u) / 112u + 16u * (outputs) + 191u)

/* Opens a model file, len bytes long, and checks it, checksums included: plain integer weights, any integer weights, f32
 * weights. On error, *model is not written. The checksum costs a pass over the file: 10 instructions a byte on a Cortex-M4, 4 if
 * the library is built with the feature crc-table (a table of 1 kB). f32 weights are for cores with a floating-point unit; their
 * results are bit-identical on every machine. */
twolayer_status twolayer_open(twolayer_model *model, const uint8_t *bytes, size_t len);
twolayer_status twolayer_open_any(twolayer_model *model, const uint8_t *bytes, size_t len);
twolayer_status twolayer_open_f32(twolayer_model *model, const uint8_t *bytes, size_t len);

/* The same, without comparing the weights with their checksum: a few thousand instructions for integer weights, however long the
 * file is. Damaged weights make wrong answers, and nothing worse. */
twolayer_status twolayer_open_unchecked(twolayer_model *model, const uint8_t *bytes, size_t len);
twolayer_status twolayer_open_any_unchecked(twolayer_model *model, const uint8_t *bytes, size_t len);
twolayer_status twolayer_open_f32_unchecked(twolayer_model *model, const uint8_t *bytes, size_t len);

/* Checks the header, the length, all checksums and the text of a model file of any kind, open or not: call it later, when there is
 * time, for what the functions above leave out. */
twolayer_status twolayer_verify(const uint8_t *bytes, size_t len);

/* The length of the model file at the beginning of a region of len bytes, or 0 if there is none: for a part of flash that is
 * kept for models and written apart from the program. Checks the header, the length and all checksums, so that an update that
 * was torn is 0. What lies behind the model is not looked at. */
size_t twolayer_file_len(const uint8_t *region, size_t len);

/* Writes the class of an image to *label: the index of the largest output, the lowest such index if there are several.
 * The scratch need not be initialised. A blank image is no error: it is a class like any other, 0 if the network has no
 * biases, for then all its outputs are 0. Whether there is something to classify is for the caller to know. */
twolayer_status twolayer_classify(const twolayer_model *model, const uint8_t *pixels, size_t pixels_len,
                                  uint32_t *scratch, size_t scratch_words, uint32_t *label);

/* As twolayer_classify, and writes the margin: by how much the largest output is above the next largest; UINT32_MAX or infinity
 * if there is one output only. The smaller the margin, the likelier is a mistake. Its unit is the network's own. */
twolayer_status twolayer_classify_margin(const twolayer_model *model, const uint8_t *pixels, size_t pixels_len,
                                         uint32_t *scratch, size_t scratch_words, uint32_t *label,
                                         twolayer_margin *margin);

/* Writes the confidence of an answer with this margin: the share of right answers, in per cent, that the network gave at such
 * margins to images that it was not trained on. bytes is the model file, whose text has the table: TWOLAYER_NO_CONFIDENCE if it has
 * none. The weights are not looked at, and the text is read: some thousand instructions. */
twolayer_status twolayer_confidence(const uint8_t *bytes, size_t len, const twolayer_margin *margin, uint32_t *percent);

/* Writes the outputs of an image, outputs_len numbers. */
twolayer_status twolayer_outputs(const twolayer_model *model, const uint8_t *pixels, size_t pixels_len,
                                 uint32_t *scratch, size_t scratch_words, twolayer_output *outputs, size_t outputs_len);

/* What is darker in a picture, the ink or what it is on. */
#define TWOLAYER_INK_AUTO 0u  /* found out */
#define TWOLAYER_INK_DARK 1u  /* dark ink on light paper */
#define TWOLAYER_INK_LIGHT 2u /* light ink on a dark ground */

/* The scratch length that twolayer_normalize needs for pictures of up to so many columns and rows and an input of
 * side * side. */
#define TWOLAYER_PICTURE_SCRATCH_WORDS(width, height, side)                                                            \
    (((width) + 31u) / 32u * (height) * 2u + 128u + TWOLAYER_SHARED_SCRATCH_WORDS(width, side))
#define TWOLAYER_SHARED_SCRATCH_WORDS(width, side)                                                                     \
    TWOLAYER_LARGER(TWOLAYER_LARGER(((width) + 1u) / 2u * 5u, (side) * 5u / 7u * ((side) * 5u / 7u * 2u + 1u)), 512u)
#define TWOLAYER_LARGER(a, b) ((a) > (b) ? (a) : (b))

/* Makes a network's input of the one digit in a grey picture of any size, as MNIST's images were made: input_len is 784 for
 * MNIST's 28 x 28, or the square of any other side from 8 to 256. Rows of width pixels start every stride bytes, the first
 * one at the top; each side is 1 to 16384. The input can then be given to the functions above. On error, the input is not
 * written: TWOLAYER_PICTURE, TWOLAYER_PIXELS (input_len is no such square), TWOLAYER_SCRATCH, TWOLAYER_BLANK or
 * TWOLAYER_NO_DIGIT. */
twolayer_status twolayer_normalize(const uint8_t *pixels, size_t pixels_len, uint32_t width, uint32_t height,
                                   uint32_t stride, uint32_t ink, uint32_t *scratch, size_t scratch_words,
                                   uint8_t *input, size_t input_len);

/* The scratch length that twolayer_read needs, without the model's scratch_words, which it needs besides. */
#define TWOLAYER_READ_SCRATCH_WORDS(width, height, side)                                                               \
    (((width) + 31u) / 32u * (height) * 3u + 384u + TWOLAYER_SHARED_SCRATCH_WORDS(width, side))

/* A digit of a picture of several. */
typedef struct twolayer_digit {
    uint32_t label;                    /* its class */
    twolayer_margin margin;            /* see twolayer_classify_margin */
    uint32_t left, top, width, height; /* its box, in pixels of the picture */
    uint32_t line;                     /* the line that it is in, counted from 0 at the top */
    uint32_t doubtful;                 /* 1 if it may be several digits that touch, or a part of one, else 0 */
} twolayer_digit;

/* Finds all digits in a grey picture, line by line from left to right, and asks the model for their classes. It writes as many as
 * digits has room for, and to *found how many there are. Where digits touch or are broken, the model decides: each way to part
 * them is asked. input has room for the model's pixels, which must be a square; all else is as for twolayer_normalize, and on
 * error *found is not written. */
twolayer_status twolayer_read(const twolayer_model *model, const uint8_t *pixels, size_t pixels_len, uint32_t width,
                              uint32_t height, uint32_t stride, uint32_t ink, uint32_t *scratch, size_t scratch_words,
                              uint8_t *input, size_t input_len, twolayer_digit *digits, size_t digits_len,
                              size_t *found);

/* A description of a status in English; never null. */
const char *twolayer_status_text(twolayer_status status);

#ifdef __cplusplus
}
#endif

#endif
