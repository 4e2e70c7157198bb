// SPDX-License-Identifier: Apache-2.0
// kist config list: every setting that exists, with its type, default, value and where the value comes from.
#include "base/fields.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/host_config_file.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

std::string type_of(const Value& value) {
    if (value.is_bool()) return "boolean";
    if (value.is_integer()) return "number";
    if (value.is_list()) return "list";
    if (value.is_object()) return "object";
    return "text";
}

/// What a global option sets; any other difference follows from another key (debug sets log-level).
bool is_given(const engine::GlobalOptions& globals, std::string_view key) {
    return (key == "data-root" && !globals.root.empty()) || (key == "exec-root" && !globals.runroot.empty()) ||
           (key == "storage-driver" && !globals.storage_driver.empty()) ||
           (key == "storage-opts" && !globals.storage_opts.empty()) ||
           (key == "log-level" && !globals.log_level.empty());
}

std::string shown(const Value& value) { return value.is_string() ? value.as_string() : json::dump(value); }

int list(Session& session) {
    parse_operands(session);
    const HostConfigFile file = read_host_config(session.globals());
    const Value defaults = to_value(engine::HostConfig{}, Write::everything);
    const Value effective = to_value(file.effective, Write::everything);
    TextTable table({"KEY", "TYPE", "DEFAULT", "VALUE", "ORIGIN"});
    for (const auto& [key, value] : effective.as_object()) {
        const Value* fallback = defaults.find(key);
        const Value* written = file.written.find(key);
        std::string origin = "default";
        if (written != nullptr && *written == value) origin = "file";
        else if (fallback == nullptr || *fallback != value)
            origin = is_given(session.globals(), key) ? "option" : "file";
        table.row({key, type_of(value), fallback != nullptr ? shown(*fallback) : "", shown(value), origin});
    }
    print(table.str());
    return 0;
}

} // namespace

const Command config_list{.path = "config list",
                          .shortcut = "",
                          .alias = "config ls",
                          .summary = "List every setting with its default, value and origin",
                          .usage = "",
                          .section = Section::system,
                          .operands = operands::none,
                          .run = list};

} // namespace kist::cli::command
