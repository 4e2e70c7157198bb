// SPDX-License-Identifier: Apache-2.0
// kist-oci features: what this runtime can do, whatever the host can.
// https://github.com/opencontainers/runtime-spec/blob/v1.2.0/features.md and features-linux.md
#include "cli/output.hh"
#include "oci/run/capabilities.hh"
#include "oci/run/mount_options.hh"
#include "oci/run/namespaces.hh"
#include "oci/run/seccomp.hh"
#include "runtime/command.hh"
#include "version.hh"

namespace kist::runtime::command {
namespace {

Value list_of(const std::vector<std::string>& words) { return to_value(words); }

Value object(std::initializer_list<std::pair<const char*, Value>> members) {
    Value value = Value::object();
    for (const auto& [name, member] : members) value.set(name, member);
    return value;
}

Value enabled(bool yes) { return object({{"enabled", yes}}); }

Value linux_features() {
    std::vector<std::string> namespaces;
    for (const oci::NamespaceType type : oci::supported_namespaces()) namespaces.emplace_back(name_of(type));
    return object(
        {{"namespaces", list_of(namespaces)},
         {"capabilities", list_of(oci::all_capabilities())},
         {"cgroup", object({{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", false}, {"rdma", false}})},
         {"seccomp", object({{"enabled", true},
                             {"actions", list_of(oci::seccomp_words().actions)},
                             {"operators", list_of(oci::seccomp_words().operators)},
                             {"archs", list_of(oci::seccomp_words().architectures)},
                             {"knownFlags", list_of(oci::seccomp_words().flags)},
                             {"supportedFlags", list_of(oci::seccomp_words().flags)}})},
         {"mountExtensions", object({{"idmap", enabled(true)}})},
         {"apparmor", enabled(true)},
         {"selinux", enabled(true)},
         {"intelRdt", enabled(false)}});
}

int print_features(const Call& call) {
    (void)parse_operands(call);
    cli::print_json(object({{"ociVersionMin", "1.0.0"},
                            {"ociVersionMax", "1.2.0"},
                            {"hooks", list_of({"prestart", "createRuntime", "createContainer", "startContainer",
                                               "poststart", "poststop"})},
                            {"mountOptions", list_of(oci::known_mount_options())},
                            {"linux", linux_features()},
                            {"annotations", object({{"io.kist.version", KIST_VERSION},
                                                    {"org.opencontainers.runc.checkpoint.enabled", "true"}})}}));
    return 0;
}

} // namespace

const Command features{.name = "features",
                       .summary = "Print what this runtime supports as JSON",
                       .usage = "",
                       .operands = cli::operands::none,
                       .run = print_features};

} // namespace kist::runtime::command
