// SPDX-License-Identifier: Apache-2.0
#include "cli/documents.hh"

#include "cli/output.hh"

namespace kist::cli {

Documents::Documents(std::string_view command, const std::optional<std::string>& format) {
    if (format && !format->empty() && *format != "json") template_ = Template::parse(*format, {.name = command});
}

void Documents::add(Value document) {
    if (!template_) return all_.push(std::move(document));
    std::string text = template_->execute(document, {.missing_key = MissingKey::error});
    if (!text.ends_with('\n')) text += '\n';
    print(text);
}

void Documents::finish() const {
    if (!template_) print_json(all_);
}

} // namespace kist::cli
