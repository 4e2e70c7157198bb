// SPDX-License-Identifier: Apache-2.0
// The list of commands. Explicit, because a linker drops unreferenced objects of a static library and static
// registration has no order.
#include "cli/commands.hh"

#include <array>
#include <optional>
#include <set>

#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"

namespace kist::cli {
namespace {

using namespace command;

constexpr const Command* const list[] = {
    // containers
    &run,
    &create,
    &start,
    &stop,
    &restart,
    &kill,
    &rm,
    &ps,
    &inspect,
    &logs,
    &exec,
    &attach,
    &wait,
    &pause,
    &unpause,
    &stats,
    &top,
    &cp,
    &diff,
    &export_container,
    &commit,
    &mount,
    &rename,
    &port,
    &update,
    &healthcheck_run,
    &container_cleanup,
    &container_init,
    &container_exists,
    &container_inspect,
    &container_prune,
    // images
    &images,
    &login,
    &logout,
    &pull,
    &push,
    &search,
    &manifest_create,
    &manifest_add,
    &manifest_annotate,
    &manifest_remove,
    &manifest_inspect,
    &manifest_exists,
    &manifest_push,
    &manifest_rm,
    &import_image,
    &load,
    &save,
    &tag,
    &untag,
    &rmi,
    &history,
    &image_diff,
    &image_exists,
    &image_inspect,
    &image_mount,
    &image_prune,
    &image_tree,
    // networks
    &network_ls,
    &network_create,
    &network_connect,
    &network_disconnect,
    &network_inspect,
    &network_exists,
    &network_reload,
    &network_rm,
    &network_update,
    &network_prune,
    // volumes
    &volume_create,
    &volume_exists,
    &volume_export,
    &volume_import,
    &volume_inspect,
    &volume_ls,
    &volume_mount,
    &volume_prune,
    &volume_rm,
    &volume_unmount,
    // system
    &events,
    &info,
    &version,
    &system_check,
    &system_df,
    &system_prune,
    &config_list,
    &config_show,
    &config_validate,
    &completion,
    &help,
    // hidden
    &dump_cli,
};

constexpr Noun noun_list[] = {
    {"config", "The host configuration, kist.json"},       {"container", "Work with containers"},
    {"healthcheck", "Check the health of containers"},     {"image", "Work with images"},
    {"manifest", "Lists of images for several platforms"}, {"network", "Work with networks"},
    {"system", "The host, and kist as a whole"},           {"volume", "Work with volumes"},
};

constexpr auto global_table = sorted(std::to_array<Option<GlobalArguments>>({
    {{"cgroup-manager", "NAME", "How control groups are made: cgroupfs or systemd", Completes::words,
      "cgroupfs|systemd"},
     &GlobalArguments::cgroup_manager},
    {{"config", "FILE", "Host configuration (default /etc/kist/kist.json)", Completes::file}, &GlobalArguments::config},
    {{"D,debug", "", "Show what is done, as --log-level=debug"}, &GlobalArguments::debug},
    {{"hook-spec", "FILE", "Programs to run at the start and end of every new container (absolute path)",
      Completes::file},
     &GlobalArguments::hook_spec},
    {{"log-level", "LEVEL", "Messages for the curious: error, warn, info or debug (default warn)", Completes::words,
      "error|warn|info|debug"},
     &GlobalArguments::log_level},
    {{"root", "FOLDER", "Where images and containers are kept (default /var/lib/kist)", Completes::folder},
     &GlobalArguments::root},
    {{"runroot", "FOLDER", "Where the state of this boot is kept (default /run/kist)", Completes::folder},
     &GlobalArguments::runroot},
    {{"storage-driver", "NAME", "How layers become a root filesystem: overlay or vfs", Completes::words, "overlay|vfs"},
     &GlobalArguments::storage_driver},
    {{"storage-opt", "DRIVER.KEY=VALUE", "Option of the storage driver (repeatable)"}, &GlobalArguments::storage_opts},
    {{"v,version", "", "Print the version"}, &GlobalArguments::version},
}));

/// "container ls" is spelled by the first one or two arguments.
bool spells(const std::string& name, const Command& command) {
    if (name.empty()) return false; // as the shortcut of a command without one
    if (name == command.path || name == command.shortcut) return true;
    for (const std::string& alias : split(command.alias, ','))
        if (name == alias) return true;
    return false;
}

const Command* find_spelling(const std::string& name) {
    for (const Command* command : list)
        if (spells(name, *command)) return command;
    return nullptr;
}

const Noun* find_noun(std::string_view name) {
    for (const Noun& noun : noun_list)
        if (noun.name == name) return &noun;
    return nullptr;
}

/// Every word that may follow `prefix` ("" or "container ").
std::vector<std::string> words_after(const std::string& prefix) {
    std::set<std::string> words;
    const auto add = [&](std::string_view spelling) {
        if (!spelling.starts_with(prefix)) return;
        const std::string_view rest = spelling.substr(prefix.size());
        if (!rest.empty() && rest.find(' ') == std::string_view::npos) words.emplace(rest);
    };
    for (const Command* command : list) {
        if (command->section == Section::hidden) continue;
        add(command->path);
        add(command->shortcut);
        for (const std::string& alias : split(command->alias, ',')) add(alias);
    }
    if (prefix.empty())
        for (const Noun& noun : noun_list) words.emplace(noun.name);
    return {words.begin(), words.end()};
}

[[noreturn]] void unknown(const std::string& prefix, const std::string& word) {
    std::vector<std::string> near = nearest(word, words_after(prefix));
    for (std::string& command : near) command.insert(0, "kist " + prefix);
    UsageError error("unknown command '{}{}'", prefix, printable(word));
    if (!near.empty()) error.with_hint("did you mean " + quoted_choice(near) + "?");
    throw error;
}

} // namespace

std::span<const Command* const> commands() { return list; }
std::span<const Noun> nouns() { return noun_list; }
std::span<const OptionFacts> global_options() { return facts_of<global_table>; }

std::vector<std::string> parse_globals(GlobalArguments& to, const std::vector<std::string>& args) {
    return parse_arguments("kist", bind(to, global_table), {0, Operands::any_number, true}, args);
}

Found find_command(const std::vector<std::string>& args) {
    const std::string& first = args.front();
    const Noun* noun = find_noun(first);
    if (noun == nullptr) {
        if (const Command* command = find_spelling(first)) return {command, nullptr, 1};
        unknown("", first);
    }
    if (args.size() == 1 || args[1] == "--help" || args[1] == "-h") return {nullptr, noun, 1};
    if (const Command* command = find_spelling(first + " " + args[1])) return {command, nullptr, 2};
    unknown(first + " ", args[1]);
}

} // namespace kist::cli
