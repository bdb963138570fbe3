/* The same as src/bin/classify.rs, from C: classifies the images behind the code in flash and prints the same lines. Linked with
 * the static library by `build-c`. */
#include "board.h"
#include "twolayer.h"

static uint32_t scratch[TWOLAYER_SCRATCH_WORDS(4000, 24)]; /* the largest network that the tests have */
static twolayer_output outputs[256];

static void run(void) {
    const uint32_t model_len = word(__input), count = word(__input + 4), image_len = word(__input + 8);
    const uint32_t offset = word(__input + 12);
    const uint8_t *pixels = __input + 64 + (offset + model_len + 3) / 4 * 4;
    twolayer_model model;
    uint32_t begin = ticks();
    const uint32_t empty = ticks() - begin;
    const volatile uint8_t *bottom = paint();
    begin = ticks();
    const twolayer_status opened = twolayer_open(&model, __input + 64 + offset, model_len);
    const uint32_t spent = ticks() - begin - empty, depth = painted_depth(bottom);
    if (opened != TWOLAYER_OK) {
        field("refused", (uint32_t)opened), print();
        field(twolayer_status_text(opened), (uint32_t)opened), print();
        leave(1);
    }
    field("opened scratch", model.scratch_words * 4), field(" ticks", spent), field(" stack", depth), print();
    if (model.scratch_words > sizeof scratch / sizeof *scratch || model.outputs > 24)
        leave(5);
    for (uint32_t number = 0; number < count; number++, pixels += image_len) {
        uint32_t label = 0;
        bottom = paint();
        begin = ticks();
        const twolayer_status status = twolayer_classify(&model, pixels, image_len, scratch, model.scratch_words, &label);
        const uint32_t cost = ticks() - begin - empty, stack = painted_depth(bottom);
        if (status != TWOLAYER_OK || twolayer_outputs(&model, pixels, image_len, scratch, model.scratch_words, outputs,
                                                      model.outputs) != TWOLAYER_OK)
            leave(6);
        field("image", number), field(" class", label), field(" ticks", cost), field(" stack", stack), text(" outputs");
        for (uint32_t k = 0; k < model.outputs; k++)
            field("", (uint32_t)outputs[k].integer);
        print();
    }
    leave(0);
}
