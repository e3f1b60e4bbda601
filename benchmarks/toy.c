/* The toy workload in C: OpenMP over groups of 64 paths, vectorised over the paths of a group, float32 with fast math.
 * Threefry-2x32-20 with both words used; normal quantile by M. Giles (GPU Computing Gems 2, 2012, ch. 10).
 *
 * gcc -O3 -march=native -ffast-math -fopenmp -mprefer-vector-width=512 toy.c -o toy -lm; ./toy PATHS
 * prints seconds and the means of layoffs, default share, bank loss and GDP under the second policy. */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LANES = 64, YEARS = 15, NORMALS = 12, PLACES = 3, SECTORS = 3, CELLS = 9, POLICIES = 2, OUTCOMES = 4 };
#define LANE_LOOP _Pragma("omp simd") for (int l = 0; l < LANES; l++)
typedef float Row[LANES];

static inline uint32_t rotated(uint32_t x, int by) { return (x << by) | (x >> (32 - by)); }

static inline void threefry(uint32_t counter, uint32_t stream, uint32_t *first, uint32_t *second) {
    static const int rotation[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    const uint32_t key[3] = {1u, 0u, 1u ^ 0u ^ 0x1BD11BDAu};
    uint32_t a = counter + key[0], b = stream + key[1];
#pragma GCC unroll 5
    for (int group = 0; group < 5; group++) {
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            a += b;
            b = rotated(b, rotation[group & 1][r]) ^ a;
        }
        a += key[(group + 1) % 3];
        b += key[(group + 2) % 3] + (uint32_t)group + 1u;
    }
    *first = a;
    *second = b;
}

static inline float normal(uint32_t word) {
    const float u = ((float)(int32_t)(word >> 9) + 0.5f) * 0x1p-23f;
    const float x = 2.0f * u - 1.0f;
    const float w = -logf(1.0f - x * x);
    const float near = w - 2.5f, far = sqrtf(w) - 3.0f;
    float p = 2.81022636e-08f, q = -0.000200214257f;
    p = 3.43273939e-07f + p * near, q = 0.000100950558f + q * far;
    p = -3.5233877e-06f + p * near, q = 0.00134934322f + q * far;
    p = -4.39150654e-06f + p * near, q = -0.00367342844f + q * far;
    p = 0.00021858087f + p * near, q = 0.00573950773f + q * far;
    p = -0.00125372503f + p * near, q = -0.0076224613f + q * far;
    p = -0.00417768164f + p * near, q = 0.00943887047f + q * far;
    p = 0.246640727f + p * near, q = 1.00167406f + q * far;
    p = 1.50140941f + p * near, q = 2.83297682f + q * far;
    return 1.41421356f * (w < 5.0f ? p : q) * x;
}

static inline float logistic(float x) { return 1.0f / (1.0f + expf(-x)); }

static void draw(uint32_t first_path, uint32_t step, Row *normals) {
    for (int d = 0; d < NORMALS / 2; d++)
        LANE_LOOP {
            uint32_t a, b;
            threefry(first_path + (uint32_t)l, step * 64u + (uint32_t)d, &a, &b);
            normals[d][l] = normal(a);
            normals[d + NORMALS / 2][l] = normal(b);
        }
}

static void one_policy(const Row *q, const Row (*noise)[NORMALS], float policy, Row *outcomes) {
    Row reversion, cut, intensity, fund, leverage, exposure, lgd;
    Row price[SECTORS], capacity[CELLS], employed[CELLS], equity[CELLS];
    Row unemployed[PLACES], bank[PLACES], gdp[PLACES];
    LANE_LOOP {
        reversion[l] = logistic(q[0][l]);
        cut[l] = 0.05f * expf(0.3f * q[1][l]);
        intensity[l] = expf(0.2f * q[2][l]);
        fund[l] = fabsf(q[4][l]);
        leverage[l] = expf(q[5][l]);
        exposure[l] = expf(0.3f * q[6][l]);
        lgd[l] = logistic(q[7][l]);
        for (int p = 0; p < PLACES; p++) price[p][l] = 0, unemployed[p][l] = 0, bank[p][l] = 0.1f, gdp[p][l] = 1;
        for (int c = 0; c < CELLS; c++) capacity[c][l] = 1, employed[c][l] = 1, equity[c][l] = 0.5f;
        for (int o = 0; o < OUTCOMES; o++) outcomes[o][l] = 0;
    }
    for (int t = 0; t < YEARS; t++) {
        const Row *z = noise[t];
        LANE_LOOP {
            float worth[SECTORS], layoffs = 0, losses = 0, defaults = 0, output = 0;
            for (int s = 0; s < SECTORS; s++) {
                price[s][l] += 0.15f * z[s][l] - reversion[l] * price[s][l];
                worth[s] = expf(price[s][l]);
            }
            for (int p = 0; p < PLACES; p++) {
                float laid_off = 0, profits = 0, loss = 0;
                const float hired = unemployed[p][l] * logistic(q[3][l] + 0.3f * z[6 + p][l] + policy * fund[l]);
                for (int s = 0; s < SECTORS; s++) {
                    const int c = SECTORS * p + s;
                    const float use = logistic(1.0f + price[s][l] + 0.2f * z[3 + p][l]);
                    const float closed = capacity[c][l] * cut[l] * policy;
                    const float leaving = employed[c][l] * (closed / capacity[c][l]) * intensity[l];
                    employed[c][l] -= leaving;
                    capacity[c][l] -= closed;
                    const float profit = capacity[c][l] * (use * worth[s] - 0.7f);
                    equity[c][l] += profit - 0.05f * (1.0f - policy) * leverage[l];
                    const float failed = logistic(-8.0f * equity[c][l]);
                    laid_off += leaving, profits += profit, defaults += failed;
                    loss += failed * exposure[l] * lgd[l];
                }
                unemployed[p][l] += laid_off - hired;
                bank[p][l] += 0.01f - loss;
                const float missing = fmaxf(0.05f - bank[p][l], 0.0f);
                gdp[p][l] *= 1.05f + 0.02f * z[9 + p][l] - 0.1f * missing - 0.2f * unemployed[p][l] + 0.1f * profits;
                layoffs += laid_off, losses += loss, output += gdp[p][l];
            }
            outcomes[0][l] += layoffs;
            outcomes[1][l] = fmaxf(outcomes[1][l], defaults / CELLS);
            outcomes[2][l] += losses;
            outcomes[3][l] = output;
        }
    }
}

int main(int count, char **words) {
    const long paths = count > 1 ? atol(words[1]) : 1L << 20;
    double sums[POLICIES * OUTCOMES] = {0};
    const double start = omp_get_wtime();
#pragma omp parallel for schedule(static) reduction(+ : sums[:POLICIES * OUTCOMES])
    for (long group = 0; group < paths / LANES; group++) {
        Row q[NORMALS], noise[YEARS][NORMALS], outcomes[OUTCOMES];
        const uint32_t first = (uint32_t)(group * LANES);
        draw(first, 1000, q);
        for (int t = 0; t < YEARS; t++) draw(first, (uint32_t)t, noise[t]);
        for (int policy = 0; policy < POLICIES; policy++) {
            one_policy(q, noise, (float)policy, outcomes);
            for (int o = 0; o < OUTCOMES; o++)
                for (int l = 0; l < LANES; l++) sums[OUTCOMES * policy + o] += outcomes[o][l];
        }
    }
    printf("%.6f", omp_get_wtime() - start);
    for (int o = 0; o < OUTCOMES; o++) printf(" %.6f", sums[OUTCOMES + o] / (double)paths);
    printf("\n");
    return 0;
}
