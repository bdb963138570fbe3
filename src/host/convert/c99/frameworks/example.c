/* Runs the self-test and prints the answer to its image. */
#include <stdio.h>

#include "@name@.h"

/* Row by row, 0 for the background and 255 for full ink: of a camera or a touch screen, for example. */
static uint8_t image[@NAME@_PIXELS];
static @name@_memory memory;

static void answer(void)
{
    const unsigned found = @name@_classify(image, &memory);

    printf("class %u margin %lu", found, (unsigned long)memory.margin);
#if @NAME@_STEPS
    printf(" confidence %u %%", (unsigned)@name@_confidence(memory.margin));
#endif
    printf("\n");
}

@main@
{
    const int passed = @name@_selftest(image, &memory);

    printf("self-test %s\n", passed ? "passed" : "FAILED");
    answer(); /* to the image of the self-test */
@return@}
