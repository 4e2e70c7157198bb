// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/value.hh"

namespace kist::engine {

/// Builds the members of a listing's row that are wanted, and only them: a row of all takes longer than reading the record.
class RowBuilder {
public:
    using Wants = std::function<bool(std::string_view)>;
    explicit RowBuilder(const Wants& wants) : wants_(wants) {}
    template <typename Make>
    void add(std::string_view name, Make make) {
        if (wants_(name)) row_.set(std::string(name), make());
    }
    Value take() { return std::move(row_); }

private:
    const Wants& wants_;
    Value row_ = Value::object();
};

} // namespace kist::engine
