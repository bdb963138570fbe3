/* A sample of what `twolayer export` writes in place of this file, to compile and lint network.c as it stands: a small network
 * of any kind, such as -DNETWORK_BITS=4 -DNETWORK_BIASES=1 -DNETWORK_HALVES=1 -DNETWORK_DESLANTS=1. */
#ifndef NETWORK_BITS
#define NETWORK_BITS 8
#endif
#ifndef NETWORK_BIASES
#define NETWORK_BIASES 0
#endif
#ifndef NETWORK_HALVES
#define NETWORK_HALVES 0
#endif
#ifndef NETWORK_DESLANTS
#define NETWORK_DESLANTS 0
#endif
#define NETWORK_INPUTS 4
#define NETWORK_WIDTH (2 << NETWORK_HALVES)
#define NETWORK_HEIGHT (2 << NETWORK_HALVES)
#define NETWORK_PIXELS (NETWORK_WIDTH * NETWORK_HEIGHT)
#define NETWORK_HIDDEN 20
#define NETWORK_OUTPUTS 3
#define NETWORK_SHIFT 6
#ifndef NETWORK_STEPS
#define NETWORK_STEPS 2
#endif
#define NETWORK_SELFTEST 0U
#ifndef NETWORK_BYTES
#define NETWORK_BYTES 196
#endif
/* The names of the classes, in UTF-8; only of a network that has some. */
static const char *const network_class_names[NETWORK_OUTPUTS] = {
    "one",
    "two",
    "\303\237",
};
