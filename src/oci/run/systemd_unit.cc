// SPDX-License-Identifier: Apache-2.0
#include "oci/run/systemd_unit.hh"

#include <algorithm>
#include <limits>

#include "base/text.hh"

namespace kist::oci {

namespace {

using dbus::Property;
constexpr std::uint64_t infinity = UINT64_MAX;
constexpr std::string_view annotation_prefix = "org.systemd.property.";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// systemd's own rule; "@" is for instances of templates.
bool is_unit_name(std::string_view name) {
    const auto good = [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || std::string_view(":-_.\\@").find(c) != std::string_view::npos;
    };
    return name.size() <= 255 && std::all_of(name.begin(), name.end(), good);
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (const std::string& line : split(text, '\n'))
        for (std::string& word : split(line, ' '))
            if (!word.empty()) words.push_back(std::move(word));
    return words;
}

std::optional<std::uint64_t> number_or_infinity(std::string_view text) {
    return text == "max" ? std::optional(infinity) : parse_unsigned(text);
}

/// "0-2,7" as systemd takes sets: bit n of byte n / 8.
std::optional<std::vector<std::uint8_t>> bits_of(std::string_view list) {
    constexpr std::uint64_t most = 8191; // as many as kernels are built for
    std::vector<std::uint8_t> bits;
    for (const std::string& part : split(list, ',')) {
        const auto [first, last] = split_once(part, '-');
        const auto begin = parse_unsigned(first, most), end = last ? parse_unsigned(*last, most) : begin;
        if (!begin || !end || *end < *begin) return std::nullopt;
        bits.resize(std::max<std::size_t>(bits.size(), *end / 8 + 1));
        for (std::uint64_t n = *begin; n <= *end; ++n) bits[n / 8] |= static_cast<std::uint8_t>(1u << n % 8);
    }
    return bits;
}

void add_number(std::vector<Property>& to, const char* name, std::string_view text) {
    if (const auto number = number_or_infinity(text)) to.push_back({name, *number});
}

void add_set(std::vector<Property>& to, const char* name, std::string_view text) {
    if (auto bits = bits_of(text)) to.push_back({name, std::move(*bits)});
}

/// systemd keeps the share of a second, and in its files only whole percents of it: what lies between is rounded up.
void add_cpu_max(std::vector<Property>& to, std::string_view text) {
    constexpr std::uint64_t second = 1'000'000, percent = second / 100, usual_period = 100'000;
    const std::vector<std::string> words = words_of(text);
    const auto quota = words.empty() ? std::nullopt : number_or_infinity(words[0]);
    const auto period = words.size() > 1 ? parse_unsigned(words[1], second) : std::optional(usual_period);
    if (!quota || !period || *period == 0 || words.size() > 2) return;
    if (*quota != infinity && *quota > infinity / second) return;
    const std::uint64_t share = *quota == infinity ? infinity : *quota * second / *period;
    to.push_back({"CPUQuotaPerSecUSec", share == infinity ? infinity : (share + percent - 1) / percent * percent});
    if (words.size() > 1) to.push_back({"CPUQuotaPeriodUSec", *period});
}

/// The weight of all devices; those of single ones systemd leaves as they are.
void add_io_weight(std::vector<Property>& to, std::string_view text) {
    const std::vector<std::string> words = words_of(text);
    if (words.size() == 1) add_number(to, "IOWeight", words[0]);
    if (words.size() == 2 && words[0] == "default") add_number(to, "IOWeight", words[1]);
}

constexpr std::pair<std::string_view, const char*> number_files[] = {
    {"memory.max", "MemoryMax"}, {"memory.high", "MemoryHigh"},
    {"memory.low", "MemoryLow"}, {"memory.min", "MemoryMin"},
    {"pids.max", "TasksMax"},    {"memory.swap.max", "MemorySwapMax"},
    {"cpu.weight", "CPUWeight"}, {"memory.zswap.max", "MemoryZSwapMax"},
};

/// A text in GVariant's quotes. Nothing when `rest` does not begin with one; what is behind it stays in `rest`.
std::optional<std::string> take_quoted(std::string_view& rest) {
    rest = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"')) return std::nullopt;
    const char quote = rest[0];
    std::string text;
    for (std::size_t at = 1; at < rest.size(); ++at) {
        if (rest[at] == quote) {
            rest.remove_prefix(at + 1);
            return text;
        }
        if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
        text += rest[at];
    }
    return std::nullopt;
}

std::optional<dbus::Strings> parse_list(std::string_view text) {
    dbus::Strings list;
    if (!text.ends_with(']')) return std::nullopt;
    std::string_view rest = trim(text.substr(1, text.size() - 2));
    if (rest.empty()) return list;
    for (;;) {
        auto item = take_quoted(rest);
        if (!item) return std::nullopt;
        list.push_back(std::move(*item));
        rest = trim(rest);
        if (rest.empty()) return list;
        if (rest[0] != ',') return std::nullopt;
        rest.remove_prefix(1);
    }
}

template <typename Number>
std::optional<dbus::Value> number_value(std::string_view text) {
    if constexpr (std::is_signed_v<Number>) {
        const auto number = parse_signed(text);
        if (!number || *number < std::numeric_limits<Number>::min() || *number > std::numeric_limits<Number>::max())
            return std::nullopt;
        return static_cast<Number>(*number);
    } else {
        const auto number = parse_unsigned(text, std::numeric_limits<Number>::max());
        return number ? std::optional<dbus::Value>(static_cast<Number>(*number)) : std::nullopt;
    }
}

/// https://docs.gtk.org/glib/gvariant-text.html, the types that properties of units have.
std::optional<dbus::Value> parse_variant(std::string_view text) {
    text = trim(text);
    if (text == "true" || text == "false") return text == "true";
    if (text.starts_with('[')) return parse_list(text);
    if (text.starts_with('\'') || text.starts_with('"')) {
        const auto value = take_quoted(text);
        return value && text.empty() ? std::optional<dbus::Value>(*value) : std::nullopt;
    }
    const auto [type, number] = split_once(text, ' ');
    if (!number) return number_value<std::int32_t>(text);
    const std::string_view digits = trim(*number);
    if (type == "uint64") return number_value<std::uint64_t>(digits);
    if (type == "int64") return number_value<std::int64_t>(digits);
    if (type == "uint32") return number_value<std::uint32_t>(digits);
    if (type == "int32") return number_value<std::int32_t>(digits);
    return std::nullopt;
}

/// Seconds as people write them in unit files; on D-Bus all times are microseconds.
std::optional<Property> in_microseconds(const std::string& name, const dbus::Value& value) {
    constexpr std::uint64_t factor = 1'000'000;
    const auto seconds = std::visit(
        [](const auto& number) -> std::optional<std::uint64_t> {
            using Type = std::decay_t<decltype(number)>;
            if constexpr (std::is_integral_v<Type> && !std::is_same_v<Type, bool>) {
                if (number >= 0) return static_cast<std::uint64_t>(number);
            }
            return std::nullopt;
        },
        value);
    if (!seconds || *seconds > infinity / factor) return std::nullopt;
    return Property{name.substr(0, name.size() - 3) + "USec", *seconds * factor};
}

Property annotated(const std::string& key, const std::string& text) {
    const std::string name = key.substr(annotation_prefix.size());
    const auto fail = [&](const char* reason) {
        return Error("annotation '{}': '{}' {}", printable(key), printable(text), reason);
    };
    if (name.size() < 3 || !std::all_of(name.begin(), name.end(), is_letter))
        throw Error("annotation '{}': '{}' is no name of a property", printable(key), printable(name));
    const auto value = parse_variant(text);
    if (!value) throw fail("is no value").with_hint("write true, 'text', ['a','b'] or a number like uint64 5");
    if (!name.ends_with("Sec") || name.ends_with("USec")) return {name, *value};
    const auto time = in_microseconds(name, *value);
    if (!time) throw fail("is no number of seconds");
    return *time;
}

} // namespace

std::string slice_path(const std::string& slice) {
    const std::string_view suffix = ".slice";
    const auto fail = [&] { return Error("'{}' is not the name of a slice like 'system.slice'", printable(slice)); };
    if (!slice.ends_with(suffix) || !is_unit_name(slice)) throw fail();
    const std::string name = slice.substr(0, slice.size() - suffix.size());
    if (name == "-") return "";
    if (name.empty()) throw fail();
    std::string path, above;
    for (const std::string& part : split(name, '-')) {
        if (part.empty()) throw fail();
        above += above.empty() ? part : "-" + part;
        path += fmt::format("/{}{}", above, suffix);
    }
    return path;
}

std::string scope_path(const ScopeName& scope) { return slice_path(scope.slice) + "/" + scope.unit; }

void check_scope_name(const std::string& unit) {
    if (!unit.ends_with(".scope") || !is_unit_name(unit))
        throw Error("'{}' is no name of a scope", printable(unit))
            .with_hint("names of units are made of at most 255 letters, digits and ':-_.\\@'");
}

ScopeName parse_scope(const std::string& cgroups_path, const std::string& id) {
    std::vector<std::string> parts = split(cgroups_path.empty() ? ":kist-oci:" + id : cgroups_path, ':');
    if (parts.size() != 3 || parts[2].empty())
        throw Error("linux.cgroupsPath: '{}' is not of the form SLICE:PREFIX:NAME, which --systemd-cgroup needs",
                    printable(cgroups_path));
    if (parts[2].ends_with(".slice"))
        throw Error("linux.cgroupsPath: '{}' names a slice, which takes no processes", printable(parts[2]))
            .with_hint("name a scope in it: " + parts[2] + ":PREFIX:NAME");
    if (parts[0].empty()) parts[0] = "system.slice";
    if (parts[0] == "-") parts[0] = "-.slice";
    ScopeName scope{parts[0], fmt::format("{}-{}.scope", parts[1], parts[2])};
    try {
        (void)slice_path(scope.slice);
        check_scope_name(scope.unit);
    } catch (Error& error) {
        error.while_doing("linux.cgroupsPath");
        throw;
    }
    return scope;
}

std::vector<Property> limit_properties(const std::vector<CgroupWrite>& writes) {
    std::vector<Property> properties;
    for (const CgroupWrite& write : writes) {
        const std::string_view value = trim(write.value);
        for (const auto& [file, property] : number_files)
            if (write.file == file) add_number(properties, property, value);
        if (write.file == "cpu.max") add_cpu_max(properties, value);
        // A weight of 0 is systemd's word for idle. The end of that comes first: a weight given beside it is what counts.
        if (write.file == "cpu.idle" && value == "1") properties.push_back({"CPUWeight", std::uint64_t{0}});
        if (write.file == "cpu.idle" && value == "0") properties.insert(properties.begin(), {"CPUWeight", infinity});
        if (write.file == "cpuset.cpus") add_set(properties, "AllowedCPUs", value);
        if (write.file == "cpuset.mems") add_set(properties, "AllowedMemoryNodes", value);
        if (write.file == "io.weight") add_io_weight(properties, value);
    }
    return properties;
}

std::vector<Property> annotated_properties(const std::map<std::string, std::string>& annotations) {
    std::vector<Property> properties;
    for (const auto& [key, text] : annotations)
        if (key.starts_with(annotation_prefix)) properties.push_back(annotated(key, text));
    return properties;
}

} // namespace kist::oci
