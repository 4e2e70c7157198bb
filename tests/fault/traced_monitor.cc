// SPDX-License-Identifier: Apache-2.0
// Stands in kist-monitor's place for a fault test: the next monitor that kist starts runs under strace, with the arguments that are
// in the file PROGRAM.strace, one a line; the file is taken away, so that the monitor after it runs as always. The real one is
// PROGRAM's folder/real/kist-monitor.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

int main(int, char** argv) {
    // kist executes a sealed copy: only argv[0] says where we were.
    const std::string program = argv[0];
    const std::string order = program + ".strace", taken = order + ".taken";
    const std::string real = program.substr(0, program.rfind('/')) + "/real/kist-monitor";
    std::vector<std::string> words;
    if (::rename(order.c_str(), taken.c_str()) == 0) {
        words.emplace_back("strace");
        std::ifstream file(taken);
        for (std::string line; std::getline(file, line);) words.push_back(line);
    }
    words.push_back(real);
    for (char** word = argv + 1; *word != nullptr; ++word) words.emplace_back(*word);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    return 127;
}
