// Pixels of a batch of pictures, counted in memory order.
#pragma once

#include "gpu.cuh"

// Sample, row and column of a pixel.
struct Pixel {
    int image, y, x;
};

// Pixels are counted in 32 bits, whose division is several times faster.
DEVICE Pixel pixel_at(long long index, int h, int w) {
    unsigned i = (unsigned)index, row = i / (unsigned)w, image = row / (unsigned)h;
    return {(int)image, (int)(row - image * (unsigned)h), (int)(i - row * (unsigned)w)};
}
