/* The article's recipe in plain C, as one would write it in an hour: one sample at a time, zero pixels skipped, the
 * inner loops left to the compiler. What the engine is compared with:
 *
 *     cc -O3 -march=native -ffast-math -o plain benches/plain.c && ./plain "$MNIST_DIR"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 784, HIDDEN = 1000, OUTPUTS = 10, EPOCHS = 5, TRAIN = 60000, TEST = 10000 };

static float w1[INPUTS][HIDDEN], w2[OUTPUTS][HIDDEN], z[HIDDEN], d1[HIDDEN];

static unsigned char *read_file(const char *dir, const char *name, size_t header, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = malloc(size);
    if (!file || !bytes || fseek(file, (long)header, SEEK_SET) || fread(bytes, 1, size, file) != size) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

static void forward(const unsigned char *x, float *y) {
    memset(z, 0, sizeof z);
    for (int i = 0; i < INPUTS; i++)
        if (x[i])
            for (int j = 0; j < HIDDEN; j++) z[j] += x[i] * w1[i][j];
    for (int o = 0; o < OUTPUTS; o++) {
        float sum = 0;
        for (int j = 0; j < HIDDEN; j++) sum += (z[j] > 0 ? z[j] : 0) * w2[o][j];
        y[o] = sum;
    }
}

static float step(const unsigned char *x, int label, float alpha) {
    float y[OUTPUTS], error = 0;
    forward(x, y);
    for (int o = 0; o < OUTPUTS; o++) {
        y[o] -= o == label;
        error += y[o] * y[o];
    }
    memset(d1, 0, sizeof d1);
    for (int o = 0; o < OUTPUTS; o++)
        for (int j = 0; j < HIDDEN; j++) {
            d1[j] += y[o] * w2[o][j];
            w2[o][j] -= alpha * y[o] * (z[j] > 0 ? z[j] : 0);
        }
    for (int j = 0; j < HIDDEN; j++) d1[j] = z[j] > 0 ? alpha * d1[j] : 0;
    for (int i = 0; i < INPUTS; i++)
        if (x[i])
            for (int j = 0; j < HIDDEN; j++) w1[i][j] -= x[i] * d1[j];
    return error;
}

int main(int argc, char **argv) {
    const char *dir = argc > 1 ? argv[1] : ".";
    unsigned char *x = read_file(dir, "train-images-idx3-ubyte", 16, (size_t)TRAIN * INPUTS);
    unsigned char *t = read_file(dir, "train-labels-idx1-ubyte", 8, TRAIN);
    unsigned char *test_x = read_file(dir, "t10k-images-idx3-ubyte", 16, (size_t)TEST * INPUTS);
    unsigned char *test_t = read_file(dir, "t10k-labels-idx1-ubyte", 8, TEST);
    srand(1);
    for (int i = 0; i < INPUTS; i++)
        for (int j = 0; j < HIDDEN; j++) w1[i][j] = 1e-4f * (float)rand() / (float)RAND_MAX;
    for (int o = 0; o < OUTPUTS; o++)
        for (int j = 0; j < HIDDEN; j++) w2[o][j] = 1e-4f * (float)rand() / (float)RAND_MAX;
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        float error = 0;
        for (int k = 0; k < TRAIN; k++) error = step(x + (size_t)k * INPUTS, t[k], 1e-5f);
        printf("Error: %f\n", error);
    }
    int correct = 0;
    for (int k = 0; k < TEST; k++) {
        float y[OUTPUTS];
        int best = 0;
        forward(test_x + (size_t)k * INPUTS, y);
        for (int o = 1; o < OUTPUTS; o++) best = y[o] > y[best] ? o : best;
        correct += best == test_t[k];
    }
    printf("accuracy: %.2f %%\n", correct * 100.0 / TEST);
}
