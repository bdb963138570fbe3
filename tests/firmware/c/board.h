/* Start-up, semihosting, instruction counter and painted stack of a C image for Cortex-M on QEMU's mps2-an386; linked with
 * link/mps2.x. The image defines run(), which ends with leave(). */
#include <stdint.h>

extern uint32_t __bss_start[], __bss_end[];
extern const uint8_t __input[];
extern char __stack_top[];

void start(void);

static void fault(void);

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)__stack_top, start, fault, fault, fault, fault, fault, fault,
    fault, fault, fault, fault, fault, fault, fault, fault,
};

static void semihost(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void leave(uint32_t code) {
    const uint32_t block[2] = {0x20026, code};
    for (;;)
        semihost(0x20, block);
}

static void fault(void) { leave(3); }

/* CMSDK timer 0, which counts down. */
static volatile uint32_t *const timer = (volatile uint32_t *)0x40000000;

static uint32_t ticks(void) { return ~timer[1]; }

static char line[512];
static char *end;

static void text(const char *s) {
    while (*s && end < line + sizeof line - 2)
        *end++ = *s++;
}

static void hex(uint32_t number) {
    char digits[9];
    for (int i = 0; i < 8; i++)
        digits[i] = "0123456789abcdef"[number >> (28 - 4 * i) & 15];
    digits[8] = 0;
    text(digits);
}

static void print(void) {
    text("\n");
    *end = 0;
    semihost(4, line);
    end = line;
}

/* The unused stack, painted. */
enum { PAINTED = 4096 };

static volatile uint8_t *stack_pointer(void) {
    volatile uint8_t *sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

static volatile uint8_t *paint(void) {
    volatile uint8_t *bottom = stack_pointer() - PAINTED;
    for (int i = 0; i < PAINTED; i++)
        bottom[i] = 0xA5;
    return bottom;
}

static uint32_t painted_depth(const volatile uint8_t *bottom) {
    uint32_t intact = 0;
    while (intact < PAINTED && bottom[intact] == 0xA5)
        intact++;
    return PAINTED - intact;
}

static void field(const char *name, uint32_t number) { text(name), text(" "), hex(number); }

static uint32_t word(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void run(void);

/* The FPU first: the compiler may use its registers anywhere. */
__attribute__((naked, section(".start"))) void start(void) {
#ifdef __ARM_FP
    __asm__ volatile("ldr r0, =0xE000ED88\n ldr r1, [r0]\n orr r1, r1, #0xF00000\n str r1, [r0]\n dsb\n isb");
#endif
    __asm__ volatile("b prepare\n .ltorg");
}

__attribute__((used)) static void prepare(void) {
    for (uint32_t *p = __bss_start; p < __bss_end; p++)
        *p = 0;
    end = line;
    timer[2] = timer[1] = 0xFFFFFFFF;
    timer[0] = 1;
    run();
}
