// SPDX-License-Identifier: Apache-2.0
// Compiled once for a program of tests: Catch2 takes longer to compile than most tests.
#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
