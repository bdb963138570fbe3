/* Classifies images with network.c and network.h, which `twolayer export --format c99` wrote. Prints a line an image, like
 * src/bin/classify.rs. On a Cortex-M of QEMU's mps2-an386, the images lie behind the code in flash; on an AVR of QEMU's
 * mega2560, they come in by the UART; on a host, they are read from standard input. */
#include "network.h"

static network_memory memory;

#ifdef __arm__

#include "board.h"

static const uint8_t *pixels;
static uint32_t images;

static int next(void) {
    if (!pixels) {
        images = word(__input + 4);
        pixels = __input + 64;
    } else {
        pixels += NETWORK_PIXELS;
    }
    return images-- != 0;
}

#else

static uint8_t pixels[NETWORK_PIXELS];

#ifdef __AVR__

#include <avr/io.h>

enum { PAINTED = 1024 };

static void text(const char *s) {
    while (*s) {
        while (!(UCSR0A & (1 << UDRE0)))
            ;
        UDR0 = (uint8_t)*s++;
    }
}

static int next(void) {
    for (unsigned i = 0; i < NETWORK_PIXELS; i++) {
        while (!(UCSR0A & (1 << RXC0)))
            ;
        pixels[i] = UDR0;
    }
    return 1;
}

static uint32_t ticks(void) { return 0; }

static volatile uint8_t *paint(void) {
    volatile uint8_t *bottom = (volatile uint8_t *)(SP - PAINTED);
    for (int i = 0; i < PAINTED; i++)
        bottom[i] = 0xA5;
    return bottom;
}

static uint32_t painted_depth(const volatile uint8_t *bottom) {
    uint16_t intact = 0;
    while (intact < PAINTED && bottom[intact] == 0xA5)
        intact++;
    return PAINTED - intact;
}

#else

#include <stdio.h>

static void text(const char *s) { fputs(s, stdout); }

static int next(void) { return fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels; }

static uint32_t ticks(void) { return 0; }

static const uint8_t *paint(void) { return pixels; }

static uint32_t painted_depth(const volatile uint8_t *bottom) { return bottom != pixels; }

#endif

static void print(void) { text("\n"); }

static void field(const char *name, uint32_t number) {
    char digits[10] = " ";
    for (int i = 0; i < 8; i++)
        digits[1 + i] = "0123456789abcdef"[number >> (28 - 4 * i) & 15];
    text(name), text(digits);
}

static void run(void);

int main(void) {
#ifdef __AVR__
    UBRR0 = 0;
    UCSR0B = 1 << RXEN0 | 1 << TXEN0;
#endif
    run();
    return 0;
}

static void leave(uint32_t code) { (void)code; }

#endif

static void run(void) {
#ifdef __arm__
    static uint8_t pattern[NETWORK_PIXELS];
#else
    uint8_t *const pattern = pixels;
#endif
    if (!network_selftest(pattern, &memory)) {
        text("the self-test fails"), print(), leave(1);
        return;
    }
    uint32_t begin = ticks();
    const uint32_t empty = ticks() - begin;
    for (uint32_t number = 0; next(); number++) {
        const volatile uint8_t *const bottom = paint();
        begin = ticks();
        const uint8_t class_ = network_classify(pixels, &memory);
        const uint32_t cost = ticks() - begin - empty, stack = painted_depth(bottom);
        field("image", number), field(" class", class_), field(" ticks", cost), field(" stack", stack);
        field(" margin", memory.margin), text(" outputs");
        for (unsigned k = 0; k < NETWORK_OUTPUTS; k++)
            field("", (uint32_t)memory.outputs[k]);
#if NETWORK_STEPS
        field("", network_confidence(memory.margin));
#endif
        print();
    }
    leave(0);
}
