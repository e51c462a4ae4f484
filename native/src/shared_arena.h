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

// A block's shared memory: arrays in the order of their first use, each followed by a gap that AddressSanitizer guards; apart from them, and
// guarded likewise, the dynamic memory.
class SharedArena {
  public:
    // All memory is allocated before a launch begins: ThreadSanitizer would take an allocation within it for a write of the kernel thread.
    SharedArena() : memory_(allocate(shared_alignment, capacity)), dynamic_(allocate(dynamic_shared_alignment, dynamic_capacity)) {}
    SharedArena(const SharedArena &) = delete;
    SharedArena &operator=(const SharedArena &) = delete;
    ~SharedArena() {
        release(memory_, capacity);
        release(dynamic_, dynamic_capacity);
    }

    void clear() {
        arrays_ = used_ = asked_ = dynamic_asked_ = 0;
        poison(memory_, capacity);
        poison(dynamic_, dynamic_capacity);
    }

    // The array of this key; null where the block has asked for more than a GPU would give it.
    void *find_or_make(const void *key, int bytes) {
        for (int i = 0; i < arrays_; i++)
            if (keys_[i] == key) return memory_ + offsets_[i];
        asked_ += bytes;
        if (asked_ > max_shared_bytes || asked() > max_block_shared_bytes || arrays_ == max_shared_arrays) return nullptr;
        char *array = memory_ + used_;
        keys_[arrays_] = key;
        offsets_[arrays_++] = used_;
        used_ += (bytes + shared_alignment - 1) / shared_alignment * shared_alignment + shared_alignment;
        fill(array, bytes);
        return array;
    }

    // The dynamic memory, always of the same size within a block; null likewise.
    void *find_or_make_dynamic(int bytes) {
        if (dynamic_asked_) return dynamic_;
        dynamic_asked_ = bytes;
        if (asked() > max_block_shared_bytes) return nullptr;
        fill(dynamic_, bytes);
        return dynamic_;
    }

    int asked() const { return asked_ + dynamic_asked_; }

  private:
    static char *allocate(size_t alignment, size_t bytes) {
        if (void *memory = std::aligned_alloc(alignment, bytes)) return static_cast<char *>(memory);
        throw std::bad_alloc();
    }
    static void release(char *memory, [[maybe_unused]] size_t bytes) {
#if CUATTR_ASAN
        ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#endif
        std::free(memory);
    }
    static void poison([[maybe_unused]] char *memory, [[maybe_unused]] size_t bytes) {
#if CUATTR_ASAN
        ASAN_POISON_MEMORY_REGION(memory, bytes);
#endif
    }
    static void fill(char *array, int bytes) {
#if CUATTR_ASAN
        ASAN_UNPOISON_MEMORY_REGION(array, bytes);
#endif
        // Word by word: a call of memset would be seen by ThreadSanitizer as a write of the kernel thread that came first.
        auto *words = reinterpret_cast<volatile uint32_t *>(array);
        for (int i = 0; i < bytes / 4; i++) words[i] = nan_pattern;
    }

    static constexpr uint32_t nan_pattern = 0x7fc0dead;
    static constexpr int shared_alignment = 64;
    static constexpr int max_shared_arrays = 64;
    static constexpr size_t capacity = max_shared_bytes + 2 * shared_alignment * max_shared_arrays;
    static constexpr size_t dynamic_capacity = max_block_shared_bytes + dynamic_shared_alignment;
    char *memory_;
    char *dynamic_;
    int arrays_ = 0, used_ = 0, asked_ = 0, dynamic_asked_ = 0;
    const void *keys_[max_shared_arrays];
    int offsets_[max_shared_arrays];
};

} // namespace cuattr::simt
