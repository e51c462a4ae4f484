// The shared memory of a block under the SIMT runtime.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

#include "fiber.h"
#include "kernel_entry.h"

#if CUATTR_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace cuattr::simt {

// A block's shared memory: arrays in the order of their first use, each followed by a gap that AddressSanitizer guards.
class SharedArena {
  public:
    SharedArena() : memory_(static_cast<char *>(std::aligned_alloc(shared_alignment, capacity))) {
        if (!memory_) throw std::bad_alloc();
    }
    SharedArena(const SharedArena &) = delete;
    SharedArena &operator=(const SharedArena &) = delete;
    ~SharedArena() {
#if CUATTR_ASAN
        ASAN_UNPOISON_MEMORY_REGION(memory_, capacity);
#endif
        std::free(memory_);
    }

    void clear() {
        arrays_ = used_ = asked_ = 0;
#if CUATTR_ASAN
        ASAN_POISON_MEMORY_REGION(memory_, capacity);
#endif
    }

    // The array of this key; null where the block has asked for more than a GPU would give it.
    void *find_or_make(const void *key, int bytes) {
        for (int i = 0; i < arrays_; i++)
            if (keys_[i] == key) return memory_ + offsets_[i];
        asked_ += bytes;
        if (asked_ > max_shared_bytes || arrays_ == max_shared_arrays) return nullptr;
        char *array = memory_ + used_;
        keys_[arrays_] = key;
        offsets_[arrays_++] = used_;
        used_ += (bytes + shared_alignment - 1) / shared_alignment * shared_alignment + shared_alignment;
#if CUATTR_ASAN
        ASAN_UNPOISON_MEMORY_REGION(array, bytes);
#endif
        // Word by word: a call of memset would be seen by ThreadSanitizer as a write of the kernel thread that came first.
        auto *words = reinterpret_cast<volatile uint32_t *>(array);
        for (int i = 0; i < bytes / 4; i++) words[i] = nan_pattern;
        return array;
    }

    int asked() const { return asked_; }

  private:
    static constexpr uint32_t nan_pattern = 0x7fc0dead;
    static constexpr int shared_alignment = 64;
    static constexpr int max_shared_arrays = 64;
    static constexpr size_t capacity = max_shared_bytes + 2 * shared_alignment * max_shared_arrays;
    char *memory_;
    int arrays_ = 0, used_ = 0, asked_ = 0;
    const void *keys_[max_shared_arrays];
    int offsets_[max_shared_arrays];
};

} // namespace cuattr::simt
