// SPDX-License-Identifier: Apache-2.0
// Look-up and change of members; the rest of Value is in the header.
#include "base/value.hh"

#include <algorithm>

namespace kist {

const Value* Value::find(std::string_view name) const {
    const auto* object = std::get_if<Object>(&data_);
    if (object == nullptr) return nullptr;
    const auto found = std::ranges::find(*object, name, &Member::first);
    return found == object->end() ? nullptr : &found->second;
}

Value* Value::find(std::string_view name) { return const_cast<Value*>(std::as_const(*this).find(name)); }

Value& Value::set(std::string name, Value value) {
    if (Value* old = find(name)) return *old = std::move(value);
    return as_object().emplace_back(std::move(name), std::move(value)).second;
}

} // namespace kist
