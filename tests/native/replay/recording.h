// One recorded kernel launch, with the memory it could reach before and after it, and the file that holds many of them.
//
// File: the magic word, then for each launch its fields in the order below; strings and arrays are preceded by their length (uint64).
// Native byte order: a recording is replayed on the machine that made it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

struct Buffer {
    std::vector<unsigned char> before, after;
};

// The word at `offset` of the parameters points `within` bytes into buffer number `buffer`.
struct Pointer {
    uint64_t offset, buffer, within;
};

struct Recording {
    std::string kernel;
    uint64_t grid[3];
    std::vector<unsigned char> params;
    std::vector<Pointer> pointers;
    std::vector<Buffer> buffers;
};

constexpr uint64_t recording_magic = 0x3130454c43434341ull;

class RecordingWriter {
  public:
    explicit RecordingWriter(const std::string &path) : file_(std::fopen(path.c_str(), "wb")) { put(&recording_magic, sizeof recording_magic); }
    bool good() const { return file_ != nullptr; }
    void write(const Recording &r) {
        put_array(r.kernel.data(), r.kernel.size(), 1);
        put(r.grid, sizeof r.grid);
        put_array(r.params.data(), r.params.size(), 1);
        put_array(r.pointers.data(), r.pointers.size(), sizeof(Pointer));
        const uint64_t count = r.buffers.size();
        put(&count, sizeof count);
        for (const Buffer &b : r.buffers) {
            put_array(b.before.data(), b.before.size(), 1);
            put_array(b.after.data(), b.after.size(), 1);
        }
        if (file_) std::fflush(file_);
    }

  private:
    void put(const void *data, size_t bytes) {
        if (file_) std::fwrite(data, 1, bytes, file_);
    }
    void put_array(const void *data, uint64_t count, size_t size) {
        put(&count, sizeof count);
        put(data, count * size);
    }
    std::FILE *file_; // stays open until the process ends
};

class RecordingReader {
  public:
    explicit RecordingReader(const std::string &path) : file_(std::fopen(path.c_str(), "rb")) {
        uint64_t magic = 0;
        good_ = file_ && get(&magic, sizeof magic) && magic == recording_magic;
    }
    RecordingReader(const RecordingReader &) = delete;
    RecordingReader &operator=(const RecordingReader &) = delete;
    ~RecordingReader() {
        if (file_) std::fclose(file_);
    }
    bool good() const { return good_; }
    // False at the end of the file.
    bool read(Recording &r) {
        uint64_t count = 0;
        if (!good_ || !get_array(r.kernel, 1) || !get(r.grid, sizeof r.grid) || !get_array(r.params, 1) || !get_array(r.pointers, sizeof(Pointer)) ||
            !get(&count, sizeof count))
            return false;
        r.buffers.resize(count);
        for (Buffer &b : r.buffers)
            if (!get_array(b.before, 1) || !get_array(b.after, 1)) return false;
        return true;
    }

  private:
    bool get(void *data, size_t bytes) { return std::fread(data, 1, bytes, file_) == bytes; }
    template <class Array> bool get_array(Array &array, size_t size) {
        uint64_t count = 0;
        if (!get(&count, sizeof count)) return false;
        array.resize(count);
        return get(array.data(), count * size);
    }
    std::FILE *file_;
    bool good_ = false;
};
