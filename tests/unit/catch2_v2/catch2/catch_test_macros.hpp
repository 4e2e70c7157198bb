// SPDX-License-Identifier: Apache-2.0
// Catch2 2.x by the name that version 3 gives to this part.
#pragma once

#include <catch2/catch.hpp>
