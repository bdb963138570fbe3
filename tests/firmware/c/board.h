/* Start-up, semihosting, instruction counter and painted stack of a C image for the boards of `build-c`; linked with a script of
 * link/. The image defines run(), which ends with leave(). */
#include <stdint.h>

extern uint32_t __bss_start[], __bss_end[];
extern const uint8_t __input[];
extern char __stack_top[];

void start(void);

static void semihost(int operation, const void *argument) {
#ifdef __riscv
    register int a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".balign 16\n .option push\n .option norvc\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n .option pop"
                     : "+r"(a0) : "r"(a1) : "memory");
#else
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
#endif
}

static void leave(uint32_t code) {
    const uint32_t block[2] = {0x20026, code};
    for (;;)
        semihost(0x20, block);
}

__attribute__((aligned(4))) static void fault(void) { leave(3); }

#if defined __riscv
static void start_ticks(void) {}

static uint32_t ticks(void) {
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count));
    return count;
}
#elif defined AN547 /* has no such timer */
static void start_ticks(void) {}

static uint32_t ticks(void) { return 0; }
#else
/* CMSDK timer 0, which counts down. */
#ifdef AN505
static volatile uint32_t *const timer = (volatile uint32_t *)0x50000000;
#else
static volatile uint32_t *const timer = (volatile uint32_t *)0x40000000;
#endif

static void start_ticks(void) {
    timer[2] = timer[1] = 0xFFFFFFFF;
    timer[0] = 1;
}

static uint32_t ticks(void) { return ~timer[1]; }
#endif

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
#ifdef __riscv
    __asm__ volatile("mv %0, sp" : "=r"(sp));
#else
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#endif
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

#ifdef __riscv
__attribute__((naked, section(".vectors"), used)) void start(void) {
    __asm__ volatile("la sp, __stack_top\n csrw mcountinhibit, zero\n la t0, %0\n csrw mtvec, t0\n j prepare\n .balign 4" ::"i"(fault));
}
#else
__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)__stack_top, start, fault, fault, fault, fault, fault, fault,
    fault, fault, fault, fault, fault, fault, fault, fault,
};

/* The FPU first: the compiler may use its registers anywhere. */
__attribute__((naked, section(".start"))) void start(void) {
#ifdef __ARM_FP
    __asm__ volatile("ldr r0, =0xE000ED88\n ldr r1, [r0]\n orr r1, r1, #0xF00000\n str r1, [r0]\n dsb\n isb");
#endif
    __asm__ volatile("bl prepare\n .ltorg");
}
#endif

__attribute__((used)) static void prepare(void) {
    for (uint32_t *p = __bss_start; p < __bss_end; p++)
        *p = 0;
    end = line;
    start_ticks();
    run();
}
