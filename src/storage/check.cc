// SPDX-License-Identifier: Apache-2.0
#include "storage/check.hh"

#include "base/error.hh"

namespace kist::storage {

StoreCheck::StoreCheck(const Store& store, CheckOptions options)
    : store_(store), options_(options), containers_(store), images_(store), layers_(store), volumes_(store) {}

void StoreCheck::note(Problem problem, const Mend& mend) {
    problem.repairable = static_cast<bool>(mend);
    if (mend && options_.repair) {
        try {
            mend();
            problem.repaired = true;
        } catch (const Error& error) {
            problem.advice = std::string("could not be repaired: ") + error.what();
        }
    }
    problems_.push_back(std::move(problem));
}

void StoreCheck::run() {
    check_remainders();
    check_containers();
    check_names();
    check_layers();
    check_images();
    check_volumes();
    check_temporary();
}

} // namespace kist::storage
