// SPDX-License-Identifier: Apache-2.0
// Names for containers that get none: adjective_surname (SEEDS A009). 120 x 232 of them, plus a digit when those run out.
#include "engine/random_name.hh"

#include <array>
#include <cstdint>
#include <string_view>

#include <sys/random.h>

#include "base/error.hh"

namespace kist::engine {

namespace {

constexpr auto adjectives = std::to_array<std::string_view>(
    {"able",      "airy",   "ample",   "ardent",  "artful",    "avid",     "bold",    "brave",   "breezy",  "bright",
     "brisk",     "bubbly", "calm",    "candid",  "careful",   "cheerful", "clever",  "cocky",   "cosy",    "crafty",
     "curious",   "dapper", "daring",  "dashing", "deft",      "dreamy",   "eager",   "earnest", "earthy",  "easy",
     "elated",    "fair",   "famous",  "fancy",   "fearless",  "festive",  "fluent",  "fond",    "frank",   "fresh",
     "friendly",  "frosty", "funny",   "gallant", "genial",    "gentle",   "gifted",  "glad",    "gleeful", "golden",
     "graceful",  "grand",  "happy",   "hardy",   "hearty",    "helpful",  "honest",  "hopeful", "humble",  "jaunty",
     "jolly",     "jovial", "joyful",  "keen",    "kind",      "lively",   "loyal",   "lucid",   "lucky",   "mellow",
     "merry",     "mighty", "modest",  "musing",  "neat",      "nimble",   "noble",   "patient", "peppy",   "placid",
     "playful",   "plucky", "poised",  "polite",  "practical", "proud",    "prudent", "quick",   "quiet",   "quirky",
     "radiant",   "ready",  "serene",  "sharp",   "shiny",     "silent",   "smart",   "snug",    "sober",   "solid",
     "sparkling", "spry",   "steady",  "stoic",   "sunny",     "swift",    "tender",  "thrifty", "tidy",    "tranquil",
     "trusty",    "upbeat", "valiant", "vivid",   "warm",      "wise",     "witty",   "zany",    "zealous", "zesty"});

constexpr auto surnames = std::to_array<std::string_view>(
    {"abel",        "adleman",     "aiken",        "airy",        "ampere",        "apgar",     "archimedes",
     "aristotle",   "aryabhata",   "avogadro",     "babbage",     "bacon",         "banach",    "banting",
     "bardeen",     "bartik",      "bassi",        "becquerel",   "bell",          "berners",   "bernoulli",
     "bessel",      "bethe",       "blackwell",    "bohr",        "boltzmann",     "boole",     "born",
     "bose",        "boyd",        "boyle",        "brahe",       "brahmagupta",   "brattain",  "bunsen",
     "burnell",     "cannon",      "cantor",       "carnot",      "carson",        "carver",    "cassini",
     "cauchy",      "cavendish",   "celsius",      "cerf",        "chandrasekhar", "chatelet",  "chebyshev",
     "church",      "clausius",    "codd",         "copernicus",  "cori",          "coulomb",   "crick",
     "curie",       "curtis",      "dalton",       "darwin",      "davinci",       "davy",      "descartes",
     "diffie",      "dijkstra",    "dirac",        "doppler",     "eckert",        "edison",    "einstein",
     "elion",       "engelbart",   "erdos",        "euclid",      "euler",         "faraday",   "feistel",
     "fermat",      "fermi",       "feynman",      "fibonacci",   "fleming",       "fourier",   "franklin",
     "fresnel",     "frobenius",   "galileo",      "galois",      "gauss",         "germain",   "gibbs",
     "godel",       "goodall",     "gosling",      "hamilton",    "hamming",       "harvey",    "hawking",
     "heaviside",   "heisenberg",  "hellman",      "helmholtz",   "hermite",       "herschel",  "hertz",
     "hertzsprung", "hilbert",     "hipparchus",   "hodgkin",     "hooke",         "hopper",    "hubble",
     "huffman",     "humboldt",    "huygens",      "hypatia",     "jackson",       "jacobi",    "jemison",
     "jenner",      "jennings",    "johnson",      "joliot",      "joule",         "kapitsa",   "karp",
     "kelvin",      "kepler",      "khayyam",      "khorana",     "kilby",         "kirch",     "kirchhoff",
     "knuth",       "kolmogorov",  "kovalevskaya", "lagrange",    "lamarr",        "lamport",   "laplace",
     "lavoisier",   "leakey",      "leavitt",      "legendre",    "leibniz",       "liskov",    "lovelace",
     "lumiere",     "lyapunov",    "mach",         "maclaurin",   "marconi",       "maxwell",   "mayer",
     "mcclintock",  "mclean",      "meitner",      "mendel",      "mendeleev",     "merkle",    "mirzakhani",
     "mobius",      "montalcini",  "moore",        "morse",       "napier",        "nash",      "neumann",
     "newton",      "nightingale", "nobel",        "noether",     "noyce",         "ohm",       "oppenheimer",
     "panini",      "pascal",      "pasteur",      "pauli",       "payne",         "perlman",   "planck",
     "poincare",    "poisson",     "ptolemy",      "pythagoras",  "raman",         "ramanujan", "rayleigh",
     "rhodes",      "ride",        "riemann",      "ritchie",     "roentgen",      "rubin",     "rutherford",
     "sagan",       "salk",        "sammet",       "schrodinger", "seaborg",       "shannon",   "shaw",
     "shockley",    "snyder",      "stokes",       "stonebraker", "tarski",        "taylor",    "tesla",
     "thales",      "thompson",    "torricelli",   "turing",      "varahamihira",  "vaughan",   "volta",
     "wallace",     "watt",        "weierstrass",  "wiener",      "wiles",         "wilkes",    "wilson",
     "wing",        "wozniak",     "wright",       "wu",          "yalow",         "yonath",    "zeno",
     "zhukovsky"});

} // namespace

std::string random_name(int attempt) {
    std::uint32_t random[3];
    if (getrandom(random, sizeof random, 0) != sizeof random) throw SysError("choosing a name");
    std::string name(adjectives[random[0] % adjectives.size()]);
    name += '_';
    name += surnames[random[1] % surnames.size()];
    if (attempt > 3) name += std::to_string(random[2] % (attempt > 10 ? 1'000'000u : 10u));
    return name;
}

} // namespace kist::engine
