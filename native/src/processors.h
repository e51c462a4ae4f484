// How many processors this process may use.
#pragma once

#include <string>

namespace cuattr {

// The processors that the calling thread may run on, or fewer where the control group's quota of processor time, of version 1 or 2 and
// its own or an ancestor's, is worth less; a part of a processor counts as one. At least 1. root: where /proc and /sys are looked for.
int usable_processors(const std::string &root = "");

} // namespace cuattr
