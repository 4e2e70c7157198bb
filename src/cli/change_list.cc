// SPDX-License-Identifier: Apache-2.0
#include "cli/change_list.hh"

#include "base/error.hh"
#include "base/text.hh"
#include "cli/output.hh"

namespace kist::cli {

void check_change_format(const std::string& format) {
    if (!format.empty() && format != "json")
        throw UsageError("invalid value '{}' for --format: expected json", printable(format));
}

void print_changes(const std::vector<storage::Change>& changes, const std::string& format) {
    using storage::ChangeKind;
    if (format.empty()) {
        std::string text;
        for (const storage::Change& change : changes)
            text += std::string(name_of(change.kind)) + " " + change.path + "\n";
        return print(text);
    }
    Value lists = Value::object();
    for (const auto& [name, kind] :
         {std::pair{"changed", ChangeKind::modified}, {"added", ChangeKind::added}, {"deleted", ChangeKind::deleted}}) {
        Value list = Value::list();
        for (const storage::Change& change : changes)
            if (change.kind == kind) list.push(change.path);
        if (!list.as_list().empty()) lists.set(name, std::move(list));
    }
    print_json(lists);
}

} // namespace kist::cli
