// What the 32 threads of a warp hand each other under the SIMT runtime.
//
// Invariants: a thread takes part in its warp's exchanges in the same order as its neighbours, so it is at most one exchange ahead of
// the slowest: two tables used in turn are enough. Nothing is announced to ThreadSanitizer, because the warp-wide instructions that
// exchanges stand for order no memory accesses either.
#pragma once

#include <cstdint>

#include "simt.h"

namespace cuattr::simt {

class WarpExchange {
  public:
    static constexpr unsigned lanes = 32;

    // A block begins: nobody waits.
    void clear() { arrived_ = 0; }

    // A lane arrives with its words; returns where the words of all lanes lie one after another once all have arrived.
    const void *arrive(unsigned lane, const void *words, int bytes, unsigned number) {
        uint32_t *const table = tables_[number % 2];
        volatile uint32_t *const place = table + lane * static_cast<unsigned>(bytes) / 4;
        // Word by word: ThreadSanitizer would see a call of memcpy.
        for (int i = 0; i < bytes / 4; i++) place[i] = static_cast<const uint32_t *>(words)[i];
        arrived_++;
        return table;
    }

    bool waited_for() const { return arrived_ > 0; }
    bool complete() const { return arrived_ == lanes; }
    void release() { arrived_ = 0; }

  private:
    unsigned arrived_ = 0;
    alignas(64) uint32_t tables_[2][lanes * max_exchange_bytes / 4];
};

} // namespace cuattr::simt
