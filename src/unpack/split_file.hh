// SPDX-License-Identifier: Apache-2.0
// tar-split.zst: everything of a layer's tar but the contents of its files, so that save and push give back the same bytes,
// and so the same digest. A zstd stream of records:
//   'R' u32 length, bytes                  these bytes
//   'F' u64 size, u32 length, path         the contents of this file of diff/
//   'M' u32 number, u32 length, path       what 'F' records before this one call `path` was replaced later in the tar: it is
//                                          replaced/<number>
// Numbers are little-endian. A path is the cleaned name of the entry, links in its folders not yet followed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hh"

namespace kist::unpack {

class SplitWriter {
public:
    /// Keeps nothing: for archives that nobody asks to have back.
    SplitWriter();
    explicit SplitWriter(Fd file);
    ~SplitWriter();
    SplitWriter(const SplitWriter&) = delete;
    SplitWriter& operator=(const SplitWriter&) = delete;

    void raw(std::string_view bytes);
    void contents(std::string_view path, std::uint64_t size);
    void replaced(std::string_view path, std::uint32_t number);
    void finish();

private:
    void flush_raw();
    void put(std::string_view bytes);
    struct State;
    std::unique_ptr<State> state_;
};

struct SplitRecord {
    enum class Kind { raw, contents, replaced };
    Kind kind = Kind::raw;
    std::string text; ///< bytes, or the path
    std::uint64_t number = 0;
};

class SplitReader {
public:
    explicit SplitReader(Fd file);
    ~SplitReader();
    SplitReader(const SplitReader&) = delete;
    SplitReader& operator=(const SplitReader&) = delete;
    /// False at the end. Throws Error for damage.
    bool next(SplitRecord&);

private:
    bool take(char* to, std::size_t size);
    std::uint64_t take_number(std::size_t bytes);
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace kist::unpack
