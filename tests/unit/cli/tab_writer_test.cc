// SPDX-License-Identifier: Apache-2.0
// Aligned tables; the expected texts are those of Go's tabwriter.NewWriter(out, 10, 1, 3, ' ', 0).

#include "cli/format/tab_writer.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist::cli;

TEST_CASE("a column is at least ten wide, and three blanks follow its longest cell") {
    CHECK(align_tabs("A\tBB\tC\n1\t2\t3\n") == "A         BB        C\n1         2         3\n");
    CHECK(align_tabs("NAME\tX\nverylongname123\ty\n") == "NAME              X\nverylongname123   y\n");
    CHECK(align_tabs("a\tb\t\n1\t2\t\n") == "a         b         \n1         2         \n");
    CHECK(align_tabs("x\ty") == "x         y");
    CHECK(align_tabs("") == "");
    CHECK(align_tabs("\n\n") == "\n\n");
}

TEST_CASE("a line without the cell ends the column") {
    CHECK(align_tabs("a\t\n\tb\n\nc\td\te\nf\n") == "a         \n          b\n\nc         d         e\nf\n");
    CHECK(align_tabs("a long first cell\tb\nno cells\nshort\tc\n") == "a long first cell   b\nno cells\nshort     c\n");
}

TEST_CASE("the width of a cell is what it takes on the screen") {
    CHECK(align_tabs("é\tb\nab\tc\n") == "é         b\nab        c\n");
}
