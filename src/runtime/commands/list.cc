// SPDX-License-Identifier: Apache-2.0
// kist-oci list: the containers of one --root.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/output.hh"
#include "runtime/command.hh"

namespace kist::runtime::command {
namespace {

struct List {
    std::string format = "table";
    bool quiet = false;
};
constexpr auto options = cli::sorted(std::to_array<cli::Option<List>>({
    {{"f,format", "NAME", "table or json", cli::Completes::words, "table|json"}, &List::format},
    {{"q,quiet", "", "Only the ids"}, &List::quiet},
}));

/// One that ends or is damaged while we look is not there, or is named on standard error; the others are shown.
std::vector<Container> open_all(const Store& store) {
    std::vector<Container> found;
    for (const std::string& id : store.ids()) {
        try {
            if (auto container = store.find(id)) found.push_back(std::move(*container));
        } catch (const Error& error) {
            cli::complain("kist-oci: " + error.message() + "\n");
        }
    }
    return found;
}

std::string table_of(const std::vector<Container>& containers) {
    TextTable table({"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"});
    for (const Container& container : containers) {
        const Status status = container.status();
        const int pid = status == Status::stopped ? 0 : container.record().pid;
        table.row({container.id(), std::to_string(pid), std::string(name_of(status)), container.record().bundle,
                   container.record().created, "root"});
    }
    return table.str();
}

int list_containers(const Call& call) {
    List given;
    (void)parse_into(given, options, call);
    if (given.format != "table" && given.format != "json")
        throw UsageError("invalid value '{}' for --format: expected table or json", printable(given.format));
    const std::vector<Container> containers = open_all(call.store());
    if (given.quiet) {
        for (const Container& container : containers) cli::print_line(container.id());
    } else if (given.format == "json") {
        Value all = Value::list();
        for (const Container& container : containers) all.push(container.state());
        cli::print_json(all);
    } else {
        cli::print(table_of(containers));
    }
    return 0;
}

} // namespace

const Command list{.name = "list",
                   .summary = "List containers",
                   .usage = "",
                   .operands = cli::operands::none,
                   .options = cli::facts_of<options>,
                   .run = list_containers};

} // namespace kist::runtime::command
