// Normals as the engine makes them, in a bare loop: threefry2x32-20, both words, and the inverse normal of engine/bits.py.
// gcc -O3 -march=native -ffast-math -fopenmp -mprefer-vector-width=512 normals.c -o normals -lm; ./normals MILLIONS
// Prints seconds, and mean and variance of what was drawn.
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANES 512

static inline uint32_t rotate(uint32_t x, int by) { return (x << by) | (x >> (32 - by)); }

static inline void threefry(uint32_t k0, uint32_t k1, uint32_t c0, uint32_t c1, uint32_t *a, uint32_t *b) {
    const uint32_t schedule[3] = {k0, k1, k0 ^ k1 ^ 0x1BD11BDAu};
    uint32_t x0 = c0 + k0, x1 = c1 + k1;
#define ROUND(r) x0 += x1; x1 = rotate(x1, r); x1 ^= x0;
#define EVEN ROUND(13) ROUND(15) ROUND(26) ROUND(6)
#define ODD ROUND(17) ROUND(29) ROUND(16) ROUND(24)
#define KEY(g) x0 += schedule[(g + 1) % 3]; x1 += schedule[(g + 2) % 3] + g + 1;
    EVEN KEY(0) ODD KEY(1) EVEN KEY(2) ODD KEY(3) EVEN KEY(4)
    *a = x0;
    *b = x1;
}

static inline float as_float(int32_t i) { float f; memcpy(&f, &i, 4); return f; }
static inline int32_t as_int(float f) { int32_t i; memcpy(&i, &f, 4); return i; }

static const float CENTRE[] = {2.1233131885528564f, 0.34880363941192627f, -0.005906121805310249f, -0.0017743168864399195f,
    0.00030735955806449056f, -5.790068826172501e-06f, -4.5055203372612596e-06f, 4.4637258156399184e-07f};
static const float TAIL[] = {4.631627559661865f, 1.4240339994430542f, 0.005216009449213743f, -0.0032318877056241035f,
    0.0017834509490057826f, -0.001403124420903623f, 0.0009006763575598598f, -0.00023856162442825735f};
static const float LOG[] = {1.0000032186508179f, -0.5000196695327759f, 0.3330329954624176f, -0.24881339073181152f,
    0.20604674518108368f, -0.18901976943016052f, 0.11827471852302551f};

static inline float normal(uint32_t word) {
    int32_t upper = (int32_t)word >> 31, k = (int32_t)word ^ upper;
    float p = ((float)k + 0.5f) * 0x1p-32f, v = 4.0f * (p - p * p);
    int32_t exponent = (as_int(v) - 0x3F3504F3) >> 23;
    float f = as_float(as_int(v) - (exponent << 23)) - 1.0f, log = LOG[6];
    for (int j = 5; j >= 0; j--) log = log * f + LOG[j];
    float w = -((float)exponent * 0.6931472f + f * log);
    int near = w < 5.0f;
    float d = near ? w - 2.5f : sqrtf(w) - 3.44f, value = near ? CENTRE[7] : TAIL[7];
    for (int j = 6; j >= 0; j--) value = value * d + (near ? CENTRE[j] : TAIL[j]);
    float size = (1.0f - 2.0f * p) * value;
    return upper ? size : -size;
}

int main(int argc, char **argv) {
    long loops = (argc > 1 ? atol(argv[1]) : 400) * 1000000L / LANES / 2;
    double sum = 0, squares = 0, start = omp_get_wtime();
#pragma omp parallel for reduction(+ : sum, squares)
    for (long loop = 0; loop < loops; loop++) {
        float first = 0, second = 0;
#pragma omp simd reduction(+ : first, second)
        for (int lane = 0; lane < LANES; lane++) {
            uint32_t a, b;
            threefry(12345u, (uint32_t)(loop % 64), (uint32_t)(loop / 64 * LANES + lane), 0, &a, &b);
            float x = normal(a), y = normal(b);
            first += x + y;
            second += x * x + y * y;
        }
        sum += first;
        squares += second;
    }
    double took = omp_get_wtime() - start, n = 2.0 * LANES * loops;
    printf("%.6f %.6f %.6f\n", took, sum / n, squares / n);
}
