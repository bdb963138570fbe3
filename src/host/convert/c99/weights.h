/* A sample of what `twolayer export` writes in place of this file: the arrays of the network of sizes.h. */
#if NETWORK_BIASES
static const uint32_t network_b2[] NETWORK_FLASH = {0x00800000U, 0x007FFFF0U, 0x00800010U};
static const uint32_t network_b1[2 * NETWORK_UNITS] NETWORK_FLASH = {0x00000001U, 0xFFFFFFFFU};
#endif

#if NETWORK_STEPS
static const uint32_t network_steps[2 * NETWORK_STEPS] NETWORK_FLASH = {0, 50, 300, 99};
#endif

static const uint32_t network_tile_0[4 * NETWORK_INPUTS] NETWORK_FLASH = {0x88888888U, 0x7F808182U, 0x00FF00FFU, 0x0F0F0F0FU};
#if NETWORK_BITS == 8
static const uint32_t network_tile_1[4 * NETWORK_INPUTS] NETWORK_FLASH = {0x80808080U, 0x01020304U, 0xFFFFFFFFU, 0x00000000U};
#endif

static network_words network_tile_at(uint_least16_t tile)
{
    switch (tile) {
#if NETWORK_BITS == 8
    case 0: return NETWORK_ADDRESS(network_tile_0);
    default: return NETWORK_ADDRESS(network_tile_1);
#else
    default: return NETWORK_ADDRESS(network_tile_0);
#endif
    }
}

static const int8_t network_w2[NETWORK_HIDDEN * NETWORK_OUTPUTS] NETWORK_FLASH = {1, -128, 127, 2, -3, 5};
